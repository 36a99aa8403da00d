/**
 * What an organisation may set about the hubs, as data: when a diagnosis is worth a visit, and how long a cause stays quiet after an
 * order for it was settled. All times are device time. The values are chosen, the needs of single faults by visits in cities of development.
 */
import type { Fault } from '#catalogue/appliance-type.ts'
import type { SafetyClass } from '#kernel/alarm.ts'

/** What readings alone must bring before somebody is sent for a fault. */
export interface VisitNeed {
  readonly type: string
  readonly fault: string
  readonly probability_MIN: number
  readonly reason: string
}

export interface HubPolicy {
  readonly version: number
  /** A diagnosis opens or amends an order when its probability is at least this. */
  readonly diagnosisProbability_MIN: number
  /** The same for an order that rests on readings alone, by class: what harms little can wait until it is surer. Dangers are not in it. */
  readonly visitProbability_MIN: Readonly<Partial<Record<SafetyClass, number>>>
  /** The same for single faults, where a visit in vain is likelier than the model thinks. */
  readonly visitNeeds: readonly VisitNeed[]
  /** After `done` a diagnosis younger than this is the unit settling, not a failed repair. */
  readonly quietAfterDoneMs: number
  /** After `cancelled` or `closed` the same cause does not open an order again for this long. */
  readonly quietAfterFinalMs: number
  /** After a visit that found nothing, readings alone send nobody for the same cause for this long. */
  readonly quietAfterNothingMs: number
  /** And for another cause of that unit only from this probability on. */
  readonly afterNothingProbability_MIN: number
  /** A danger that began longer than this before it was received is past: it opens a case and an order, but warns nobody at once. */
  readonly pastDangerMs: number
  /** An order that nobody has promised to serve is cancelled when the model finds no fault for this long. */
  readonly recoveredAfterMs: number
  /** What household and appliance can do is offered before a visit. */
  readonly remoteFirst: boolean
  /**
   * Advice (E4) that the household did not take is offered again this long after it was offered, so many times before the order goes on. For an
   * organisation that sends nobody for advice.
   */
  readonly remindAfterMs: number
  readonly reminders_MAX: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export const standardPolicy: HubPolicy = {
  version: 2,
  diagnosisProbability_MIN: 0.6,
  visitProbability_MIN: { E3: 0.75 },
  visitNeeds: [
    {
      type: 'fridge',
      fault: 'FR-04',
      probability_MIN: 0.99,
      reason:
        'grows for weeks, so waiting harms little; told at 0.97 to 0.99 it was wrong on nine of twelve units of development, and the true ones came to 0.99',
    },
  ],
  quietAfterDoneMs: 24 * HOUR_MS,
  quietAfterFinalMs: 14 * DAY_MS,
  quietAfterNothingMs: 30 * DAY_MS,
  afterNothingProbability_MIN: 0.97,
  pastDangerMs: 24 * HOUR_MS,
  recoveredAfterMs: 48 * HOUR_MS,
  remoteFirst: true,
  // Two fit into the four days after which an order goes on by itself.
  remindAfterMs: 32 * HOUR_MS,
  reminders_MAX: 0,
}

/** Probabilities at which the hubs decide otherwise about a fault that readings alone tell of: whoever diagnoses tells again where one is passed. */
export function decidedAt(
  type: { readonly id: string; readonly faults: ReadonlyArray<Pick<Fault, 'code' | 'safetyClass'>> },
  code: string,
): readonly number[] {
  const policy = standardPolicy
  const safetyClass = type.faults.find((fault) => fault.code === code)?.safetyClass ?? 'E3'
  return [policy.diagnosisProbability_MIN, visitProbability(policy, { type: type.id, fault: code, safetyClass }), policy.afterNothingProbability_MIN]
}

/** Probability from which readings alone send somebody for a fault. */
export function visitProbability(policy: HubPolicy, { type, fault, safetyClass }: { type: string; fault: string; safetyClass: SafetyClass }): number {
  if (safetyClass === 'E0' || safetyClass === 'E1') return policy.diagnosisProbability_MIN
  const own = policy.visitNeeds.find((need) => need.type === type && need.fault === fault)?.probability_MIN
  return Math.max(policy.diagnosisProbability_MIN, own ?? policy.visitProbability_MIN[safetyClass] ?? 0)
}
