/**
 * Invariants of what a person can say of a type: each type can be reported on, by symptoms and at most so many questions that begin with the
 * danger of every appliance, and each fault that a report can be ranked to is spoken of by something.
 */
import type { ApplianceType, Fault } from './appliance-type.ts'
import { checkText } from './check-condition.ts'
import type { Intake, Likelihood } from './intake.ts'

/** Gives what is wrong, one sentence each. */
export function checkIntake(type: ApplianceType): string[] {
  const { intake } = type
  if (intake === undefined) return ['intake: there is none, so no household can report the appliance']
  return [
    ...checkIds(intake),
    ...sayables(intake).flatMap(({ place, text, likelihood }) => [...checkText(text, place), ...checkLikelihood(type, place, likelihood)]),
    ...intake.questions.flatMap(({ id, text }) => checkText(text, id)),
    ...(intake.symptoms.length > 0 ? [] : ['intake: there is no symptom']),
    ...(intake.questions.some(({ isSafety }) => isSafety) ? [] : ['intake: no question asks for a danger']),
    ...type.faults.filter(canBeSaid).flatMap(({ code }) => (isSpokenOf(intake, code) ? [] : [`${code}: nothing that can be said speaks for it`])),
  ]
}

/** Faults that the ranking of reports knows: not the silence of a unit, and none that nobody can find. */
const canBeSaid = ({ code, foundBy }: Fault): boolean => foundBy.length > 0 && code !== 'XX-03'

function sayables({ codes, symptoms, questions }: Intake) {
  return [
    ...codes.map(({ code, ...rest }) => ({ place: `code ${code}`, ...rest })),
    ...symptoms.map(({ id, ...rest }) => ({ place: `symptom ${id}`, ...rest })),
    ...questions.flatMap(({ id, answers }) => answers.map((answer) => ({ place: `${id} ${answer.id}`, ...answer }))),
  ]
}

function checkIds({ codes, symptoms, questions }: Intake): string[] {
  const ids = [...codes.map(({ code }) => `code ${code}`), ...symptoms.map(({ id }) => `symptom ${id}`), ...questions.map(({ id }) => id)]
  return ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id}: stands twice`)
}

function checkLikelihood({ faults }: ApplianceType, place: string, { otherwise, faults: named }: Likelihood): string[] {
  const isChance = (value: number): boolean => value >= 0 && value <= 1
  return [
    ...(isChance(otherwise) && Object.values(named).every(isChance) ? [] : [`${place}: a likelihood lies outside 0 to 1`]),
    ...Object.keys(named)
      .filter((code) => !faults.some((fault) => fault.code === code))
      .map((code) => `${place}: ${code} is no fault`),
  ]
}

const isSpokenOf = (intake: Intake, fault: string): boolean =>
  sayables(intake).some(({ likelihood: { otherwise, faults } }) => (faults[fault] ?? 0) > otherwise)
