/**
 * Dangers of the home around a unit. Whoever reports a fridge and smells gas stands in a home with gas, so every unit, also one whose type
 * nobody described, understands these symptoms, questions and words. Where the type itself knows the hazard, its own fault and advice hold.
 */

import { BURNING_WORDS, FUMES_WORDS, GAS_WORDS, WATER_WORDS } from './blocks/danger-words.ts'
import { dangerQuestion, symptom } from './blocks/intake.ts'
import { words } from './blocks/makers.ts'
import type { Hazard } from './hazards.ts'
import type { Intake, IntakeQuestion, SaidDanger, Symptom } from './intake.ts'

interface Text {
  readonly en: string
  readonly 'zh-CN': string
}

interface HomeDanger {
  readonly symptom: string
  readonly question: string
  readonly name: Text
  readonly asks: Text
  readonly danger: SaidDanger
}

const HOME: readonly HomeDanger[] = [
  {
    symptom: 'gas_smell',
    question: 'HM-Q01',
    name: words('Smell of gas', '燃气味'),
    asks: words('Do you smell gas in the home?', '家中是否闻到燃气味？'),
    danger: {
      ...{ safetyClass: 'E0', hazard: 'gas', fault: null, words: GAS_WORDS },
      advice: words(
        'Touch no switch or plug and make no flame. Open the windows, shut the gas cock if it is within reach, go out, and call the gas emergency number from outside.',
        '请勿触碰任何开关或插头，勿用明火。开窗通风，如能触及请关闭燃气阀，立即撤离，并在室外拨打燃气抢修电话。',
      ),
    },
  },
  {
    symptom: 'fumes',
    question: 'HM-Q02',
    name: words('Fumes, or headache and dizziness', '废气味，或头痛头晕'),
    asks: words('Do you smell fumes, or has anybody a headache or dizziness?', '是否有废气味，或有人头痛头晕？'),
    danger: {
      ...{ safetyClass: 'E0', hazard: 'carbon_monoxide', fault: null, words: FUMES_WORDS },
      advice: words(
        'Stop everything that burns gas, coal or wood, open the windows and take everybody into the open air. With a headache or dizziness call an ambulance.',
        '请停用一切燃气、煤或柴火器具，开窗并让所有人到室外。如有头痛头晕请立即拨打急救电话。',
      ),
    },
  },
  {
    symptom: 'burning_smell',
    question: 'HM-Q03',
    name: words('Smell of burning, smoke or sparks', '焦糊味、冒烟或火花'),
    asks: words('Does it smell of burning, or do you see smoke or sparks?', '是否有焦糊味、冒烟或火花？'),
    danger: {
      ...{ safetyClass: 'E0', hazard: 'fire_or_shock', fault: null, words: BURNING_WORDS },
      advice: words(
        'Touch neither the appliance nor its plug. Switch off the breaker if it is safe to reach. With smoke or flames leave and call the fire brigade.',
        '请勿触碰电器及其插头。在安全的情况下关断空气开关。如见烟或火请立即撤离并拨打火警电话。',
      ),
    },
  },
  {
    symptom: 'water_on_floor',
    question: 'HM-Q04',
    name: words('Water runs into the room', '地面进水'),
    asks: words('Does water run onto the floor?', '是否有水流到地面？'),
    danger: {
      ...{ safetyClass: 'E1', hazard: 'water', fault: null, words: WATER_WORDS },
      advice: words(
        'Close the tap of the appliance or the main valve, and keep away from wet sockets and plugs. Pull the plug only with dry hands on a dry floor.',
        '请关闭电器水龙头或总水阀，远离潮湿的插座和插头。仅在手和地面干燥时拔下插头。',
      ),
    },
  },
]

/** Name of the danger in a home where no fault of the appliance names it. */
export const hazardName = (hazard: Hazard): Text => HOME.find(({ danger }) => danger.hazard === hazard)?.name ?? words('A danger', '危险')

/** What people are told to do about a danger that a person told of: one of the home, which no fault of the appliance names, by its hazard. */
export function adviceAbout(
  intake: Intake = NOTHING,
  { fault, hazard }: { readonly fault: string | null; readonly hazard: string | undefined },
): Text | undefined {
  if (fault === null) return HOME.find(({ danger }) => danger.hazard === hazard)?.danger.advice
  return saidDangersOf(intake).find((danger) => danger.fault === fault)?.advice
}

/** Dangers that a code, a symptom or an answer of an intake tells. */
export const saidDangersOf = ({ codes, symptoms, questions }: Intake): SaidDanger[] =>
  [...codes, ...symptoms, ...questions.flatMap(({ answers }) => answers)].flatMap(({ danger }) => danger ?? [])

/** Nothing of a type that nobody described. */
const NOTHING: Intake = { codes: [], symptoms: [], questions: [], eventsPerYear: {}, source: 'EJ' }

/**
 * What can be said of a unit: all of its type, and the dangers of the home that the type has no symptom for. The questions of the home are
 * understood and never chosen by themselves, so whoever ranks and asks takes the type's own intake.
 */
export function withHome(intake: Intake = NOTHING): Intake {
  const own = saidDangersOf(intake)
  const dangers = HOME.map((home) => ({ ...home, danger: asOfType(home.danger, own) }))
  const symptoms = dangers
    .filter((home) => !intake.symptoms.some(({ id }) => id === home.symptom))
    .map((home): Symptom => symptom(home.symptom, home.name, {}, home.danger))
  const questions = dangers.map(
    (home): IntakeQuestion => dangerQuestion(home.question, home.asks, { otherwise: 0.01, faults: {}, danger: home.danger }),
  )
  return { ...intake, symptoms: [...intake.symptoms, ...symptoms], questions: [...intake.questions, ...questions] }
}

/** The type's own danger of the same hazard, which understands the words of the home as well. */
function asOfType(home: SaidDanger, own: readonly SaidDanger[]): SaidDanger {
  const same = own.find(({ hazard }) => hazard === home.hazard)
  if (same === undefined) return home
  const words = [...new Set([...(same.words?.words ?? []), ...(home.words?.words ?? [])])]
  return { ...same, words: { ...home.words, ...same.words, words } }
}
