/** Machines of other makers: they differ from the catalogue's, stay within what sensors can say, and still fail as the fault says. */
import { describe, expect, it } from 'vitest'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { plantModels } from '#catalogue/physics-registry.ts'
import { ORDINARY } from '#catalogue/plant.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { createRandom } from '#kernel/random.ts'
import { foreignPlants, mixedPlants } from './foreign-plant.ts'

const fridge = applianceTypes.find(({ id }) => id === 'fridge')
if (fridge === undefined) throw new Error('there is no fridge')
const at = (name: string): number => fridge.channels.findIndex((channel) => channel.name === name)

/** Values after two days with a fault or without. */
function run(maker: string | undefined, severities: ReadonlyMap<string, number> = new Map()): Float64Array {
  const models = maker === undefined ? plantModels : foreignPlants(plantModels, fridge ?? applianceTypes[0] ?? never(), maker)
  const plant = models.get('fridge')?.create(createRandom('unit'))
  if (plant === undefined) throw new Error('there is no plant')
  const sums = new Float64Array(plant.values.length)
  for (let step = 0; step < 576; step++) {
    plant.advance(300_000, { ...ORDINARY, setPointC: 4 }, severities)
    plant.values.forEach((value, index) => {
      sums[index] = (sums[index] ?? 0) + (Number.isNaN(value) ? 0 : value / 576)
    })
  }
  return sums
}
const never = (): never => {
  throw new Error('there is no type')
}

describe('a machine of another maker', () => {
  it('shows other values than that of the catalogue and than that of another maker, and the same each time', () => {
    const [own, a, b] = [run(undefined), run('a'), run('b')]
    const power = at('power_w')
    expect(a[power]).not.toBeCloseTo(own[power] ?? 0, 1)
    expect(a[power]).not.toBeCloseTo(b[power] ?? 0, 1)
    expect(run('a')).toEqual(a)
  })
  it('stays within the ranges of its sensors', () => {
    for (const maker of ['a', 'b', 'c', 'd']) {
      run(maker).forEach((value, index) => {
        const channel = fridge.channels[index]
        if (channel?.kind !== 'number' || value === 0) return
        expect(value, `${maker}: ${channel.name}`).toBeGreaterThanOrEqual(channel.min)
        expect(value, `${maker}: ${channel.name}`).toBeLessThanOrEqual(channel.max)
      })
    }
  })
  it('still has a hotter condenser when that is dirty', () => {
    for (const maker of ['a', 'b', 'c']) {
      const condenser = at('condenser_temperature_c')
      expect(run(maker, new Map([['FR-04', 0.8]]))[condenser]).toBeGreaterThan((run(maker)[condenser] ?? 0) + 1)
    }
  })
})

describe('units that are each of a maker of their own', () => {
  const build = (type: ApplianceType, unit: string) => {
    const plant = mixedPlants(plantModels, type, 'mixed').get(type.id)?.create(createRandom(unit))
    if (plant === undefined) throw new Error('there is no plant')
    return plant
  }
  const day = (type: ApplianceType, unit: string): number[] => {
    const plant = build(type, unit)
    for (let step = 0; step < 72; step++) plant.advance(600_000, { ...ORDINARY, outdoorC: 34, setPointC: 25, isWanted: true }, new Map())
    return [...plant.values]
  }

  it('are the same each time, and differ in speed and fans, which no warp of a sensor makes of a fridge', () => {
    const type = applianceTypes.find(({ id }) => id === 'air_conditioner') ?? never()
    expect(day(type, 'a')).toEqual(day(type, 'a'))
    const duty = type.channels.findIndex(({ name }) => name === 'outdoor_fan_duty_pct')
    const duties = ['a', 'b', 'c', 'd', 'e', 'f'].map((unit) => day(type, unit)[duty])
    expect(new Set(duties).size).toBeGreaterThan(2)
  })

  it('are built of a plant that knows no other makers, too', () => {
    expect(day(fridge, 'a')).not.toEqual(day(fridge, 'b'))
  })
})
