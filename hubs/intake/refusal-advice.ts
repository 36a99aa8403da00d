/**
 * A report that is refused may tell a danger all the same: of a unit that nobody registered, under a contact that is not of the unit, with a
 * symptom that the type does not have. The refusal then carries what to do first, in both languages. Nothing is kept and nobody is called by it.
 */
import type { Intake } from '#catalogue/intake.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HouseholdReport } from '#kernel/report.ts'
import { adviceOf } from './answer-report.ts'
import { saidDangers } from './rank-faults.ts'

/** What the refusal of a report says of a danger that was told in it. */
export interface RefusedDanger {
  readonly safety_advice: { readonly en: string; readonly 'zh-CN': string }
  readonly hazard: string
  readonly safety_class: string
}

/** The same error with the advice of what the report tells; any other error as it is. `intake` is all that can be said of the unit. */
export function withRefusalAdvice(error: unknown, report: HouseholdReport, intake: Intake): unknown {
  if (!(error instanceof MendlineError) || error.retryable) return error
  const { fault_code: code, symptom, answers = [], text } = report
  const said = { code, symptom: symptom ?? code, answers: new Map(answers.map(({ question, answer }) => [question, answer])), text }
  const dangers = saidDangers(intake, said)
  const [danger] = dangers
  if (danger === undefined) return error
  const advice: RefusedDanger = { safety_advice: adviceOf(dangers), hazard: danger.hazard, safety_class: danger.safetyClass }
  return new MendlineError(error.code, error.message, { cause: error, details: { ...error.details, ...advice } })
}
