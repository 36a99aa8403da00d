/**
 * Waits behind what a device stored: a reading at which a safety rule held is looked at again (`settle-late.ts`) when nothing of that kind has come for a
 * while. One wait a device, over all of its rules.
 */
import type { Reading } from '#kernel/reading.ts'
import type { PendingHolds, StoredWitness } from './pending-holds.ts'

/** Stands for all rules of a device that have a log. */
const ALL_RULES = '*'
/** Waited behind a stored reading that held, for the rest of what was stored, and at most behind the first (chosen). */
const REST_MS = 60_000
const REST_MS_MAX = 10 * REST_MS
/** Of the last ones the evidence is kept. */
const WITNESSES_MAX = 16

/** A stored reading is looked at again behind the rest of what was stored. @param found what rules found in it, nothing for none */
export function waitForRest(reading: Reading, found: readonly StoredWitness[], holds: PendingHolds): void {
  if (found.length === 0) return
  const { tenant, device, type, received_at_ms, observed_at_ms: atMs } = reading
  const waiting = holds.remove({ tenant, device, rule: ALL_RULES })
  const sinceMs = waiting?.rest?.sinceMs ?? received_at_ms
  holds.put({
    ...{ tenant, device, type, rule: ALL_RULES, received_at_ms, evidence: [], hist: true },
    beganMs: Math.min(atMs, waiting?.beganMs ?? atMs),
    dueAtMs: Math.min(received_at_ms + REST_MS, sinceMs + REST_MS_MAX),
    rest: {
      sinceMs,
      toMs: Math.max(atMs, waiting?.rest?.toMs ?? atMs),
      witnesses: [...(waiting?.rest?.witnesses ?? []), ...found].slice(-WITNESSES_MAX),
    },
  })
}
