/**
 * What a person can say of an appliance, as data: displayed codes, symptoms and questions, each with its likelihood under each fault.
 * Likelihoods are engineering judgement (EJ) unless a source stands beside them. The ranker of the hubs reads them; nothing here decides.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import type { Hazard } from './hazards.ts'

/** A text in both languages; has the shape of `Text`, which this file cannot import without a circle. */
interface Text {
  readonly en: string
  readonly 'zh-CN': string
}

/** Likelihood by fault code; `otherwise` holds for every fault that is not named. */
export interface Likelihood {
  readonly otherwise: number
  readonly faults: Readonly<Record<string, number>>
}

/** A danger that something said points at, and what the household is told at once. */
export interface SaidDanger {
  readonly safetyClass: Extract<SafetyClass, 'E0' | 'E1'>
  readonly hazard: Hazard
  /** Fault that the emergency names; null where it is of the home and not of the appliance. */
  readonly fault: string | null
  readonly advice: Text
  /** What people write of it in their own words; found anywhere in a text where no negation stands before it. */
  readonly words?: DangerWords
}

/** All in lower case. */
export interface DangerWords {
  readonly words: readonly string[]
  /** A thing and a sign of it that stand near each other in one sentence, in either order. */
  readonly near?: { readonly things: readonly string[]; readonly signs: readonly string[] }
}

export interface DisplayedCode {
  /** As the display shows it. */
  readonly code: string
  readonly text: Text
  /** Chance that the display shows it. */
  readonly likelihood: Likelihood
  readonly danger?: SaidDanger
}

export interface Symptom {
  /** snake_case. */
  readonly id: string
  readonly text: Text
  /** Chance that a household names it as the thing that brought it here. */
  readonly likelihood: Likelihood
  readonly danger?: SaidDanger
}

export interface QuestionAnswer {
  readonly id: string
  readonly text: Text
  /** Chance of the answer; those of one question are made to sum to 1 under each fault. */
  readonly likelihood: Likelihood
  readonly danger?: SaidDanger
}

export interface IntakeQuestion {
  readonly id: string
  readonly text: Text
  /** Asked before all others as long as its danger is possible. */
  readonly isSafety: boolean
  readonly answers: readonly QuestionAnswer[]
}

export interface Intake {
  readonly codes: readonly DisplayedCode[]
  readonly symptoms: readonly Symptom[]
  readonly questions: readonly IntakeQuestion[]
  /** Remote steps of the type that are offered when what was said names no fault: what a household can look at by itself. */
  readonly checks?: readonly string[]
  /** New faults a year of those without a life model. */
  readonly eventsPerYear: Readonly<Record<string, number>>
  readonly source: string
}

/** Likelihood of something under one fault. */
export const likelihoodOf = ({ otherwise, faults }: Likelihood, fault: string): number => faults[fault] ?? otherwise
