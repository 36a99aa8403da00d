/** What the API needs of backtests: begin one, read one, list them. */
import type { JobRecord } from './job-ports.ts'

export interface NewBacktest {
  readonly from_ms: number
  readonly to_ms: number
  /** Only units of it. */
  readonly type?: string
  readonly device?: string
  /** The rule that is tried; absent: all that are in force, held against what happened live. */
  readonly rule_id?: string
  /** One of its versions; absent: the one in force. */
  readonly version?: number
  /** A version that is not saved. */
  readonly rule?: Readonly<Record<string, unknown>>
  /** A version of the type's model that is tried instead of rules, or `live`; needs `type`. */
  readonly model?: string
  /** In minor units of the currency. */
  readonly visit_cost?: number
  readonly currency?: string
}

export interface BacktestPort {
  /** @throws MendlineError MDL_API_INVALID with field and reason, MDL_API_NOT_FOUND, MDL_JOB_TOO_MANY */
  create(tenant: string, backtest: NewBacktest, actor: string): Promise<JobRecord>
  get(tenant: string, id: string): Promise<JobRecord | undefined>
  list(query: {
    readonly tenant: string
    readonly after?: string
    readonly limit: number
  }): Promise<{ readonly items: readonly JobRecord[]; readonly next: string | null }>
}
