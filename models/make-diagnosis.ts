/**
 * Writes the diagnosis: the answer with its evidence, rivals, the next question, the parts that the repair may need and every version
 * that took part. Parts are mixed over the faults that are still possible, so that the van carries what the rivals need as well.
 */
import type { ApplianceType, Fault } from '#catalogue/appliance-type.ts'
import { DIAGNOSIS_SCHEMA_VERSION, type Diagnosis, type Evidence, type PartNeed } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import { unitOfName } from '#kernel/units.ts'
import { NO_FAULT } from './artefact.ts'
import { leaningSigns, residualsOf, strangest, type TimedResiduals, weighSigns } from './evidence.ts'
import { alsoSeen, nextTest } from './next-steps.ts'
import type { Answer } from './opinion.ts'
import type { ClosedWindow } from './windows.ts'

export interface DiagnosisInputs {
  readonly type: ApplianceType
  readonly modelVersion: string
  /** Window that brought the answer. */
  readonly window: ClosedWindow
  readonly answer: Answer
  /** Mean residuals behind it, and the features they are of; undefined for `not_enough_data`. */
  readonly mean: TimedResiduals | undefined
  readonly features: readonly string[]
  readonly classes: readonly string[]
  readonly probabilities: readonly number[]
}

/** Rivals and parts below this are noise. */
const PROBABILITY_MIN = 0.03
const RIVALS_MAX = 3

/** Makes the record; the same inputs give the same id. */
export function makeDiagnosis(inputs: DiagnosisInputs): Diagnosis {
  const { type, modelVersion, window, answer, mean, features } = inputs
  const { tenant, device } = window
  const fault = type.faults.find(({ code }) => code === answer.fault)
  const rivals = rivalsOf(inputs)
  const isFaulty = answer.answer === 'fault' || answer.answer === 'unknown_fault'
  const signs = fault !== undefined && mean !== undefined ? weighSigns(fault, mean, features, type) : undefined
  const faint = signs?.for.length === 0 && fault !== undefined && mean !== undefined ? leaningSigns(fault, mean, features, type) : undefined
  const odd = answer.answer === 'unknown_fault' && mean !== undefined ? strangest(mean, features, type) : []
  return {
    diagnosis_id: contentId('diagnosis', tenant, device, window.to_ms, answer.answer, answer.fault ?? '', modelVersion),
    tenant,
    device,
    type: type.id,
    source: 'model',
    made_at_ms: window.to_ms,
    received_at_ms: window.received_at_ms,
    window_from_ms: mean?.fromMs ?? window.from_ms,
    window_to_ms: mean?.toMs ?? window.to_ms,
    answer: answer.answer,
    fault: answer.fault,
    fault_name: fault?.name.en ?? ANSWER_NAMES[answer.answer],
    probability: rounded(answer.probability),
    safety_class: fault?.safetyClass ?? (isFaulty ? 'E3' : 'E4'),
    evidence_for: faint ?? signs?.for ?? odd,
    evidence_against: [...(signs?.against ?? []), ...distrustedSensors(window)],
    rivals: isFaulty ? rivals : [],
    next_question: fault === undefined ? null : nextQuestion(fault, rivals.find((rival) => rival.fault !== NO_FAULT)?.fault),
    next_test: fault === undefined ? null : nextTest(type, fault, rivals),
    also: fault === undefined ? [] : alsoSeen(inputs, fault),
    ...(mean !== undefined && { residuals: residualsOf(mean, features) }),
    parts: isFaulty ? partsOf(inputs) : [],
    skills: fault === undefined ? [] : [...fault.skills],
    versions: { model: modelVersion, rule: null, catalogue: type.version, schema: DIAGNOSIS_SCHEMA_VERSION, firmware: window.firmware ?? null },
  }
}

const ANSWER_NAMES: Readonly<Record<Diagnosis['answer'], string>> = {
  fault: 'Fault',
  no_fault: 'No fault',
  unknown_fault: 'Unknown fault',
  not_enough_data: 'Not enough data',
}

function rivalsOf({ type, answer, classes, probabilities }: DiagnosisInputs): Diagnosis['rivals'] {
  return classes
    .map((fault, index) => ({ fault, probability: rounded(probabilities[index] ?? 0) }))
    .filter(({ fault, probability }) => fault !== answer.fault && probability >= PROBABILITY_MIN)
    .sort((a, b) => b.probability - a.probability)
    .slice(0, RIVALS_MAX)
    .map(({ fault, probability }) => ({
      fault,
      fault_name: type.faults.find(({ code }) => code === fault)?.name.en ?? ANSWER_NAMES.no_fault,
      probability,
    }))
}

/** The question that parts the fault from its strongest rival, or the most telling one that stands for all. */
function nextQuestion({ questions }: Fault, rival: string | undefined): string | null {
  const telling = rival === undefined ? undefined : questions.find(({ rivals }) => rivals.includes(rival))
  return (telling ?? questions.find(({ rivals }) => rivals.length === 0) ?? questions[0])?.text.en ?? null
}

/** Sensors that could not be used, by name, so that a reader of the diagnosis knows what it does not rest on. */
const distrustedSensors = ({ distrusted = [] }: ClosedWindow): Evidence[] =>
  distrusted.map((channel) => ({
    feature: channel,
    text: 'the sensor is in a bad state and was not used',
    observed: null,
    expected: null,
    unit: unitOfName(channel),
    z_score: null,
  }))

/** Chance of each part given that there is some fault: the sum over faults of P(fault) x P(part | fault). */
function partsOf({ type, classes, probabilities }: DiagnosisInputs): PartNeed[] {
  const faults = classes.flatMap((code, index) => {
    const fault = type.faults.find((candidate) => candidate.code === code)
    return fault === undefined ? [] : [{ fault, probability: probabilities[index] ?? 0 }]
  })
  const anyFault = faults.reduce((sum, { probability }) => sum + probability, 0)
  const needs = new Map<string, { quantity: number; probability: number }>()
  for (const { fault, probability } of faults) {
    for (const need of fault.parts) {
      const before = needs.get(need.part) ?? { quantity: 0, probability: 0 }
      needs.set(need.part, {
        quantity: Math.max(before.quantity, need.quantity),
        probability: before.probability + (probability / anyFault) * need.probability,
      })
    }
  }
  return [...needs]
    .filter(([, { probability }]) => probability >= PROBABILITY_MIN)
    .sort(([, a], [, b]) => b.probability - a.probability)
    .map(([part, { quantity, probability }]) => ({
      part,
      name: type.parts.find((candidate) => candidate.part === part)?.name.en ?? part,
      quantity,
      probability: rounded(Math.min(1, probability)),
    }))
}

const rounded = (value: number): number => Number(value.toFixed(4))
