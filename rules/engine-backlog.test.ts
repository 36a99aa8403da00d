/**
 * A gas water heater that is offline for a while, as the platform sees it: witnesses completed, holds completed by the clock. What it stored comes in
 * whole readings or in single channels on change, in several orders, with fresh readings between; each danger that the same readings show
 * when they come in time must be told.
 */
import { describe, expect, it } from 'vitest'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { epochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { createCarryForward } from './carry-forward.ts'
import { isSafetyRule } from './compile-rules.ts'
import { createRulesEngine } from './engine.ts'

const MIN = 60_000
const BEGIN = 1_700_000_000_000
/** Rules with a rate need a memory of their own and begin anew at what lies behind. */
const type = { ...gasWaterHeater, rules: gasWaterHeater.rules.filter(({ id }) => /^GW-R0[3489]/.test(id)) }
const types = () => type
const layout = readingLayout(type)
type Values = Readonly<Record<string, number>>
interface Sent {
  readonly arrivesMs: number
  readonly atMs: number
  readonly hist: boolean
  readonly values: Values
}
interface Told {
  readonly rule: string
  readonly fromMs: number
  toMs: number
}

const SAFE: Values = {
  ...{ room_co_ppm: 0, room_gas_lel_pct: 0, flame_current_ua: 0, gas_valve_is_open: 0 },
  ...{ outlet_temperature_c: 40, exchanger_temperature_c: 45, set_point_temperature_c: 42, water_flow_lpm: 0 },
}

function reading({ atMs, arrivesMs, hist, values }: Sent): Reading {
  const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
  for (const [column, value] of Object.entries(values)) numbers[layout.indexOf.get(column) ?? -1] = value
  const key = { tenant: 'home', device: 'gw1', type: type.id, boot: 1, seq: atMs, fw: undefined, texts: [] }
  return { ...key, observed_at_ms: epochMs(BEGIN + atMs), received_at_ms: epochMs(BEGIN + arrivesMs), hist, numbers }
}

function tell(sent: readonly Sent[]): Told[] {
  const carry = createCarryForward({ types, filter: isSafetyRule })
  const engine = createRulesEngine({ types, filter: isSafetyRule })
  const told = new Map<string, Told>()
  const take = (events: readonly HubEvent[]): void => {
    for (const event of events) {
      if (event.kind !== 'alarm_raised' && event.kind !== 'alarm_cleared') continue
      const { alarm_id, rule, began_at_ms, raised_at_ms, cleared_at_ms } = event.alarm
      const toMs = cleared_at_ms === null ? Number.POSITIVE_INFINITY : Math.max(raised_at_ms, cleared_at_ms)
      told.set(alarm_id, { rule, fromMs: began_at_ms, toMs })
    }
  }
  for (const one of [...sent].sort((a, b) => a.arrivesMs - b.arrivesMs)) {
    while (engine.nextHoldMs() <= BEGIN + one.arrivesMs) take(engine.completeHolds(engine.nextHoldMs()))
    take(engine.decide(carry.fill(reading(one))))
  }
  take(engine.completeHolds(Number.MAX_SAFE_INTEGER))
  return [...told.values()]
}

/** Values by minute: dangers of every kind for half a minute to hours. */
function exposure(random: Random, minutes: number): (minute: number) => Values {
  const parts: Array<{ readonly to: number; readonly values: Values }> = []
  for (let to = 0; to < minutes; ) {
    to += random.pick([0.3, 1, 3, 8, 20, 50, 90, 150]) * random.between(0.6, 1.4)
    const [isHot, isLit] = [random.uniform() < 0.15, random.uniform() < 0.15]
    const values = {
      room_co_ppm: random.pick([0, 0, 0, 10, 20, 31, 40, 50, 60, 95, 120, 300]),
      room_gas_lel_pct: random.uniform() < 0.07 ? 12 : 4,
      flame_current_ua: isLit ? 3 : 0,
      gas_valve_is_open: isLit && random.uniform() < 0.7 ? 1 : 0,
      outlet_temperature_c: isHot ? 64 : 40,
      exchanger_temperature_c: random.uniform() < 0.07 ? 90 : 45,
      set_point_temperature_c: 42,
      water_flow_lpm: random.uniform() < 0.5 ? 4 : 0,
    }
    parts.push({ to, values })
  }
  return (minute) => parts.find(({ to }) => minute < to)?.values ?? SAFE
}

function measured(random: Random, isOnChange: boolean): Array<{ readonly atMs: number; readonly values: Values }> {
  const minutes = random.between(120, 480)
  const valuesAt = exposure(random, minutes)
  const period = random.pick([1 / 6, 0.5, 1, 2, 5, 10])
  const found: Array<{ atMs: number; values: Values }> = []
  let last: Values = {}
  let repeated = Number.NEGATIVE_INFINITY
  for (let minute = 0; minute < minutes + 90; minute += period * random.between(0.8, 1.2)) {
    const values = valuesAt(minute)
    const atMs = Math.round(minute * MIN)
    if (!isOnChange) found.push({ atMs, values })
    else {
      const isRepeated = minute - repeated >= 8
      if (isRepeated) repeated = minute
      for (const [place, [channel, value]] of Object.entries(values).entries())
        if (isRepeated || last[channel] !== value) found.push({ atMs: atMs + 7 * place, values: { [channel]: value } })
      last = values
    }
  }
  return found
}

const ORDERS = {
  oldest: (stored: readonly Sent[]) => stored,
  newest: (stored: readonly Sent[]) => stored.toReversed(),
  'in pieces, newest first, some twice': (stored: readonly Sent[], random: Random) => {
    const size = random.pick([5, 20, 50])
    const pieces = Array.from({ length: Math.ceil(stored.length / size) }, (_, piece) => stored.slice(piece * size, (piece + 1) * size))
    return pieces.toReversed().flatMap((piece) => (random.uniform() < 0.3 ? [...piece, ...piece] : piece))
  },
  shuffled: (stored: readonly Sent[], random: Random) =>
    stored
      .map((one) => ({ one, place: random.uniform() }))
      .sort((a, b) => a.place - b.place)
      .map(({ one }) => one),
} as const

/** Dangers, and those of them that are not told, in so many random lives of a unit. */
function missedOf(lives: number, isOnChange: boolean, order: keyof typeof ORDERS): { readonly dangers: number; readonly missed: number } {
  const counts = { dangers: 0, missed: 0 }
  for (let life = 0; life < lives; life++) {
    const random = createRandom(`backlog/${life}`)
    const found = measured(random, isOnChange)
    const fromMs = random.between(0, 300) * MIN
    const toMs = fromMs + random.pick([5, 20, 60, 120, 200]) * MIN
    const fresh = found.map(({ atMs, values }) => ({ atMs, values, arrivesMs: atMs, hist: false }))
    const isStored = ({ atMs }: Sent): boolean => atMs >= fromMs && atMs < toMs
    const stepMs = random.pick([1, 50, 1_000, 5_000])
    const stored = ORDERS[order](fresh.filter(isStored), random).map((one, place) => ({ ...one, hist: true, arrivesMs: toMs + 100 + place * stepMs }))
    const told = tell([...fresh.filter((one) => !isStored(one)), ...stored])
    for (const danger of tell(fresh)) {
      counts.dangers++
      if (!told.some(({ rule, fromMs, toMs }) => rule === danger.rule && fromMs <= danger.toMs && toMs >= danger.fromMs)) counts.missed++
    }
  }
  return counts
}

describe('a backlog behind fresh readings', () => {
  it.each(['oldest', 'newest', 'in pieces, newest first, some twice', 'shuffled'] as const)('in whole readings, %s: each danger is told', (order) => {
    const { dangers, missed } = missedOf(200, false, order)
    expect(dangers).toBeGreaterThan(500)
    expect(missed / dangers).toBeLessThan(0.002)
  })

  it('in single channels on change, oldest first: each danger is told', () => {
    const { dangers, missed } = missedOf(200, true, 'oldest')
    expect(dangers).toBeGreaterThan(500)
    expect(missed / dangers).toBeLessThan(0.003)
  })

  // A witness that comes behind what it would have completed is not joined with it.
  it.each(['newest', 'in pieces, newest first, some twice', 'shuffled'] as const)(
    'in single channels on change, %s: a few in a hundred are not',
    (order) => {
      const { dangers, missed } = missedOf(200, true, order)
      expect(missed / dangers).toBeLessThan(0.03)
    },
  )
})
