/**
 * The chance that the household of an open order will complain, with the reasons: an additive score on facts that are known before any
 * complaint, put through the logistic function. The weights are data with a version and can be refitted from what became of a site's
 * orders; those that ship are chosen, not fitted. Pure: the caller gathers the facts.
 */

/** What is known of an order at one instant; nothing here may come from a complaint. */
export interface OrderFacts {
  /** Minutes that the arrival is, or by the engineer's position will be, behind the promised window; 0 = in time. */
  readonly late_minutes: number
  /** Times that the household asked where the engineer is, or called again. */
  readonly chase_count: number
  readonly reschedule_count: number
  /** Hours since the household last had news; 0 while somebody is on site. */
  readonly silent_h: number
  /** Hours since the order was opened. */
  readonly waiting_h: number
  readonly has_wrong_part: boolean
  /** The same kind of fault was repaired shortly before. */
  readonly is_repeat: boolean
  /** Lowest rating of this household so far, 1 to 5; null = none. */
  readonly lowest_rating: number | null
  /** The household carries a tag that asks for care, with consent and not expired. */
  readonly is_tagged: boolean
  readonly failed_remote_count: number
}

export const RISK_TERMS = ['late', 'chase', 'reschedule', 'silence', 'waiting', 'wrong_part', 'repeat', 'low_rating', 'tag', 'failed_remote'] as const
export type RiskTerm = (typeof RISK_TERMS)[number]

export interface RiskWeights {
  readonly version: number
  readonly intercept: number
  readonly terms: Readonly<Record<RiskTerm, number>>
}

export const standardRiskWeights: RiskWeights = {
  version: 1,
  intercept: -3.5,
  terms: {
    ...{ late: 1.2, chase: 1.3, reschedule: 0.7, silence: 0.8, waiting: 0.6 },
    ...{ wrong_part: 0.9, repeat: 1, low_rating: 0.8, tag: 0.4, failed_remote: 0.4 },
  },
}

export interface Risk {
  /** 0 to 1. */
  readonly score: number
  readonly weights_version: number
  /** What raises it, strongest first; `contribution` is in log-odds. */
  readonly reasons: ReadonlyArray<{ readonly term: RiskTerm; readonly contribution: number }>
}

/** Scores the facts of one order. */
export function riskOf(facts: OrderFacts, weights: RiskWeights = standardRiskWeights): Risk {
  const values = valuesOf(facts)
  const parts = RISK_TERMS.map((term) => ({ term, contribution: Number((weights.terms[term] * values[term]).toFixed(3)) }))
  const sum = parts.reduce((total, { contribution }) => total + contribution, weights.intercept)
  const reasons = parts.filter(({ contribution }) => contribution > 0).sort((a, b) => b.contribution - a.contribution)
  return { score: Number(logistic(sum).toFixed(4)), weights_version: weights.version, reasons }
}

/** Facts as the terms count them: bounded, so that one of them never says everything. */
function valuesOf(facts: OrderFacts): Readonly<Record<RiskTerm, number>> {
  return {
    late: Math.log2(1 + Math.min(480, Math.max(0, facts.late_minutes)) / 30),
    chase: Math.min(3, facts.chase_count),
    reschedule: Math.min(3, facts.reschedule_count),
    silence: Math.min(3, Math.max(0, facts.silent_h) / 24),
    waiting: Math.min(3, Math.max(0, facts.waiting_h) / 72),
    wrong_part: facts.has_wrong_part ? 1 : 0,
    repeat: facts.is_repeat ? 1 : 0,
    low_rating: facts.lowest_rating === null ? 0 : Math.max(0, 3 - facts.lowest_rating),
    tag: facts.is_tagged ? 1 : 0,
    failed_remote: Math.min(2, facts.failed_remote_count),
  }
}

export interface RiskCase {
  readonly facts: OrderFacts
  readonly complained: boolean
}

const STEPS = 400
const STEP_SIZE = 0.3

/**
 * Fits weights to what became of orders, held to the given ones by `pull` (cases that they count for): with few cases they stay. No weight
 * falls below 0, since none of the facts may speak for a contented household.
 */
export function fitRiskWeights(cases: readonly RiskCase[], from: RiskWeights = standardRiskWeights, pull = 50): RiskWeights {
  const rows = cases.map(({ facts, complained }) => ({ values: valuesOf(facts), truth: complained ? 1 : 0 }))
  let intercept = from.intercept
  const terms: Record<RiskTerm, number> = { ...from.terms }
  for (let step = 0; step < STEPS; step++) {
    let byIntercept = 0
    const byTerm: Record<RiskTerm, number> = Object.assign({ ...from.terms }, Object.fromEntries(RISK_TERMS.map((term) => [term, 0])))
    for (const { values, truth } of rows) {
      const sum = RISK_TERMS.reduce((total, term) => total + terms[term] * values[term], intercept)
      const miss = truth - logistic(sum)
      byIntercept += miss
      for (const term of RISK_TERMS) byTerm[term] += miss * values[term]
    }
    const size = STEP_SIZE / (rows.length + pull)
    intercept += size * (byIntercept + pull * 0.1 * (from.intercept - intercept))
    for (const term of RISK_TERMS) terms[term] = Math.max(0, terms[term] + size * (byTerm[term] + pull * 0.1 * (from.terms[term] - terms[term])))
  }
  return { version: from.version + 1, intercept, terms }
}

const logistic = (value: number): number => 1 / (1 + Math.exp(-value))
