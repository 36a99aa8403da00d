import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { types } from '../../models/test-builders.ts'
import { fixedThresholds, isolationForest } from './baselines.ts'

const random = createRandom('baselines')
const type = types('pump')
if (type === undefined) throw new Error('the pump is built')
const size = type.recipe?.features.length ?? 0
const sound = Array.from({ length: 400 }, () => Float64Array.from({ length: size }, () => random.normal(10, 1)))
const usual = new Float64Array(size).fill(10)
const odd = usual.map((value, index) => value + (index % 2 === 0 ? 12 : -12))
const classes = ['no_fault', 'K-01', 'K-02']

describe('baselines', () => {
  it.each([
    ['fixed thresholds', fixedThresholds(type, sound, classes)],
    ['the isolation forest', isolationForest(sound, ['K-02', 'K-01'], 'seed')],
  ])('%s: nothing for a usual window, a fault for an odd one', (_, baseline) => {
    expect(baseline(usual).ranked[0]).toBe('no_fault')
    expect(baseline(odd).ranked[0]).not.toBe('no_fault')
    expect(baseline(odd).score).toBeGreaterThan(baseline(usual).score)
    expect(baseline(usual.map(() => Number.NaN)).ranked[0]).toBe('no_fault')
  })

  it('the forest names the commonest fault', () => {
    expect(isolationForest(sound, ['K-02', 'K-01'], 'seed')(odd).ranked).toEqual(['K-02', 'K-01', 'no_fault'])
  })
})
