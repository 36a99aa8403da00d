/** What the API needs of the emergency hub: lists, acknowledging and resolving, the duty roster, drills, and the doors of signed links. */
import type { DutyRoster } from '#kernel/duty-roster.ts'

/** What the pages behind links show. */
export interface EmergencyView {
  readonly emergency_id: string
  readonly safety_class: string
  readonly state: string
  readonly title_en: string
  readonly title_zh: string
  readonly advice_en: string
  readonly advice_zh: string
  readonly device: string
  readonly is_drill: boolean
  readonly acknowledged_by: string | null
  readonly read_at_ms: number | null
}

export interface EmergencyPort {
  list(query: {
    readonly tenant: string
    readonly device?: string
    readonly state?: string
    readonly after?: string
    readonly limit: number
  }): Promise<{ readonly items: readonly object[]; readonly next: string | null }>
  get(tenant: string, id: string): Promise<object | undefined>
  /** Each step with its time. @throws MendlineError MDL_API_NOT_FOUND */
  steps(tenant: string, id: string): Promise<readonly object[]>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  acknowledge(given: {
    readonly tenant: string
    readonly id: string
    readonly by: string
    readonly via: string
    readonly note: string
  }): Promise<object>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  resolve(given: { readonly tenant: string; readonly id: string; readonly by: string; readonly reason: string }): Promise<object>
  roster(tenant: string): Promise<object | undefined>
  /** @throws MendlineError MDL_API_INVALID */
  setRoster(tenant: string, roster: DutyRoster, by: string): Promise<object>
  drill(given: {
    readonly tenant: string
    readonly device?: string | undefined
    readonly safetyClass?: 'E0' | 'E1' | undefined
    readonly tellsHousehold?: boolean | undefined
    readonly by: string
  }): Promise<object>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  drillReport(tenant: string, id: string): Promise<object>
  /** This and the next three: undefined for a link that is none of ours. @throws MendlineError MDL_HUBS_LINK_EXPIRED */
  byLink(token: string): Promise<{ readonly emergency: EmergencyView; readonly person: string } | undefined>
  acknowledgeByLink(token: string): Promise<EmergencyView | undefined>
  advice(token: string): Promise<EmergencyView | undefined>
  adviceRead(token: string): Promise<EmergencyView | undefined>
}
