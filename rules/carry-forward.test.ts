import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { type Rule, readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { createCarryForward } from './carry-forward.ts'
import { isSafetyRule } from './compile-rules.ts'
import { createRulesEngine } from './engine.ts'
import { aRule } from './test-builders.ts'

const types = (id: string) => (id === 'air_conditioner' ? airConditioner : undefined)
const layout = readingLayout(airConditioner)
const MINUTE_MS = 60_000

function aReading(atMs: number, values: Readonly<Record<string, number>>): Reading {
  const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
  for (const [column, value] of Object.entries(values)) numbers[layout.indexOf.get(column) ?? -1] = value
  const at = epochMs(1_700_000_000_000 + atMs)
  return {
    tenant: 'home',
    device: 'd1',
    type: 'air_conditioner',
    boot: 1,
    seq: atMs,
    observed_at_ms: at,
    received_at_ms: at,
    hist: false,
    fw: undefined,
    numbers,
    texts: [],
  }
}

const asksMore = aRule({ id: 'MORE', when: { channel: 'suction_temperature_c', op: '>', value: 90, unit: 'c' } })

/** Witnesses of an overheating terminal, one message each. */
const witnesses = (spacingMs: number): readonly Reading[] => [
  aReading(0, { outdoor_temperature_c: 30 }),
  aReading(spacingMs, { compressor_current_a: 6 }),
  aReading(2 * spacingMs, { board_temperature_c: 120 }),
]

const alarmsOf = (readings: readonly Reading[], fill: (reading: Reading) => Reading): number => {
  const engine = createRulesEngine({ types, filter: isSafetyRule })
  return readings.flatMap((reading) => engine.decide(fill(reading))).filter(({ kind }) => kind === 'alarm_raised').length
}

describe('createCarryForward', () => {
  it('finds a danger whose witnesses come in messages of their own', () => {
    const carry = createCarryForward({ types, filter: isSafetyRule })
    expect(alarmsOf(witnesses(1_000), (reading) => reading)).toBe(0)
    expect(alarmsOf(witnesses(1_000), carry.fill)).toBe(1)
  })

  it.each([
    ['as they were', (rules: readonly Rule[]) => rules],
    ['in another order, with more channels', (rules: readonly Rule[]) => [asksMore, ...rules.toReversed()]],
  ])('loses no witness when somebody changes rules meanwhile: %s', (_, change) => {
    let own = airConditioner
    const carry = createCarryForward({ types: () => own, filter: isSafetyRule })
    const saved = createCarryForward({ types: () => own, filter: isSafetyRule })
    const [outdoor, current, board] = witnesses(1_000) as [Reading, Reading, Reading]
    for (const reading of [outdoor, current]) carry.fill(reading)
    const before = carry.snapshot()
    own = { ...airConditioner, rules: change(airConditioner.rules) }
    carry.forget()
    expect(alarmsOf([board], carry.fill)).toBe(1)
    saved.restore(before)
    expect(alarmsOf([board], saved.fill)).toBe(1)
  })

  it('lets a value count for a quarter of an hour only', () => {
    expect(alarmsOf(witnesses(8 * MINUTE_MS), createCarryForward({ types, filter: isSafetyRule }).fill)).toBe(0)
  })

  it('takes nothing from the future of a late reading', () => {
    const carry = createCarryForward({ types, filter: isSafetyRule })
    carry.fill(aReading(MINUTE_MS, { outdoor_temperature_c: 30 }))
    expect(carry.fill(aReading(0, { power_w: 1 })).numbers[layout.indexOf.get('outdoor_temperature_c') ?? -1]).toBeNaN()
  })

  const RECEIVED_MS = 1_700_000_000_000 + 60 * MINUTE_MS
  const stored = (atMs: number, values: Readonly<Record<string, number>>): Reading => ({
    ...aReading(atMs, values),
    hist: true,
    received_at_ms: epochMs(RECEIVED_MS),
  })
  const backlog = [
    stored(0, { outdoor_temperature_c: 30 }),
    stored(1_000, { compressor_current_a: 6 }),
    stored(2_000, { board_temperature_c: 120 }),
    stored(8_000, { board_temperature_c: 120 }),
  ]
  const now = aReading(60 * MINUTE_MS, { outdoor_temperature_c: 31, compressor_current_a: 0, board_temperature_c: 40 })
  const later = aReading(60 * MINUTE_MS + 500, { compressor_current_a: 0 })

  it.each([
    ['by themselves', backlog],
    ['behind a fresh message', [now, ...backlog]],
    ['with fresh messages between', [now, backlog[0], later, ...backlog.slice(1)]],
    ['in two pieces, the later one first', [now, stored(30 * MINUTE_MS, { power_w: 1 }), ...backlog]],
    ['behind what the unit said when it fell silent', [aReading(0, { outdoor_temperature_c: 30 }), now, ...backlog.slice(1)]],
  ])('finds a danger whose witnesses a device stored in messages of their own: %s', (_, readings) => {
    const given = readings.filter((reading) => reading !== undefined)
    const whole = createCarryForward({ types, filter: isSafetyRule })
    expect(alarmsOf(given, whole.fill)).toBe(1)
    for (const cut of given.keys()) {
      const before = createCarryForward({ types, filter: isSafetyRule })
      const after = createCarryForward({ types, filter: isSafetyRule })
      const filled = given.slice(0, cut).map(before.fill)
      after.restore(JSON.parse(JSON.stringify(before.snapshot())))
      expect(alarmsOf([...filled, ...given.slice(cut).map(after.fill)], (reading) => reading)).toBe(1)
    }
  })

  it('does not complete what a device stored with what it says now, nor with what it had said long before', () => {
    const outdoor = (reading: Reading) => reading.numbers[layout.indexOf.get('outdoor_temperature_c') ?? -1]
    const carry = createCarryForward({ types, filter: isSafetyRule })
    carry.fill(aReading(0, { outdoor_temperature_c: 30 }))
    carry.fill(now)
    expect(outdoor(carry.fill(stored(16 * MINUTE_MS, { power_w: 1 })))).toBeNaN()
    expect(outdoor(carry.fill(stored(10 * MINUTE_MS, { power_w: 1 })))).toBe(30)
    expect(outdoor(carry.fill(aReading(61 * MINUTE_MS, { power_w: 1 })))).toBe(31)
  })

  it('goes on after a restart where it was', () => {
    const [first, second, third] = witnesses(1_000)
    const before = createCarryForward({ types, filter: isSafetyRule })
    for (const reading of [first, second]) if (reading !== undefined) before.fill(reading)
    const after = createCarryForward({ types, filter: isSafetyRule })
    after.restore(JSON.parse(JSON.stringify(before.snapshot())))
    expect(alarmsOf(third === undefined ? [] : [third], after.fill)).toBe(1)
  })

  it('sees a danger in the max of an aggregate though the mean is harmless, and a witness in its max', () => {
    const hidden = aReading(2_000, { board_temperature_c: 74, board_temperature_c_min: 40, board_temperature_c_max: 130 })
    const outdoor = aReading(0, { outdoor_temperature_c: 30 })
    const carry = () => createCarryForward({ types, filter: isSafetyRule }).fill
    expect(alarmsOf([outdoor, aReading(1_000, { compressor_current_a: 5 }), hidden], carry())).toBe(1)
    const pulsed = aReading(1_000, { compressor_current_a: 0.4, compressor_current_a_min: 0, compressor_current_a_max: 5 })
    expect(alarmsOf([outdoor, pulsed, hidden], carry())).toBe(1)
    const harmless = aReading(2_000, { board_temperature_c: 74, board_temperature_c_min: 40, board_temperature_c_max: 75 })
    expect(alarmsOf([outdoor, pulsed, harmless], carry())).toBe(0)
  })

  it('never puts an old extreme beside a new mean, also after a restart and out of a snapshot of before', () => {
    const value = (reading: Reading, column: string) => reading.numbers[layout.indexOf.get(column) ?? -1]
    const aggregate = aReading(0, { board_temperature_c: 74, board_temperature_c_min: 40, board_temperature_c_max: 130 })
    const before = createCarryForward({ types, filter: isSafetyRule })
    before.fill(aggregate)
    expect(value(before.fill(aReading(500, { power_w: 1 })), 'board_temperature_c_max')).toBe(130)
    expect(value(before.fill(aReading(1_000, { board_temperature_c: 50 })), 'board_temperature_c_max')).toBeNaN()
    const after = createCarryForward({ types, filter: isSafetyRule })
    after.restore(JSON.parse(JSON.stringify(before.snapshot())))
    const filled = after.fill(aReading(2_000, { power_w: 1 }))
    expect([value(filled, 'board_temperature_c'), value(filled, 'board_temperature_c_max')]).toEqual([50, Number.NaN])
    const [[key, values, atMs]] = (before.snapshot() as { devices: unknown }).devices as [[string, Array<number | null>, number[]]]
    // Versions before kept each column by itself: an extreme with a time of its own.
    const apart = createCarryForward({ types, filter: isSafetyRule })
    apart.restore([[key, values.map((number) => number ?? 130), atMs.map((ms, index) => (values[index] === null ? ms - 1_000 : ms))]])
    expect(value(apart.fill(aReading(2_000, { power_w: 1 })), 'board_temperature_c_max')).toBeNaN()
  })

  it('leaves a reading alone that lacks nothing, and one of a type without safety rules', () => {
    const carry = createCarryForward({ types, filter: isSafetyRule })
    const other = { ...aReading(0, {}), type: 'kettle' }
    expect(carry.fill(other)).toBe(other)
  })
})
