/**
 * Units whose clock is set back while a danger lasts, seen with the clock of the platform: witnesses completed, holds completed by the clock. A
 * danger is told when it would be with a right clock, and once.
 */
import { describe, expect, it } from 'vitest'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { epochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { createCarryForward } from './carry-forward.ts'
import { isSafetyRule } from './compile-rules.ts'
import { createRulesEngine } from './engine.ts'

const MIN = 60_000
const DAY = 24 * 60 * MIN
const BEGIN = 1_700_000_000_000
const types = () => gasWaterHeater
const layout = readingLayout(gasWaterHeater)
type Values = Readonly<Record<string, number>>

/** Readings, in minutes of the platform; the device's clock is off by `offsetMs` of that time. The alarms by the minute at which they were told. */
function tell(readings: ReadonlyArray<readonly [atMin: number, values: Values]>, offsetMs: (atMin: number) => number, untilMin = 0) {
  const carry = createCarryForward({ types, filter: isSafetyRule })
  const engine = createRulesEngine({ types, filter: isSafetyRule })
  const told: Array<{ readonly rule: string; readonly atMin: number; readonly kind: string }> = []
  const take = (events: readonly HubEvent[], atMin: number): void => {
    for (const event of events)
      if (event.kind === 'alarm_raised' || event.kind === 'alarm_cleared') told.push({ rule: event.alarm.rule, atMin, kind: event.kind })
  }
  const completeUntil = (atMin: number): void => {
    for (let dueMs = engine.nextHoldMs(); dueMs <= BEGIN + atMin * MIN; dueMs = engine.nextHoldMs())
      take(engine.completeHolds(dueMs), Math.round((dueMs - BEGIN) / MIN))
  }
  readings.forEach(([atMin, values], seq) => {
    completeUntil(atMin)
    const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
    for (const [column, value] of Object.entries(values)) numbers[layout.indexOf.get(column) ?? -1] = value
    const receivedMs = BEGIN + Math.round(atMin * MIN)
    const key = { tenant: 'home', device: 'gw1', type: gasWaterHeater.id, boot: 1, seq, hist: false, fw: undefined, texts: [] }
    const reading = { ...key, observed_at_ms: epochMs(receivedMs + offsetMs(atMin)), received_at_ms: epochMs(receivedMs), numbers }
    take(engine.decide(carry.fill(reading)), Math.round(atMin))
  })
  completeUntil(untilMin)
  return told
}

const each = (fromMin: number, toMin: number, stepMin: number, values: Values): Array<readonly [number, Values]> =>
  Array.from({ length: Math.floor((toMin - fromMin) / stepMin) }, (_, index) => [fromMin + index * stepMin, values] as const)
const from =
  (minute: number, ms: number) =>
  (atMin: number): number =>
    atMin >= minute ? ms : 0

describe('a clock that is set back', () => {
  it.each([
    ['an hour', 60 * MIN],
    ['three days', 3 * DAY],
    ['twenty days', 20 * DAY],
  ])('by %s while a danger stands leaves it one alarm', (_, backMs) => {
    const gas = [...each(0, 10, 1, { room_gas_lel_pct: 0 }), ...each(10, 90, 1, { room_gas_lel_pct: 15 })]
    expect(tell(gas, from(30, -backMs))).toEqual([{ rule: 'GW-R08A', atMin: 10, kind: 'alarm_raised' }])
  })

  it.each([1, 8])('by days before a danger that is told each %i minutes leaves it one alarm', (stepMin) => {
    const gas = [...each(0, 30, stepMin, { room_gas_lel_pct: 0 }), ...each(32, 90, stepMin, { room_gas_lel_pct: 15 })]
    expect(tell(gas, from(20, -3 * DAY))).toEqual([{ rule: 'GW-R08A', atMin: 32, kind: 'alarm_raised' }])
  })

  it.each([
    [1, 60 * MIN],
    [1, 3 * DAY],
    [8, 60 * MIN],
    [8, 3 * DAY],
  ])('loses nothing of a hold of 70 minutes that is told each %i minutes', (stepMin, backMs) => {
    const co = [...each(0, 2, 1, { room_co_ppm: 0 }), ...each(2, 120, stepMin, { room_co_ppm: 60 })]
    const [first] = tell(co, from(40, -backMs), 121)
    expect(first?.rule).toBe('GW-R03C')
    expect(first?.atMin).toBeGreaterThanOrEqual(72)
    expect(first?.atMin).toBeLessThanOrEqual(74)
  })

  it('does not count a silence of hours before it as a part of a hold', () => {
    const co = [...each(0, 2, 1, { room_co_ppm: 0 }), ...each(2, 12, 1, { room_co_ppm: 31 }), ...each(100, 230, 1, { room_co_ppm: 31 })]
    const told = tell(co, from(90, -3 * DAY), 221)
    expect(told.map(({ rule }) => rule)).toEqual(['GW-R03D'])
    expect(told[0]?.atMin).toBeGreaterThanOrEqual(219)
  })

  it('still joins the witnesses of a danger that come in messages of their own', () => {
    const valve = each(0, 60, 5, { gas_valve_is_open: 0 })
    const flame = [...each(0.1, 40, 5, { flame_current_ua: 0 }), ...each(40.1, 60, 5, { flame_current_ua: 3 })]
    const told = tell(
      [...valve, ...flame].sort(([a], [b]) => a - b),
      from(22, -3 * DAY),
      61,
    )
    expect(told).toEqual([{ rule: 'GW-R08B', atMin: 40, kind: 'alarm_raised' }])
  })

  it('keeps the witnesses of before behind one reading with a wrong clock', () => {
    const glitch = (atMin: number): number => (atMin === 10 ? -180 * MIN : 0)
    const told = tell(
      [
        [9, { gas_valve_is_open: 0 }],
        [10, { gas_valve_is_open: 0 }],
        [11, { flame_current_ua: 3 }],
        [12, { flame_current_ua: 3 }],
      ],
      glitch,
      13,
    )
    expect(told).toEqual([{ rule: 'GW-R08B', atMin: 11, kind: 'alarm_raised' }])
  })
})
