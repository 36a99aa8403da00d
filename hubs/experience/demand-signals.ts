/**
 * Demand signals: what a household wants or will likely need, kept with its consent and for as long as that holds, one of a kind. Each has an
 * owner who owes one result. One that has expired is neither shown nor used. Who told it, to whom it was shown and who answered stands in a
 * log that the household may see; withdrawing the consent takes all of it, and leaves the time of the withdrawal.
 */
import type { DemandConsent, DemandKind, DemandResult, DemandSignal, NewDemandConsent, NewDemandSignal } from '#kernel/demand-signal.ts'
import { MendlineError } from '#kernel/errors.ts'
import { bodyRefused } from '#kernel/field-errors.ts'
import { contentId } from '#kernel/ids.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { checkNotAhead } from '../told-time.ts'
import { findOrder } from '../work-orders.ts'
import { checkConsent, consentRefused } from './consent.ts'
import type { DemandConsentRow, DemandSignalRow } from './experience-tables.ts'

/** A wish is of no use longer than this behind its telling (chosen). */
const SHELF_MS = 182 * 86_400_000

const OWNERS: Readonly<Record<DemandKind, string>> = {
  ...{ maintenance_plan: 'call_centre', extended_warranty: 'call_centre' },
  ...{ new_appliance: 'outlet', second_unit: 'outlet', accessory: 'outlet', moving_house: 'outlet' },
}

export interface OfHousehold {
  readonly tenant: string
  readonly household: string
}

export interface DemandKey extends OfHousehold {
  readonly kind: DemandKind
}

/**
 * Keeps the consent of a household to demand signals, or renews it; one older than that which stands changes nothing. Signals end with it.
 * @throws MendlineError MDL_HUBS_CONSENT_REQUIRED that names the field, without a text that was read and a consent that was given, still holds and
 * is not older than a withdrawal, or than a newer consent that is over
 */
export async function putDemandConsent(
  hub: HubTransaction,
  { tenant, household }: OfHousehold,
  given: { readonly consent: NewDemandConsent; readonly actor: string; readonly within?: string },
): Promise<DemandConsent> {
  const { consent, actor, within } = given
  const { text_version } = consent
  const holds = checkConsent(consent, hub.nowMs, within)
  if (text_version === undefined)
    throw consentRefused(within === undefined ? 'text_version' : `${within}.text_version`, 'name the text that the household read or heard')
  const known = await consentOf(hub, { tenant, household }).executeTakeFirst()
  if (known !== undefined && known.consent_at_ms > holds.consent_at_ms) {
    if (known.expires_at_ms > hub.nowMs) return known
    const field = within === undefined ? 'consent_at_ms' : `${within}.consent_at_ms`
    throw consentRefused(field, `the household withdrew it, or gave a newer one that is over (${known.consent_at_ms}); ask again`)
  }
  const row = { tenant, household, text_version, ...holds, actor, set_at_ms: hub.nowMs }
  await hub.database
    .insertInto('hub_demand_consents')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant', 'household']).doUpdateSet(row))
    .execute()
  await hub.database
    .updateTable('hub_demand_signals')
    .set({ expires_at_ms: holds.expires_at_ms })
    .where('tenant', '=', tenant)
    .where('household', '=', household)
    .where('expires_at_ms', '>', holds.expires_at_ms)
    .execute()
  return row
}

/** The consent of a household that holds now. */
export const demandConsent = (hub: HubTransaction, of: OfHousehold): Promise<DemandConsentRow | undefined> =>
  consentOf(hub, of).where('expires_at_ms', '>', hub.nowMs).executeTakeFirst()

/** What is known of the consent of a household; a withdrawal is one that ended when it began. */
const consentOf = ({ database }: HubTransaction, { tenant, household }: OfHousehold) =>
  database.selectFrom('hub_demand_consents').selectAll().where('tenant', '=', tenant).where('household', '=', household)

/**
 * The household consents no longer: its signals go at once, with their log. The time of it stays, so that no consent of before counts that is told
 * behind it. Whether there was a consent.
 */
export async function withdrawDemandConsent({ database, nowMs }: HubTransaction, { tenant, household }: OfHousehold): Promise<boolean> {
  for (const table of ['hub_demand_log', 'hub_demand_signals'] as const)
    await database.deleteFrom(table).where('tenant', '=', tenant).where('household', '=', household).execute()
  const withdrawn = { consent_at_ms: nowMs, expires_at_ms: nowMs, set_at_ms: nowMs }
  const consents = database.updateTable('hub_demand_consents').set(withdrawn).where('tenant', '=', tenant).where('household', '=', household)
  return (await consents.whereRef('consent_at_ms', '<', 'expires_at_ms').executeTakeFirstOrThrow()).numUpdatedRows > 0n
}

/**
 * Keeps a signal of a household. Told again of a later instant it is renewed, and opened anew where it was answered before; of the instant that
 * stands, or an earlier one, it changes nothing.
 * @throws MendlineError MDL_HUBS_CONSENT_REQUIRED, MDL_API_INVALID for times that cannot be or an order that is not of the household
 */
export async function putDemandSignal(
  hub: HubTransaction,
  key: DemandKey,
  given: NewDemandSignal & { readonly actor: string },
): Promise<DemandSignal> {
  const { source, told_at_ms: said_ms = hub.nowMs, work_order_id, note = '', actor } = given
  checkNotAhead(said_ms, hub.nowMs, 'told_at_ms')
  const order = work_order_id === undefined ? undefined : await orderOf(hub, key, work_order_id)
  if (given.consent !== undefined) await putDemandConsent(hub, key, { consent: given.consent, actor, within: 'consent' })
  const consent = await demandConsent(hub, key)
  if (consent === undefined)
    throw consentRefused('consent', 'it needs the consent of the household: say which text it agreed to, when and until when')
  const told_at_ms = Math.min(said_ms, hub.nowMs)
  const latest_ms = Math.min(told_at_ms + SHELF_MS, consent.expires_at_ms)
  const { expires_at_ms = latest_ms } = given
  if (expires_at_ms <= hub.nowMs) throw bodyRefused(given.expires_at_ms === undefined ? 'told_at_ms' : 'expires_at_ms', 'it would have expired')
  if (expires_at_ms > latest_ms)
    throw bodyRefused('expires_at_ms', `lies behind ${latest_ms}, half a year from its telling or the end of the consent`)
  return keepSignal(hub, { ...key, source, order, note, consent, told_at_ms, expires_at_ms, actor })
}

/** The order during which it was said. @throws MendlineError MDL_API_INVALID when it is not of a unit of the household */
async function orderOf(hub: HubTransaction, { tenant, household }: OfHousehold, id: string): Promise<WorkOrderRow> {
  const order = await findOrder(hub, tenant, id)
  if (order === undefined || hub.places.placeOf(tenant, order.device).household !== household)
    throw bodyRefused('work_order_id', 'there is no such order of a unit of the household')
  return order
}

interface ToldSignal extends DemandKey {
  readonly source: string
  readonly order: WorkOrderRow | undefined
  readonly note: string
  readonly consent: DemandConsentRow
  readonly told_at_ms: number
  readonly expires_at_ms: number
  readonly actor: string
}

async function keepSignal(hub: HubTransaction, told: ToldSignal): Promise<DemandSignal> {
  const { order, consent, tenant, household, kind, source, note, told_at_ms, expires_at_ms, actor } = told
  const standing = await signalRow(hub, told)
  if (standing !== undefined && Math.max(standing.told_at_ms, standing.answered_at_ms ?? 0) >= told_at_ms) return withLog(hub, standing)
  const isRenewed = standing?.state === 'open'
  if (!isRenewed) await deleteDemandSignal(hub, told)
  const row: DemandSignalRow = {
    signal_id: isRenewed ? standing.signal_id : contentId('dem', tenant, household, kind, told_at_ms),
    ...{ tenant, household, kind, source, note, told_at_ms, expires_at_ms, actor },
    ...{ device: order?.device ?? null, work_order_id: order?.work_order_id ?? null, outlet: order?.outlet ?? null },
    ...{ consent_text_version: consent.text_version, consent_at_ms: consent.consent_at_ms, owner: OWNERS[kind] },
    ...{ state: 'open', result: null, result_note: null, answered_by: null, answered_at_ms: null },
  }
  await hub.database
    .insertInto('hub_demand_signals')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant', 'household', 'kind']).doUpdateSet(row))
    .execute()
  await logEntry(hub, row, { what: 'told', actor })
  return withLog(hub, row)
}

/** What a rule of Mendline foretells of the household of an order; kept with consent only, and never beside a signal of the kind that holds. */
export async function foretellDemand(hub: HubTransaction, key: DemandKey, { order, note }: { order: WorkOrderRow; note: string }): Promise<void> {
  const consent = await demandConsent(hub, key)
  if (consent === undefined || (await signalRow(hub, key)) !== undefined) return
  const expires_at_ms = Math.min(hub.nowMs + SHELF_MS, consent.expires_at_ms)
  await keepSignal(hub, { ...key, source: 'rule', order, note, consent, told_at_ms: hub.nowMs, expires_at_ms, actor: 'mendline' })
}

/** Takes one signal away with its log; the consent stays. Whether there was one. */
export async function deleteDemandSignal({ database }: HubTransaction, { tenant, household, kind }: DemandKey): Promise<boolean> {
  const log = database.deleteFrom('hub_demand_log').where('tenant', '=', tenant).where('household', '=', household)
  await log.where('kind', '=', kind).execute()
  const signals = database.deleteFrom('hub_demand_signals').where('tenant', '=', tenant).where('household', '=', household)
  return (await signals.where('kind', '=', kind).executeTakeFirstOrThrow()).numDeletedRows > 0n
}

/**
 * Notes what came of a signal.
 * @throws MendlineError MDL_API_NOT_FOUND when there is none that holds, MDL_API_CONFLICT when it was answered before
 */
export async function answerDemand(
  hub: HubTransaction,
  { tenant, id }: { readonly tenant: string; readonly id: string },
  { result, note, actor }: DemandResult & { readonly actor: string },
): Promise<DemandSignal> {
  const row = await holding(hub, tenant).where('signal_id', '=', id).executeTakeFirst()
  if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such demand signal')
  if (row.state === 'answered') throw new MendlineError('MDL_API_CONFLICT', 'the demand signal was answered before')
  const answer = { state: 'answered', result, result_note: note ?? null, answered_by: actor, answered_at_ms: hub.nowMs }
  const rows = hub.database.updateTable('hub_demand_signals').set(answer).where('tenant', '=', tenant)
  await rows.where('signal_id', '=', id).execute()
  await logEntry(hub, row, { what: 'answered', actor })
  return withLog(hub, { ...row, ...answer })
}

/** Signals of a tenant that hold now. */
export const holding = ({ database, nowMs }: HubTransaction, tenant: string) =>
  database.selectFrom('hub_demand_signals').selectAll().where('tenant', '=', tenant).where('expires_at_ms', '>', nowMs)

const signalRow = (hub: HubTransaction, { tenant, household, kind }: DemandKey): Promise<DemandSignalRow | undefined> =>
  holding(hub, tenant).where('household', '=', household).where('kind', '=', kind).executeTakeFirst()

/** Signals with their log, each marked as shown to the reader, once. */
export async function showDemand(hub: HubTransaction, rows: readonly DemandSignalRow[], reader: string): Promise<DemandSignal[]> {
  if (rows.length === 0) return []
  const entries = rows.map(({ tenant, household, kind }) => ({ tenant, household, kind, what: 'shown' as const, actor: reader, at_ms: hub.nowMs }))
  for (let from = 0; from < entries.length; from += ROWS_AT_ONCE)
    await hub.database
      .insertInto('hub_demand_log')
      .values(entries.slice(from, from + ROWS_AT_ONCE))
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  return withLogs(hub, rows)
}

async function logEntry(
  hub: HubTransaction,
  { tenant, household, kind }: DemandSignalRow,
  entry: { readonly what: 'told' | 'shown' | 'answered'; readonly actor: string },
): Promise<void> {
  await hub.database
    .insertInto('hub_demand_log')
    .values({ tenant, household, kind, ...entry, at_ms: hub.nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function withLog(hub: HubTransaction, row: DemandSignalRow): Promise<DemandSignal> {
  const [signal] = await withLogs(hub, [row])
  return signal ?? { ...row, log: [] }
}

/** Signals of one tenant with their log; an entry is kept once, so it has no more of them than there were readers. */
async function withLogs({ database }: HubTransaction, rows: readonly DemandSignalRow[]): Promise<DemandSignal[]> {
  const entriesOf = new Map<string, DemandSignal['log']>()
  const households = [...new Set(rows.map(({ household }) => household))]
  for (let from = 0; from < households.length; from += ROWS_AT_ONCE) {
    const entries = await database
      .selectFrom('hub_demand_log')
      .selectAll()
      .where('tenant', '=', rows[0]?.tenant ?? '')
      .where('household', 'in', households.slice(from, from + ROWS_AT_ONCE))
      .orderBy('at_ms')
      .orderBy('what', 'desc')
      .orderBy('actor')
      .execute()
    for (const [key, own] of Map.groupBy(entries, keyOfSignal))
      entriesOf.set(
        key,
        own.map(({ what, actor, at_ms }) => ({ what, actor, at_ms })),
      )
  }
  return rows.map((row) => ({ ...row, log: (entriesOf.get(keyOfSignal(row)) ?? []).slice(0, ENTRIES_MAX) }))
}

const keyOfSignal = ({ household, kind }: Pick<DemandSignalRow, 'household' | 'kind'>): string => `${kind}/${household}`

/** Rows of one statement: SQLite binds a limited number of values. */
const ROWS_AT_ONCE = 500
/** Entries of a log that are shown. */
const ENTRIES_MAX = 1_000
