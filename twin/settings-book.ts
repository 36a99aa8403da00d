/**
 * The book of settings: as they should be (desired, with version and expiry, by people and programs) and as they are (reported, by the
 * device), with the changes of both. A change of desired settings is an order in one transaction; a report goes by device time. What
 * differs is worked out when somebody asks.
 */
import type { Kysely } from 'kysely'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import { isObject, type JsonObject, jsonBytes, type ReportedMessage } from '#kernel/twin-message.ts'
import { applyReport, deltaOf, mergePatch, plainSettings, type TimedSettings } from './documents.ts'
import type { DesiredRow, HistoryRow, TwinTables } from './twin-tables.ts'

type Database = Kysely<TwinTables>
export type SettingsLimits = Pick<Limits, 'twinDocumentBytes_MAX' | 'twinHistoryPerDevice_MAX' | 'jsonDepth_MAX'>

interface Device {
  readonly tenant: string
  readonly device: string
}

export interface Desired {
  readonly version: number
  readonly desired: JsonObject
  readonly expires_at_ms: number | null
  readonly is_expired: boolean
  readonly set_at_ms: number
  readonly set_by: string
}

/** Twin of a device as the API gives it. */
export interface Twin {
  readonly tenant: string
  readonly device: string
  readonly desired: Desired | null
  readonly reported: {
    readonly settings: JsonObject
    readonly observed_at_ms: number
    readonly received_at_ms: number
    readonly desired_version: number | null
  } | null
  /** What of the desired settings the device does not report so; empty when they are equal, expired or none. */
  readonly delta: JsonObject
  readonly is_in_sync: boolean
}

/** A new order of settings: whole (`isPatch` false) or a merge patch (RFC 7396). */
export interface DesiredOrder extends Device {
  readonly desired: JsonObject
  /** Null = they hold until others come; undefined = none for a whole order, as before for a patch. */
  readonly expiresAtMs: number | null | undefined
  readonly isPatch: boolean
  /** Version that the caller saw; undefined = whatever it is. */
  readonly expectedVersion: number | undefined
  readonly actor: string
}

/**
 * Writes an order of settings with the next version.
 * @throws MendlineError MDL_API_CONFLICT for another version, MDL_API_INVALID for a document that is too long, too deep or past its expiry
 */
export async function orderSettings(
  database: Database,
  order: DesiredOrder,
  given: { readonly nowMs: number; readonly limits: SettingsLimits; readonly check: (settings: JsonObject) => void },
): Promise<Desired> {
  const { tenant, device, isPatch, actor } = order
  const { nowMs } = given
  return database.transaction().execute(async (transaction) => {
    const row = await desiredRow(transaction, order)
    const version = row?.version ?? 0
    if (order.expectedVersion !== undefined && order.expectedVersion !== version) {
      throw new MendlineError('MDL_API_CONFLICT', `the settings are of version ${version}, not ${order.expectedVersion}`)
    }
    const before = row === undefined || isOver(row, nowMs) ? {} : (JSON.parse(row.document) as JsonObject)
    const document = isPatch ? (mergePatch(before, order.desired) as JsonObject) : order.desired
    const kept = isPatch && row !== undefined && !isOver(row, nowMs) ? row.expires_at_ms : null
    const expires = order.expiresAtMs === undefined ? kept : order.expiresAtMs
    refuseUnfit(document, expires, given)
    given.check(document)
    const next: DesiredRow = {
      ...{ tenant, device, version: version + 1, document: JSON.stringify(document), expires_at_ms: expires },
      ...{ set_at_ms: nowMs, set_by: actor, is_expiry_noted: 0 },
    }
    await transaction
      .insertInto('twin_desired')
      .values(next)
      .onConflict((conflict) => conflict.columns(['tenant', 'device']).doUpdateSet(next))
      .execute()
    const change = { desired: document, expires_at_ms: expires }
    await addHistory(transaction, { tenant, device, kind: 'desired', at_ms: nowMs, version: next.version, actor, change }, given)
    return toDesired(next, nowMs)
  })
}

function refuseUnfit(
  document: JsonObject,
  expiresAtMs: number | null,
  { nowMs, limits }: { readonly nowMs: number; readonly limits: SettingsLimits },
): void {
  const errors: Array<{ field: string; reason: string }> = []
  const depth = depthOf(document)
  if (depth > limits.jsonDepth_MAX) errors.push({ field: 'body.desired', reason: `is nested ${depth} deep, the limit is ${limits.jsonDepth_MAX}` })
  const bytes = jsonBytes(document)
  if (bytes > limits.twinDocumentBytes_MAX)
    errors.push({ field: 'body.desired', reason: `${bytes} bytes, the limit is ${limits.twinDocumentBytes_MAX}` })
  if (expiresAtMs !== null && expiresAtMs <= nowMs) errors.push({ field: 'body.expires_at_ms', reason: 'lies in the past' })
  if (errors.length === 0) return
  throw new MendlineError('MDL_API_INVALID', errors.map(({ field, reason }) => `${field}: ${reason}`).join('; '), { details: { errors } })
}

const depthOf = (value: unknown): number =>
  Array.isArray(value) || isObject(value) ? 1 + Math.max(0, ...Object.values(value as object).map(depthOf)) : 0

const isOver = ({ expires_at_ms }: DesiredRow, nowMs: number): boolean => expires_at_ms !== null && expires_at_ms <= nowMs

const toDesired = (row: DesiredRow, nowMs: number): Desired => ({
  version: row.version,
  desired: JSON.parse(row.document) as JsonObject,
  expires_at_ms: row.expires_at_ms,
  is_expired: isOver(row, nowMs),
  set_at_ms: row.set_at_ms,
  set_by: row.set_by,
})

const desiredRow = (database: Database, { tenant, device }: Device): Promise<DesiredRow | undefined> =>
  database.selectFrom('twin_desired').selectAll().where('tenant', '=', tenant).where('device', '=', device).executeTakeFirst()

/** Settings as they should be, also when they are expired. */
export async function findDesired(database: Database, device: Device, nowMs: number): Promise<Desired | undefined> {
  const row = await desiredRow(database, device)
  return row === undefined ? undefined : toDesired(row, nowMs)
}

/** Takes a report into the book; `too_long` when the document would be, and then nothing changed. */
export async function applyReported(
  database: Database,
  { tenant, device, reported, receivedAtMs }: Device & { readonly reported: ReportedMessage; readonly receivedAtMs: number },
  limits: SettingsLimits,
): Promise<'applied' | 'unchanged' | 'too_long'> {
  const row = await database.selectFrom('twin_reported').selectAll().where('tenant', '=', tenant).where('device', '=', device).executeTakeFirst()
  const known = row === undefined ? {} : (JSON.parse(row.document) as TimedSettings)
  const { settings, change } = applyReport(known, reported.settings, reported.atMs)
  if (jsonBytes(plainSettings(settings)) > limits.twinDocumentBytes_MAX) return 'too_long'
  const version = Math.max(row?.desired_version ?? -1, reported.desiredVersion ?? -1)
  const next = {
    ...{ tenant, device, document: JSON.stringify(withinBound(settings, limits)), desired_version: version < 0 ? null : version },
    observed_at_ms: Math.max(row?.observed_at_ms ?? 0, reported.atMs),
    received_at_ms: Math.max(row?.received_at_ms ?? 0, receivedAtMs),
  }
  await database
    .insertInto('twin_reported')
    .values(next)
    .onConflict((conflict) => conflict.columns(['tenant', 'device']).doUpdateSet(next))
    .execute()
  const isNews = Object.keys(change).length > 0 || next.desired_version !== (row?.desired_version ?? null)
  if (!isNews) return 'unchanged'
  const entry = { tenant, device, kind: 'reported', at_ms: reported.atMs, version: reported.desiredVersion ?? null, actor: 'device', change }
  await addHistory(database, entry, { nowMs: receivedAtMs, limits })
  return 'applied'
}

/** The times of settings that were taken away go when they would make the row long; then an older report may bring one back. */
function withinBound(settings: TimedSettings, { twinDocumentBytes_MAX }: SettingsLimits): TimedSettings {
  if (jsonBytes(settings) <= 2 * twinDocumentBytes_MAX) return settings
  return Object.fromEntries(Object.entries(settings).filter(([, [value]]) => value !== null))
}

/** Writes the expiry of settings into their history; gives how many. */
export async function noteExpired(
  database: Database,
  given: { readonly nowMs: number; readonly limits: SettingsLimits },
  limit: number,
): Promise<number> {
  const rows = await database
    .selectFrom('twin_desired')
    .selectAll()
    .where('is_expiry_noted', '=', 0)
    .where('expires_at_ms', '<=', given.nowMs)
    .limit(limit)
    .execute()
  for (const { tenant, device, version, expires_at_ms } of rows) {
    await database.updateTable('twin_desired').set({ is_expiry_noted: 1 }).where('tenant', '=', tenant).where('device', '=', device).execute()
    const entry = { tenant, device, kind: 'desired', at_ms: expires_at_ms ?? given.nowMs, version, actor: 'expiry', change: { is_expired: true } }
    await addHistory(database, entry, given)
  }
  return rows.length
}

interface Change extends Omit<HistoryRow, 'sequence' | 'recorded_at_ms' | 'change'> {
  readonly change: unknown
}

async function addHistory(
  database: Database,
  change: Change,
  { nowMs, limits }: { readonly nowMs: number; readonly limits: SettingsLimits },
): Promise<void> {
  const { tenant, device, kind } = change
  const last = await database
    .selectFrom('twin_history')
    .select('sequence')
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('kind', '=', kind)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  const sequence = (last?.sequence ?? 0) + 1
  await database
    .insertInto('twin_history')
    .values({ ...change, sequence, recorded_at_ms: nowMs, change: JSON.stringify(change.change) })
    .execute()
  await database
    .deleteFrom('twin_history')
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('kind', '=', kind)
    .where('sequence', '<=', sequence - limits.twinHistoryPerDevice_MAX)
    .execute()
}

/** The whole twin of a device. */
export async function readTwin(database: Database, { tenant, device }: Device, nowMs: number): Promise<Twin> {
  const desired = await findDesired(database, { tenant, device }, nowMs)
  const row = await database.selectFrom('twin_reported').selectAll().where('tenant', '=', tenant).where('device', '=', device).executeTakeFirst()
  const settings = row === undefined ? {} : plainSettings(JSON.parse(row.document) as TimedSettings)
  const delta = desired === undefined || desired.is_expired ? {} : deltaOf(desired.desired, settings)
  const reported =
    row === undefined
      ? null
      : { settings, observed_at_ms: row.observed_at_ms, received_at_ms: row.received_at_ms, desired_version: row.desired_version }
  return { tenant, device, desired: desired ?? null, reported, delta, is_in_sync: Object.keys(delta).length === 0 }
}

export interface HistoryQuery extends Device {
  readonly kind: 'desired' | 'reported'
  /** `next` of the page before. */
  readonly after?: string
  readonly limit: number
}

/** Changes of one kind, newest first. */
export async function listHistory(
  database: Database,
  { tenant, device, kind, after, limit }: HistoryQuery,
): Promise<{ readonly items: readonly object[]; readonly next: string | null }> {
  let select = database.selectFrom('twin_history').selectAll().where('tenant', '=', tenant).where('device', '=', device).where('kind', '=', kind)
  if (after !== undefined) select = select.where('sequence', '<', Number(after) || 0)
  const rows = await select
    .orderBy('sequence', 'desc')
    .limit(limit + 1)
    .execute()
  const shown = rows.slice(0, limit)
  const items = shown.map(({ sequence, at_ms, recorded_at_ms, version, actor, change }) => ({
    ...{ sequence, at_ms, recorded_at_ms, version, actor },
    change: JSON.parse(change) as unknown,
  }))
  return { items, next: rows.length > limit ? String(shown.at(-1)?.sequence ?? 0) : null }
}
