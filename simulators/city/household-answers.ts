/**
 * What a household says of its appliance when it calls: the code on the display, the symptom, and answers to questions. The chances of the
 * catalogue are design values, so the city has chances of its own: each of the catalogue's is moved at random, once a city. On top of that
 * some do not look, some cannot say, and some are wrong. What is seen of a fault grows with it. Numbers are engineering judgement (EJ), and
 * frozen by a fingerprint of this file before anything was ranked by it.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { type IntakeQuestion, type Likelihood, likelihoodOf } from '#catalogue/intake.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import type { CityParameters } from './city-parameters.ts'

/** How far the city's chances are from the catalogue's: deviation of the logarithm of the odds (EJ). */
const ODDS_SIGMA = 0.8
/** Share of the households that look at the display (EJ). */
const READS_CODE = 0.8
/** Share of the questions that a household cannot answer (EJ). */
const CANNOT_SAY = 0.1
/** Share of the answers about dangers that are right: nobody is mistaken about a smell of burning as easily (EJ). */
const RIGHT_ABOUT_DANGER = 0.99
/** Severity from which a fault shows all that it can (EJ). */
const PLAIN_FROM = 0.5
const DONT_KNOW = 'dont_know'
const NO_CODE = 'none'

/** What is wrong when the household speaks. */
export interface Seen {
  readonly type: ApplianceType
  readonly device: string
  /** Code of the fault; undefined = there is none. */
  readonly fault: string | undefined
  readonly severity: number
  readonly atMs: number
}

export interface HouseholdVoice {
  /** What it says first. */
  opens(seen: Seen): { readonly fault_code?: string; readonly symptom?: string }
  /** Its answer to a question of the catalogue. */
  answers(seen: Seen, question: string): string
}

export function createHouseholdVoice(seed: string, { household }: Pick<CityParameters, 'household'>): HouseholdVoice {
  const drawOf = ({ device, atMs }: Seen, what: string): Random => createRandom(`${seed}/voice/${device}/${atMs}/${what}`)
  /** The city's chance of something under a fault, where the catalogue says `likelihood`. */
  const chanceOf = (likelihood: Likelihood, { type, fault }: Seen, what: string): number => {
    const stated = Math.min(0.995, Math.max(0.005, fault === undefined ? likelihood.otherwise : likelihoodOf(likelihood, fault)))
    const odds = Math.log(stated / (1 - stated)) + createRandom(`${seed}/chances/${type.id}/${fault ?? 'none'}/${what}`).normal(0, ODDS_SIGMA)
    return 1 / (1 + Math.exp(-odds))
  }
  /** A fault that has not grown yet shows like none. */
  const shown = (seen: Seen, what: string): Seen =>
    drawOf(seen, `shown-${what}`).chance(Math.min(1, seen.severity / PLAIN_FROM)) ? seen : { ...seen, fault: undefined }
  return {
    opens(seen) {
      const { intake } = seen.type
      if (intake === undefined) return {}
      const looks = drawOf(seen, 'looks').chance(READS_CODE)
      const ofDisplay = shown(seen, 'code')
      const code = intake.codes.find(({ code: name, likelihood }) =>
        drawOf(seen, `code-${name}`).chance(chanceOf(likelihood, ofDisplay, `code-${name}`)),
      )
      const names = drawOf(seen, 'names').chance(household.namesSymptomShare)
      const ofSymptom = shown(seen, 'symptom')
      const weights = intake.symptoms.map(({ id, likelihood, danger }) =>
        danger === undefined ? chanceOf(likelihood, ofSymptom, `symptom-${id}`) : 0,
      )
      const symptom = intake.symptoms[pickIndex(drawOf(seen, 'symptom'), weights)]
      return { ...(looks && { fault_code: code?.code ?? NO_CODE }), ...(names && symptom !== undefined && { symptom: symptom.id }) }
    },
    answers(seen, id) {
      const question = seen.type.intake?.questions.find((one) => one.id === id)
      const draw = drawOf(seen, `answer-${id}`)
      if (question === undefined || (!question.isSafety && draw.chance(CANNOT_SAY))) return DONT_KNOW
      const right = rightAnswer(question, seen)
      if (draw.chance(question.isSafety ? RIGHT_ABOUT_DANGER : household.answersRightShare)) return right
      const others = question.answers.filter((answer) => answer.id !== right)
      return others.length === 0 ? right : draw.pick(others).id
    },
  }

  function rightAnswer(question: IntakeQuestion, seen: Seen): string {
    const of = shown(seen, `question-${question.id}`)
    const weights = question.answers.map(({ id, likelihood }) => chanceOf(likelihood, of, `${question.id}-${id}`))
    return question.answers[pickIndex(drawOf(seen, `right-${question.id}`), weights)]?.id ?? DONT_KNOW
  }
}

function pickIndex(random: Random, weights: readonly number[]): number {
  let left = random.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [index, weight] of weights.entries()) {
    left -= weight
    if (left <= 0) return index
  }
  return weights.length - 1
}
