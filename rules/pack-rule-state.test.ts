import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packRuleState, unpackRuleState } from './pack-rule-state.ts'
import { createRuleState, NEVER, type RuleState } from './rule-state.ts'

const memoryOf = (comparisons: number) => ({
  latches: Array(comparisons).fill(false),
  leaving: 0,
  samples: Array.from({ length: comparisons }, () => []),
})
const time = fc.oneof(fc.constant(NEVER), fc.nat(2 ** 42))
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value))
const state: fc.Arbitrary<RuleState> = fc.nat(4).chain((comparisons) =>
  fc.record({
    beganMs: time,
    ceasedMs: time,
    knownMs: time,
    beforeMs: time,
    talkMs: time,
    dipMs: time,
    dippedMs: fc.nat(),
    raisedMs: time,
    brokenHold: fc.option(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { nil: null }),
    brokenBefore: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 3 }),
    episodes: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 4 }),
    memory: fc.record({
      latches: fc.array(fc.boolean(), { minLength: comparisons, maxLength: comparisons }),
      leaving: fc.constant(0),
      samples: fc.array(fc.array(number, { maxLength: 8 }), { minLength: comparisons, maxLength: comparisons }),
    }),
  }),
)

describe('a packed state of a rule', () => {
  it('comes back as it was, also through JSON', () => {
    fc.assert(
      fc.property(state, (given) => {
        const packed = packRuleState(given)
        const back = (from: typeof packed) => unpackRuleState(from, createRuleState(memoryOf(given.memory.latches.length), true))
        expect(back(packed)).toEqual(given)
        if (packed !== undefined) expect(back(JSON.parse(JSON.stringify(packed)))).toEqual(given)
      }),
    )
  })

  it('is left out when nothing happened', () => {
    expect(packRuleState(createRuleState(memoryOf(2)))).toBeUndefined()
    expect(unpackRuleState(undefined, createRuleState(memoryOf(2)))).toEqual(createRuleState(memoryOf(2)))
  })

  it('is read as an object, too, as version 0.1 wrote it, and shares nothing with it', () => {
    const old: RuleState = { ...createRuleState({ latches: [true], leaving: 0, samples: [[1, 2]] }), knownMs: 5, episodes: [[1, 2]] }
    const back = unpackRuleState(old, createRuleState(memoryOf(1)))
    expect(back).toEqual(old)
    back.memory.samples[0]?.push(3, 4)
    expect(old.memory.samples).toEqual([[1, 2]])
  })
})
