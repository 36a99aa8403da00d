/** What the API needs for boards: how units stand, what happened in a span of time, and one unit against its reference. */
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'

export const UNIT_STATES = ['danger', 'fault', 'alarm', 'silent', 'not_enough_data', 'ok', 'never_heard'] as const

/** A registered unit as it stands; fields are those of the wire. */
export interface BoardUnit {
  readonly device: string
  readonly type: string
  readonly model: string | null
  readonly firmware: string | null
  readonly batch: string | null
  readonly household: string | null
  /** The gravest that holds, in the order of `UNIT_STATES`. */
  readonly state: (typeof UNIT_STATES)[number]
  /** Gravest class of a standing alarm, else that of the diagnosed fault. */
  readonly safety_class: string | null
  readonly fault: string | null
  readonly fault_name: string | null
  readonly alarms: number
  /** Since when it stands so. */
  readonly since_ms: number | null
  readonly heard_at_ms: number | null
}

/** A window's feature against what a unit without fault would have shown. */
export interface BoardResidual {
  readonly t: number
  readonly from_ms: number
  readonly feature: string
  readonly unit: string
  readonly observed: number
  readonly expected: number
  readonly low: number
  readonly high: number
  readonly z_score: number
}

interface Span {
  readonly tenant: string
  readonly from_ms: number
  readonly to_ms: number
}

export interface BoardPort {
  /** Registered units that are not revoked, the gravest first; at most some seconds old. */
  units(tenant: string): Promise<readonly BoardUnit[]>
  alarmCounts(
    span: Span & { readonly step_ms: number },
  ): Promise<ReadonlyArray<{ readonly t: number; readonly safety_class: string; readonly n: number }>>
  faultCounts(
    span: Span & { readonly limit: number },
  ): Promise<ReadonlyArray<{ readonly fault: string; readonly units: number; readonly diagnoses: number; readonly last_ms: number }>>
  /** Newest first; all of a device, or those of all units that name a fault or an unknown one. */
  diagnosesIn(span: Span & { readonly device?: string | undefined; readonly limit: number }): Promise<readonly Diagnosis[]>
  /** Alarms of a device that stood in the span, newest first. */
  alarmsOf(span: Span & { readonly device: string; readonly limit: number }): Promise<readonly Alarm[]>
  residuals(
    query: Span & { readonly device: string; readonly feature?: string | undefined; readonly maxPoints: number },
  ): Promise<readonly BoardResidual[]>
  /** How far the pipeline is behind what was acknowledged. */
  ingestLag(): Promise<{ readonly lag_ms: number; readonly lag_bytes: number }>
}
