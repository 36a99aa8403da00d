import { describe, expect, it } from 'vitest'
import { aWindow, HOUR, pump } from '../test-builders.ts'
import { classOfOutcome, labelsOf, readLabels, weightOfOutcome, weightsAt } from './site-labels.ts'
import { splitSite } from './site-split.ts'
import { weightsOf } from './training-set.ts'

const DAY = 24 * HOUR
const values = { ambient_c: 20, lift_k: 10, power_w: 500 }
const unit = (key: string, label: string | undefined) => ({ key, windows: [aWindow(1, values)], labelAt: () => label })

describe('readLabels', () => {
  it('reads times of both kinds and columns in any order', () => {
    expect(readLabels('fault,device,to,from\nK-01,d1,1767312000000,2026-01-01T00:00:00Z\n\nno_fault,"d2",2026-02-02,2026-01-01\n', pump)).toEqual([
      { device: 'd1', fault: 'K-01', from_ms: 1767225600000, to_ms: 1767312000000 },
      { device: 'd2', fault: 'no_fault', from_ms: 1767225600000, to_ms: 1769990400000 },
    ])
  })

  it.each([
    ['a missing column', 'device,from,to\nd1,1,2', /columns device, from, to and fault/],
    ['an unknown fault', 'device,from,to,fault\nd1,2026-01-01,2026-01-02,X-9', /line 2, fault: X-9 is no fault of pump/],
    ['a bad time', 'device,from,to,fault\nd1,yesterday,2026-01-02,K-01', /line 2, from: yesterday is no time/],
    ['an empty stretch', 'device,from,to,fault\nd1,2026-01-02,2026-01-02,K-01', /line 2, to: does not lie behind from/],
    ['no device', 'device,from,to,fault\n,2026-01-01,2026-01-02,K-01', /line 2, device: is empty/],
  ])('refuses %s', (_, text, reason) => {
    expect(() => readLabels(text, pump)).toThrow(reason)
  })
})

describe('labels that teach nothing', () => {
  const head = 'device,from,to,fault\n'
  const errorsOf = (text: string): unknown => {
    try {
      return readLabels(text, pump, (device) => device.startsWith('d'))
    } catch (error) {
      return (error as { details: { errors: unknown } }).details.errors
    }
  }

  it('are refused when their device is not there, with the line, under the field of the request', () => {
    const reason = 'line 3, device: there is no device typo of the type pump'
    expect(errorsOf(`${head}d1,2026-01-01,2026-01-02,K-01\ntypo,2026-01-01,2026-01-02,K-01`)).toEqual([{ field: 'body.labels', reason }])
  })

  it('are refused when they call the same time sound and faulty, of whatever device is meant', () => {
    const text = `${head}d1,2026-01-01,2026-01-31,K-01\nd1,2026-01-02,2026-01-03,K-02\nd2,2026-01-05,2026-01-06,no_fault\nd1,2026-01-05,2026-01-06,no_fault`
    const reason = 'line 5, fault: no_fault contradicts K-01 of line 2 for the same time of d1'
    expect(errorsOf(text)).toEqual([{ field: 'body.labels', reason }])
    const touching = `${head}d1,2026-01-01,2026-01-02,K-01\nd1,2026-01-02,2026-01-03,no_fault\nd1,2026-01-01,2026-01-02,K-02`
    expect(errorsOf(touching)).toHaveLength(3)
  })
})

describe('classOfOutcome', () => {
  it.each([
    ['a code that is believed', { cause: 'K-01', confidence: 0.9, corrected_cause: null }, 'K-01'],
    ['a code that nobody weighed', { cause: 'K-01', confidence: null, corrected_cause: null }, 'K-01'],
    ['nothing found', { cause: 'no_fault_found', confidence: 0.8, corrected_cause: null }, 'no_fault'],
    ['a code that sensors correct', { cause: 'no_fault_found', confidence: 0.05, corrected_cause: 'K-01' }, 'K-01'],
    ['a code that is doubted', { cause: 'K-01', confidence: 0.2, corrected_cause: null }, undefined],
    ['a cause outside the catalogue', { cause: 'other', confidence: 0.9, corrected_cause: null }, undefined],
  ])('takes %s for what it is worth', (_, outcome, expected) => {
    expect(classOfOutcome(outcome, pump)).toBe(expected)
  })
})

describe('weights of labels', () => {
  it.each([
    ['a code that is believed by half', { cause: 'K-01', confidence: 0.5, corrected_cause: null }, 0.5],
    ['a code that nobody weighed', { cause: 'K-01', confidence: null, corrected_cause: null }, 1],
    ['a correction by sensors', { cause: 'K-02', confidence: 0.05, corrected_cause: 'K-01' }, 1],
  ])('take %s for what it is worth', (_, outcome, expected) => {
    expect(weightOfOutcome(outcome)).toBe(expected)
  })

  it('hold in the time of their label, and rows count by them', () => {
    const at = weightsAt([{ device: 'd1', fault: 'K-01', from_ms: 10, to_ms: 20, weight: 0.5 }])
    expect([9, 10, 20, 21].map(at)).toEqual([1, 0.5, 0.5, 1])
    const row = { unit: 'd1', toMs: 1, mean: {} as never, label: 'K-01' }
    expect(weightsOf([row, { ...row, weight: 0.5 }])).toEqual([0.5, 0.25])
  })
})

describe('labelsOf', () => {
  const fault = { device: 'd1', fault: 'K-01', from_ms: 100 * DAY, to_ms: 110 * DAY }

  it('says the fault in its time, nothing around it, and what is assumed of the rest', () => {
    const at = labelsOf([fault], 'no_fault')
    expect([50, 80, 105, 112, 130].map((day) => at(day * DAY))).toEqual(['no_fault', undefined, 'K-01', undefined, 'no_fault'])
  })

  it('says nothing of time without a label when nothing is assumed', () => {
    const at = labelsOf([fault, { ...fault, fault: 'no_fault', from_ms: 10 * DAY, to_ms: 20 * DAY }], undefined)
    expect([15, 50, 105].map((day) => at(day * DAY))).toEqual(['no_fault', undefined, 'K-01'])
  })
})

describe('splitSite', () => {
  const some = (count: number, label: string) => Array.from({ length: count }, (_, index) => unit(`${label}-${index}`, label))

  it('gives each class units for each purpose, no unit twice, and always the same', () => {
    const { set, units, leftOut } = splitSite([...some(10, 'no_fault'), ...some(3, 'K-01'), ...some(2, 'K-02')])
    expect(units).toEqual({ no_fault: 10, 'K-01': 3, 'K-02': 2 })
    expect(leftOut).toEqual(['K-02'])
    for (const part of [set.train, set.tune, set.calibrate]) expect(part.some(({ key }) => key.startsWith('K-01'))).toBe(true)
    const keys = [...set.train, ...set.tune, ...set.calibrate].map(({ key }) => key)
    expect(new Set(keys).size).toBe(13)
    expect(splitSite([...some(10, 'no_fault'), ...some(3, 'K-01')].reverse()).set.tune.map(({ key }) => key)).toEqual(set.tune.map(({ key }) => key))
  })

  it.each([
    ['no unit', [], /there are: none/],
    ['only units without fault', some(10, 'no_fault'), /no_fault 10/],
    ['too few of a fault', [...some(10, 'no_fault'), ...some(2, 'K-01')], /at least 3 units without fault and 3 of one fault/],
  ])('refuses %s', (_, units, reason) => {
    expect(() => splitSite(units)).toThrow(reason)
  })
})
