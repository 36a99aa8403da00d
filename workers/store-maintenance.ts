/**
 * Lets the reading store do its maintenance beside the pipeline, one step after the other with a pause between: closing and archiving hot
 * tables, merging files, dropping what is too old; where nothing of that is due, what was derived is dropped at its age. What was done is logged and counted. A step that fails is tried again after a longer
 * pause; storing goes on meanwhile.
 */
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { DerivedStore } from '../ingest/derived-store.ts'
import type { MaintenanceStep, ReadingStore, StorageTier } from '../ingest/reading-store.ts'

export interface StoreMaintenance {
  start(): void
  /** No step begins any more; idempotent. */
  stop(): void
  /** Steps, rows and bytes by kind of step, e.g. `archived_rows`; `failures`. */
  statistics(): Readonly<Record<string, number>>
  /** What the store holds, at most a minute old: counting hot readings for each reader of the metrics would cost queries their time. */
  tiers(): Promise<readonly StorageTier[]>
}

const DAY_MS = 86_400_000
/** Pause behind a step that failed, and where nothing was due. */
const IDLE_MS = 30_000
/** Age at which what the store holds is counted again. */
const TIERS_AGE_MS = 60_000

export function createStoreMaintenance(parts: {
  readonly store: Pick<ReadingStore, 'maintain' | 'storage'>
  /** What was derived, and the days that it is kept. */
  readonly derived: Pick<DerivedStore, 'drop'>
  readonly derivedDays: number
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'storeMaintenanceMs' | 'derivedDropRows_MAX'>
}): StoreMaintenance {
  const { store, derived, derivedDays, clock, log, limits } = parts
  const counts: Record<string, number> = { failures: 0 }
  let cancel: () => void = () => {}
  let isStopped = false
  let counted: { readonly atMs: number; readonly tiers: readonly StorageTier[] } | undefined

  const add = (name: string, value: number): void => {
    counts[name] = (counts[name] ?? 0) + value
  }
  const note = ({ step, type, rows, bytes }: MaintenanceStep, durationMs: number): void => {
    add(`${step}_steps`, 1)
    add(`${step}_rows`, rows)
    add(`${step}_bytes`, bytes)
    log.info('reading store maintained', { step, type, rows, bytes, duration_ms: Math.round(durationMs) })
  }
  const dropDerived = async (): Promise<MaintenanceStep | undefined> => {
    const rows = await derived.drop({ before_ms: clock.now() - derivedDays * DAY_MS, limit: limits.derivedDropRows_MAX })
    return rows === 0 ? undefined : { step: 'derived_dropped', type: '', rows, bytes: 0 }
  }
  const later = (pauseMs: number): void => {
    if (!isStopped) cancel = clock.after(pauseMs, () => void turn())
  }
  const turn = async (): Promise<void> => {
    try {
      const begunMs = clock.monotonicMs()
      const step = (await store.maintain?.(clock.now())) ?? (await dropDerived())
      if (step !== undefined) note(step, clock.monotonicMs() - begunMs)
      later(step === undefined ? Math.max(IDLE_MS, limits.storeMaintenanceMs) : limits.storeMaintenanceMs)
    } catch (error) {
      if (isStopped) return
      add('failures', 1)
      log.error('maintenance of the reading store failed and is tried again', { cause: error instanceof Error ? (error.stack ?? '') : String(error) })
      later(Math.max(IDLE_MS, limits.storeMaintenanceMs))
    }
  }

  return {
    start: () => later(limits.storeMaintenanceMs),
    stop() {
      isStopped = true
      cancel()
    },
    statistics: () => ({ ...counts }),
    async tiers() {
      if (counted === undefined || clock.monotonicMs() - counted.atMs >= TIERS_AGE_MS) {
        counted = { atMs: clock.monotonicMs(), tiers: (await store.storage?.()) ?? [] }
      }
      return counted.tiers
    },
  }
}
