/**
 * The sign table of domain 6.0 on the second plant with the valve held: each fault by its own severity, never by an output. Cells as in
 * the practitioners' table: + and - beyond the noise, 0 within the zero bound, p is "0 or +", m is "0 or -", . has no source.
 */
import { describe, expect, it } from 'vitest'
import { channels } from '#catalogue/air-conditioner/sensors.ts'
import { ORDINARY } from '#catalogue/plant.ts'
import { createRandom } from '#kernel/random.ts'
import { airConditioner } from './air-conditioner.ts'
import { type CircuitDesign, type CircuitState, createCircuit, RATED, REFRIGERANTS } from './air-conditioner-circuit.ts'
import { effectsOf } from './air-conditioner-faults.ts'
import { type AirConditionerUnit, drawUnit, middleDesign } from './air-conditioner-unit.ts'

const noiseBound = [0.4, 0.25, 4, 10, 0.4, 0.3, 0.015]
const zeroBound = [1, 1, 10, 30, 1, 1, 0.06]
const columns = ['superheat', 'subcool', 'suction', 'head', 'discharge', 'air dT', 'amps']

type Variant = Partial<AirConditionerUnit['variant']>
const table: ReadonlyArray<readonly [string, string, number, Variant, string]> = [
  //                                                                                SH SC suc head dis dT amps
  ['AC-01', 'undercharge', 0.6, {}, '                                                +  -  -   -    .   -  -'],
  ['AC-09', 'overcharge', 0.6, { nonCondensable: false, overcharge: 0.18 }, '        -  +  +   +    .   0  +'],
  ['AC-03', 'indoor airflow low', 0.6, {}, '                                         -  p  -   m    .   +  0'],
  ['AC-02', 'outdoor airflow low, mild', 0.6, {}, '                                  -  -  +   +    .   0  p'],
  ['AC-02', 'outdoor airflow low, severe', 0.955, {}, '                              +  -  +   +    +   -  +'],
  ['AC-05', 'restriction', 0.6, { stuckValve: false }, '                             +  p  -   m    .   -  -'],
  ['AC-06', 'compressor valves weak', 0.6, { reversingValve: false }, '              -  +  +   -    .   -  -'],
]

function unitOf(design: CircuitDesign, variant: Variant): AirConditionerUnit {
  const unit = drawUnit(createRandom('sign-table'))
  return { ...unit, design, variant: { ...unit.variant, ...variant } }
}

function solve(design: CircuitDesign, severities: ReadonlyMap<string, number>, variant: Variant, hotAirC: number): CircuitState & { flow: number } {
  const circuit = createCircuit(design)
  const effects = effectsOf(unitOf(design, variant), severities)
  const state = circuit.solve(
    {
      ...RATED,
      ...effects.circuit,
      hotAirC,
      coldFlow: effects.indoorFlow,
      hotFlow: effects.outdoorFlow,
      frequencyHz: design.ratedHz,
      steps: design.ratedSteps,
    },
    circuit.initial(),
    80,
  )
  return { ...state, flow: effects.indoorFlow }
}

const measure = (state: CircuitState & { flow: number }): number[] => [
  state.superheatK,
  state.subcoolingK,
  state.suctionKpa,
  state.headKpa,
  state.dischargeC,
  state.sensibleKw / (middleDesign.indoorAirKgS * 1.006 * state.flow),
  state.compressorKw,
]

function isAsSaid(cell: string, change: number, noise: number, zero: number): boolean {
  if (cell === '+') return change > noise
  if (cell === '-') return change < -noise
  if (cell === '0') return Math.abs(change) <= zero
  if (cell === 'p') return change >= -zero
  if (cell === 'm') return change <= zero
  return cell === '.'
}

describe('the circuit of the second air conditioner with the valve held', () => {
  for (const [code, name, severity, variant, cells] of table) {
    it(`shows the sourced signs of ${name} at severity ${severity}`, () => {
      const reference = solve(middleDesign, new Map(), variant, 35)
      const state = solve(middleDesign, new Map([[code, severity]]), variant, 35)
      expect(Math.max(state.residual, reference.residual)).toBeLessThan(1e-3)
      const changes = measure(state).map((value, index) => value - (measure(reference)[index] ?? 0))
      changes[6] = state.compressorKw / reference.compressorKw - 1
      const wrong = cells
        .trim()
        .split(/ +/)
        .flatMap((cell, index) => {
          const change = changes[index] ?? Number.NaN
          return isAsSaid(cell, change, noiseBound[index] ?? 0, zeroBound[index] ?? 0) ? [] : [`${columns[index]}: ${cell} but ${change.toFixed(3)}`]
        })
      expect(wrong).toEqual([])
    })
  }

  it('shows the heads and subcooling of a non-condensable gas as those of too much charge', () => {
    const variant = { nonCondensable: true, airK: 7 }
    const sound = solve(middleDesign, new Map(), variant, 35)
    const faulty = solve(middleDesign, new Map([['AC-09', 0.6]]), variant, 35)
    expect(faulty.headKpa - sound.headKpa).toBeGreaterThan(100)
    expect(faulty.subcoolingK - sound.subcoolingK).toBeGreaterThan(1)
    expect(faulty.compressorKw / sound.compressorKw).toBeGreaterThan(1.03)
  })

  it('finds a state for every refrigerant over the range of use', () => {
    const random = createRandom('second-range')
    const failed: string[] = []
    for (const refrigerant of REFRIGERANTS) {
      const circuit = createCircuit({ ...middleDesign, refrigerant })
      for (let run = 0; run < 300; run++) {
        const at = { hotAirC: random.between(20, 43), coldAirC: random.between(19, 32), coldAirGKg: random.between(6, 15) }
        const hz = random.between(20, 90)
        const steps = 220 * (hz / 55) * random.between(0.8, 1.2)
        const state = circuit.solve(
          { ...RATED, ...at, coldFlow: random.between(0.4, 1), hotFlow: random.between(0.5, 1), frequencyHz: hz, steps },
          circuit.initial(),
          80,
        )
        if (!(state.residual < 0.01)) failed.push(`${refrigerant.name} ${JSON.stringify(at)} ${hz} ${state.residual}`)
      }
    }
    expect(failed).toEqual([])
  })
})

const place = (name: string): number => channels.findIndex((channel) => channel.name === name)
const hot = { ...ORDINARY, outdoorC: 34, outdoorHumidityGKg: 14, solarWM2: 300, isWanted: true, setPointC: 24 }

/** Means of a channel over six hours of running, after four hours to settle; NaN where nothing was told. */
function meansOf(seed: string, severities: ReadonlyMap<string, number>, around = hot): (name: string) => number {
  const plant = airConditioner.create(createRandom(seed))
  const sums = new Float64Array(channels.length)
  const counts = new Float64Array(channels.length)
  for (let minute = 0; minute < 600; minute++) {
    plant.advance(60_000, around, severities)
    if (minute < 240 || (around.isWanted && (plant.values[place('compressor_frequency_hz')] ?? 0) === 0)) continue
    plant.values.forEach((value, index) => {
      if (Number.isNaN(value)) return
      sums[index] = (sums[index] ?? 0) + value
      counts[index] = (counts[index] ?? 0) + 1
    })
  }
  return (name) => (sums[place(name)] ?? 0) / (counts[place(name)] ?? 0)
}
const seedOf = (wanted: (unit: AirConditionerUnit) => boolean): string => {
  for (let index = 0; index < 500; index++) {
    if (wanted(drawUnit(createRandom(`unit-${index}`).fork('second/air-conditioner')))) return `unit-${index}`
  }
  throw new Error('no such unit')
}

describe('the second air conditioner', () => {
  it('opens its valve for too little charge and for a clogged drier', () => {
    for (const [fault, seed] of [
      ['AC-01', seedOf((unit) => unit.isInverter)],
      ['AC-05', seedOf((unit) => unit.isInverter && !unit.variant.stuckValve)],
    ] as const) {
      const sound = meansOf(seed, new Map())
      const faulty = meansOf(seed, new Map([[fault, 0.6]]))
      expect(faulty('eev_opening_steps') / sound('eev_opening_steps')).toBeGreaterThan(1.08)
    }
  })

  it('commands a stuck valve without an answer of the superheat', () => {
    const seed = seedOf((unit) => unit.isInverter && unit.variant.stuckValve)
    const sound = meansOf(seed, new Map())
    const faulty = meansOf(seed, new Map([['AC-05', 0.7]]))
    expect(Math.abs(faulty('eev_opening_steps') - sound('eev_opening_steps'))).toBeGreaterThan(40)
  })

  it('turns its outdoor fan slower at the same duty and starts longer when they wear', () => {
    const seed = seedOf((unit) => !unit.isInverter && unit.variant.startShare > 1)
    const ratio = (means: (name: string) => number): number => means('outdoor_fan_rpm') / means('outdoor_fan_duty_pct')
    const sound = meansOf(seed, new Map())
    const faulty = meansOf(seed, new Map([['AC-04', 0.6]]))
    expect(ratio(faulty) / ratio(sound)).toBeLessThan(0.92)
  })

  it('lets a drifting sensor disagree at rest, and no other', () => {
    const seed = seedOf((unit) => unit.variant.driftChannel === 'indoor_coil_temperature_c')
    const rest = { ...hot, isWanted: false }
    const sound = meansOf(seed, new Map(), rest)
    const faulty = meansOf(seed, new Map([['AC-07', 0.6]]), rest)
    const apart = (means: (name: string) => number): number => means('indoor_coil_temperature_c') - means('room_temperature_c')
    expect(Math.abs(apart(sound))).toBeLessThan(0.2)
    expect(Math.abs(apart(faulty))).toBeGreaterThan(1)
    expect(faulty('return_air_temperature_c')).toBeCloseTo(sound('return_air_temperature_c'), 1)
  })

  it('fills its tray when the drain clogs on a humid day, and heats its terminal', () => {
    const humid = { ...hot, outdoorHumidityGKg: 19, windowIsOpen: true, people: 4 }
    const seed = seedOf((unit) => unit.isInverter && unit.variant.pumpFails)
    expect(meansOf(seed, new Map([['AC-08', 0.95]]), humid)('condensate_float_is_closed')).toBeGreaterThan(0.05)
    expect(meansOf(seed, new Map(), humid)('condensate_float_is_closed')).toBe(0)
    const sound = meansOf(seed, new Map())
    const faulty = meansOf(seed, new Map([['XX-01', 0.6]]))
    expect(faulty('board_temperature_c') - sound('board_temperature_c')).toBeGreaterThan(3)
  })

  it('is deterministic, keeps to its channels and takes confusers for no fault of the circuit', () => {
    const [one, other] = [airConditioner.create(createRandom('same')), airConditioner.create(createRandom('same'))]
    const wild = createRandom('wild')
    for (let step = 0; step < 600; step++) {
      const around = {
        ...hot,
        outdoorC: wild.between(-12, 44),
        mainsV: wild.chance(0.05) ? 0 : wild.between(185, 260),
        isWanted: wild.chance(0.7),
        windowIsOpen: wild.chance(0.2),
        use: { ...hot.use, ventsBlockedShare: wild.uniform() },
      }
      const severities = new Map(airConditioner.faults.map((fault) => [fault, wild.chance(0.2) ? wild.uniform() : 0]))
      const periodMs = wild.pick([1_000, 60_000, 600_000])
      one.advance(periodMs, around, severities)
      other.advance(periodMs, around, severities)
      expect([...one.values]).toEqual([...other.values])
      const outside = channels.filter((channel, index) => {
        const value = one.values[index] ?? Number.NaN
        // During an outage nothing is read.
        return (
          around.mainsV > 0 &&
          channel.kind === 'number' &&
          !Number.isNaN(value) &&
          !(value >= channel.min - 30 && value <= channel.max + 30 + channel.max * 0.3)
        )
      })
      expect(outside.map(({ name }) => `${name} ${one.values[place(name)]}`)).toEqual([])
    }
  })
})
