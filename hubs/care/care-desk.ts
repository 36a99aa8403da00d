/** Front of care: what is due of a unit or of all, what was done, what households want to hear of, and the windows that the join brings. Each call is one transaction. */
import type { Care, CareChoice, CareDone, CareKind, NewCareChoice } from '#kernel/care.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { careChoices, chooseCare } from './care-choices.ts'
import { toCare } from './care-records.ts'
import type { CareTaskRow } from './care-tables.ts'
import { type CareNote, countedFrom, doneCare, endCare, noteCare, type OfUnit, taskRows, unitRow } from './care-tasks.ts'

export interface CareDesk {
  /** Every task and tip of a unit; empty before it was looked at for the first time. */
  careOf(of: OfUnit): Promise<readonly Care[]>
  /** What is due, longest first. */
  careDue(query: { readonly tenant: string; readonly who?: string | undefined; readonly limit: number }): Promise<readonly Care[]>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_API_CONFLICT */
  careDone(of: OfUnit & { readonly task: string }, given: CareDone): Promise<Care>
  careChoices(tenant: string, household: string): Promise<readonly CareChoice[]>
  /** @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  chooseCare(
    of: { readonly tenant: string; readonly household: string; readonly kind: CareKind },
    given: NewCareChoice & { readonly actor: string },
  ): Promise<CareChoice>
  readonly careUse: CareUse
}

/** What the join of use asks and tells. */
export interface CareUse {
  /** From where on windows of the unit are still to be counted. */
  countedTo(of: OfUnit): Promise<number>
  note(note: CareNote): Promise<void>
  /** The unit is gone. */
  end(of: OfUnit): Promise<void>
}

export function createCareDesk(inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>): CareDesk {
  return {
    careOf: (of) => inTransaction(async (hub) => cares(hub, await taskRows(hub, of))),
    careDue: (query) => inTransaction((hub) => due(hub, query)),
    careDone: (of, given) =>
      inTransaction(async (hub) => {
        const [care] = await cares(hub, [await doneCare(hub, of, given)])
        if (care === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `the catalogue has no ${of.task} any more`)
        return care
      }),
    careChoices: (tenant, household) => inTransaction((hub) => careChoices(hub, { tenant, household })),
    chooseCare: (of, given) => inTransaction((hub) => chooseCare(hub, of, given)),
    careUse: {
      countedTo: (of) => inTransaction(async (hub) => (await unitRow(hub, of))?.counted_to_ms ?? countedFrom(hub, of)),
      note: (note) => inTransaction((hub) => noteCare(hub, note)),
      end: (of) => inTransaction((hub) => endCare(hub, of)),
    },
  }
}

async function due(hub: HubTransaction, { tenant, who, limit }: Parameters<CareDesk['careDue']>[0]): Promise<Care[]> {
  let select = hub.database.selectFrom('hub_care_tasks').selectAll().where('tenant', '=', tenant).where('state', '=', 'due')
  if (who !== undefined) select = select.where('who', '=', who)
  return cares(hub, await select.orderBy('due_at_ms').orderBy('care_id').limit(limit).execute())
}

async function cares(hub: HubTransaction, rows: readonly CareTaskRow[]): Promise<Care[]> {
  const told: Care[] = []
  for (const row of rows) {
    const unit = await unitRow(hub, row)
    const care = unit === undefined ? undefined : await toCare(hub, unit, row)
    if (care !== undefined) told.push(care)
  }
  return told
}
