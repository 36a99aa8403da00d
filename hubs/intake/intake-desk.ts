/** The desk of reports: takes one in one transaction, once for its Idempotency-Key, and lists the contacts of a case. */
import { createHash } from 'node:crypto'
import { MendlineError } from '#kernel/errors.ts'
import type { Contact, HouseholdReport, ReportAnswer } from '#kernel/report.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { contactsOfCase } from './contacts.ts'
import { makeCode, revokeCode, unitOfCode } from './intake-codes.ts'
import { type ReportedUnit, takeReport } from './take-report.ts'

export type { ReportedUnit } from './take-report.ts'

export interface IntakeDesk {
  /**
   * Takes a report and answers it, idempotent by key.
   * @throws MendlineError MDL_API_INVALID (names the field), MDL_API_NOT_FOUND, MDL_API_IDEMPOTENCY_MISMATCH
   */
  report(report: HouseholdReport, idempotencyKey?: string): Promise<ReportAnswer>
  /** Contacts of a case, oldest first; undefined when there is no such case. */
  caseContacts(tenant: string, caseId: string): Promise<readonly Contact[] | undefined>
  /**
   * Token of the reporting page of a unit, shown this once; an earlier one is void.
   * @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID for a unit that was revoked, whose page is closed
   */
  createIntakeCode(tenant: string, device: string): Promise<string>
  /** Tells whether there was one. */
  revokeIntakeCode(tenant: string, device: string): Promise<boolean>
  /** Unit of a token; undefined when it is unknown or revoked. */
  unitOfCode(token: string): Promise<{ readonly tenant: string; readonly device: string } | undefined>
}

export function createIntakeDesk(
  inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>,
  unitOf: (tenant: string, device: string) => ReportedUnit | undefined,
): IntakeDesk {
  return {
    report: (report, key) => inTransaction((hub) => once(hub, { report, key }, () => takeReport(hub, report, { unitOf, key }))),
    caseContacts: (tenant, caseId) => inTransaction((hub) => contactsOfCase(hub, tenant, caseId)),
    async createIntakeCode(tenant, device) {
      const unit = unitOf(tenant, device)
      if (unit === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${device}`)
      if ((unit.revoked_at_ms ?? null) !== null) throw refuseCode('names a unit that was revoked; register it anew first')
      return inTransaction((hub) => makeCode(hub, tenant, device))
    },
    revokeIntakeCode: (tenant, device) => inTransaction((hub) => revokeCode(hub, tenant, device)),
    unitOfCode: (token) => inTransaction((hub) => unitOfCode(hub, token)),
  }
}

const refuseCode = (reason: string): MendlineError =>
  new MendlineError('MDL_API_INVALID', `the code cannot be made: device ${reason}`, { details: { errors: [{ field: 'params.device', reason }] } })

/** Gives the kept answer of a key, else acts and keeps it. Keys of reports are apart from those of work orders. */
async function once(
  hub: HubTransaction,
  { report, key }: { readonly report: HouseholdReport; readonly key: string | undefined },
  act: () => Promise<ReportAnswer>,
): Promise<ReportAnswer> {
  if (key === undefined) return act()
  const { tenant } = report
  const idempotency_key = `report/${key}`
  const body_hash = createHash('sha256')
    .update(JSON.stringify(Object.entries(report).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('hex')
  const kept = await hub.database
    .selectFrom('hub_idempotency')
    .select(['body_hash', 'answer'])
    .where('tenant', '=', tenant)
    .where('idempotency_key', '=', idempotency_key)
    .executeTakeFirst()
  if (kept !== undefined && kept.body_hash !== body_hash) {
    throw new MendlineError('MDL_API_IDEMPOTENCY_MISMATCH', 'the Idempotency-Key was used with another report')
  }
  if (kept !== undefined) return JSON.parse(kept.answer) as ReportAnswer
  const answer = await act()
  await hub.database
    .insertInto('hub_idempotency')
    .values({ tenant, idempotency_key, body_hash, answer: JSON.stringify(answer), at_ms: hub.nowMs })
    .execute()
  return answer
}
