import { describe, expect, it } from 'vitest'
import type { ApplianceType, Fault } from '#catalogue/appliance-type.ts'
import type { MeasuredResidual } from '#kernel/measured-residuals.ts'
import { createRandom } from '#kernel/random.ts'
import { assessRepair } from './assess-repair.ts'
import { causeProbabilities, codeSign, signOf } from './recovered-cause.ts'
import { standardVerifyPolicy } from './verify-policy.ts'

const FEATURES = ['a_k', 'b_k', 'c_w', 'd_a', 'e_hz', 'f_c']
const text = { en: '', 'zh-CN': '' }
const fault = (code: string, signs: Readonly<Record<string, 1 | -1>>): Fault =>
  ({ code, signs: Object.entries(signs).map(([feature, direction]) => ({ feature, direction, text })), parts: [] }) as unknown as Fault
const leak = fault('F-1', { a_k: 1, b_k: -1, c_w: -1 })
const block = fault('F-2', { d_a: 1, e_hz: 1, f_c: 1 })
const type: Pick<ApplianceType, 'faults'> = { faults: [leak, block] }
const bounds = { ...standardVerifyPolicy, windows_MIN: 3 }

const window = (values: Readonly<Record<string, number>>, noise: () => number = () => 0): MeasuredResidual[] =>
  FEATURES.map((feature) => ({ feature, observed: 1, expected: 1, z_score: (values[feature] ?? 0) + noise() }))
const LEAKING = { a_k: 3, b_k: -2.5, c_w: -2 }
const BLOCKED = { d_a: 3, e_hz: 2, f_c: 2.5 }
const times = (count: number, make: () => MeasuredResidual[]) => Array.from({ length: count }, make)

describe('assessRepair', () => {
  it('calls a repair good when the residuals are back to normal, and failed when they stay', () => {
    const before = window(LEAKING)
    expect(assessRepair({ before, after: times(4, () => window({})), fault: leak }, bounds)).toMatchObject({
      verdict: 'normal',
      left_ratio: 0,
      windows: 4,
    })
    const stays = assessRepair({ before, after: times(6, () => window(LEAKING)), fault: leak }, bounds)
    expect(stays).toMatchObject({ verdict: 'not_normal', left_ratio: 1 })
    expect(stays.features).toContainEqual({ feature: 'a_k', before_z: 3, after_z: 3, observed: 1, expected: 1 })
  })

  it('decides nothing by one window, nor by windows that lack the features', () => {
    const before = window(LEAKING)
    expect(assessRepair({ before, after: [window(LEAKING)], fault: leak }, bounds).verdict).toBe('undecided')
    const blind = times(9, () => window({}).filter(({ feature }) => !(feature in LEAKING)))
    expect(assessRepair({ before, after: blind, fault: leak }, bounds)).toMatchObject({ verdict: 'undecided', windows: 0, left_ratio: null })
  })

  it('decides by two windows where the departure was long, and never by one', () => {
    const long = { a_k: 7, b_k: -6, c_w: -5 }
    const asked = (count: number) => assessRepair({ before: window(long), after: times(count, () => window(long)), fault: leak }, bounds).verdict
    expect([asked(1), asked(2)]).toEqual(['undecided', 'not_normal'])
    const good = (count: number) => assessRepair({ before: window(long), after: times(count, () => window({})), fault: leak }, bounds).verdict
    expect([good(2), good(3)]).toEqual(['undecided', 'normal'])
  })

  it('takes what is left of a long departure for no recovery, however small its share', () => {
    const before = window({ a_k: 20, b_k: -14, c_w: -10 })
    const after = times(3, () => window({ a_k: 8, b_k: -6, c_w: -4 }))
    expect(assessRepair({ before, after, fault: leak }, bounds)).toMatchObject({ verdict: 'not_normal', left_ratio: expect.closeTo(0.4, 1) })
    expect(assessRepair({ before, after: times(3, () => window({ a_k: 1.5, b_k: -1 })), fault: leak }, bounds).verdict).toBe('normal')
  })

  it('takes a departure to the other side for no recovery: not normal where it is plain, and not called normal where it may be', () => {
    const before = window(LEAKING)
    const beyond = (count: number, factor: number) => {
      const turned = Object.fromEntries(Object.entries(LEAKING).map(([feature, z]) => [feature, -factor * z]))
      return assessRepair({ before, after: times(count, () => window(turned)), fault: leak }, bounds)
    }
    expect(beyond(10, 1)).toMatchObject({ verdict: 'not_normal', left_ratio: -1, failed_probability: 0.98 })
    expect(beyond(4, 1).verdict).toBe('undecided')
    expect(beyond(10, 0.8).verdict).toBe('undecided')
    expect(beyond(10, 0.4).verdict).toBe('normal')
    const one = [...times(6, () => window({})), ...times(2, () => window({ a_k: -6, b_k: 5, c_w: 4 }))]
    expect(assessRepair({ before, after: one, fault: leak }, bounds).verdict).toBe('normal')
  })

  it('calls nothing normal where one feature turned to the other side and another stays', () => {
    const before = window({ a_k: 5, b_k: -5, c_w: -2 })
    const of = (values: Readonly<Record<string, number>>) => assessRepair({ before, after: times(10, () => window(values)), fault: leak }, bounds)
    expect(of({ a_k: 5, b_k: 5 })).toMatchObject({ verdict: 'undecided' })
    expect(of({ a_k: 2, b_k: 2 })).toMatchObject({ verdict: 'normal' })
  })

  it('calls a unit whose departure was not measured failed when it plainly shows the signs of the fault behind the visit', () => {
    const after = times(3, () => window({ a_k: 5, b_k: -4 }))
    expect(assessRepair({ before: [], after, fault: leak }, bounds)).toMatchObject({ verdict: 'not_normal', left_ratio: null })
    expect(assessRepair({ before: [], after, fault: block }, bounds).verdict).not.toBe('not_normal')
    expect(assessRepair({ before: [], after: after.slice(1), fault: leak }, bounds).verdict).toBe('undecided')
  })

  it('calls no unit normal by windows that know nothing of what its fault shows', () => {
    const blind = times(6, () => window({}).filter(({ feature }) => !(feature in LEAKING)))
    expect(assessRepair({ before: [], after: blind, fault: leak }, bounds).verdict).toBe('undecided')
    expect(assessRepair({ before: [], after: blind, fault: block }, bounds).verdict).toBe('normal')
  })

  it('never calls a unit failed whose departure was not measured', () => {
    const after = times(8, () => window(BLOCKED))
    expect(assessRepair({ before: window({}), after, fault: undefined }, bounds).verdict).toBe('undecided')
    expect(assessRepair({ before: window({}), after: times(8, () => window({})), fault: undefined }, bounds).verdict).toBe('normal')
  })

  it('reopens few good repairs and finds most failed ones under noise that lasts for days', () => {
    const random = createRandom('assess-repair/noise')
    const counts = { wrong: 0, caught: 0 }
    for (let unit = 0; unit < 400; unit++) {
      // Each unit has an offset of its own that no window of it escapes, beside the noise of each window.
      const offset = new Map(FEATURES.map((feature) => [feature, random.normal(0, 0.8)]))
      const noisy = (values: Readonly<Record<string, number>>) =>
        window(values, () => random.normal(0, 1)).map((residual) => ({
          ...residual,
          z_score: (residual.z_score ?? 0) + (offset.get(residual.feature) ?? 0),
        }))
      const before = noisy(LEAKING)
      const seen = (values: Readonly<Record<string, number>>) => times(12, () => noisy(values)).map((_, index, all) => all.slice(0, index + 1))
      // Judged behind each window, as it is live: the first decision counts.
      const decide = (values: Readonly<Record<string, number>>) =>
        seen(values)
          .map((after) => assessRepair({ before, after, fault: leak }, bounds).verdict)
          .find((verdict) => verdict !== 'undecided')
      if (decide({}) === 'not_normal') counts.wrong++
      if (decide(LEAKING) === 'not_normal') counts.caught++
    }
    expect(counts.wrong / 400).toBeLessThanOrEqual(0.03)
    expect(counts.caught / 400).toBeGreaterThanOrEqual(0.8)
  })
})

describe('signOf', () => {
  const outcome = { cause: 'F-1', parts_used: [{ part: 'p', qty: 1 }], parts_returned: [], minutes: 30 }
  const ask = (given: {
    readonly before: MeasuredResidual[]
    readonly after: MeasuredResidual[][]
    readonly cause?: string
    readonly parts?: typeof outcome.parts_used
    readonly predicted?: Record<string, number>
  }) => {
    const { before, after, predicted = { 'F-1': 0.7, 'F-2': 0.2 } } = given
    const fault = type.faults.find(({ code }) => code === 'F-1')
    return signOf({
      type,
      outcome: { ...outcome, cause: given.cause ?? 'F-1', parts_used: given.parts ?? outcome.parts_used },
      assessment: assessRepair({ before, after, fault }, bounds),
      causes: causeProbabilities({ type, before, after, probabilities: predicted }),
      before,
      confidence: Math.max(...Object.values(predicted)),
    })
  }
  const normal = times(5, () => window({}))

  it('says nothing of a repair that held and is coded as what recovered', () => {
    expect(ask({ before: window(LEAKING), after: normal })).toBeUndefined()
  })

  it('takes the side of a code that the parts go with', () => {
    const needs = (code: string, part: string) => ({ ...(code === 'F-1' ? leak : block), parts: [{ part, quantity: 1, probability: 0.9 }] })
    const parted = { faults: [needs('F-1', 'seal'), needs('F-2', 'pump')] }
    const causes = new Map([
      ['F-1', 0.97],
      ['F-2', 0.03],
    ])
    const of = (part: string) => ({ ...outcome, cause: 'F-2', parts_used: [{ part, qty: 1 }] })
    expect(codeSign({ type: parted, outcome: of('pump'), causes, because: 'it was' })).toBeUndefined()
    expect(codeSign({ type: parted, outcome: of('seal'), causes, because: 'it was' })).toMatchObject({ sign: 'miscoded_repair', sensed: 'F-1' })
  })

  it.each([
    ['phantom_repair', { before: window(LEAKING), after: times(6, () => window(LEAKING)) }, true],
    ['bad_repair', { before: window(LEAKING), after: times(6, () => window(LEAKING)), parts: [] }, true],
    ['missed_fault', { before: window(LEAKING), after: times(6, () => window(LEAKING)), cause: 'no_fault_found', parts: [] }, false],
    [
      'missed_fault',
      { before: window(LEAKING), after: times(6, () => window(LEAKING)), cause: 'no_fault_found', parts: [], predicted: { 'F-1': 0.97 } },
      true,
    ],
    ['miscoded_repair', { before: window(LEAKING), after: normal, cause: 'F-2' }, false],
    ['miscoded_repair', { before: window(LEAKING), after: normal, cause: 'no_fault_found', parts: [] }, false],
  ] as const)('finds a %s', (sign, given, reopens) => {
    expect(ask(given as unknown as Parameters<typeof ask>[0])).toMatchObject({ sign, reopens })
  })
})
