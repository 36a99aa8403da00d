import { describe, expect, it } from 'vitest'
import type { Fault } from '#catalogue/appliance-type.ts'
import { believeLabel, type LabelFacts } from './label-confidence.ts'

const fault = (code: string, part: string): Fault => ({ code, parts: [{ part, quantity: 1, probability: 0.8 }] }) as unknown as Fault
const base: LabelFacts = {
  type: { faults: [fault('F-1', 'valve'), fault('F-2', 'board'), fault('F-3', 'fan')] },
  outcome: { cause: 'F-1', parts_used: [{ part: 'valve', qty: 1 }] },
  predicted: { 'F-1': 0.8, 'F-2': 0.15 },
  recovered: { 'F-1': 0.95, 'F-2': 0.03, 'F-3': 0.02 },
  repair: 'verified',
  engineer: { confirmed: 0, contradicted: 0 },
  calledAgain: false,
}

describe('believeLabel', () => {
  it('believes a code that part, diagnosis and recovery agree with', () => {
    const belief = believeLabel(base)
    expect(belief.confidence).toBeGreaterThan(0.95)
    expect(belief.corrected_cause).toBeNull()
    expect(belief.reasons.join('; ')).toContain('the diagnosis agrees')
  })

  it('corrects a code that everything else speaks against', () => {
    const wrong = believeLabel({ ...base, outcome: { cause: 'F-2', parts_used: [{ part: 'valve', qty: 1 }] } })
    expect(wrong.confidence).toBeLessThan(0.2)
    expect(wrong.corrected_cause).toBe('F-1')
  })

  it('keeps a code that only the diagnosis speaks against', () => {
    const part = { cause: 'F-2', parts_used: [{ part: 'board', qty: 1 }] }
    const belief = believeLabel({ ...base, outcome: part, recovered: {}, repair: 'unknown' })
    expect(belief.corrected_cause).toBeNull()
    expect(belief.confidence).toBeGreaterThan(0.5)
  })

  it('believes less when the repair failed, when the household called again, and of an engineer whose codes were wrong', () => {
    const sure = believeLabel({ ...base, predicted: {}, recovered: {}, repair: 'unknown' }).confidence
    expect(believeLabel({ ...base, repair: 'failed' }).confidence).toBeLessThan(0.5)
    expect(believeLabel({ ...base, predicted: {}, recovered: {}, repair: 'unknown', calledAgain: true }).confidence).toBeLessThan(sure)
    const careless = { confirmed: 5, contradicted: 15 }
    const unaided: LabelFacts = { ...base, outcome: { cause: 'F-1', parts_used: [] }, predicted: {}, recovered: {}, repair: 'unknown' }
    expect(believeLabel({ ...unaided, engineer: careless }).confidence).toBeLessThan(believeLabel(unaided).confidence)
  })

  it('draws nothing from a part that the type does not have', () => {
    const without = believeLabel({ ...base, outcome: { cause: 'F-1', parts_used: [] } })
    const unknown = believeLabel({ ...base, outcome: { cause: 'F-1', parts_used: [{ part: 'valve', qty: 1, is_unknown: true }] } })
    expect(unknown.confidence).toBe(without.confidence)
    expect(unknown.reasons.join('; ')).not.toContain('parts used')
  })

  it('does not weigh a code that names no fault', () => {
    expect(believeLabel({ ...base, outcome: { cause: 'other', parts_used: [] } })).toMatchObject({ confidence: 0.3, corrected_cause: null })
  })
})
