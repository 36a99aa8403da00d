/** Makers of codes, symptoms and questions, so that the lists of a type read as tables; and the question of burning that every type asks. */
import type { Text } from '../appliance-type.ts'
import type { DisplayedCode, IntakeQuestion, QuestionAnswer, SaidDanger, Symptom } from '../intake.ts'
import { BURNING_WORDS } from './danger-words.ts'
import { words } from './makers.ts'

type Faults = Readonly<Record<string, number>>

export const displayed = (code: string, text: Text, faults: Faults, otherwise = 0.005): DisplayedCode => ({
  code,
  text,
  likelihood: { otherwise, faults },
})

export const symptom = (id: string, text: Text, faults: Faults, danger?: SaidDanger): Symptom => ({
  id,
  text,
  likelihood: { otherwise: 0.02, faults },
  ...(danger === undefined ? {} : { danger }),
})

/** One answer of several; its chance under faults that are not named is `otherwise`. */
export const says = (id: string, text: Text, otherwise: number, faults: Faults = {}): QuestionAnswer => ({
  id,
  text,
  likelihood: { otherwise, faults },
})

export const choice = (id: string, text: Text, answers: readonly QuestionAnswer[]): IntakeQuestion => ({ id, text, isSafety: false, answers })

const YES = words('Yes', '是')
const NO = words('No', '否')

/** A question with yes and no; `faults` and `otherwise` are the chance of yes. */
export const yesNo = (id: string, text: Text, otherwise: number, faults: Faults): IntakeQuestion =>
  choice(id, text, [
    { id: 'yes', text: YES, likelihood: { otherwise, faults } },
    { id: 'no', text: NO, likelihood: { otherwise: 1 - otherwise, faults: Object.fromEntries(Object.entries(faults).map(([f, p]) => [f, 1 - p])) } },
  ])

/** A yes-no question whose yes is a danger. */
export function dangerQuestion(
  id: string,
  text: Text,
  given: { readonly otherwise: number; readonly faults: Faults; readonly danger: SaidDanger },
): IntakeQuestion {
  const question = yesNo(id, text, given.otherwise, given.faults)
  return {
    ...question,
    isSafety: true,
    answers: question.answers.map((answer) => (answer.id === 'yes' ? { ...answer, danger: given.danger } : answer)),
  }
}

const burning: SaidDanger = {
  safetyClass: 'E0',
  hazard: 'fire_or_shock',
  fault: 'XX-01',
  advice: words(
    'Do not touch the plug. Switch off the breaker of the circuit and leave it off. If you see smoke or flames, leave and call the fire brigade.',
    '请勿触碰插头。关断该回路空气开关并保持断开。如见烟或火请立即撤离并拨打火警电话。',
  ),
  words: BURNING_WORDS,
}

/** The first question of every type: electrical overheating. */
export const burningQuestion = (id: string, faults: Faults = {}): IntakeQuestion =>
  dangerQuestion(id, words('Does it smell of burning, or is the plug or cable hot?', '是否有焦糊味，或插头、电线发烫？'), {
    otherwise: 0.01,
    faults: { 'XX-01': 0.8, ...faults },
    danger: burning,
  })

/** The symptom of it. */
export const burningSymptom = (): Symptom =>
  symptom('burning_smell', words('Smell of burning, hot plug', '焦糊味、插头发烫'), { 'XX-01': 0.6 }, burning)
