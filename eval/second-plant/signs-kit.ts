/** How the tests of signs look at a plant: the same unit in the same days, with a fault and without it. */
import type { PlantModel, Surroundings } from '#catalogue/plant.ts'
import { createRandom } from '#kernel/random.ts'

export interface Scene {
  readonly model: PlantModel
  readonly channels: ReadonlyArray<{ readonly name: string }>
  readonly days: number
  readonly around: (minute: number) => Surroundings
  /** Channel that is above 0 while the machine runs. */
  readonly running: string
}

/** Means by name: `x` over all readings, `running x` while running, records as they come, and `count x` of records. */
export function observe(
  { model, channels, days, around, running }: Scene,
  seed: string,
  severities: ReadonlyMap<string, number>,
): Map<string, number> {
  const plant = model.create(createRandom(seed))
  const sums = new Map<string, { sum: number; count: number }>()
  const add = (name: string, value: number): void => {
    const known = sums.get(name) ?? { sum: 0, count: 0 }
    sums.set(name, { sum: known.sum + value, count: known.count + 1 })
  }
  const runsAt = channels.findIndex(({ name }) => name === running)
  for (let minute = 0; minute < days * 1440; minute++) {
    plant.advance(60_000, around(minute), severities)
    if (minute < 720) continue
    for (const { values } of plant.events ?? []) for (const [name, value] of Object.entries(values)) add(name, value)
    const runs = (plant.values[runsAt] ?? 0) > 0
    plant.values.forEach((value, index) => {
      const name = channels[index]?.name ?? ''
      if (Number.isNaN(value)) return
      add(name, value)
      add(`${runs ? 'running' : 'idle'} ${name}`, value)
    })
    add('running share', runs ? 1 : 0)
  }
  return new Map([...sums].flatMap(([name, { sum, count }]) => [[name, sum / count] as const, [`count ${name}`, count] as const]))
}

export type Sign = readonly [name: string, sign: '+' | '-' | '=', bound: number]

export function wrongSigns(scene: Scene, seed: string, [fault, severity]: readonly [string, number], signs: readonly Sign[]): string[] {
  const sound = observe(scene, seed, new Map())
  const faulty = observe(scene, seed, new Map([[fault, severity]]))
  return signs.flatMap(([name, sign, bound]) => {
    const change = (faulty.get(name) ?? 0) - (sound.get(name) ?? 0)
    const holds = sign === '+' ? change > bound : sign === '-' ? change < -bound : Math.abs(change) <= bound
    return holds ? [] : [`${name}: ${sign} ${bound} but ${change.toFixed(3)}`]
  })
}

export function seedOf<Unit>(draw: (seed: string) => Unit, wanted: (unit: Unit) => boolean): string {
  for (let index = 0; index < 500; index++) if (wanted(draw(`unit-${index}`))) return `unit-${index}`
  throw new Error('no such unit')
}
