/** What the pipeline's worker is told when it is started, and the names of the calls between it and the main thread. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Limits } from '#kernel/limits.ts'
import type { MappingVersion } from '../ingest/mapping/mapping-book.ts'
import type { StoreRetention } from '../ingest/reading-store.ts'
import type { ModelSeats } from '../models/registry/model-book.ts'
import type { RuleActivation } from '../rules/rule-book.ts'

export interface PipelineWorkerSettings {
  readonly dataDir: string
  /** One 64-bit integer, the durable end of the journal; the main thread stores and notifies. */
  readonly committedEnd: BigInt64Array<SharedArrayBuffer>
  /** Types of users, by `${tenant}/${name}`. */
  readonly ownTypes: ReadonlyArray<readonly [key: string, type: ApplianceType]>
  /** Every version of every mapping of users. */
  readonly mappings: readonly MappingVersion[]
  /** Rules of tenants, and since when they are in force. */
  readonly activations: readonly RuleActivation[]
  /** Models of tenants: in force, and looking on. */
  readonly modelSeats: readonly ModelSeats[]
  readonly limits: Limits
  readonly store: WorkerStore
  readonly retention: StoreRetention & { readonly derived_days: number }
  /** Time zones of devices that are not in the default one, by `${tenant}/${device}`. */
  readonly timeZones: ReadonlyArray<readonly [device: string, zone: string]>
  readonly defaultTimeZone: string
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
  suspects: 'suspects',
  stored: 'stored',
  channelStates: 'channel-states',
  statistics: 'statistics',
  registerType: 'register-type',
  storage: 'storage',
  timeZone: 'time-zone',
  registerMapping: 'register-mapping',
  latest: 'latest',
  derivedRows: 'derived-rows',
  gaps: 'gaps',
  capture: 'capture',
  verifyReadings: 'verify-readings',
  ruleBook: 'rule-book',
  why: 'why',
  history: 'history',
  checkpoint: 'checkpoint',
  alarmRows: 'alarm-rows',
  windows: 'windows',
  heard: 'heard',
  residuals: 'residuals',
  modelSeats: 'model-seats',
  models: 'models',
} as const

/** Calls and notices that the main thread answers. */
export const MAIN_CALLS = {
  apply: 'apply',
  releasable: 'releasable',
  log: 'log',
  /** What the self-audit found; empty = nothing. */
  audit: 'audit',
  /** What shadow models would have told. */
  shadowDiagnoses: 'shadow-diagnoses',
  /** Whether a start is loading models now; the thread must not be ended meanwhile. */
  loadingModels: 'loading-models',
} as const
