/** What households want to hear of care: each choice is kept with when it was made and who told it; the last one of a kind holds. Without any, they are told. */
import { CARE_KINDS, type CareChoice, type CareKind, type NewCareChoice } from '#kernel/care.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { checkNotAhead } from '../told-time.ts'
import type { CareChoiceRow } from './care-tables.ts'

type Reader = Pick<HubTransaction, 'database'>

interface OfHousehold {
  readonly tenant: string
  readonly household: string
}

/** @throws MendlineError MDL_API_INVALID for an answer that is ahead of our clock by more than clocks differ, MDL_API_CONFLICT for one older than the one that holds */
export async function chooseCare(
  hub: HubTransaction,
  { tenant, household, kind }: OfHousehold & { readonly kind: CareKind },
  { wants, answered_at_ms: told_ms = hub.nowMs, actor }: NewCareChoice & { readonly actor: string },
): Promise<CareChoice> {
  checkNotAhead(told_ms, hub.nowMs, 'answered_at_ms')
  const answered_at_ms = Math.min(told_ms, hub.nowMs)
  const last = (await lastChoices(hub, { tenant, household })).get(kind)
  if (last !== undefined && last.answered_at_ms > answered_at_ms)
    throw new MendlineError('MDL_API_CONFLICT', 'the household has answered anew since then')
  const row: CareChoiceRow = { tenant, household, kind, set_at_ms: hub.nowMs, wants: wants ? 1 : 0, answered_at_ms, actor }
  await hub.database
    .insertInto('hub_care_choices')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant', 'household', 'kind', 'set_at_ms']).doUpdateSet(row))
    .execute()
  return toChoice(row)
}

/** The choices that hold, one a kind at most. */
export async function careChoices(hub: HubTransaction, of: OfHousehold): Promise<CareChoice[]> {
  const last = await lastChoices(hub, of)
  return CARE_KINDS.flatMap((kind) => {
    const row = last.get(kind)
    return row === undefined ? [] : [toChoice(row)]
  })
}

/** Kinds that a household does not want to hear of; a unit of nobody is of no household. */
export async function optedOut(hub: HubTransaction, tenant: string, household: string | undefined): Promise<ReadonlySet<string>> {
  return (household === undefined ? undefined : (await optedOutOf(hub, tenant, [household])).get(household)) ?? new Set()
}

/** The same of several households by one query; one that never chose is not in it. */
export async function optedOutOf(reader: Reader, tenant: string, households: readonly string[]): Promise<Map<string, ReadonlySet<string>>> {
  const byHousehold = Map.groupBy(await choiceRows(reader, tenant, households), ({ household }) => household)
  return new Map(
    [...byHousehold].map(([household, rows]) => [
      household,
      new Set([...lastOf(rows).values()].filter(({ wants }) => wants === 0).map(({ kind }) => kind)),
    ]),
  )
}

const lastChoices = async (reader: Reader, { tenant, household }: OfHousehold): Promise<Map<string, CareChoiceRow>> =>
  lastOf(await choiceRows(reader, tenant, [household]))

const lastOf = (rows: readonly CareChoiceRow[]): Map<string, CareChoiceRow> => new Map(rows.map((row) => [row.kind, row]))

/** Oldest first. */
async function choiceRows({ database }: Reader, tenant: string, households: readonly string[]): Promise<CareChoiceRow[]> {
  if (households.length === 0) return []
  const rows = database.selectFrom('hub_care_choices').selectAll().where('tenant', '=', tenant).where('household', 'in', households)
  return rows.orderBy('set_at_ms').execute()
}

const toChoice = ({ household, kind, wants, answered_at_ms, set_at_ms, actor }: CareChoiceRow): CareChoice => ({
  ...{ household, kind: kind as CareKind, wants: wants === 1, answered_at_ms, set_at_ms, actor },
})
