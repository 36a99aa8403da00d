/**
 * Domain randomisation: plants of the first kind whose units differ more from each other than in life, so that what is learned from them
 * does not rest on one size or make. It widens the draws of the stream `spread`, from which plants take a unit's parameters.
 */
import type { PlantModel } from '#catalogue/plant.ts'
import type { Random } from '#kernel/random.ts'

/** The same plants with deviations of their parameters multiplied by `factor`. */
export const widenPlants = (plants: ReadonlyMap<string, PlantModel>, factor: number): ReadonlyMap<string, PlantModel> =>
  new Map([...plants].map(([id, model]) => [id, { ...model, create: (random: Random) => model.create(widenFork(random, factor)) }]))

const widenFork = (random: Random, factor: number): Random => ({
  ...random,
  fork: (name) => (name === 'spread' ? widenNormals(random.fork(name), factor) : random.fork(name)),
})

/** A deviation about 0 is one relative to a parameter; others are bounded by their mean, so that nothing becomes negative. */
const widenNormals = (random: Random, factor: number): Random => ({
  ...random,
  normal: (mean, deviation) =>
    random.normal(mean, mean === 0 ? deviation * factor : Math.min(deviation * factor, Math.max(deviation, Math.abs(mean) / 4))),
})
