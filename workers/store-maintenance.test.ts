import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { DerivedStore } from '../ingest/derived-store.ts'
import type { MaintenanceStep } from '../ingest/reading-store.ts'
import { createSqliteDerived } from '../ingest/stores/sqlite-derived.ts'
import { createStoreMaintenance } from './store-maintenance.ts'

const archived: MaintenanceStep = { step: 'archived', type: 'kettle', rows: 5, bytes: 40 }
const nothing = { drop: async () => 0 }
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve()
}

const DAY_MS = 86_400_000
const rowsOf = async (derived: DerivedStore): Promise<string[]> => {
  const rows = await derived.rows({ tenant: 'home', device: 'd', kind: 'alarm', from_ms: 0, to_ms: 30 * DAY_MS, limit: 9 })
  return rows.map(({ key }) => key)
}

describe('maintenance of the store', () => {
  it('does one step after the other with a pause, counts them, and goes on after a failure', async () => {
    const clock = new ManualClock(0)
    const answers: Array<() => MaintenanceStep | undefined> = [
      () => archived,
      () => {
        throw new Error('full')
      },
      () => archived,
      () => undefined,
    ]
    let asked = 0
    const store = { maintain: async () => answers[asked++]?.(), storage: async () => [] }
    const maintenance = createStoreMaintenance({ store, derived: nothing, derivedDays: 10, clock, log: silentLog, limits })
    maintenance.start()
    for (const pauseMs of [limits.storeMaintenanceMs, limits.storeMaintenanceMs, 30_000, limits.storeMaintenanceMs]) {
      clock.advance(pauseMs)
      await settled()
    }
    expect(asked).toBe(4)
    expect(maintenance.statistics()).toEqual({ failures: 1, archived_steps: 2, archived_rows: 10, archived_bytes: 80 })
    maintenance.stop()
    clock.advance(3_600_000)
    await settled()
    expect(asked).toBe(4)
  })

  it('drops what was derived at its age, in steps, and only when nothing of the readings is due', async () => {
    const clock = new ManualClock(20 * DAY_MS)
    const derived = createSqliteDerived({ file: ':memory:' })
    await derived.start()
    const source = { tenant: 'home', device: 'd' }
    const row = (key: string, day: number, lasts = false) => {
      const times = { from_ms: day * DAY_MS, to_ms: lasts ? null : day * DAY_MS + 1, known_ms: day * DAY_MS }
      return { op: 'put', ...source, kind: 'alarm', key, ...times, data: {} } as const
    }
    const holes = (boot: number, filled: boolean) => {
      const hole = { from_seq: 2, to_seq: 2, from_ms: DAY_MS, to_ms: DAY_MS + 2 }
      return { op: 'holes', ...source, boot, from_seq: 1, holes: filled ? [] : [hole], at_ms: 2 * DAY_MS } as const
    }
    await derived.apply([row('A', 1), row('B', 2), row('C', 3), row('D', 4, true), row('E', 11), holes(1, false), holes(1, true), holes(2, false)])
    const answers = [archived]
    const asked: string[] = []
    const store = {
      maintain: async () => {
        asked.push((await rowsOf(derived)).join(''))
        return answers.shift()
      },
    }
    const parts = { store, derived, derivedDays: 10, clock, log: silentLog, limits: { ...limits, derivedDropRows_MAX: 3 } }
    const maintenance = createStoreMaintenance(parts)
    maintenance.start()
    for (let turn = 0; turn < 5; turn++) {
      clock.advance(limits.storeMaintenanceMs)
      await settled()
    }
    maintenance.stop()
    expect(asked.slice(0, 3)).toEqual(['ABCDE', 'ABCDE', 'DE'])
    expect(await rowsOf(derived)).toEqual(['D', 'E'])
    const gaps = await derived.gaps({ tenant: 'home', from_ms: 0, to_ms: 9 * DAY_MS, after: 0, limit: 9 })
    expect(gaps.map(({ boot, closed_at_ms }) => [boot, closed_at_ms])).toEqual([[2, null]])
    expect(maintenance.statistics()).toMatchObject({ derived_dropped_steps: 2, derived_dropped_rows: 4, archived_steps: 1, failures: 0 })
    await derived.stop()
  })

  it('counts what the store holds once a minute, however often it is asked', async () => {
    const clock = new ManualClock(0)
    let counted = 0
    const store = {
      storage: async () => {
        counted++
        return []
      },
    }
    const maintenance = createStoreMaintenance({ store, derived: nothing, derivedDays: 10, clock, log: silentLog, limits })
    for (const passMs of [0, 59_999, 1]) {
      clock.advance(passMs)
      await maintenance.tiers()
    }
    expect(counted).toBe(2)
  })
})
