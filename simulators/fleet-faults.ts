/**
 * The truth of a simulated fleet's faults: which unit has which fault from when, why, how it grows, and when it was repaired.
 * Onsets are drawn for a share of the units, or by the life models of the catalogue from the age and the use of each unit.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Random } from '#kernel/random.ts'
import { growthOf } from './fault-growth.ts'

export const DAY_MS = 86_400_000
const YEAR_MS = 365.25 * DAY_MS

export interface FaultTruth {
  readonly device: string
  readonly fault: string
  readonly onset_ms: number
  /** When the fault stands at `severity_max`. */
  readonly full_ms: number
  /** Severity 0..1 at `full_ms` and after. */
  readonly severity_max: number
  /** Drawn at random, by the life model, or brought by a bad batch, a bad firmware or a repair. */
  readonly cause?: 'drawn' | 'wear' | 'batch' | 'firmware' | 'repair'
  /** Undefined while the fault is there. */
  repaired_ms: number | undefined
}

export interface DrawOptions {
  readonly type: Pick<ApplianceType, 'faults'>
  readonly device: string
  readonly faults: readonly string[]
  readonly startMs: number
  /** Onsets are spread over this span from the start. */
  readonly onsetSpanMs: number
  /** Multiplies the time a fault takes to grow. */
  readonly growthScale: number
}

/** Share of faulty units that carry a second fault (several faults at once break single-feature rules [L14]). */
const SECOND_SHARE = 0.12

/** Draws one fault, and for some units a second one. */
export function drawFaults(random: Random, options: DrawOptions): FaultTruth[] {
  const first = drawOne(random, options, options.faults)
  return [first, ...drawSecond(random, options, first)]
}

function drawSecond(random: Random, options: DrawOptions, first: FaultTruth): FaultTruth[] {
  if (!random.chance(SECOND_SHARE)) return []
  const others = options.faults.filter((fault) => fault !== first.fault)
  return others.length === 0 ? [] : [drawOne(random, { ...options, startMs: first.onset_ms, onsetSpanMs: options.onsetSpanMs / 4 }, others)]
}

function drawOne(random: Random, options: DrawOptions, faults: readonly string[]): FaultTruth {
  const growths = faults.map((fault) => growthOf(options.type, fault))
  let left = random.uniform() * growths.reduce((sum, { weight }) => sum + weight, 0)
  const drawn = growths.findIndex(({ weight }) => {
    left -= weight
    return left < 0
  })
  const onsetMs = options.startMs + random.uniform() * options.onsetSpanMs
  return grow(random, options, { fault: faults[Math.max(0, drawn)] ?? '', onsetMs, cause: 'drawn' })
}

/** A fault from its onset on, with drawn speed and severity. */
export function grow(
  random: Random,
  { type, device, growthScale }: Pick<DrawOptions, 'type' | 'device' | 'growthScale'>,
  { fault, onsetMs, cause }: { fault: string; onsetMs: number; cause: NonNullable<FaultTruth['cause']> },
): FaultTruth {
  const { days, severity } = growthOf(type, fault)
  const onset = Math.round(onsetMs)
  return {
    device,
    fault,
    onset_ms: onset,
    full_ms: Math.round(onset + random.between(days[0], days[1]) * DAY_MS * growthScale),
    severity_max: random.between(severity[0], severity[1]),
    cause,
    repaired_ms: undefined,
  }
}

export interface WearOptions extends DrawOptions {
  readonly installedAtMs: number
  readonly untilMs: number
  /** Multiplies the hazards, e.g. 10 = ten years of wear in one. */
  readonly acceleration: number
  /** Hazard ratio of the unit against its type by fault: use, hard water, batch. */
  readonly hazardRatio: (fault: string) => number
  /** Days from the full fault to its repair; undefined = only `repair` of the fleet ends a fault. */
  readonly repairDays: readonly [number, number] | undefined
}

/** Draws the faults of a unit by Weibull lives from its age: after a repair the part is new and wears again. */
export function drawWear(random: Random, options: WearOptions): FaultTruth[] {
  const truths = options.faults.flatMap((fault) =>
    wearOf(random.fork(fault), options, fault, Math.max(options.installedAtMs, lastService(options, fault))),
  )
  const first = truths.toSorted((a, b) => a.onset_ms - b.onset_ms)[0]
  const isAlone = first !== undefined && truths.length === 1
  const second = isAlone ? drawSecond(random.fork('second'), options, first) : []
  return [...truths, ...second.filter(({ onset_ms }) => onset_ms < options.untilMs).map((truth) => repairedAfter(random, options, truth))]
}

/** Short-lived parts (filters, dust) were cleaned since the installation; their age is at most their life's scale. */
function lastService({ type, startMs }: WearOptions, fault: string): number {
  const life = type.faults.find(({ code }) => code === fault)?.life
  return life === undefined ? startMs : startMs - AGE_SHARE_MAX * life.scaleYears * YEAR_MS
}
const AGE_SHARE_MAX = 0.8

/** Onsets of one fault until the end; `newMs` is when the part was new. */
export function wearOf(random: Random, options: WearOptions, fault: string, newMs: number): FaultTruth[] {
  const life = options.type.faults.find(({ code }) => code === fault)?.life
  if (life === undefined) return []
  const ratio = options.hazardRatio(fault) * options.acceleration
  const truths: FaultTruth[] = []
  let bornMs = newMs
  let fromMs = Math.max(newMs, options.startMs)
  for (;;) {
    const ageShare = (fromMs - bornMs) / YEAR_MS / life.scaleYears
    // Inverse of the survival from the present age on: H(t) = H(age) + E / ratio with E exponential.
    const share = (ageShare ** life.shape + random.exponential(1) / ratio) ** (1 / life.shape)
    const onsetMs = fromMs + (share - ageShare) * life.scaleYears * YEAR_MS
    if (onsetMs >= options.untilMs) return truths
    const truth = repairedAfter(random, options, grow(random, options, { fault, onsetMs, cause: 'wear' }))
    truths.push(truth)
    if (truth.repaired_ms === undefined) return truths
    bornMs = fromMs = truth.repaired_ms
  }
}

function repairedAfter(random: Random, { repairDays }: WearOptions, truth: FaultTruth): FaultTruth {
  if (repairDays === undefined) return truth
  return { ...truth, repaired_ms: Math.round(truth.full_ms + random.between(repairDays[0], repairDays[1]) * DAY_MS) }
}

/** Severity of a fault at an instant, 0 before its onset and after its repair. */
export function severityAt(truth: FaultTruth, timeMs: number): number {
  if (timeMs < truth.onset_ms) return 0
  if (truth.repaired_ms !== undefined && timeMs >= truth.repaired_ms) return 0
  if (timeMs >= truth.full_ms) return truth.severity_max
  return (truth.severity_max * (timeMs - truth.onset_ms)) / (truth.full_ms - truth.onset_ms)
}
