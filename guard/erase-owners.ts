/**
 * Whose a device was, and when: what an erasure takes of it. A device that only this household ever had, and has, goes whole. Of one that was also
 * another's, or is this household's no more, its stretches go and the device stays. A PATCH from before the history was kept has left only
 * its time: what was the device's before it is nobody's that could be told, stays, and is said in the report.
 */
import type { DatabaseSync } from 'node:sqlite'
import { MendlineError } from '#kernel/errors.ts'

/** Half open in time: `from_ms` counts, `to_ms` does not. */
export interface OwnedSpan {
  readonly from_ms: number
  readonly to_ms: number
}

export interface StayingDevice {
  readonly device: string
  readonly spans: readonly OwnedSpan[]
  /** Whether it is the household's now: then it is revoked and of nobody. */
  readonly isTheirsNow: boolean
}

export interface Owned {
  /** Devices that go whole. */
  readonly whole: readonly string[]
  readonly staying: readonly StayingDevice[]
  /** Devices of the tenant whose household changed before the history was kept: whose they were until then is not known. */
  readonly unknown: readonly string[]
}

/** The least and greatest instant: from before all to behind all. */
const ALWAYS: OwnedSpan = { from_ms: Number.MIN_SAFE_INTEGER, to_ms: Number.MAX_SAFE_INTEGER }

interface Stretch {
  readonly device: string
  readonly household: string
  readonly from_ms: number
  readonly to_ms: number | null
}

/** @throws MendlineError MDL_STORE_UNAVAILABLE for a folder that was never opened by a version that keeps the history */
export function ownedBy(store: DatabaseSync, { tenant, household }: { readonly tenant: string; readonly household: string }): Owned {
  const known = store.prepare("SELECT 1 FROM sqlite_master WHERE name = 'device_households'").get()
  if (known === undefined)
    throw new MendlineError('MDL_STORE_UNAVAILABLE', 'the folder is of an older version; start the server of this version once, then stop it')
  // A stretch of no length is nobody's.
  const sql = `SELECT device, household, from_ms, to_ms FROM device_households WHERE tenant = ? AND (to_ms IS NULL OR to_ms > from_ms)
    ORDER BY device, from_ms`
  const stretches = Map.groupBy(store.prepare(sql).all(tenant) as unknown as Stretch[], ({ device }) => device)
  const lost = lostMoves(store, tenant)
  const created = new Map(
    store
      .prepare('SELECT device, created_at_ms FROM devices WHERE tenant = ?')
      .all(tenant)
      .map(({ device, created_at_ms }) => [String(device), Number(created_at_ms)]),
  )
  const whole: string[] = []
  const staying: StayingDevice[] = []
  for (const [device, all] of stretches) {
    const theirs = all.filter((stretch) => stretch.household === household)
    if (theirs.length === 0) continue
    const isTheirsNow = theirs.at(-1)?.to_ms === null
    if (isTheirsNow && theirs.length === all.length && !lost.has(device)) {
      whole.push(device)
      continue
    }
    // What was imported or measured before the device was registered belongs to whom it was registered for.
    const isFromTheFirst = !lost.has(device) && all[0] === theirs[0] && theirs[0]?.from_ms === created.get(device)
    const spans = theirs.map(({ from_ms, to_ms }, index) => ({
      from_ms: index === 0 && isFromTheFirst ? ALWAYS.from_ms : from_ms,
      to_ms: to_ms ?? ALWAYS.to_ms,
    }))
    staying.push({ device, spans, isTheirsNow })
  }
  return { whole, staying, unknown: [...lost] }
}

function lostMoves(store: DatabaseSync, tenant: string): Set<string> {
  const sql = `SELECT DISTINCT subject FROM identity_audit WHERE tenant = ? AND action = 'device.attributes' AND details LIKE '%"household"%'
    AND at_ms <= (SELECT from_ms FROM device_households WHERE tenant = '') ORDER BY subject`
  return new Set(
    store
      .prepare(sql)
      .all(tenant)
      .map(({ subject }) => String(subject)),
  )
}

export const isWithin = (spans: readonly OwnedSpan[], atMs: number): boolean => spans.some(({ from_ms, to_ms }) => atMs >= from_ms && atMs < to_ms)
