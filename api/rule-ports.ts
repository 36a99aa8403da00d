/** What the API needs of rules: versions, what is in force, and why a rule did or did not fire. Fields are those of the wire. */
export interface RulePort {
  list(tenant: string): readonly object[]
  /** Oldest first, the catalogue's before those of the tenant. @throws MendlineError MDL_API_NOT_FOUND */
  versions(tenant: string, id: string): readonly object[]
  /** What was put into force, oldest first. */
  history(tenant: string, id: string): readonly object[]
  /** @throws MendlineError MDL_API_NOT_FOUND */
  diff(tenant: string, id: string, versions: { readonly from: number; readonly to: number }): readonly object[]
  /** @throws MendlineError MDL_API_INVALID with field and reason, MDL_API_CONFLICT */
  put(
    tenant: string,
    id: string,
    given: { readonly document: Readonly<Record<string, unknown>>; readonly note: string; readonly actor: string },
  ): Promise<object>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID */
  activate(
    tenant: string,
    id: string,
    how: { readonly version: number; readonly sharePct?: number | undefined; readonly reason: string; readonly actor: string },
  ): Promise<object>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  rollBack(tenant: string, id: string, how: { readonly reason: string; readonly actor: string }): Promise<object>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  why(query: { readonly tenant: string; readonly rule: string; readonly device: string; readonly at_ms: number }): Promise<object>
}

/** Groups of alarms and what people do with alarms. */
/** What people did with an alarm, and what kept it from opening an order. */
export interface AlarmHandlingFields {
  readonly acknowledged_at_ms: number | null
  readonly acknowledged_by: string | null
  readonly assigned_to: string | null
  readonly snoozed_until_ms: number | null
  readonly quiet_by: string | null
}

export interface AlarmPort {
  /** By alarm; nothing of one that nobody touched. */
  handlingOf(tenant: string, alarmIds: readonly string[]): Promise<ReadonlyMap<string, AlarmHandlingFields>>
  handleAlarm(
    tenant: string,
    alarmId: string,
    change: { readonly acknowledge?: boolean; readonly assign_to?: string | null; readonly snooze_until_ms?: number | null },
    actor: string,
  ): Promise<object>
  alarmGroups(query: {
    readonly tenant: string
    readonly after?: string
    readonly limit: number
  }): Promise<{ readonly items: readonly object[]; readonly next: string | null }>
  /** Alarms a group, of those that began between two times. */
  compression(tenant: string, span: { readonly from_ms: number; readonly to_ms: number }): Promise<object>
  planMaintenance(tenant: string, window: NewMaintenance, actor: string): Promise<object>
  maintenance(tenant: string, fromMs: number, limit: number): Promise<readonly object[]>
  endMaintenance(tenant: string, windowId: string): Promise<boolean>
}

interface NewMaintenance {
  readonly scope: string
  readonly scope_value: string
  readonly from_ms: number
  readonly to_ms: number
  readonly reason: string
}
