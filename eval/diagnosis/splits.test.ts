/** Fleets of a split: which faults each has, and that nothing is in two splits. */
import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { classesOf } from '../../models/training/training-set.ts'
import { jobsOf, SPLITS, type SplitName, splitOf } from './splits.ts'

const withRecipes = applianceTypes.filter(({ recipe }) => recipe !== undefined)
const names = Object.keys(SPLITS) as SplitName[]

describe('the fleets of a split', () => {
  it.each(withRecipes.map((type) => [type.id, type] as const))('of %s have seeds of their own', (_, type) => {
    const seeds = names.flatMap((name) => splitOf(type, name).seeds)
    expect(new Set(seeds).size).toBe(seeds.length)
  })

  it('have all faults of the classes, and those of seldom faults only these, all of them classes', () => {
    for (const type of withRecipes) {
      const split = splitOf(type, 'train')
      const all = classesOf(type).slice(1)
      jobsOf(type, split).forEach(({ plan }, index) => {
        const isSeldom = split.seldom !== undefined && index >= split.seldom.from
        expect(plan.faults).toEqual(isSeldom ? split.seldom?.faults : all)
        expect(all).toEqual(expect.arrayContaining([...(plan.faults ?? [])]))
      })
      expect(jobsOf(type, split).some(({ plan }) => plan.faults?.length === all.length)).toBe(true)
    }
  })

  it('of seldom faults see their units sound first', () => {
    for (const type of withRecipes) {
      const split = splitOf(type, 'train')
      const seldom = split.seldom === undefined ? [] : jobsOf(type, split).slice(split.seldom.from)
      for (const { plan } of seldom) expect(plan.onsetShare).toBeUndefined()
    }
    expect(splitOf(withRecipes.find(({ id }) => id === 'fridge') ?? withRecipes[0] ?? never(), 'train').seldom?.faults).toContain('FR-08')
  })
})

function never(): never {
  throw new Error('there are types with recipes')
}
