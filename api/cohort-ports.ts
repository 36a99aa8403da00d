/** What the API needs of cohorts: batches and firmware versions with the evidence that they fail more often than the rest of the fleet. */

/** Fields are those of the wire. */
export interface CohortRecord {
  readonly type: string
  readonly scope: 'batch' | 'firmware'
  readonly cohort: string
  readonly fault: string
  readonly fault_name: string
  readonly state: 'flagged' | 'watched'
  readonly units: number
  readonly exposure_unit_days: number
  readonly events: number
  readonly expected: number
  readonly rate_ratio: number | null
  readonly evidence_ratio: number
  readonly first_event_ms: number | null
  readonly flagged_at_ms: number | null
}

export interface CohortPort {
  /** Flagged first, then by evidence; at most some minutes old. */
  list(tenant: string): Promise<readonly CohortRecord[]>
}
