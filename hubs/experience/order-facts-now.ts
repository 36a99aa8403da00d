/**
 * What is known of an order at one instant, gathered for its risk: from its row, its moves and remarks, the contacts about its case, the
 * ratings of its household and the tags that may be used. Complaints are never among it, so that the risk foretells them.
 */
import { sql } from 'kysely'
import type { MoveRow, WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { factsOf } from '../orders/order-facts.ts'
import { useCareTags } from './customer-tags.ts'
import type { OrderFacts } from './risk-score.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Moves and remarks by which a household has news. */
const NEWS: ReadonlySet<string> = new Set([
  ...['remote_offered', 'scheduled', 'accepted', 'en_route', 'on_site', 'waiting_for_part', 'waiting_for_expert', 'rescheduled', 'position'],
])
/** Contacts by which a household asks where its order is. */
const CHASES: ReadonlySet<string> = new Set(['call', 'chase', 'report'])

export interface OrderContact {
  readonly kind: string
  readonly at_ms: number
}

/** Contacts about an order behind its opening, oldest first. */
export async function contactsAbout(
  database: HubTransaction['database'],
  order: Pick<WorkOrderRow, 'tenant' | 'case_id' | 'created_at_ms'>,
): Promise<readonly OrderContact[]> {
  const { rows } = await sql<OrderContact>`SELECT kind, at_ms FROM hub_contacts WHERE tenant = ${order.tenant} AND case_id = ${order.case_id}
    AND at_ms > ${order.created_at_ms} ORDER BY at_ms, contact_id`.execute(database)
  return rows
}

/** Tells whether a tenant has any contact at all; without one nobody knows how many complained. */
export async function keepsContacts(database: HubTransaction['database'], tenant: string): Promise<boolean> {
  return (await database.selectFrom('hub_contacts').select('contact_id').where('tenant', '=', tenant).limit(1).executeTakeFirst()) !== undefined
}

/** Gathers the facts; looking at tags leaves a mark in their log. */
export async function factsNow(hub: HubTransaction, order: WorkOrderRow): Promise<OrderFacts> {
  const moves = await movesOf(hub, order)
  const contacts = await contactsAbout(hub.database, order)
  const { reschedule_count = 0, no_show_count = 0 } = factsOf(order)
  const refusals = moves.filter(({ kind, type }) => kind === 'move' && type === 'refused').length
  const isOnSite = order.state === 'on_site'
  // Between a visit and a reopening nobody waited, and a part that was missing then is missing nobody now.
  const begun = moves.findLastIndex(({ kind, type }) => kind === 'move' && type === 'reopened')
  const begunAtMs = Math.max(order.created_at_ms, moves[begun]?.recorded_at_ms ?? 0)
  return {
    late_minutes: lateMinutes(hub, order, moves),
    chase_count: contacts.filter(({ kind }) => CHASES.has(kind)).length,
    reschedule_count: reschedule_count + no_show_count + refusals,
    silent_h: isOnSite ? 0 : (hub.nowMs - Math.max(begunAtMs, newsAt(hub, order, { moves, contacts }))) / HOUR_MS,
    waiting_h: Math.max(0, hub.nowMs - begunAtMs) / HOUR_MS,
    has_wrong_part: moves
      .slice(begun + 1)
      .some((move) => (move.type === 'waiting_for_part' && move.from_state === 'on_site') || noteKind(move) === 'wrong_part'),
    is_repeat: order.repeat_of !== null,
    lowest_rating: await lowestRating(hub, order),
    is_tagged: await useCareTags(hub, order, 'order_risk'),
    failed_remote_count: moves.filter(({ kind, from_state, to_state }) => kind === 'move' && from_state === 'remote_offered' && !ENDS.has(to_state))
      .length,
  }
}

const ENDS: ReadonlySet<string> = new Set(['done', 'verified', 'cancelled', 'closed'])

type SeenMove = Pick<MoveRow, 'sequence' | 'kind' | 'type' | 'from_state' | 'to_state' | 'at_ms' | 'recorded_at_ms' | 'data'>

/** Moves and remarks, oldest first; of the positions, which are many, only the newest. */
async function movesOf(hub: HubTransaction, { work_order_id, tenant }: WorkOrderRow): Promise<SeenMove[]> {
  const seen = hub.database
    .selectFrom('hub_work_order_moves')
    .select(['sequence', 'kind', 'type', 'from_state', 'to_state', 'at_ms', 'recorded_at_ms', 'data'])
    .where('tenant', '=', tenant)
    .where('work_order_id', '=', work_order_id)
  const others = await seen.where('type', '<>', 'position').orderBy('sequence').execute()
  const last = await seen.where('type', '=', 'position').orderBy('at_ms', 'desc').orderBy('sequence', 'desc').limit(1).execute()
  return [...others, ...last].sort((a, b) => a.sequence - b.sequence)
}

/** Moves and remarks that may promise a window. */
const PROMISES: ReadonlySet<string> = new Set(['triaged', 'scheduled', 'offered', 'accepted', 'rescheduled'])

/**
 * Minutes behind the promised window: of the arrival, else of what the newest position foretells, else so far. Only what happened behind the
 * promise counts, whenever it was told: an arrival before it belongs to another visit.
 */
function lateMinutes({ nowMs }: HubTransaction, order: WorkOrderRow, moves: readonly SeenMove[]): number {
  const { promised_to_ms } = order
  if (promised_to_ms === null) return 0
  const inTime = moves.toSorted((a, b) => a.at_ms - b.at_ms || a.sequence - b.sequence)
  const behind = inTime.slice(inTime.findLastIndex((move) => promises(move, order)) + 1)
  const arrived = behind.find(({ kind, type }) => kind === 'move' && type === 'on_site')
  const eta = Number((dataOf(behind.findLast(({ type }) => type === 'position')) as { eta_ms?: unknown }).eta_ms ?? 0)
  const atMs = arrived === undefined ? Math.max(nowMs, Number.isFinite(eta) ? eta : 0) : Math.min(arrived.at_ms, nowMs)
  return Math.max(0, (atMs - promised_to_ms) / MINUTE_MS)
}

/** Whether it was by this that the window of the order was promised. */
function promises(move: SeenMove, { promised_from_ms, promised_to_ms }: WorkOrderRow): boolean {
  if (!PROMISES.has(move.type)) return false
  const data = dataOf(move) as { readonly window_from_ms?: unknown; readonly window_to_ms?: unknown }
  return data.window_from_ms === promised_from_ms && data.window_to_ms === promised_to_ms
}

/** When the household last had news. A window that was promised is news until it begins, since nobody expects word before. */
function newsAt(
  { nowMs }: HubTransaction,
  order: WorkOrderRow,
  seen: { readonly moves: readonly SeenMove[]; readonly contacts: readonly OrderContact[] },
): number {
  const told = seen.moves.filter(({ type }) => NEWS.has(type)).map(({ recorded_at_ms }) => recorded_at_ms)
  const spoken = seen.contacts.map(({ at_ms }) => at_ms)
  return Math.min(nowMs, Math.max(order.created_at_ms, order.promised_from_ms ?? 0, ...told, ...spoken))
}

const dataOf = (move: Pick<MoveRow, 'data'> | undefined): object => {
  const data: unknown = move === undefined ? {} : JSON.parse(move.data)
  return typeof data === 'object' && data !== null ? data : {}
}

const noteKind = (move: SeenMove): unknown => (move.type === 'note' ? (dataOf(move) as { kind?: unknown }).kind : undefined)

async function lowestRating(hub: HubTransaction, { tenant, device }: WorkOrderRow): Promise<number | null> {
  const household = hub.places.placeOf(tenant, device).household ?? null
  const { lowest } = await hub.database
    .selectFrom('hub_ratings')
    .select((select) => select.fn.min<number | null>('score').as('lowest'))
    .where('tenant', '=', tenant)
    .where((where) => where.or([where('device', '=', device), where('household', '=', household ?? '')]))
    .executeTakeFirstOrThrow()
  return lowest
}
