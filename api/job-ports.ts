/** What the API needs of the jobs: begin one, read one, list them. */
export interface JobRecord {
  readonly job_id: string
  readonly tenant: string
  readonly kind: string
  readonly state: string
  readonly progress: unknown
  readonly report: unknown
  readonly created_by: string
  readonly created_at_ms: number
  readonly started_at_ms: number | null
  readonly ended_at_ms: number | null
}

export interface JobPort {
  /** @throws MendlineError MDL_JOB_TOO_MANY */
  create(job: { readonly tenant: string; readonly kind: string; readonly input: unknown; readonly actor: string }): Promise<JobRecord>
  get(tenant: string, jobId: string): Promise<JobRecord | undefined>
  /** In order of their ids, those behind `after`. */
  list(query: {
    readonly tenant: string
    readonly kind?: string
    readonly after?: string
    readonly limit: number
  }): Promise<{ readonly items: readonly JobRecord[]; readonly next: string | null }>
}
