import { describe, expect, it } from 'vitest'
import type { Condition } from '#catalogue/appliance-type.ts'
import { compileCondition, HOLDS } from './compile-condition.ts'

const columns = ['x', 'y', 'x_min', 'x_max', 'y_min', 'y_max']
const layout = { type: 'kettle', columns, baseWidth: 2, indexOf: new Map(columns.map((name, index) => [name, index])) }
const gt: Condition = { channel: 'x', op: '>', value: 80, unit: 'c' }
const lt: Condition = { channel: 'x', op: '<', value: 20, unit: 'c' }
const minus: Condition = { channel: 'x', minus: 'y', op: '>', value: 80, unit: 'k' }
const minusLt: Condition = { channel: 'x', minus: 'y', op: '<=', value: -20, unit: 'k' }
const equal: Condition = { channel: 'x', op: '==', value: 50, unit: 'c' }
const NONE = Number.NaN

const holds = (condition: Condition, numbers: readonly number[], isWorstCase: boolean): boolean => {
  const compiled = compileCondition(condition, layout, { gapMs: 1, isWorstCase })
  return compiled.evaluate(Float64Array.from(numbers), 0, compiled.createMemory()) === HOLDS
}

describe('compileCondition for aggregates', () => {
  it.each<[string, Condition, number[], boolean, boolean]>([
    ['> sees the max', gt, [50, NONE, 10, 90, NONE, NONE], true, false],
    ['> sees a mean beyond its max, and bounds that were mixed up', gt, [50, NONE, 90, 10, NONE, NONE], true, false],
    ['> falls back on the value', gt, [90, NONE, NONE, NONE, NONE, NONE], true, true],
    ['> does not hold when no bound reaches it', gt, [50, NONE, 10, 80, NONE, NONE], false, false],
    ['< sees the min', lt, [50, NONE, 10, 90, NONE, NONE], true, false],
    ['< does not hold when no bound reaches it', lt, [50, NONE, 20, 90, NONE, NONE], false, false],
    ['not < sees the max', { not: { ...lt, value: 80 } }, [50, NONE, 10, 90, NONE, NONE], true, false],
    ['> of a difference takes the min away', minus, [50, 20, 40, 90, 5, 60], true, false],
    ['<= of a difference takes the max away', minusLt, [50, 50, 40, 90, 5, 60], true, false],
    ['== sees the mean', equal, [50, NONE, 10, 90, NONE, NONE], true, true],
    ['== sees no bound', equal, [40, NONE, 10, 50, NONE, NONE], false, false],
  ])('%s', (_, condition, numbers, worst, ordinary) => {
    expect([holds(condition, numbers, true), holds(condition, numbers, false)]).toEqual([worst, ordinary])
  })

  it('compares the rate of a steady spread with itself', () => {
    const rate: Condition = { channel: 'x', rateOverMs: 300_000, op: '>', value: 1, unit: 'k_per_min' }
    const answers = (last: readonly number[]) => {
      const compiled = compileCondition(rate, layout, { gapMs: 600_000, isWorstCase: true })
      const memory = compiled.createMemory()
      compiled.evaluate(Float64Array.of(50, NONE, 40, 60, NONE, NONE), 0, memory)
      return compiled.evaluate(Float64Array.from(last), 300_000, memory) === HOLDS
    }
    expect([answers([50, NONE, 40, 60, NONE, NONE]), answers([50, NONE, 40, 70, NONE, NONE])]).toEqual([false, true])
  })
})
