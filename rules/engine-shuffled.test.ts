import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Condition, Rule } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { createRulesEngine } from './engine.ts'
import { aReading, aRule, aType } from './test-builders.ts'

const MIN = 60_000
const END = 600
const hot: Condition = { channel: 'board_temperature_c', op: '>', value: 80, unit: 'c', clearValue: 70 }
const gapMs_MAX = 15 * MIN
const rules: readonly Rule[] = [
  aRule({ id: 'SHORT', when: hot, holdMs: 2 * MIN, gapMs_MAX }),
  aRule({ id: 'LONG', when: hot, holdMs: 30 * MIN, clearHoldMs: 5 * MIN, gapMs_MAX }),
  aRule({
    id: 'CO',
    when: { channel: 'room_co_ppm', op: '>=', value: 45, unit: 'ppm', clearValue: 22.5 },
    holdMs: 70 * MIN,
    clearHoldMs: 60 * MIN,
    gapMs_MAX,
  }),
  aRule({ id: 'BOTH', when: { all: [hot, { channel: 'room_co_ppm', op: '>', value: 30, unit: 'ppm' }] }, holdMs: 10 * MIN, gapMs_MAX }),
  aRule({ id: 'EITHER', when: { any: [hot, { channel: 'room_co_ppm', op: '>', value: 80, unit: 'ppm' }] }, holdMs: 5 * MIN, gapMs_MAX }),
]

const anEngine = () => createRulesEngine({ types: () => aType(...rules), filter: () => true })

interface Told {
  readonly rule: string
  readonly began: number
  readonly raised: number
}

const toldBy = (events: readonly HubEvent[]): Told[] =>
  events.flatMap((event) => {
    if (event.kind !== 'alarm_raised') return []
    const { rule, began_at_ms, raised_at_ms } = event.alarm
    return [{ rule, began: began_at_ms / MIN, raised: raised_at_ms / MIN }]
  })

/** Alarms of readings that come in order, each once, with the minute at which they end. */
function inOrder(readings: Iterable<Reading>): Array<Told & { readonly end: number }> {
  const engine = anEngine()
  const events = [...readings].sort((a, b) => a.observed_at_ms - b.observed_at_ms).flatMap((reading) => [...engine.decide(reading)])
  return toldBy(events).map((alarm) => {
    const end = events.find(
      (event) => event.kind === 'alarm_cleared' && event.alarm.rule === alarm.rule && event.alarm.began_at_ms === alarm.began * MIN,
    )
    return { ...alarm, end: end?.kind === 'alarm_cleared' ? (end.alarm.cleared_at_ms ?? 0) / MIN : Number.POSITIVE_INFINITY }
  })
}

/** When an alarm of the rule that stood at a minute ended. */
const endIn = (alarms: ReturnType<typeof inOrder>, rule: string, minute: number): number =>
  alarms.find((alarm) => alarm.rule === rule && alarm.raised <= minute && minute <= alarm.end)?.end ?? minute

/** Up to when something was known of an alarm, without a gap. */
function reachOf(readings: Iterable<Reading>, from: number, end: number): number {
  const minutes = [...readings].map(({ observed_at_ms }) => observed_at_ms / MIN).sort((a, b) => a - b)
  let reach = from
  for (const minute of minutes) if (minute > reach && minute <= end && (minute - reach) * MIN <= gapMs_MAX) reach = minute
  return reach
}

/** Whether a danger was part of one that was told, as far as was known before what lies between the two had come. */
function wasPartOf(alarm: Told & { readonly end: number }, told: readonly Told[], readings: readonly Reading[]): boolean {
  const arrived = new Map<number, Reading>()
  return readings.some((reading) => {
    arrived.set(reading.observed_at_ms, reading)
    return inOrder(arrived.values()).some(({ rule, began, raised, end }) => {
      // An alarm that stands over a gap in order is told on both sides of it.
      const isPart = (other: Told): boolean =>
        [raised, other.raised].some((from) => {
          const reach = reachOf(arrived.values(), from, end)
          return other.raised >= began && other.raised <= reach && reach >= alarm.began
        })
      return rule === alarm.rule && began <= alarm.end && told.some((other) => other.rule === rule && isPart(other))
    })
  })
}

const stretch = fc.record({
  minutes: fc.integer({ min: 1, max: 80 }),
  board: fc.constantFrom(20, 75, 90, Number.NaN),
  ppm: fc.constantFrom(0, 30, 60, 100, Number.NaN),
})

/** Stored readings, one a minute, in the order in which they are sent: pieces in any order, some of them twice. */
const sent = fc
  .record({
    stretches: fc.array(stretch, { minLength: 2, maxLength: 7 }),
    piece: fc.constantFrom(1, 2, 7, 20),
    order: fc.array(fc.nat(1_000_000), { minLength: 300, maxLength: 300 }),
    isLiveFirst: fc.boolean(),
    isReversed: fc.boolean(),
  })
  .map(({ stretches, piece, order, isLiveFirst, isReversed }) => {
    const values = stretches.flatMap(({ minutes, board, ppm }) => Array.from({ length: minutes }, () => [board, ppm] as const)).slice(0, 280)
    const readings = values.map(([board, ppm], minute) => {
      const known = { ...(!Number.isNaN(board) && { board_temperature_c: board }), ...(!Number.isNaN(ppm) && { room_co_ppm: ppm }), power_w: 1 }
      return aReading((100 + minute) * MIN, known, { hist: true, seq: minute, received_at_ms: epochMs(END * MIN) })
    })
    const pieces: Reading[][] = []
    for (let from = 0; from < readings.length; from += piece) {
      const part = readings.slice(from, from + piece)
      pieces.push(isReversed ? part.reverse() : part)
      if ((order[from] ?? 0) % 3 === 0) pieces.push(part)
    }
    const shuffled = pieces.map((part, index) => ({ part, at: order[(index * 7) % 300] ?? 0 })).sort((a, b) => a.at - b.at)
    const live = aReading(END * MIN, { board_temperature_c: 20, room_co_ppm: 0 }, { seq: 1_000 })
    return [...(isLiveFirst ? [live] : []), ...shuffled.flatMap(({ part }) => part)]
  })

describe('rules engine over readings that come in any order and twice', () => {
  it('tells at each moment what the readings until then show in order, misses no danger of them, and is the same over a restart', () => {
    fc.assert(
      fc.property(sent, fc.nat(300), (readings, split) => {
        let engine = anEngine()
        const arrived = new Map<number, Reading>()
        /** With the minute up to which each stood, as far as was known when it was told; what comes later takes nothing of it back. */
        const told: Array<Told & { end: number }> = []
        readings.forEach((reading, index) => {
          if (index === split) {
            const saved = JSON.parse(JSON.stringify(engine.snapshot()))
            engine = anEngine()
            engine.restore(saved)
          }
          arrived.set(reading.observed_at_ms, reading)
          const events = engine.decide(reading)
          if (events.length === 0) return
          const now = toldBy(events)
          const known = inOrder(arrived.values())
          told.push(...now.map((alarm) => ({ ...alarm, end: Number.POSITIVE_INFINITY })))
          for (const event of events) {
            if (event.kind !== 'alarm_cleared') continue
            const { rule, began_at_ms, raised_at_ms, cleared_at_ms } = event.alarm
            const over = told.find((alarm) => alarm.rule === rule && alarm.began === began_at_ms / MIN)
            const isAtOnce = now.some((alarm) => alarm.rule === rule && alarm.began === over?.began)
            if (over !== undefined)
              over.end = isAtOnce ? reachOf(arrived.values(), raised_at_ms / MIN, endIn(known, rule, raised_at_ms / MIN)) : (cleared_at_ms ?? 0) / MIN
          }
          for (const { rule, began, raised } of now) {
            // An alarm that stands over a gap in order is told on both sides of it.
            const same = known.find((alarm) => alarm.rule === rule && alarm.began <= began && alarm.raised <= raised && raised <= alarm.end)
            expect(same, `${rule} ${began} - ${raised} of ${JSON.stringify(known)}`).toBeDefined()
          }
        })
        for (const alarm of inOrder(arrived.values())) {
          const found = told.some(({ rule, began, end }) => rule === alarm.rule && began <= alarm.end && end >= alarm.began)
          expect(found || wasPartOf(alarm, told, readings), `${JSON.stringify(alarm)} among ${JSON.stringify(told)}`).toBe(true)
        }
      }),
      { numRuns: 300, endOnFailure: true },
    )
  })
})

describe('a dip of a hold in readings that come in any order', () => {
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)
  /** CO by minute; NaN where the unit says other things only. */
  const stored = (minute: number, ppmAt: (minute: number) => number): Reading => {
    const ppm = ppmAt(minute)
    const values = { power_w: 1, ...(!Number.isNaN(ppm) && { room_co_ppm: ppm }) }
    return aReading(minute * MIN, values, { hist: true, seq: minute, received_at_ms: epochMs(END * MIN) })
  }
  const told = (minutes: readonly number[], ppmAt: (minute: number) => number): string[] => {
    const engine = anEngine()
    return minutes.flatMap((minute) => toldBy(engine.decide(stored(minute, ppmAt))).map(({ rule, began }) => `${rule} ${began}`))
  }

  it('stays where a reading of before it comes behind it: what was said last is less than the danger', () => {
    const ppmAt = (minute: number): number => (minute < 132 ? 60 : minute === 133 ? 30 : Number.NaN)
    const minutes = [...range(100, 127), 133, ...range(134, 171), 130, 131, 172]
    expect(
      told(
        minutes.toSorted((a, b) => a - b),
        ppmAt,
      ),
    ).toEqual([])
    expect(told(minutes, ppmAt)).toEqual([])
  })

  it('is over where the danger goes on behind it, and what the unit said of other things since then counts', () => {
    const ppmAt = (minute: number): number => (minute < 110 ? 60 : minute < 115 ? 30 : minute < 119 ? 60 : Number.NaN)
    const minutes = [...range(100, 114), ...range(119, 171), ...range(115, 118), 163]
    expect(
      told(
        minutes.toSorted((a, b) => a - b),
        ppmAt,
      ),
    ).toEqual(['CO 100'])
    expect(told(minutes, ppmAt)).toEqual(['CO 100'])
  })
})
