/**
 * What is likely wrong with a unit by what a person said of it: Bayes over the faults of its type, with the likelihoods of the catalogue, and
 * the question that is expected to tell most. Priors are the rates of the life models at the unit's age. Pure functions.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { saidDangersOf } from '#catalogue/home-dangers.ts'
import { type DangerWords, type Intake, type IntakeQuestion, type Likelihood, likelihoodOf, type SaidDanger } from '#catalogue/intake.ts'
import { DONT_KNOW, NO_CODE, QUESTIONS_MAX } from '#kernel/report.ts'

export interface SaidEvidence {
  readonly code?: string | undefined
  readonly symptom?: string | undefined
  /** Answer by question. */
  readonly answers: ReadonlyMap<string, string>
  /** In the person's own words; only dangers are looked for in it. */
  readonly text?: string | undefined
  /** Age of the unit; undefined when nobody said. */
  readonly ageYears?: number | undefined
  /** Probability by fault of the unit's standing diagnosis; takes the place of the rates for the faults that it names. */
  readonly telemetry?: ReadonlyMap<string, number> | undefined
  /** The readings of the unit told of no fault. */
  readonly isToldSound?: boolean
}

export interface Ranked {
  readonly fault: string
  readonly probability: number
}

/** Share of what is said that is misheard or mistaken (chosen). */
const MISTAKEN = 0.08
/** Yearly rate of a fault that has neither a life nor a rate. */
const EVENT_RATE = 0.01
/** Cleaned and replaced parts are at most so old, as a share of their life. */
const AGE_SHARE_MAX = 0.8
/** A question is worth its time from so many bits on. */
const INFORMATION_MIN_BITS = 0.02
/** Above this probability nothing more is asked. */
const SURE = 0.95

/**
 * Share of the reports that are about an appliance that works: settings, use, what it always did (EJ; of visits that calls bring, organisations
 * close one in ten to one in five without a fault).
 */
const SOUND_SHARE = 0.15
/** How much likelier the readings are to tell of no fault where there is none than where somebody has noticed one (EJ). */
const TOLD_SOUND_RATIO = 2.5
/** Stands for an appliance that works; whatever is not tied to a fault is as likely of it. */
const SOUND = 'no_fault'

export interface RankedCauses {
  /** Faults that a person can have at all, likeliest first. */
  readonly ranked: readonly Ranked[]
  /** Probability that the appliance works; with those of the faults it sums to 1. */
  readonly soundProbability: number
}

/** The causes of a report by all that was said in it. */
export function rankCauses(type: ApplianceType, intake: Intake, said: SaidEvidence): RankedCauses {
  const faults = type.faults.filter(({ code, foundBy }) => foundBy.length > 0 && code !== 'XX-03')
  const priors = priorsOf(faults, intake, said)
  const weightOf = (cause: string, prior: number): number => {
    const evidence = [...codeChance(intake, said.code, cause), ...symptomChance(intake, said.symptom, cause)]
    for (const question of intake.questions) {
      const answer = said.answers.get(question.id)
      if (answer !== undefined && answer !== DONT_KNOW) evidence.push(answerChance(question, answer, cause))
    }
    return evidence.reduce((product, chance) => product * chance, prior)
  }
  const weighed = faults.map(({ code }) => ({ fault: code, weight: weightOf(code, priors.get(code) ?? 0) }))
  const sound = weightOf(SOUND, soundPrior(priors, said))
  const sum = weighed.reduce((total, { weight }) => total + weight, sound)
  const ranked = weighed.map(({ fault, weight }) => ({ fault, probability: weight / sum })).sort((a, b) => b.probability - a.probability)
  return { ranked, soundProbability: sound / sum }
}

/** Of the faults that readings name nobody says that they are none; what they leave over is shared as ever. */
function soundPrior(priors: ReadonlyMap<string, number>, { telemetry, isToldSound }: SaidEvidence): number {
  const all = [...priors.values()].reduce((sum, prior) => sum + prior, 0)
  const named = [...(telemetry?.keys() ?? [])].reduce((sum, code) => sum + (priors.get(code) ?? 0), 0)
  return ((all - named) * SOUND_SHARE * (isToldSound === true ? TOLD_SOUND_RATIO : 1)) / (1 - SOUND_SHARE)
}

/** The same faults with probabilities that sum to 1: where the appliance is known not to work. */
export function rankFaults(type: ApplianceType, intake: Intake, said: SaidEvidence): Ranked[] {
  const { ranked, soundProbability } = rankCauses(type, intake, said)
  return ranked.map(({ fault, probability }) => ({ fault, probability: probability / (1 - soundProbability) }))
}

/** Least share of the faults that the standing diagnosis does not name (chosen: it may be wrong, or of another trouble). */
const UNNAMED_MIN = 0.1

/** Rates as shares; where a diagnosis stands, its faults have its probabilities and the others share what is left by their rates. */
function priorsOf(faults: ApplianceType['faults'], intake: Intake, { ageYears, telemetry }: SaidEvidence): Map<string, number> {
  const rates = new Map(faults.map((fault) => [fault.code, rateOf(fault, intake, ageYears)]))
  const named = new Map([...(telemetry ?? [])].filter(([code, probability]) => rates.has(code) && probability > 0))
  if (named.size === 0) return rates
  const namedSum = [...named.values()].reduce((sum, probability) => sum + probability, 0)
  const left = Math.max(UNNAMED_MIN, 1 - namedSum)
  const othersSum = [...rates].reduce((sum, [code, rate]) => sum + (named.has(code) ? 0 : rate), 0)
  return new Map(
    [...rates].map(([code, rate]) => {
      const probability = named.get(code)
      return [code, probability === undefined ? (left * rate) / othersSum : ((1 - left) * probability) / namedSum]
    }),
  )
}

function rateOf({ code, life }: ApplianceType['faults'][number], intake: Intake, ageYears: number | undefined): number {
  if (life === undefined) return intake.eventsPerYear[code] ?? EVENT_RATE
  const { shape, scaleYears } = life
  const share = Math.min(AGE_SHARE_MAX, Math.max(0.05, (ageYears ?? scaleYears / 2) / scaleYears))
  return (shape / scaleYears) * share ** (shape - 1)
}

const withMistakes = (chance: number, ways: number): number => (1 - MISTAKEN) * chance + MISTAKEN / ways

function codeChance({ codes }: Intake, code: string | undefined, fault: string): number[] {
  if (code === undefined) return []
  const shown = codes.map(({ likelihood }) => likelihoodOf(likelihood, fault))
  const index = codes.findIndex((entry) => entry.code === code)
  const none = Math.max(0.05, 1 - shown.reduce((sum, chance) => sum + chance, 0))
  return code === NO_CODE || index >= 0 ? [withMistakes(code === NO_CODE ? none : (shown[index] ?? 0), codes.length + 1)] : []
}

function symptomChance({ symptoms }: Intake, symptom: string | undefined, fault: string): number[] {
  const index = symptoms.findIndex(({ id }) => id === symptom)
  return index < 0 ? [] : [withMistakes(share(symptoms, index, fault), symptoms.length)]
}

function answerChance({ answers }: IntakeQuestion, answer: string, fault: string): number {
  const index = answers.findIndex(({ id }) => id === answer)
  return index < 0 ? 1 : withMistakes(share(answers, index, fault), answers.length)
}

function share(entries: ReadonlyArray<{ readonly likelihood: Likelihood }>, index: number, fault: string): number {
  const chances = entries.map(({ likelihood }) => likelihoodOf(likelihood, fault))
  return (chances[index] ?? 0) / chances.reduce((sum, chance) => sum + chance, 0)
}

export interface ChosenQuestion {
  readonly question: IntakeQuestion
  readonly informationBits: number
}

/** The next question: a danger that is still possible first, then what tells most; undefined when nothing is worth asking. */
export function chooseQuestion(intake: Intake, ranked: readonly Ranked[], said: SaidEvidence): ChosenQuestion | undefined {
  if (said.answers.size >= QUESTIONS_MAX) return undefined
  const open = intake.questions
    .filter(({ id }) => !said.answers.has(id))
    .map((question) => ({ question, informationBits: informationOf(question, ranked) }))
  const first = open.filter(({ question }) => question.isSafety && isPossible(question, ranked)).sort(byInformation)[0]
  if (first !== undefined) return first
  const best = open.sort(byInformation)[0]
  return (ranked[0]?.probability ?? 0) >= SURE || best === undefined || best.informationBits < INFORMATION_MIN_BITS ? undefined : best
}

/** A danger is possible from so much probability of its fault on (chosen). */
const DANGER_POSSIBLE = 0.05

const isPossible = ({ answers }: IntakeQuestion, ranked: readonly Ranked[]): boolean =>
  answers.some(({ danger }) => danger !== undefined && (ranked.find(({ fault }) => fault === danger.fault)?.probability ?? 0) >= DANGER_POSSIBLE)

const byInformation = (a: ChosenQuestion, b: ChosenQuestion): number => b.informationBits - a.informationBits

/** Expected information of a question about the fault, bits. */
function informationOf(question: IntakeQuestion, ranked: readonly Ranked[]): number {
  return question.answers.reduce((total, { id }) => {
    const joint = ranked.map(({ fault, probability }) => ({ probability, chance: answerChance(question, id, fault) }))
    const chance = joint.reduce((sum, entry) => sum + entry.probability * entry.chance, 0)
    return total + joint.reduce((sum, entry) => sum + entry.probability * entry.chance * Math.log2(entry.chance / chance), 0)
  }, 0)
}

/** The dangers in what was said, one a hazard, gravest first. */
export function saidDangers(intake: Intake, said: SaidEvidence): SaidDanger[] {
  const dangers = [
    intake.codes.find(({ code }) => code === said.code)?.danger,
    intake.symptoms.find(({ id }) => id === said.symptom)?.danger,
    ...intake.questions.flatMap(({ id, answers }) => answers.filter((answer) => answer.id === said.answers.get(id)).map(({ danger }) => danger)),
  ]
  const written = said.text === undefined || said.text === '' ? [] : dangersIn(intake, said.text)
  const sorted = [...dangers, ...written].filter((danger) => danger !== undefined).toSorted((a, b) => a.safetyClass.localeCompare(b.safetyClass))
  return sorted.filter(({ hazard }, at) => sorted.findIndex((other) => other.hazard === hazard) === at)
}

/** Dangers of the type whose words stand in a text. A word behind a negation does not count; any other does, for a false alarm is the smaller harm. */
function dangersIn(intake: Intake, text: string): SaidDanger[] {
  const written = tidied(text)
  const sentences = written.split(/[.!?;。！？；\n]+/)
  return saidDangersOf(intake).filter(({ words }) => {
    if (words === undefined) return false
    return words.words.some((word) => placesOf(written, word).length > 0) || sentences.some((sentence) => areNear(sentence, words.near))
  })
}

/** What is only the name of a thing says nothing of a danger: a gas heater that drips, the battery of a smoke detector. */
const NAMES =
  /\bgas[ -]+(water[ -]+)?(heater|boiler|stove|cooker|hob|oven)s?\b|\bsmoke[ -]+(detector|alarm)s?[ -]+batter(y|ies)\b|(燃气|煤气|天然气)(?=热水器|灶|炉|壁挂炉|锅炉)/g

const tidied = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/(?<=\p{Script=Han})[^\S\n]+(?=\p{Script=Han})/gu, '')
    .replaceAll(NAMES, '')

/** Characters within which a thing and a sign of it belong together (chosen). */
const NEAR_MAX = 40

function areNear(sentence: string, near: DangerWords['near']): boolean {
  const places = (words: readonly string[]): number[] => words.flatMap((word) => placesOf(sentence, word))
  const things = near === undefined ? [] : places(near.things)
  const signs = near === undefined || things.length === 0 ? [] : places(near.signs)
  return things.some((thing) => signs.some((sign) => Math.abs(thing - sign) <= NEAR_MAX))
}

/**
 * What takes a word back, and what may stand between: anything else begins another thought ("no heat and smoke"), as a new line does. Whoever
 * asks whether there is gas (有没有, 是不是) suspects it.
 */
const NEGATION =
  /(\b(no|not|without|never|isn't|aren't|don't|doesn't|didn't|cannot|can't)[^\S\n]+((any|a|an|the|signs?|of|trace|smell|smells|see|hear|notice|there|is)[^\S\n]+)*|(没有?(?<!有没有?)|无|未|不是(?<!是不是)|并非)(闻到|看到|看见|听到|发现|出现|任何|什么|明显的?)*)$/
const LATIN = /[a-z]/

/** Where a word stands in a text with no negation before it. */
function placesOf(text: string, word: string): number[] {
  const places: number[] = []
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const before = text.slice(Math.max(0, at - 60), at)
    // Fumes are not in perfumes.
    const isWhole = !LATIN.test(word.charAt(0)) || !LATIN.test(before.slice(-1))
    if (isWhole && !NEGATION.test(before)) places.push(at)
  }
  return places
}
