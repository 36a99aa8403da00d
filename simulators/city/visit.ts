/**
 * What comes of one visit: whether the engineer finds the fault, has the skill and the parts, repairs it well, badly or only on paper, and
 * which cause is written down. A function of what stands, what was known beforehand and a seeded draw.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Random } from '#kernel/random.ts'
import type { CityParameters } from './city-parameters.ts'
import type { CityFault } from './city-truth.ts'

/** What the engineer is told before the visit. */
export interface VisitPlan {
  readonly fault: string | null
  /** Faults that it could also be. */
  readonly rivals: readonly string[]
  readonly parts: ReadonlyArray<{ readonly part: string; readonly probability: number }>
  readonly skills: readonly string[]
}

export interface VisitSources {
  readonly type: ApplianceType
  /** What stands, worst first, with its severity. */
  readonly standing: ReadonlyArray<{ readonly fault: CityFault; readonly severity: number }>
  readonly plan: VisitPlan | undefined
  readonly skills: readonly string[]
  readonly hasPart: (part: string) => boolean
  readonly random: Random
  readonly parameters: CityParameters
}

export type VisitKind = 'repaired' | 'bad' | 'phantom' | 'part_missing' | 'skill_missing' | 'no_fault_found' | 'guessed'

export interface VisitResult {
  readonly kind: VisitKind
  /** Fault that the visit was about: the one found, else the worst that stands; null when there is none. */
  readonly fault: CityFault | null
  /** Faults that are gone after it. */
  readonly fixed: readonly CityFault[]
  /** Cause that the engineer writes down. */
  readonly code: string
  readonly isWrongCode: boolean
  readonly partsUsed: readonly string[]
  readonly partsMissing: readonly string[]
}

/** Judges a visit. */
export function visitUnit(sources: VisitSources): VisitResult {
  const { standing, plan, random, parameters, type } = sources
  const { engineer } = parameters
  const found = standing.filter(({ fault, severity }) => random.fork(`find-${fault.code}`).chance(chanceToFind(plan, fault, { severity, engineer })))
  const [first] = found
  if (first === undefined) return nothingFound(sources)
  const { fault } = first
  const missingSkill = fault.skills.some((skill) => skill !== 'REM' && !sources.skills.includes(skill))
  const nothing = { fault, fixed: [], code: fault.code, isWrongCode: false, partsUsed: [] }
  if (missingSkill) return { ...nothing, kind: 'skill_missing', partsMissing: [] }
  const partsMissing = fault.parts.filter((part) => !sources.hasPart(part))
  if (partsMissing.length > 0) return { ...nothing, kind: 'part_missing', partsMissing }
  const draw = random.fork('repair').uniform()
  const { badShare, phantomShare, wrongCodeShare } = parameters.repair
  const kind = draw < badShare ? 'bad' : draw < badShare + phantomShare ? 'phantom' : 'repaired'
  const others = type.faults.filter(({ code }) => code !== fault.code && !code.startsWith('XX'))
  const isWrongCode = kind === 'repaired' && random.fork('code').chance(wrongCodeShare)
  // Whoever is there sees to what else was found, as far as the van allows.
  const also = found.slice(1).filter((other) => other.fault.parts.every((part) => sources.hasPart(part)))
  return {
    kind,
    fault,
    fixed: kind === 'repaired' ? [fault, ...also.map((other) => other.fault)] : [],
    code: isWrongCode ? random.fork('wrong').pick(others).code : fault.code,
    isWrongCode,
    partsUsed: fault.parts,
    partsMissing: [],
  }
}

function chanceToFind(
  plan: VisitPlan | undefined,
  fault: CityFault,
  { severity, engineer }: { severity: number; engineer: CityParameters['engineer'] },
): number {
  if (plan?.fault === fault.code) return engineer.findsNamed
  const plain = 0.7 + 0.3 * Math.min(1, severity / engineer.plainFromSeverity)
  const isAstray = plan !== undefined && plan.fault !== null && !plan.rivals.includes(fault.code)
  return (isAstray ? engineer.findsMisled : engineer.findsAlone) * plain
}

function nothingFound({ standing, plan, random, parameters, type }: VisitSources): VisitResult {
  const fault = standing[0]?.fault ?? null
  const isGuess = random.fork('guess').chance(standing.length > 0 ? parameters.engineer.guessesShare : parameters.engineer.guessesShare / 2)
  const none = { fault, fixed: [], isWrongCode: false, partsMissing: [] }
  if (!isGuess) return { ...none, kind: 'no_fault_found', code: 'no_fault_found', partsUsed: [] }
  const guesses = type.faults.filter(({ code, parts }) => parts.length > 0 && code !== fault?.code && !code.startsWith('XX'))
  const named = guesses.find(({ code }) => code === plan?.fault) ?? random.fork('guessed').pick(guesses)
  return { ...none, kind: 'guessed', code: named.code, partsUsed: named.parts.slice(0, 1).map(({ part }) => part) }
}
