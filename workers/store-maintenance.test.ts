import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { MaintenanceStep } from '../ingest/reading-store.ts'
import { createStoreMaintenance } from './store-maintenance.ts'

const archived: MaintenanceStep = { step: 'archived', type: 'kettle', rows: 5, bytes: 40 }
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
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
    const maintenance = createStoreMaintenance({ store, clock, log: silentLog, limits })
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

  it('counts what the store holds once a minute, however often it is asked', async () => {
    const clock = new ManualClock(0)
    let counted = 0
    const store = {
      storage: async () => {
        counted++
        return []
      },
    }
    const maintenance = createStoreMaintenance({ store, clock, log: silentLog, limits })
    for (const passMs of [0, 59_999, 1]) {
      clock.advance(passMs)
      await maintenance.tiers()
    }
    expect(counted).toBe(2)
  })
})
