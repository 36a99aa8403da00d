/**
 * The sign table of domain 6.0 (practitioners' table [L15], discharge temperature [L16]) on the plant's state with the valve held, and
 * its valve column with the valve free. Cells: + and - need a change beyond the noise bound, 0 stays within the zero bound, p is "0 or +",
 * m is "0 or -", . is a cell that has no source. A case is a change of a physical parameter, never of an output.
 */
import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { ORDINARY } from '../plant.ts'
import { airConditionerPlant, VALVE_STEPS_MAX, VALVE_STEPS_MIN } from './physics.ts'
import { type CircuitConditions, type CircuitParameters, type CircuitState, nominalCircuit } from './physics-balance.ts'
import { CircuitSolver } from './physics-circuit.ts'
import { NOMINAL_CHARGE_KG } from './physics-makers.ts'

const parameters: CircuitParameters = { ...nominalCircuit, charge_kg: NOMINAL_CHARGE_KG }
const conditions = { returnC: 27, returnHumidityGKg: 10.5, indoorFlow: 1, outdoorFlow: 1, frequencyHz: 60 }
const solver = new CircuitSolver()
const rated: CircuitConditions = { ...conditions, outdoorC: 35, valve: { superheatK: 9, opening_MIN: 1, opening_MAX: 2000 } }
const heldSteps = solver.solve(parameters, rated, undefined).openingSteps

/** Outdoor flow at which the condenser has lost its liquid seal: hot days come there earlier. */
const severeFlow: Readonly<Record<number, number>> = { 30: 0.19, 35: 0.24, 40: 0.3 }

interface Change {
  readonly parameters?: Partial<CircuitParameters>
  readonly indoorFlow?: number
  readonly outdoorFlow?: (outdoorC: number) => number
}
const cases: Readonly<Record<string, Change>> = {
  undercharge: { parameters: { charge_kg: NOMINAL_CHARGE_KG * 0.85 } },
  overcharge: { parameters: { charge_kg: NOMINAL_CHARGE_KG * 1.1 } },
  'indoor airflow low': { indoorFlow: 0.78 },
  'outdoor airflow low, mild': { outdoorFlow: () => 0.65 },
  'outdoor airflow low, severe': { outdoorFlow: (outdoorC) => severeFlow[outdoorC] ?? 0.25 },
  restriction: { parameters: { restrictionArea_m2: nominalCircuit.valveAreaPerStep_m2 * heldSteps * 1.2 } },
  'compressor valves weak': { parameters: { volumetric: 0.84, leakArea_m2: 1e-7 } },
}

/** superheat K, subcooling K, suction kPa, head kPa, discharge K, indoor air difference K, amps (share). */
const noiseBound = [0.4, 0.25, 4, 10, 0.4, 0.3, 0.015]
const zeroBound = [1, 1, 10, 30, 1, 1, 0.06]
const columns = ['superheat', 'subcool', 'suction', 'head', 'discharge', 'air dT', 'amps']
const table: ReadonlyArray<readonly [string, string]> = [
  //                               SH SC suc head dis dT amps
  ['undercharge                ', '+  -  -   -    +   -  -'],
  ['overcharge                 ', '-  +  +   +    .   0  +'],
  ['indoor airflow low         ', '-  p  -   m    .   +  0'],
  ['outdoor airflow low, mild  ', '-  -  +   +    .   0  p'],
  ['outdoor airflow low, severe', '+  -  +   +    +   -  +'],
  ['restriction                ', '+  p  -   m    .   -  -'],
  ['compressor valves weak     ', '-  +  +   -    .   -  -'],
]
const measure = (state: CircuitState): number[] => [
  state.superheatK,
  state.subcoolingK,
  state.suctionKpa,
  state.dischargeKpa,
  state.dischargeC,
  27 - state.supplyC,
  state.compressorKw,
]

function solve(name: string | undefined, outdoorC: number, valve: CircuitConditions['valve'], frequencyHz = 60): CircuitState {
  const change = name === undefined ? {} : cases[name]
  const outdoorFlow = change?.outdoorFlow?.(outdoorC) ?? 1
  return solver.solve(
    { ...parameters, ...change?.parameters },
    { ...conditions, outdoorC, frequencyHz, indoorFlow: change?.indoorFlow ?? 1, outdoorFlow, valve },
    undefined,
  )
}

function isAsSaid(cell: string, change: number, noise: number, zero: number): boolean {
  if (cell === '+') return change > noise
  if (cell === '-') return change < -noise
  if (cell === '0') return Math.abs(change) <= zero
  if (cell === 'p') return change >= -zero
  if (cell === 'm') return change <= zero
  return cell === '.'
}

describe('the circuit with the valve held', () => {
  for (const outdoorC of [30, 35, 40]) {
    const reference = solve(undefined, outdoorC, { openingSteps: heldSteps })
    for (const [name, cells] of table) {
      it(`shows the sourced signs of ${name.trim()} at ${outdoorC} °C`, () => {
        const state = solve(name.trim(), outdoorC, { openingSteps: heldSteps })
        expect(state.converged).toBe(true)
        const changes = measure(state).map((value, index) => value - (measure(reference)[index] ?? 0))
        changes[6] = state.compressorKw / reference.compressorKw - 1
        const wrong = cells.split(/ +/).flatMap((cell, index) => {
          const change = changes[index] ?? Number.NaN
          return isAsSaid(cell, change, noiseBound[index] ?? 0, zeroBound[index] ?? 0) ? [] : [`${columns[index]}: ${cell} but ${change.toFixed(3)}`]
        })
        expect(wrong).toEqual([])
      })
    }
  }
})

describe('the circuit with the valve free', () => {
  /** A twelfth of the travel. */
  const zeroSteps = 40
  const valveColumn: ReadonlyArray<readonly [string, string]> = [
    ['undercharge', '+'],
    ['overcharge', '-'],
    ['indoor airflow low', '-'],
    ['outdoor airflow low, mild', '0'],
    ['outdoor airflow low, severe', '+'],
    ['restriction', '+'],
    ['compressor valves weak', '0'],
  ]
  /** A weak compressor turns faster for the same cooling, and the valve passes what it did: the inverter runs at the frequency (up to 95 Hz) that gives the cooling of the reference. At a held frequency the valve would close. */
  const atCapacity = (name: string, outdoorC: number, coolingKw: number): CircuitState => {
    let low = 30
    let high = 95
    for (let halving = 0; halving < 20; halving++) {
      const middle = (low + high) / 2
      if (solve(name, outdoorC, free, middle).coolingKw < coolingKw) low = middle
      else high = middle
    }
    return solve(name, outdoorC, free, high)
  }
  const free = { superheatK: 5, opening_MIN: VALVE_STEPS_MIN, opening_MAX: VALVE_STEPS_MAX }
  for (const outdoorC of [30, 35, 40]) {
    const reference = solve(undefined, outdoorC, free)
    for (const [name, cell] of valveColumn) {
      it(`moves the valve ${cell} for ${name} at ${outdoorC} °C`, () => {
        const isWeak = name === 'compressor valves weak'
        const state = isWeak ? atCapacity(name, outdoorC, reference.coolingKw) : solve(name, outdoorC, free)
        const change = state.openingSteps - reference.openingSteps
        expect({ change, holds: isAsSaid(cell, change, 2, zeroSteps) }).toMatchObject({ holds: true })
      })
    }
  }
})

describe('the circuit of a nominal unit', () => {
  it('has 3.5 kW, 4 K of subcooling and a coefficient of performance of 3.5 to 5 at rating', () => {
    const state = solver.solve(parameters, rated, undefined)
    expect(state.coolingKw).toBeGreaterThan(3.1)
    expect(state.coolingKw).toBeLessThan(3.9)
    expect(state.subcoolingK).toBeGreaterThan(3)
    expect(state.subcoolingK).toBeLessThan(5)
    expect(state.coolingKw / state.compressorKw).toBeGreaterThan(3.5)
    expect(state.coolingKw / state.compressorKw).toBeLessThan(5)
  })

  it('converges over the range of use, from a cold start and from the last state', () => {
    const seed = 'physics-range'
    const random = createRandom(seed)
    const failures: string[] = []
    let last: CircuitState | undefined
    for (let run = 0; run < 2000; run++) {
      const at: CircuitConditions = {
        outdoorC: random.between(18, 44),
        returnC: random.between(18, 33),
        returnHumidityGKg: random.between(6, 16),
        frequencyHz: random.between(18, 95),
        indoorFlow: random.between(0.4, 1),
        outdoorFlow: random.between(0.5, 1),
        valve: { superheatK: 5, opening_MIN: VALVE_STEPS_MIN, opening_MAX: VALVE_STEPS_MAX },
      }
      for (const start of [undefined, last]) {
        const state = solver.solve(parameters, at, start)
        if (!state.converged) failures.push(`seed ${seed} run ${run} ${JSON.stringify(at)}`)
        else last = state
      }
    }
    expect(failures).toEqual([])
  })
})

describe('the plant', () => {
  it('cools the room to its set-point and keeps every value within its channel', () => {
    const plant = airConditionerPlant.create(createRandom('plant'))
    const around = {
      ...ORDINARY,
      outdoorC: 34,
      outdoorHumidityGKg: 16,
      solarWM2: 300,
      mainsV: 230,
      isWanted: true,
      setPointC: 25,
      windowIsOpen: false,
      people: 2,
    }
    for (let step = 0; step < 72; step++) plant.advance(300_000, around, new Map())
    expect(Math.abs((plant.values[1] ?? 0) - 25)).toBeLessThan(1)
    expect([...plant.values].filter((value) => value === Number.POSITIVE_INFINITY)).toEqual([])
  })

  it('stays off without mains, and starts no earlier than three minutes after a stop', () => {
    const plant = airConditionerPlant.create(createRandom('plant'))
    const around = {
      ...ORDINARY,
      outdoorC: 34,
      outdoorHumidityGKg: 16,
      solarWM2: 300,
      mainsV: 0,
      isWanted: true,
      setPointC: 22,
      windowIsOpen: false,
      people: 2,
    }
    plant.advance(60_000, around, new Map())
    expect(plant.values[11]).toBe(0)
    plant.advance(60_000, { ...around, mainsV: 230 }, new Map())
    expect(plant.values[11]).toBeGreaterThan(0)
    plant.advance(60_000, around, new Map())
    plant.advance(60_000, { ...around, mainsV: 230 }, new Map())
    expect(plant.values[11]).toBe(0)
  })
})
