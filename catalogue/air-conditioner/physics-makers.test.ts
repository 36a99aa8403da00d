/** Air conditioners of other makers: each could be bought, they differ far more than units of one make, and they fail as the catalogue says. */
import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { ORDINARY, type Plant } from '../plant.ts'
import { airConditionerPlant } from './physics.ts'
import { CircuitSolver } from './physics-circuit.ts'
import { drawMake, type Make } from './physics-makers.ts'
import { channels } from './sensors.ts'

const NAMES = Array.from({ length: 20 }, (_, index) => `maker-${index}`)
const makes = NAMES.map((name): Make => drawMake(createRandom(name)))
const at = (name: string): number => channels.findIndex((channel) => channel.name === name)

/** Means over what runs of three hot days. */
function means(maker: string, severities: ReadonlyMap<string, number> = new Map()): (name: string) => number {
  const plant: Plant | undefined = airConditionerPlant.createOfMaker?.(createRandom('unit'), createRandom(maker))
  if (plant === undefined) throw new Error('the plant can be built as other makers would')
  const sums = new Float64Array(plant.values.length)
  let count = 0
  for (let step = 0; step < 432; step++) {
    const outdoorC = 33 + 5 * Math.sin((step / 72) * Math.PI)
    plant.advance(600_000, { ...ORDINARY, outdoorC, outdoorHumidityGKg: 13, setPointC: 25, isWanted: true }, severities)
    if (step < 72 || !((plant.values[at('compressor_frequency_hz')] ?? 0) > 0)) continue
    count++
    plant.values.forEach((value, index) => {
      sums[index] = (sums[index] ?? 0) + (Number.isNaN(value) ? 0 : value)
    })
  }
  return (name) => (sums[at(name)] ?? 0) / count
}

describe('an air conditioner of another maker', () => {
  it('is the same each time, and another than that of the next maker', () => {
    expect(drawMake(createRandom('maker-0'))).toEqual(makes[0])
    expect(makes[0]?.size).not.toBeCloseTo(makes[1]?.size ?? 0, 3)
  })

  it('has a circuit in balance and liquid before the valve at the rating point, with a capacity that goes with its size', () => {
    const conditions = { outdoorC: 35, returnC: 27, returnHumidityGKg: 11, frequencyHz: 60, indoorFlow: 1, outdoorFlow: 1 }
    for (const { circuit, size } of makes) {
      const state = new CircuitSolver().solve(circuit, { ...conditions, valve: { superheatK: 9, opening_MIN: 1, opening_MAX: 5000 } }, undefined)
      expect(state.converged).toBe(true)
      expect(state.subcoolingK).toBeGreaterThan(1.5)
      expect(state.subcoolingK).toBeLessThan(9)
      expect(state.coolingKw / size).toBeGreaterThan(2.4)
      expect(state.coolingKw / size).toBeLessThan(4.6)
    }
  })

  it('runs at one speed when it has no inverter, and others do not', () => {
    const fixed = makes.flatMap(({ control }, index) => (control.frequency_MIN === control.frequency_MAX ? [index] : []))
    expect(fixed.length).toBeGreaterThan(0)
    expect(fixed.length).toBeLessThan(makes.length / 2)
    expect(means(NAMES[fixed[0] ?? 0] ?? '')('compressor_frequency_hz')).toBeCloseTo(52, 6)
  })

  it('keeps its room near what is asked, and opens the valve and loses subcooling when the charge leaks', () => {
    for (const name of NAMES.slice(0, 6)) {
      const sound = means(name)
      const leaking = means(name, new Map([['AC-01', 0.7]]))
      const subcooling = (of: (channel: string) => number): number => of('outdoor_coil_temperature_c') - of('liquid_temperature_c')
      expect(sound('room_temperature_c'), name).toBeLessThan(27)
      expect(leaking('eev_opening_steps'), name).toBeGreaterThan(sound('eev_opening_steps') * 1.2)
      expect(subcooling(leaking), name).toBeLessThan(subcooling(sound) + 0.01)
    }
  })
})
