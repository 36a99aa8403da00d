/** What the pipeline's worker is told when it is started, and the names of the calls between it and the main thread. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Limits } from '#kernel/limits.ts'

export interface PipelineWorkerSettings {
  readonly dataDir: string
  /** One 64-bit integer, the durable end of the journal; the main thread stores and notifies. */
  readonly committedEnd: BigInt64Array<SharedArrayBuffer>
  /** Types of users, by `${tenant}/${name}`. */
  readonly ownTypes: ReadonlyArray<readonly [key: string, type: ApplianceType]>
  readonly limits: Limits
  readonly store: WorkerStore
}

/** Where readings go; the token is in clear here, since a worker gets copies. */
export type WorkerStore =
  | { readonly kind: 'duckdb' }
  | {
      readonly kind: 'influx'
      readonly url: string
      readonly language: 'metricsql' | 'flux'
      readonly token: string
      readonly organisation: string
      readonly bucket: string
    }

/** Calls that the worker answers. */
export const PIPELINE_CALLS = {
  start: 'start',
  stop: 'stop',
  buckets: 'buckets',
  raw: 'raw',
  quarantined: 'quarantined',
  statistics: 'statistics',
  registerType: 'register-type',
} as const

/** Calls and notices that the main thread answers. */
export const MAIN_CALLS = {
  apply: 'apply',
  releasable: 'releasable',
  log: 'log',
} as const
