/**
 * The signs of domain catalogue 6.2 on the plant's truth: a sound unit and the same unit with the fault at full severity, over days of
 * usual life at constant room temperature. Units of fixed speed and with inverter, and every variant of a fault, are in the set.
 */
import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { NO_USE, ORDINARY, type Surroundings } from '../plant.ts'
import { fridgePlant } from './physics.ts'
import { channels } from './sensors.ts'

const at = (name: string): number => channels.findIndex((channel) => channel.name === name)
const DAY = 1440
const UNITS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']
const FREQUENCY = at('compressor_frequency_hz')

interface Run {
  /** Mean over the hours of running, or over all for compartments. */
  readonly means: Readonly<Record<string, number>>
  readonly duty: number
  readonly records: ReadonlyArray<Readonly<Record<string, number>>>
  /** Rise of the fresh compartment in a still hour, and largest departure from the set-point. */
  readonly board: number
  readonly wattsPerHz: number
}

const RUNNING = [
  'evaporator_temperature_c',
  'evaporator_outlet_temperature_c',
  'condenser_temperature_c',
  'power_w',
  'damper_opening_pct',
  'evaporator_fan_rpm',
  'evaporator_fan_current_ma',
  'condenser_fan_rpm',
]

function run(unit: string, severities: ReadonlyMap<string, number>, around: Partial<Surroundings> = {}): Run {
  const plant = fridgePlant.create(createRandom(`physics/${unit}`))
  const sums: Record<string, number> = {}
  const records: Readonly<Record<string, number>>[] = []
  let on = 0
  let hz = 0
  let all = 0
  let board = 0
  for (let minute = 0; minute < 11 * DAY; minute++) {
    const use = { ...NO_USE, freshDoorOpenS: minute % 45 === 0 ? 20 : 0, freezerDoorOpenS: minute % 400 === 0 ? 15 : 0 }
    plant.advance(60_000, { ...ORDINARY, indoorC: 24, setPointC: 4, use, ...around }, minute < DAY ? new Map() : severities)
    if (minute < 8 * DAY) continue
    all += 1
    for (const event of plant.events ?? []) records.push(event.values)
    for (const name of ['fresh_temperature_c', 'freezer_temperature_c']) sums[name] = (sums[name] ?? 0) + (plant.values[at(name)] ?? 0)
    board = Math.max(board, plant.values[at('board_temperature_c')] ?? 0)
    if ((plant.values[FREQUENCY] ?? 0) === 0) continue
    on += 1
    hz += plant.values[FREQUENCY] ?? 0
    for (const name of RUNNING) sums[name] = (sums[name] ?? 0) + (plant.values[at(name)] ?? 0)
  }
  const means = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / (RUNNING.includes(name) ? Math.max(1, on) : all)]))
  return { means, duty: on / all, records, board, wattsPerHz: ((means.power_w ?? 0) * on) / Math.max(1, hz) }
}

const sound = new Map(UNITS.map((unit) => [unit, run(unit, new Map())]))
const soundOf = (unit: string): Run => sound.get(unit) ?? run(unit, new Map())
const mean = ({ means }: Run, name: string): number => means[name] ?? Number.NaN
const last = ({ records }: Run, name: string): number => records.findLast((values) => values[name] !== undefined)?.[name] ?? Number.NaN
const isFixed = (unit: string): boolean => soundOf(unit).duty < 0.7

/** Each unit with and without the fault; gives what does not hold, by unit. */
function failures(fault: string, holds: (faulty: Run, healthy: Run, unit: string) => Readonly<Record<string, boolean>>, severity = 1): string[] {
  return UNITS.flatMap((unit) => {
    const checks = holds(run(unit, new Map([[fault, severity]])), soundOf(unit), unit)
    return Object.entries(checks).flatMap(([name, isTrue]) => (isTrue ? [] : [`${unit}: ${name}`]))
  })
}
const change = (faulty: Run, healthy: Run, name: string): number => mean(faulty, name) - mean(healthy, name)

describe('a sound fridge', () => {
  it('holds both compartments, runs about half of the time at fixed speed, and defrosts to the end temperature', () => {
    for (const unit of UNITS) {
      const healthy = soundOf(unit)
      expect(Math.abs(mean(healthy, 'fresh_temperature_c') - 4)).toBeLessThan(1)
      expect(mean(healthy, 'freezer_temperature_c')).toBeLessThan(-15)
      expect(last(healthy, 'defrost_end_temperature_c')).toBeGreaterThan(7.9)
      expect(last(healthy, 'defrost_heater_current_a')).toBeGreaterThan(0.7)
      expect(last(healthy, 'defrost_melt_temperature_c')).toBeCloseTo(0, 5)
      expect(last(healthy, 'start_attempts_count')).toBe(1)
      expect(healthy.board).toBeLessThan(45)
    }
    expect(UNITS.filter(isFixed).length).toBeGreaterThan(2)
    expect(UNITS.filter(isFixed).length).toBeLessThan(10)
    for (const unit of UNITS.filter(isFixed)) expect(soundOf(unit).duty).toBeGreaterThan(0.25)
  })

  it('stays inside the ranges of its channels from frost to heat', () => {
    for (const indoorC of [8, 42]) {
      const { means, board } = run('a', new Map(), { indoorC })
      for (const channel of channels) {
        const value = means[channel.name]
        if (value !== undefined) expect(value >= channel.min && value <= channel.max).toBe(true)
      }
      expect(board).toBeLessThan(80)
    }
  })

  it('stands still without mains and warms up, and starts again with them', () => {
    const plant = fridgePlant.create(createRandom('dark'))
    for (let hour = 0; hour < 12; hour++) plant.advance(600_000, { ...ORDINARY, mainsV: 0 }, new Map())
    expect(plant.values[FREQUENCY]).toBe(0)
    expect(plant.values[at('freezer_temperature_c')]).toBeGreaterThan(-17)
    let ran = false
    for (let minute = 0; minute < 60; minute++) {
      plant.advance(60_000, { ...ORDINARY, setPointC: 4 }, new Map())
      ran ||= (plant.values[FREQUENCY] ?? 0) > 0
    }
    expect(ran).toBe(true)
  })

  it('gives the same values for the same seed', () => {
    expect(run('same', new Map([['FR-07', 0.5]]))).toEqual(run('same', new Map([['FR-07', 0.5]])))
  })

  it('tells each opening of a door', () => {
    expect(soundOf('a').records.filter((values) => values.fresh_door_open_s === 20).length).toBe(96)
  })
})

describe('the signs of domain catalogue 6.2', () => {
  it('FR-01: duty to the full, the evaporator cold at its inlet and warm at its outlet, power down, freezer warm', () => {
    const found = failures('FR-01', (faulty, healthy, unit) => ({
      duty: faulty.duty > 0.9,
      inlet: change(faulty, healthy, 'evaporator_temperature_c') < -5,
      spread:
        mean(faulty, 'evaporator_outlet_temperature_c') - mean(faulty, 'evaporator_temperature_c') >
        mean(healthy, 'evaporator_outlet_temperature_c') - mean(healthy, 'evaporator_temperature_c') + 5,
      power: faulty.wattsPerHz < healthy.wattsPerHz * 0.9,
      freezer: !isFixed(unit) || change(faulty, healthy, 'freezer_temperature_c') > 0.5,
    }))
    expect(found).toEqual([])
  })

  it('FR-02: no heater current or an end by time, a colder evaporator, a faster fan, a warm fresh compartment beside a cold freezer', () => {
    const found = failures('FR-02', (faulty, healthy) => ({
      heater: last(faulty, 'defrost_heater_current_a') < 0.2,
      time: last(faulty, 'defrost_duration_s') === 2400 && last(faulty, 'defrost_end_temperature_c') < 7,
      floor: change(faulty, healthy, 'evaporator_temperature_c') < -3,
      fan: change(faulty, healthy, 'evaporator_fan_rpm') > 50,
      fresh: change(faulty, healthy, 'fresh_temperature_c') > 1,
      freezer: Math.abs(change(faulty, healthy, 'freezer_temperature_c')) < 2,
    }))
    expect(found).toEqual([])
  })

  it('FR-03: more duty by 10 to 60 % and longer defrosts without door openings', () => {
    const found = failures('FR-03', (faulty, healthy, unit) => ({
      duty: !isFixed(unit) || (faulty.duty > healthy.duty * 1.1 && faulty.duty < healthy.duty * 1.6),
      work: faulty.duty * mean(faulty, 'power_w') > healthy.duty * mean(healthy, 'power_w') * 1.1,
      frost: last(faulty, 'defrost_duration_s') >= last(healthy, 'defrost_duration_s'),
    }))
    expect(found).toEqual([])
  })

  it('FR-04: power and condenser temperature up, duty not down; the fan is slow where it is the fan', () => {
    const slow = new Set<boolean>()
    const found = failures('FR-04', (faulty, healthy) => {
      slow.add(change(faulty, healthy, 'condenser_fan_rpm') < -200)
      return {
        power: faulty.wattsPerHz > healthy.wattsPerHz * 1.08,
        condenser: change(faulty, healthy, 'condenser_temperature_c') > 4,
        duty: faulty.duty >= healthy.duty - 0.01,
      }
    })
    expect(found).toEqual([])
    expect(slow).toEqual(new Set([true, false]))
  })

  it('FR-05: a slow fan draws more, a dead one nothing, and the fresh compartment is warm above the freezer', () => {
    const dead = failures('FR-05', (faulty, healthy) => ({
      rpm: mean(faulty, 'evaporator_fan_rpm') === 0,
      current: mean(faulty, 'evaporator_fan_current_ma') < 20,
      spread: change(faulty, healthy, 'fresh_temperature_c') - change(faulty, healthy, 'freezer_temperature_c') > 3,
    }))
    expect(dead).toEqual([])
    const worn = failures(
      'FR-05',
      (faulty, healthy) => ({
        rpm:
          mean(faulty, 'evaporator_fan_rpm') / mean(faulty, 'evaporator_fan_current_ma') <
          mean(healthy, 'evaporator_fan_rpm') / 1.3 / mean(healthy, 'evaporator_fan_current_ma'),
      }),
      0.6,
    )
    expect(worn).toEqual([])
  })

  it('FR-06: fresh off target both ways with the freezer well, and the damper commanded to its end', () => {
    const ways = new Set<number>()
    const found = failures('FR-06', (faulty, healthy) => {
      const off = change(faulty, healthy, 'fresh_temperature_c')
      ways.add(Math.sign(off))
      const command = mean(faulty, 'damper_opening_pct')
      return {
        off: Math.abs(off) > 3,
        freezer: Math.abs(change(faulty, healthy, 'freezer_temperature_c')) < 2,
        command: off > 0 ? command > 95 : command < 5,
      }
    })
    expect(found).toEqual([])
    expect(ways).toEqual(new Set([-1, 1]))
  })

  it('FR-07: failed attempts and long starts', () => {
    const found = failures('FR-07', ({ records }, healthy) => {
      const starts = records.flatMap((values) => (values.start_attempts_count === undefined ? [] : [values]))
      return {
        attempts: starts.some((values) => (values.start_attempts_count ?? 0) > 1) || starts.length === 0,
        long: starts.every((values) => (values.start_duration_ms ?? 0) > 2 * last(healthy, 'start_duration_ms')),
      }
    })
    expect(found).toEqual([])
  })

  it('FR-08: a melting point off 0 °C, or a compartment that works harder or less for the same shown temperature', () => {
    const found = failures('FR-08', (faulty, healthy) => ({
      seen:
        Math.abs(last(faulty, 'defrost_melt_temperature_c')) > 2 ||
        Math.abs(change(faulty, healthy, 'damper_opening_pct')) > 4 ||
        Math.abs(faulty.duty * mean(faulty, 'power_w') - healthy.duty * mean(healthy, 'power_w')) > 2,
    }))
    expect(found).toEqual([])
  })

  it('XX-01: the terminal stands 45 K above the room', () => {
    expect(failures('XX-01', ({ board }) => ({ board: board > 24 + 45 }))).toEqual([])
  })

  it('XX-02: one sensor says one value', () => {
    const plant = fridgePlant.create(createRandom('stuck'))
    const fault = new Map([['XX-02', 1]])
    for (let minute = 0; minute < DAY; minute++) plant.advance(60_000, { ...ORDINARY, setPointC: 4 }, new Map())
    plant.advance(60_000, { ...ORDINARY, setPointC: 4 }, fault)
    const stuck = plant.isStuck.indexOf(1)
    const said = plant.values[stuck]
    for (let minute = 0; minute < 300; minute++) plant.advance(60_000, { ...ORDINARY, setPointC: 4, indoorC: 30 }, fault)
    expect(plant.values[stuck]).toBe(said)
    expect([...plant.isStuck].filter((flag) => flag === 1)).toHaveLength(1)
  })
})

describe('confusers of the fridge', () => {
  it('blocked vents and a warm room raise the condenser less than its fault does', () => {
    for (const unit of UNITS.slice(0, 4)) {
      const blocked = run(unit, new Map(), { use: { ...NO_USE, ventsBlockedShare: 0.7 } })
      const faulty = run(unit, new Map([['FR-04', 1]]))
      expect(change(blocked, soundOf(unit), 'condenser_temperature_c')).toBeLessThan(change(faulty, soundOf(unit), 'condenser_temperature_c') * 0.7)
    }
  })
})
