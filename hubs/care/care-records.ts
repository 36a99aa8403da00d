/** Rows of care as the API and the events have them: with the catalogue's texts, the use since the last time, and the price of a visit. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { CareTask } from '#catalogue/care.ts'
import type { Care } from '#kernel/care.ts'
import type { TermsVersion } from '#kernel/service-terms.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { termsOf } from '../orders/terms-book.ts'
import { optedOutOf } from './care-choices.ts'
import type { CareTaskRow } from './care-tables.ts'
import type { Counts } from './care-use.ts'

const DAY_MS = 86_400_000

/** Use of a unit since a task was done last. */
export const useSince = (unit: Counts, row: CareTaskRow, nowMs: number): Care['use'] => ({
  running_h: unit.running_h - row.since_running_h,
  cycles: unit.cycles - row.since_cycles,
  litres: unit.litres - row.since_litres,
  days: Math.max(0, nowMs - row.since_ms) / DAY_MS,
})

/** What reading care needs, within a transaction or without one. */
type CareReader = Pick<HubTransaction, 'database' | 'catalogue' | 'places' | 'nowMs'>

/** A task with what its unit was used. */
export interface CareFound {
  readonly unit: Counts
  readonly row: CareTaskRow
}

/** A row as it is told; undefined when the catalogue does not have the task any more. */
export async function toCare(reader: CareReader, unit: Counts, row: CareTaskRow): Promise<Care | undefined> {
  return (await toCares(reader, row.tenant, [{ unit, row }]))[0]
}

/** Rows of one tenant as they are told, without those that the catalogue does not have any more. Queries: one a type and one more, however many rows. */
export async function toCares(reader: CareReader, tenant: string, found: readonly CareFound[]): Promise<Care[]> {
  const householdOf = ({ device }: CareTaskRow): string | undefined => reader.places.placeOf(tenant, device).household
  const households = new Map(found.map(({ row }) => [row.device, householdOf(row)]))
  const unwanted = await optedOutOf(
    reader,
    tenant,
    [...new Set(households.values())].filter((household) => household !== undefined),
  )
  const terms = new Map<string, TermsVersion | undefined>()
  const priced = found.filter(({ row }) => careTask(reader.catalogue(row.type), row.task)?.who === 'engineer')
  for (const type of new Set(priced.map(({ row }) => row.type))) terms.set(type, await termsOf(reader, tenant, type))
  return found.flatMap(({ unit, row }) => {
    const task = careTask(reader.catalogue(row.type), row.task)
    if (task === undefined) return []
    const household = households.get(row.device)
    return [
      {
        ...{ care_id: row.care_id, tenant, device: row.device, household: household ?? null, type: row.type, task: row.task, kind: task.kind },
        ...{ who: task.who, name: task.name, text: task.text, minutes: task.minutes, state: row.state as Care['state'], since_ms: row.since_ms },
        ...{ use: useSince(unit, row, reader.nowMs), every: { ...task.every }, due_at_ms: row.due_at_ms },
        reason: row.reason === null ? null : (JSON.parse(row.reason) as Care['reason']),
        suggestion: task.who === 'engineer' ? priceOf(task, terms.get(row.type)) : null,
        ...{ told_at_ms: row.told_at_ms, told_count: row.told_count, last_done_ms: row.last_done_ms, done_count: row.done_count },
        is_opted_out: household !== undefined && unwanted.get(household)?.has(task.kind) === true,
      },
    ]
  })
}

/** Travel, the minutes of the task and the parts that it uses up, as the household pays them: care is covered by no warranty. */
function priceOf({ minutes, parts = [] }: CareTask, version: TermsVersion | undefined): Care['suggestion'] {
  if (version === undefined) return null
  const { terms } = version
  const labour = Math.round((terms.labour_minor_per_hour * minutes) / 60) + terms.travel_minor
  const prices = parts.map(({ part, quantity }) => ({ ...(terms.parts.find((entry) => entry.part === part) ?? terms.other_part), quantity }))
  return {
    currency: terms.currency,
    min_minor: labour + prices.reduce((sum, { min_minor, quantity }) => sum + min_minor * quantity, 0),
    max_minor: labour + prices.reduce((sum, { max_minor, quantity }) => sum + max_minor * quantity, 0),
    ...{ minutes, terms_version: version.version },
  }
}

export const careTask = (type: ApplianceType | undefined, id: string): CareTask | undefined => type?.care?.tasks.find((task) => task.id === id)
