/**
 * Holds of safety rules that began and wait for their hold time. A device may send a change once and then be quiet, so such a hold is
 * completed by the clock: at the receipt of its last witness plus what its hold time lacks then, plus a little for messages that are
 * under way. Kept as plain data with the evidence of the alarm, a few devices at a time; one that broke meanwhile is dropped when due.
 */
import type { AlarmEvidence } from '#kernel/alarm.ts'
import type { EpochMs } from '#kernel/clock.ts'

export interface PendingHold {
  readonly tenant: string
  readonly device: string
  readonly type: string
  /** Rule id and version. */
  readonly rule: string
  /** Device time at which the condition began to hold. */
  readonly beganMs: number
  /** Time of the platform at which the clock completes it. */
  readonly dueAtMs: number
  /** Receipt of the last reading that held. */
  readonly received_at_ms: EpochMs
  readonly evidence: AlarmEvidence[]
  /** The witness was stored on the device and sent later. */
  readonly hist?: boolean
  /** It waits for the rest of what was stored (`settle-late.ts`). */
  readonly rest?: RestOfBacklog
}

export interface RestOfBacklog {
  /** Receipt of the first reading at which a rule held. */
  readonly sinceMs: EpochMs
  /** Device time of the last one. */
  readonly toMs: number
  readonly witnesses: readonly StoredWitness[]
}

/** What a rule (id and version) found in a stored reading. */
export interface StoredWitness {
  readonly rule: string
  readonly atMs: number
  readonly evidence: readonly AlarmEvidence[]
}

export interface PendingHolds {
  /** Notes a hold; takes the place of what the device and rule had, but for a stored witness beside a fresh one of the same hold, which says more. */
  put(hold: PendingHold): void
  /** Takes out what waits for the rule of a device, undefined for nothing. */
  remove(of: Pick<PendingHold, 'tenant' | 'device' | 'rule'>): PendingHold | undefined
  /** Takes out what is due at `nowMs`, earliest first. */
  take(nowMs: number): readonly PendingHold[]
  /** Time at which the next may be due, infinite when none waits. */
  nextDueMs(): number
  snapshot(): readonly PendingHold[]
  restore(holds: readonly PendingHold[]): void
}

const keyOf = ({ tenant, device, rule }: Pick<PendingHold, 'tenant' | 'device' | 'rule'>): string => `${tenant}/${device}/${rule}`

const NONE: readonly PendingHold[] = []

export function createPendingHolds(): PendingHolds {
  const holds = new Map<string, PendingHold>()
  /** At most the earliest due time: looked for anew only when it has come. */
  let nextDueMs = Number.POSITIVE_INFINITY
  const put = (hold: PendingHold): void => {
    const waiting = hold.hist === true ? holds.get(keyOf(hold)) : undefined
    if (waiting !== undefined && waiting.hist !== true && waiting.beganMs === hold.beganMs) return
    holds.set(keyOf(hold), hold)
    nextDueMs = Math.min(nextDueMs, hold.dueAtMs)
  }
  return {
    put,
    remove(of) {
      const found = holds.get(keyOf(of))
      holds.delete(keyOf(of))
      return found
    },
    take(nowMs) {
      if (nowMs < nextDueMs) return NONE
      const due: PendingHold[] = []
      nextDueMs = Number.POSITIVE_INFINITY
      for (const [key, hold] of holds) {
        if (hold.dueAtMs > nowMs) nextDueMs = Math.min(nextDueMs, hold.dueAtMs)
        else {
          holds.delete(key)
          due.push(hold)
        }
      }
      return due.sort((a, b) => a.dueAtMs - b.dueAtMs)
    },
    nextDueMs: () => nextDueMs,
    snapshot: () => [...holds.values()],
    restore(saved) {
      holds.clear()
      nextDueMs = Number.POSITIVE_INFINITY
      for (const hold of saved) put(hold)
    },
  }
}
