/** What the API needs of the intake of reports. */
import type { Contact, HouseholdReport, ReportAnswer } from '#kernel/report.ts'

export interface IntakePort {
  /** Idempotent by key. @throws MendlineError MDL_API_INVALID, MDL_API_NOT_FOUND (both with `safety_advice` where a danger is told), MDL_API_IDEMPOTENCY_MISMATCH */
  report(report: HouseholdReport, idempotencyKey?: string): Promise<ReportAnswer>
  /** Oldest first; undefined when there is no such case. */
  caseContacts(tenant: string, caseId: string): Promise<readonly Contact[] | undefined>
  /** Token of the reporting page of a unit; an earlier one is void. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID for one that was revoked */
  createIntakeCode(tenant: string, device: string): Promise<string>
  /** Tells whether there was one. */
  revokeIntakeCode(tenant: string, device: string): Promise<boolean>
  /** Unit of a token; undefined when it is unknown or revoked. */
  unitOfCode(token: string): Promise<{ readonly tenant: string; readonly device: string } | undefined>
}
