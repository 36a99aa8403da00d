/**
 * Front of care: what is due of a unit or of all, what was done, what households want to hear of, and the windows that the join brings. Lists
 * of care are read beside the hubs' transactions, so that no write waits for a list; each other call is one transaction.
 */
import type { Kysely } from 'kysely'
import type { Care, CareChoice, CareDone, CareKind, NewCareChoice } from '#kernel/care.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubTables } from '../hub-tables.ts'
import type { HubSettings, HubTransaction } from '../hub-transaction.ts'
import type { ReportedUnit } from '../intake/take-report.ts'
import { type Page, readCursor } from '../lists.ts'
import { careChoices, chooseCare } from './care-choices.ts'
import { type CareFound, toCare, toCares } from './care-records.ts'
import { beginCare, type CareNote, countedFrom, doneCare, endCare, noteCare, type OfUnit, unitRow } from './care-tasks.ts'

interface DueQuery {
  readonly tenant: string
  readonly who?: string | undefined
  /** `next` of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

export interface CareDesk {
  /** Every task and tip of a unit; empty before it was looked at for the first time. */
  careOf(of: OfUnit): Promise<readonly Care[]>
  /** What is due, longest first. @throws MendlineError MDL_API_INVALID for a cursor that is none */
  careDue(query: DueQuery): Promise<Page<Care>>
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

export interface CareDeskParts extends Pick<HubSettings, 'catalogue' | 'places'> {
  readonly inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>
  readonly database: Kysely<HubTables>
  readonly clock: Clock
  /** The registered unit; absent = care that was done is taken only of units that were looked at. */
  readonly unitOf?: ((tenant: string, device: string) => ReportedUnit | undefined) | undefined
}

export function createCareDesk({ inTransaction, clock, unitOf = () => undefined, ...parts }: CareDeskParts): CareDesk {
  const { database } = parts
  const toRecords = (tenant: string, found: readonly CareFound[]) => toCares({ ...parts, nowMs: clock.now() }, tenant, found)
  return {
    async careOf({ tenant, device }) {
      const rows = await tasksWithUse(database, tenant).where('hub_care_tasks.device', '=', device).orderBy('task').execute()
      return toRecords(tenant, rows.map(toFound))
    },
    async careDue(query) {
      const { rows, next } = await duePage(database, query)
      return { items: await toRecords(query.tenant, rows.map(toFound)), next }
    },
    careDone: (of, given) =>
      inTransaction(async (hub) => {
        const registered = unitOf(of.tenant, of.device)
        if (registered !== undefined && (registered.revoked_at_ms ?? null) === null)
          await beginCare(hub, { tenant: of.tenant, device: of.device, type: registered.type })
        const row = await doneCare(hub, of, given)
        const unit = await unitRow(hub, of)
        const care = unit === undefined ? undefined : await toCare(hub, unit, row)
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

/** Tasks of a tenant, each with the counts of its unit. */
const tasksWithUse = (database: Kysely<HubTables>, tenant: string) =>
  database
    .selectFrom('hub_care_tasks')
    .innerJoin('hub_care_units', (join) =>
      join.onRef('hub_care_units.tenant', '=', 'hub_care_tasks.tenant').onRef('hub_care_units.device', '=', 'hub_care_tasks.device'),
    )
    .selectAll('hub_care_tasks')
    .select(['hub_care_units.running_h', 'hub_care_units.cycles', 'hub_care_units.litres'])
    .where('hub_care_tasks.tenant', '=', tenant)

type TaskWithUse = Awaited<ReturnType<ReturnType<typeof tasksWithUse>['execute']>>[number]

const toFound = ({ running_h, cycles, litres, ...row }: TaskWithUse): CareFound => ({ unit: { running_h, cycles, litres }, row })

/** Pages by (due_at_ms, care_id); a task that the catalogue lost takes its place, so that the cursor passes it. */
async function duePage(
  database: Kysely<HubTables>,
  { tenant, who, after, limit }: DueQuery,
): Promise<{ readonly rows: readonly TaskWithUse[]; readonly next: string | null }> {
  let select = tasksWithUse(database, tenant).where('state', '=', 'due')
  if (who !== undefined) select = select.where('who', '=', who)
  if (after !== undefined) {
    const { time, id } = readCursor(after)
    select = select.where(({ and, eb, or }) => or([eb('due_at_ms', '>', time), and([eb('due_at_ms', '=', time), eb('care_id', '>', id)])]))
  }
  const found = await select
    .orderBy('due_at_ms')
    .orderBy('care_id')
    .limit(limit + 1)
    .execute()
  const rows = found.slice(0, limit)
  const last = found.length > limit ? rows.at(-1) : undefined
  return { rows, next: last === undefined ? null : JSON.stringify([last.due_at_ms, last.care_id]) }
}
