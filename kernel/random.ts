/**
 * Seeded randomness as a port (sfc32 by Chris Doty-Humphrey, PractRand; seeded through a 32-bit string hash).
 * The same seed gives the same sequence on every machine; `fork` gives independent streams by name, so that
 * adding a consumer of randomness does not shift the others.
 */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Uniform in [min, max). */
  between(min: number, max: number): number
  /** Integer in [min, max], both included. */
  integer(min: number, max: number): number
  /** Normal deviate by Box-Muller. */
  normal(mean: number, standardDeviation: number): number
  /** Exponential deviate with the given mean. */
  exponential(mean: number): number
  /** True with probability `probability`. */
  chance(probability: number): boolean
  /** One of the items; throws on an empty list. */
  pick<T>(items: readonly T[]): T
  /** Independent stream named `name`. */
  fork(name: string): Random
}

/** Creates the stream of `seed`. */
export function createRandom(seed: string): Random {
  let a = hash32(`${seed}/a`)
  let b = hash32(`${seed}/b`)
  let c = hash32(`${seed}/c`)
  let counter = 1

  const next = (): number => {
    const result = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + result) | 0
    return (result >>> 0) / 0x1_0000_0000
  }
  for (let warmUp = 0; warmUp < 12; warmUp++) next()

  const random: Random = {
    uniform: next,
    between: (min, max) => min + (max - min) * next(),
    integer: (min, max) => min + Math.floor((max - min + 1) * next()),
    normal: (mean, standardDeviation) => mean + standardDeviation * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    exponential: (mean) => -mean * Math.log(1 - next()),
    chance: (probability) => next() < probability,
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)]
      if (item === undefined) throw new RangeError('pick: empty list')
      return item
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  }
  return random
}

/** FNV-1a with a final avalanche, over UTF-16 code units; result in [0, 2^32). */
function hash32(text: string): number {
  let hash = 0x811c_9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
