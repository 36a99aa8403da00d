/** What the DuckDB store is made with. */
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { StoreRetention } from '../reading-store.ts'
import type { ArchiveLimits } from './duckdb-archive.ts'

export interface DuckdbStoreOptions {
  /** Path of the database, or `:memory:`. */
  readonly file: string
  /** Folder of the archive's files; beside the database when absent. */
  readonly coldDirectory?: string
  /** Database of layout 1 that is taken over when there is none of this layout yet. */
  readonly formerFile?: string
  readonly log: Log
  readonly limits: Pick<Limits, 'storeMemoryMib'> & ArchiveLimits
  /** Absent: nothing is dropped by age. */
  readonly retention?: StoreRetention
  /** IANA name of the time zone in whose days a device's daily aggregates are made; UTC when absent. */
  readonly timeZoneOf?: (tenant: string, device: string) => string
  /** Called between the steps of maintenance; tests stop there. */
  readonly onStep?: (step: string) => Promise<void>
}
