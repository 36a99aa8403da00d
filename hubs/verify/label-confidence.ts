/**
 * How far the coded cause of a visit can be believed: the code and how often this engineer's codes proved right, the part that was used, what
 * the diagnosis said before, what recovered behind the visit, and whether the household called again. A posterior over the faults
 * of the type; the label's confidence is that of its code, and a cause that is clearly likelier stands beside it as the correction. Pure.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Outcome } from '#kernel/work-order.ts'

export interface LabelFacts {
  readonly type: Pick<ApplianceType, 'faults'>
  readonly outcome: Pick<Outcome, 'cause' | 'parts_used'>
  /** Of the diagnosis before the visit; empty where there was none. */
  readonly predicted: Readonly<Record<string, number>>
  /** Of what recovered; empty while nothing was measured. */
  readonly recovered: Readonly<Record<string, number>>
  readonly repair: 'verified' | 'failed' | 'unknown'
  /** Visits of this engineer whose code the sensors confirmed and contradicted. */
  readonly engineer: { readonly confirmed: number; readonly contradicted: number }
  /** The household got in touch again within 30 days. */
  readonly calledAgain: boolean
}

export interface LabelBelief {
  readonly confidence: number
  /** Likelier cause than the code; null = none is. */
  readonly corrected_cause: string | null
  readonly reasons: readonly string[]
}

const NO_FAULT = 'no_fault_found'
/** Codes are right this often before an engineer is known (Beta prior of 20 visits; the field's figure is about 0.9). */
const CODE_RIGHT = 18
const CODE_WRONG = 2
/** A part that a fault does not need is used in such a repair this often. */
const PART_ELSEWHERE = 0.03
const PROBABILITY_FLOOR = 0.01
/** A correction needs this much. */
const CORRECTED_MIN = 0.8
const UNKNOWN_CODE = 0.3

/** Weighs a label. */
export function believeLabel(facts: LabelFacts): LabelBelief {
  const { type, outcome, engineer } = facts
  const codes = [...type.faults.map(({ code }) => code), NO_FAULT]
  if (!codes.includes(outcome.cause)) return { confidence: UNKNOWN_CODE, corrected_cause: null, reasons: ['the code names no fault of the type'] }
  const right = (CODE_RIGHT + engineer.confirmed) / (CODE_RIGHT + CODE_WRONG + engineer.confirmed + engineer.contradicted)
  const weights = codes.map((code) => {
    const byCode = code === outcome.cause ? right : (1 - right) / (codes.length - 1)
    return byCode * byPart(facts, code) * byDiagnosis(facts, code) * byRecovery(facts, code)
  })
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const chance = new Map(codes.map((code, index) => [code, (weights[index] ?? 0) / sum]))
  const [likeliest, most] = [...chance].sort((a, b) => b[1] - a[1])[0] ?? [outcome.cause, 0]
  let confidence = chance.get(outcome.cause) ?? 0
  // A visit that did not help says little of what was wrong.
  if (facts.repair === 'failed') confidence *= 0.4
  else if (facts.calledAgain) confidence *= 0.7
  const isOther = likeliest !== outcome.cause && most >= CORRECTED_MIN && facts.repair !== 'failed'
  return {
    confidence: Number(Math.min(0.99, Math.max(0.01, confidence)).toFixed(3)),
    corrected_cause: isOther ? likeliest : null,
    reasons: reasonsOf(facts, right),
  }
}

/** How well the parts that were used go with a fault, against a fault that needs none of them; 1 where no part was used. */
export function byPart({ type, outcome }: Pick<LabelFacts, 'type'> & { readonly outcome: Pick<Outcome, 'parts_used'> }, code: string): number {
  const needs = type.faults.find((fault) => fault.code === code)?.parts ?? []
  return outcome.parts_used.reduce((product, { part, is_unknown }) => {
    if (is_unknown === true) return product
    const known = needs.find((need) => need.part === part)
    return product * Math.max(PART_ELSEWHERE, known?.probability ?? PART_ELSEWHERE)
  }, 1)
}

function byDiagnosis({ predicted }: LabelFacts, code: string): number {
  if (Object.keys(predicted).length === 0) return 1
  const named = Object.entries(predicted).reduce((sum, [fault, value]) => sum + (fault === 'no_fault' ? 0 : value), 0)
  return Math.max(PROBABILITY_FLOOR, code === NO_FAULT ? Math.max(predicted.no_fault ?? 0, 1 - named) : (predicted[code] ?? 0))
}

/** The diagnosis is part of what recovered, so only the rest of that counts here. */
function byRecovery({ recovered, predicted, repair }: LabelFacts, code: string): number {
  if (repair !== 'verified' || Object.keys(recovered).length === 0) return 1
  // A departure that vanished with the visit speaks against "nothing was found".
  if (code === NO_FAULT) return 0.05
  return Math.max(PROBABILITY_FLOOR, recovered[code] ?? 0) / Math.max(0.02, predicted[code] ?? 0)
}

function reasonsOf({ outcome, predicted, recovered, repair, engineer, calledAgain }: LabelFacts, right: number): string[] {
  const top = Object.entries(predicted).sort((a, b) => b[1] - a[1])[0]
  const back = Object.entries(recovered).sort((a, b) => b[1] - a[1])[0]
  return [
    `codes of this engineer are right in ${Math.round(100 * right)} of 100 (${engineer.confirmed} confirmed, ${engineer.contradicted} contradicted)`,
    ...(top === undefined
      ? ['there was no diagnosis before']
      : [`the diagnosis ${top[0] === outcome.cause ? 'agrees' : `said ${top[0]}`} (${top[1]})`]),
    ...told('parts used', outcome.parts_used, (is_unknown) => is_unknown !== true),
    ...told('parts that the type does not have', outcome.parts_used, (is_unknown) => is_unknown === true),
    ...(repair === 'unknown' ? ['the repair is not judged yet'] : [`the repair ${repair === 'verified' ? 'held' : 'did not hold'}`]),
    ...(repair !== 'verified' || back === undefined ? [] : [`what recovered are the signs of ${back[0]} (${Number(back[1].toFixed(2))})`]),
    ...(calledAgain ? ['the household called again'] : []),
  ]
}

/** Names the parts of a kind, or nothing where there is none. */
function told(text: string, parts: LabelFacts['outcome']['parts_used'], isMeant: (isUnknown: boolean | undefined) => boolean): string[] {
  const names = parts.filter(({ is_unknown }) => isMeant(is_unknown)).map(({ part }) => part)
  return names.length === 0 ? [] : [`${text}: ${names.join(', ')}`]
}
