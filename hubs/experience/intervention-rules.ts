/**
 * The rules by which something is done about an order whose household is likely to complain: data with a version. A rule is met by reasons
 * and a score; what it asks for has an owner and a time by which its result is due. The figures that ship are chosen, not fitted. Part of the
 * orders is held out: their rules are noted and not carried out, so that the effect can be measured. Dangers are never held out.
 */
import { createHash } from 'node:crypto'
import type { Risk, RiskTerm } from './risk-score.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export const INTERVENTION_ACTIONS = ['call_household', 'move_up_visit', 'express_part', 'senior_engineer', 'goodwill'] as const

export interface InterventionRule {
  readonly id: string
  /** Any of these among the reasons; empty = whatever the reason. */
  readonly reasons: readonly RiskTerm[]
  /** Least score, 0 to 1. */
  readonly score_MIN: number
  readonly action: (typeof INTERVENTION_ACTIONS)[number]
  /** Who owes the result, and who hears when it stays out. */
  readonly owner: string
  readonly escalate_to: string
  readonly within_ms: number
}

export interface InterventionRules {
  readonly version: number
  /** Score from which an order is told as at risk, and below which it no longer is. */
  readonly bound: { readonly up: number; readonly down: number }
  /** Share of the orders that is not intervened on, 0 to 1. */
  readonly hold_out_share: number
  readonly rules: readonly InterventionRule[]
}

const call = { action: 'call_household', owner: 'call_centre', escalate_to: 'organisation' } as const

export const standardInterventionRules: InterventionRules = {
  version: 1,
  bound: { up: 0.3, down: 0.25 },
  hold_out_share: 0.1,
  rules: [
    { id: 'late', reasons: ['late'], score_MIN: 0.1, ...call, within_ms: 30 * MINUTE_MS },
    { id: 'no_news', reasons: ['chase', 'silence'], score_MIN: 0.2, ...call, within_ms: 2 * HOUR_MS },
    {
      ...{ id: 'long_wait', reasons: ['waiting', 'reschedule'], score_MIN: 0.3 },
      ...{ action: 'move_up_visit', owner: 'outlet', escalate_to: 'organisation', within_ms: 4 * HOUR_MS },
    },
    {
      ...{ id: 'wrong_part', reasons: ['wrong_part'], score_MIN: 0.08 },
      ...{ action: 'express_part', owner: 'outlet', escalate_to: 'organisation', within_ms: 4 * HOUR_MS },
    },
    {
      ...{ id: 'repeat_fault', reasons: ['repeat'], score_MIN: 0.15 },
      ...{ action: 'senior_engineer', owner: 'outlet', escalate_to: 'organisation', within_ms: 8 * HOUR_MS },
    },
    {
      ...{ id: 'amends', reasons: [], score_MIN: 0.6 },
      ...{ action: 'goodwill', owner: 'organisation', escalate_to: 'management', within_ms: 24 * HOUR_MS },
    },
  ],
}

/** Rules that a risk meets. */
export const rulesMet = ({ score, reasons }: Pick<Risk, 'score' | 'reasons'>, { rules }: InterventionRules): readonly InterventionRule[] =>
  rules.filter((rule) => score >= rule.score_MIN && (rule.reasons.length === 0 || reasons.some(({ term }) => rule.reasons.includes(term))))

/** Whether an order is held out: by a hash of its id, so that it is the same each time and nobody can choose. */
export function isHeldOut(order: { readonly work_order_id: string; readonly safety_class: string }, share: number): boolean {
  if (order.safety_class === 'E0' || order.safety_class === 'E1') return false
  const hash = createHash('sha256').update(`hold-out/${order.work_order_id}`).digest()
  return hash.readUInt32BE(0) / 2 ** 32 < share
}
