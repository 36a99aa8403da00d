import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ApplianceType, readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedStore } from '../ingest/derived-store.ts'
import { createGapTracker } from '../ingest/gaps.ts'
import { createLatestValues } from '../ingest/latest.ts'
import type { ReadingStore } from '../ingest/reading-store.ts'
import { createMemoryStore } from '../ingest/stores/memory-store.ts'
import { createSqliteDerived } from '../ingest/stores/sqlite-derived.ts'
import type { ClosedWindow } from '../models/windows.ts'
import { aRule, aType } from '../rules/test-builders.ts'
import { deriveAll } from './derivation.ts'
import { EventTime } from './event-time.ts'

const MIN = 60_000
const DAY = 24 * 60 * MIN
const BASE = 1_780_000_000_000
const hot = { channel: 'board_temperature_c', op: '>', value: 80, unit: 'c' } as const
const type: ApplianceType = aType(aRule({ id: 'HOT', safetyClass: 'E3', when: hot, holdMs: 2 * MIN }))
const column = readingLayout(type).indexOf.get('board_temperature_c') ?? 0

let store: ReadingStore
let derived: DerivedStore
let truth: EventTime<ClosedWindow>
let told: string[]
let seq: number

const make = (keptFromMs = (): number => 0): EventTime<ClosedWindow> =>
  new EventTime({
    keptFromMs,
    derivation: deriveAll(() => type),
    gaps: createGapTracker(limits),
    latest: createLatestValues({ types: () => type }),
    derived,
    history: (query) => store.history(query),
    limits,
  })

beforeEach(async () => {
  store = createMemoryStore()
  derived = createSqliteDerived({ file: ':memory:' })
  await store.start()
  await store.prepareType(type)
  await derived.start()
  truth = make()
  told = []
  seq = 0
})
afterEach(() => derived.stop())

interface Said {
  /** Device time in minutes. */
  readonly at: number
  readonly value: number
  /** Receipt in minutes; with the device time when absent. */
  readonly received?: number
  readonly hist?: boolean
  readonly device?: string
}

/** Does what the pipeline does with a record. */
async function say(...all: readonly Said[]): Promise<void> {
  for (const { at, value, received = at, hist = false, device = 'd1' } of all) {
    const numbers = new Float64Array(readingLayout(type).columns.length).fill(Number.NaN)
    numbers[column] = value
    const received_at_ms = epochMs(BASE + received * MIN)
    const common = { tenant: 'home', device, type: type.id, boot: 1, fw: undefined, texts: [], hist }
    const reading: Reading = { ...common, seq: ++seq, observed_at_ms: epochMs(BASE + at * MIN), received_at_ms, numbers }
    truth.advance(received_at_ms)
    await store.write({ readings: [reading], quarantine: [], position: seq })
    truth.take(reading)
    await settle()
  }
}

async function settle(): Promise<void> {
  if (truth.isAmendmentDue()) await truth.amend()
  await truth.commit()
  for (const event of truth.drain().events) {
    if ('alarm' in event) told.push(`${event.kind.slice(6)} ${(event.alarm.began_at_ms - BASE) / MIN}`)
  }
}

async function pass(untilMinute: number): Promise<void> {
  truth.advance(BASE + untilMinute * MIN)
  await settle()
}

async function alarms(): Promise<string[]> {
  const rows = await derived.rows({ tenant: 'home', device: 'd1', kind: 'alarm', from_ms: 0, to_ms: BASE + 100 * DAY, limit: 100 })
  const minute = (ms: number | null): string => (ms === null ? '' : String((ms - BASE) / MIN))
  return rows.map(({ from_ms, to_ms }) => `${minute(from_ms)}-${minute(to_ms)}`)
}

const every = (from: number, to: number, value: number): Said[] => Array.from({ length: to - from + 1 }, (_, index) => ({ at: from + index, value }))

describe('device time', () => {
  it('waits for the watermark, and puts what comes out of order into order', async () => {
    await say({ at: 0, value: 90 }, { at: 1, value: 90 })
    expect(truth.statistics()).toMatchObject({ held: 2, late: 0 })
    await say({ at: 3, value: 90 }, { at: 2, value: 20, received: 3 }, ...every(4, 7, 20))
    expect(await alarms()).toEqual([])
    expect(truth.statistics()).toMatchObject({ late: 0, amended: 0 })
  })

  it('folds what waits when the device says nothing more for as long', async () => {
    await say(...every(0, 2, 90))
    expect(told).toEqual([])
    await pass(3.9)
    expect(told).toEqual([])
    await pass(4)
    expect(told).toEqual(['raised 0'])
    expect(truth.statistics().held).toBe(0)
  })

  it('works a late stretch out again, and tells nobody of a past that was amended', async () => {
    await say(...every(0, 2, 20), ...every(10, 20, 20))
    await say(...every(3, 8, 90).map((said) => ({ ...said, received: 20 })))
    expect(await alarms()).toEqual([])
    await pass(21)
    expect(await alarms()).toEqual(['3-10'])
    expect(told).toEqual([])
    expect(truth.statistics()).toMatchObject({ amended: 1, late: 6 })
  })

  it('takes an alarm back that late readings disprove, and clears it in the hubs', async () => {
    await say(...every(0, 20, 90).filter(({ at }) => at < 3 || at > 12))
    expect(told).toEqual(['raised 0'])
    await say(...every(3, 12, 20).map((said) => ({ ...said, received: 20 })))
    await pass(21)
    expect(await alarms()).toEqual(['0-3', '13-'])
    // The alarm that stands now began later than the one told: it is not told again, and its end will end the one told.
    expect(told).toEqual(['raised 0'])
    await say(...every(21, 26, 20))
    expect(told).toEqual(['raised 0', 'cleared 0'])
  })

  it('tells nobody of a backlog older than a day, but what still stands when it ends', async () => {
    const received = 3 * 1440
    await say(...[...every(0, 5, 90), ...every(6, 9, 20), ...every(10, 20, 90)].map((said) => ({ ...said, received, hist: true })))
    await pass(received + 5)
    expect(await alarms()).toEqual(['0-6', '10-'])
    expect(told).toEqual([])
    await say(...[0, 1, 2, 3].map((minute) => ({ at: received + minute, value: 90, received: received + 10 + minute })))
    await pass(received + 30)
    expect(told).toEqual(['raised 10'])
  })

  it('notifies of old readings that are no history, as of a recording that is replayed', async () => {
    await say(...every(0, 9, 90).map((said) => ({ ...said, received: 500 * 1440 })))
    expect(told).toEqual(['raised 0'])
  })

  it('is not poisoned by a clock that was some minutes ahead and is corrected', async () => {
    await say(...every(0, 5, 20).map((said) => ({ ...said, at: said.at + 4, received: said.at })))
    await say(...every(6, 30, 90))
    await pass(33)
    // Ten readings bear the times of minutes 6 to 9 twice; of minute 9 the one that was sent later counts last.
    expect(await alarms()).toEqual(['9-'])
    expect(told).toEqual(['raised 9'])
  })

  it('amends a device that is late all the time more and more seldom', async () => {
    await say({ at: 10_000, value: 20 })
    await pass(10_003)
    for (let minute = 0; minute < 600; minute++) await say({ at: minute, value: 20, received: 10_003 + minute })
    const { late, amended } = truth.statistics()
    expect(late).toBe(600)
    expect(amended).toBeGreaterThan(3)
    expect(amended).toBeLessThan(20)
  })

  it('goes on after a restart with what waits and what is to be amended', async () => {
    await say(...every(0, 2, 20), ...every(10, 20, 20))
    await say(...every(3, 8, 90).map((said) => ({ ...said, received: 20 })))
    const state = structuredClone(truth.snapshot())
    truth = make()
    truth.restore(state)
    expect(truth.statistics()).toMatchObject({ held: 2, amendmentsPending: 1 })
    await pass(21)
    expect(await alarms()).toEqual(['3-10'])
  })

  it('works out again what it knew when its saved state is lost', async () => {
    await say(...every(0, 10, 90))
    await pass(20)
    truth = make()
    truth.recall()
    await say(...every(21, 29, 90).map((said) => ({ ...said, value: 20 })))
    await pass(40)
    expect(await alarms()).toEqual(['0-21'])
  })

  it('keeps what was worked out of readings that are no longer kept, and amends what is', async () => {
    const keptMinute = 5 * 1440
    truth = make(() => BASE + keptMinute * MIN)
    for (const day of [0, 4, 6, 8, 9]) await say(...every(day * 1440, day * 1440 + 5, day === 0 ? 90 : 20), { at: day * 1440 + 6, value: 20 })
    await pass(10 * 1440)
    expect(await alarms()).toEqual(['0-6'])
    const working = store
    store = {
      ...working,
      history: (query) => working.history({ ...query, from_ms: Math.max(query.from_ms, BASE + keptMinute * MIN) }),
    }
    const received = 10 * 1440
    await say({ at: 100, value: 20, received, hist: true }, ...every(8 * 1440 + 10, 8 * 1440 + 16, 90).map((said) => ({ ...said, received })))
    await pass(received + 5)
    expect(await alarms()).toEqual(['0-6', `${8 * 1440 + 10}-${9 * 1440}`])
    expect(truth.statistics()).toMatchObject({ amended: 1, unamendable: 0, amendmentsPending: 0 })
  })

  it('leaves all as it is where nothing can be worked out again', async () => {
    truth = make(() => BASE + 5 * 1440 * MIN)
    await say(...every(0, 5, 90), ...every(6, 12, 20))
    await pass(20)
    store = { ...store, async *history() {} }
    await say({ at: 3.5, value: 20, received: 6 * 1440, hist: true })
    await pass(6 * 1440 + 5)
    expect(await alarms()).toEqual(['0-6'])
    expect(truth.statistics()).toMatchObject({ amended: 0, unamendable: 1, amendmentsPending: 0 })
  })

  it('leaves a stretch due when the store does not answer, and comes to the same later', async () => {
    await say(...every(0, 2, 20), ...every(10, 20, 20))
    await say(...every(3, 8, 90).map((said) => ({ ...said, received: 20 })))
    const working = store
    store = {
      ...working,
      async *history(query) {
        let count = 0
        for await (const reading of working.history(query)) {
          if (++count > 4) throw new Error('away')
          yield reading
        }
      },
    }
    truth.advance(BASE + 21 * MIN)
    await expect(truth.amend()).rejects.toThrow('away')
    expect(truth.isAmendmentDue()).toBe(true)
    store = working
    await pass(22)
    expect(await alarms()).toEqual(['3-10'])
  })
})
