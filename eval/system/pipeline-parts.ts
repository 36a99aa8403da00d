/** Parts of the pipeline as tests, benchmarks and evaluations join them: event time over given stores, and a journal in memory. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { limits } from '#kernel/limits.ts'
import type { DerivedStore } from '../../ingest/derived-store.ts'
import { createGapTracker } from '../../ingest/gaps.ts'
import { createLatestValues } from '../../ingest/latest.ts'
import type { ReadingStore } from '../../ingest/reading-store.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { deriveAll } from '../../workers/derivation.ts'
import { EventTime } from '../../workers/event-time.ts'

interface Stores {
  readonly types: (id: string) => ApplianceType | undefined
  readonly store: Pick<ReadingStore, 'history'>
  readonly derived: DerivedStore
}

/** Event time with all that the platform derives. */
export const eventTimeOver = ({ types, store, derived }: Stores, more: { readonly isAmending?: boolean } = {}): EventTime<ClosedWindow> =>
  new EventTime<ClosedWindow>({
    derivation: deriveAll(types),
    gaps: createGapTracker(limits),
    latest: createLatestValues({ types }),
    derived,
    history: (query) => store.history(query),
    limits,
    ...more,
  })

/** A journal whose positions count records; each read gives at most so many. */
export const journalOver = (log: readonly Uint8Array[], records_MAX: number) => ({
  async read(from: number) {
    const records = log.slice(from, from + records_MAX).map((body, index) => ({ body, next: from + index + 1 }))
    return { records, next: from + records.length, corrupt: 0 }
  },
})
