/** The truth of a simulated fleet: which unit has which fault from when, how it grows, and when it was repaired. Rates are design values. */
import type { Random } from '#kernel/random.ts'

const DAY_MS = 86_400_000

export interface FaultTruth {
  readonly device: string
  readonly fault: string
  readonly onset_ms: number
  /** When the fault stands at `severity_max`. */
  readonly full_ms: number
  /** Severity 0..1 at `full_ms` and after. */
  readonly severity_max: number
  /** Undefined while the fault is there. */
  repaired_ms: number | undefined
}

/** How often a fault comes among faulty units, and how long it grows, in days. */
interface Growth {
  readonly weight: number
  readonly days: readonly [number, number]
  readonly severity: readonly [number, number]
}

const GROWTH: Readonly<Record<string, Growth>> = {
  'AC-01': { weight: 16, days: [14, 56], severity: [0.5, 1] },
  'AC-02': { weight: 14, days: [10, 42], severity: [0.5, 1] },
  'AC-03': { weight: 16, days: [10, 42], severity: [0.5, 1] },
  'AC-04': { weight: 12, days: [7, 42], severity: [0.4, 1] },
  'AC-05': { weight: 10, days: [3, 21], severity: [0.5, 1] },
  'AC-06': { weight: 8, days: [10, 35], severity: [0.5, 1] },
  'AC-07': { weight: 9, days: [10, 42], severity: [0.5, 1] },
  'AC-08': { weight: 8, days: [2, 8], severity: [0.85, 1] },
  'AC-09': { weight: 6, days: [0, 0], severity: [0.4, 1] },
  'XX-01': { weight: 3, days: [2, 10], severity: [0.7, 1] },
  'XX-02': { weight: 5, days: [0, 0], severity: [1, 1] },
}

export interface DrawOptions {
  readonly device: string
  readonly faults: readonly string[]
  readonly startMs: number
  /** Onsets are spread over this span from the start. */
  readonly onsetSpanMs: number
  /** Multiplies the time a fault takes to grow. */
  readonly growthScale: number
}

/** Draws one fault, and in a tenth of the cases a second one (several faults at once break single-feature rules [L14]). */
export function drawFaults(random: Random, options: DrawOptions): FaultTruth[] {
  const first = drawOne(random, options, options.faults)
  if (!random.chance(0.1)) return [first]
  const others = options.faults.filter((fault) => fault !== first.fault)
  return others.length === 0 ? [first] : [first, drawOne(random, options, others)]
}

function drawOne(random: Random, options: DrawOptions, faults: readonly string[]): FaultTruth {
  const weightOf = (fault: string): number => GROWTH[fault]?.weight ?? 1
  let left = random.uniform() * faults.reduce((sum, fault) => sum + weightOf(fault), 0)
  const fault =
    faults.find((candidate) => {
      left -= weightOf(candidate)
      return left < 0
    }) ??
    faults[0] ??
    ''
  const growth = GROWTH[fault] ?? { weight: 1, days: [7, 28], severity: [0.5, 1] }
  const onset = Math.round(options.startMs + random.uniform() * options.onsetSpanMs)
  return {
    device: options.device,
    fault,
    onset_ms: onset,
    full_ms: Math.round(onset + random.between(growth.days[0], growth.days[1]) * DAY_MS * options.growthScale),
    severity_max: random.between(growth.severity[0], growth.severity[1]),
    repaired_ms: undefined,
  }
}

/** Severity of a fault at an instant, 0 before its onset and after its repair. */
export function severityAt(truth: FaultTruth, timeMs: number): number {
  if (timeMs < truth.onset_ms) return 0
  if (truth.repaired_ms !== undefined && timeMs >= truth.repaired_ms) return 0
  if (timeMs >= truth.full_ms) return truth.severity_max
  return (truth.severity_max * (timeMs - truth.onset_ms)) / (truth.full_ms - truth.onset_ms)
}
