/** What the API needs of the registry of models. */
type Maybe<T> = T | Promise<T>

/** Costs that a report is asked for with; minor units. */
export interface ReportCosts {
  readonly currency?: string
  readonly false_alarm?: number
  readonly wrong_name?: number
  readonly missed?: number
  readonly alert_budget_per_1000_unit_weeks?: number
}

export interface NewTraining {
  readonly type: string
  readonly from_ms: number
  readonly to_ms: number
  /** CSV `device,from,to,fault`; absent: the outcomes of visits. */
  readonly labels?: string
  /** Units of at least this share of the days in which nothing was told or found count as without fault; default true. */
  readonly assume_healthy?: boolean
}

export interface ModelPort {
  /** Models of the program and of the tenant. */
  list(tenant: string): readonly object[]
  /** Record, card and moves. @throws MendlineError MDL_API_NOT_FOUND */
  get(tenant: string, version: string): Promise<object>
  /** Names of inputs that a model of the type may have. @throws MendlineError MDL_API_NOT_FOUND */
  features(tenant: string, type: string): Maybe<object>
  /** @throws MendlineError MDL_MODEL_INVALID, MDL_MODEL_TIMEOUT, MDL_API_CONFLICT */
  add(tenant: string, given: { readonly manifest: unknown; readonly parity: unknown; readonly model: Uint8Array }, actor: string): Promise<object>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  shadow(tenant: string, version: string, change: { readonly isOn: boolean; readonly actor: string }): Promise<object>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT when it is no shadow */
  report(tenant: string, version: string, costs: ReportCosts): Promise<object>
  /** @throws MendlineError MDL_MODEL_WORSE, MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  promote(
    tenant: string,
    version: string,
    how: { readonly isForced: boolean; readonly reason: string; readonly actor: string; readonly costs: ReportCosts },
  ): Promise<object>
  /** @throws MendlineError MDL_API_CONFLICT */
  rollBack(tenant: string, type: string, how: { readonly reason: string; readonly actor: string }): Promise<object>
  moves(tenant: string): Promise<readonly object[]>
  drift(tenant: string): Promise<readonly object[]>
  /** Begins the job. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_JOB_TOO_MANY */
  train(tenant: string, wanted: NewTraining, actor: string): Promise<object>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  training(tenant: string, jobId: string): Promise<object>
}
