/** What the worker of imports and exports is asked for, and the names of the calls between it and the main thread. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Limits } from '#kernel/limits.ts'
import type { ImportMessage } from '../ingest/files/import-chunks.ts'
import { type ImportCounts, NO_COUNTS } from '../ingest/files/import-report.ts'
import type { ReportPosition } from '../ingest/files/report-file.ts'
import type { StoreRetention } from '../ingest/reading-store.ts'

/** How far an import is; fields of the counts are the wire's. */
export interface ImportProgress extends ImportCounts {
  /** Rows from which the import goes on. */
  readonly rows_done: number
  /** Share of the file, from 0 to 1. */
  readonly done: number
  readonly report: ReportPosition
  /** Readings that retention drops one by one at the next step of the archive; absent in progress that a version before has noted. */
  readonly older_than_raw?: { readonly readings: number; readonly raw_days: number }
}

export const NO_PROGRESS: ImportProgress = { ...NO_COUNTS, rows_done: 0, done: 0, report: { bytes: 0, entries: 0, dropped: 0 } }

/** What came of an import. */
export interface ImportResult extends ImportProgress {
  /** Columns that nothing was read from. */
  readonly unused_columns: readonly string[]
}

export interface ImportTask {
  readonly kind: 'import'
  /** Folder with `content`; the report is written beside. */
  readonly directory: string
  readonly tenant: string
  readonly device: string | undefined
  /** YAML. */
  readonly mapping: string | undefined
  readonly isDryRun: boolean
  readonly progress: ImportProgress
  readonly limits: Limits
  readonly retention: StoreRetention
}

export interface ExportTask {
  readonly kind: 'export'
  readonly directory: string
  readonly tenant: string
  /** In the order of the file. */
  readonly devices: readonly string[]
  readonly type: ApplianceType
  readonly from_ms: number
  readonly to_ms: number
  readonly format: 'csv' | 'parquet'
  readonly tier: 'raw' | 'hourly' | 'daily'
  readonly limits: Limits
}

/** What came of an export. */
export interface ExportResult {
  readonly rows: number
  readonly bytes: number
  readonly devices: number
}

export type FilesTask = ImportTask | ExportTask

/** One chunk on its way into the journal, and the position behind it. */
export interface TakeChunk {
  readonly messages: readonly ImportMessage[]
  readonly progress: ImportProgress
}

/** A device as the main thread knows it. */
export type DeviceAnswer = { readonly type: string } | { readonly refused: string }

export const FILES_CALLS = {
  run: 'run',
  device: 'device',
  type: 'type',
  take: 'take',
  /** Indexes of keys that came before, or may have. */
  suspects: 'suspects',
  stored: 'stored',
  note: 'note',
  raw: 'raw',
  buckets: 'buckets',
} as const
