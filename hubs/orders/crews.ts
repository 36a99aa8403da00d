/**
 * Outlets and engineers of an organisation, as data: which areas, types and skills an outlet serves, and what each engineer can do. An order
 * goes to the outlet that fits its unit's place, its type and the skills of its packet; without outlets it stays with the organisation.
 */
import type { Crew, Outlet } from '#kernel/crew.ts'
import type { HubTransaction } from '../hub-transaction.ts'

/** What of a unit's place an area may name, narrowest first. */
const AREAS = ['household', 'building', 'outage_area'] as const

export async function listOutlets({ database }: Pick<HubTransaction, 'database'>, tenant: string): Promise<Outlet[]> {
  const rows = await database.selectFrom('hub_outlets').selectAll().where('tenant', '=', tenant).orderBy('outlet').execute()
  return rows.map(({ outlet, name, areas, types, skills }) => ({ outlet, name, areas: listIn(areas), types: listIn(types), skills: listIn(skills) }))
}

export async function putOutlet({ database }: Pick<HubTransaction, 'database'>, tenant: string, given: Outlet): Promise<Outlet> {
  const { outlet, name } = given
  const values = { name, areas: JSON.stringify(given.areas), types: JSON.stringify(given.types), skills: JSON.stringify(given.skills) }
  await database
    .insertInto('hub_outlets')
    .values({ tenant, outlet, ...values })
    .onConflict((conflict) => conflict.columns(['tenant', 'outlet']).doUpdateSet(values))
    .execute()
  return given
}

export async function listEngineers({ database }: Pick<HubTransaction, 'database'>, tenant: string): Promise<Crew[]> {
  const rows = await database.selectFrom('hub_engineers').selectAll().where('tenant', '=', tenant).orderBy('engineer').execute()
  return rows.map(({ engineer, name, outlet, skills }) => ({ engineer, name, outlet, skills: listIn(skills) }))
}

export async function putEngineer({ database }: Pick<HubTransaction, 'database'>, tenant: string, given: Crew): Promise<Crew> {
  const { engineer, name, outlet } = given
  const values = { name, outlet, skills: JSON.stringify(given.skills) }
  await database
    .insertInto('hub_engineers')
    .values({ tenant, engineer, ...values })
    .onConflict((conflict) => conflict.columns(['tenant', 'engineer']).doUpdateSet(values))
    .execute()
  return given
}

/** Skills of an engineer; undefined when nobody registered them. */
export async function skillsOf({ database }: Pick<HubTransaction, 'database'>, tenant: string, engineer: string): Promise<string[] | undefined> {
  const row = await database
    .selectFrom('hub_engineers')
    .select('skills')
    .where('tenant', '=', tenant)
    .where('engineer', '=', engineer)
    .executeTakeFirst()
  return row === undefined ? undefined : listIn(row.skills)
}

/** Outlet for an order: the one whose area is narrowest, of several the first by name; null when none fits. */
export async function outletFor(
  hub: HubTransaction,
  order: { readonly tenant: string; readonly device: string; readonly type: string; readonly skills: readonly string[] },
): Promise<string | null> {
  const outlets = await listOutlets(hub, order.tenant)
  if (outlets.length === 0) return null
  const place = hub.places.placeOf(order.tenant, order.device)
  const narrowness = ({ areas }: Outlet): number => {
    if (areas.length === 0) return AREAS.length
    const at = AREAS.findIndex((scope) => place[scope] !== undefined && areas.includes(place[scope]))
    return at === -1 ? Number.POSITIVE_INFINITY : at
  }
  const fitting = outlets
    .filter(({ types, skills }) => isFor(types, [order.type]) && isFor(skills, order.skills))
    .map((outlet) => ({ outlet: outlet.outlet, rank: narrowness(outlet) }))
    .filter(({ rank }) => Number.isFinite(rank))
    .sort((a, b) => a.rank - b.rank || (a.outlet < b.outlet ? -1 : 1))
  return fitting[0]?.outlet ?? null
}

/** An empty list serves everything. */
const isFor = (served: readonly string[], wanted: readonly string[]): boolean =>
  served.length === 0 || wanted.every((entry) => served.includes(entry))

const listIn = (text: string): string[] => JSON.parse(text) as string[]
