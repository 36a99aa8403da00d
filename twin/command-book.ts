/**
 * The book of commands: each a row with state, written before anything is sent and moved only forward. A command that was given is owed
 * until the device answered, it expired or somebody cancelled it, whatever happens to the process. All functions work in the database
 * or transaction that they are handed, so that giving a command can be part of the decision that asks for it.
 */
import { type Kysely, sql } from 'kysely'
import { type Command, type CommandState, type NewCommand, OPEN_STATES, UNANSWERED_STATES } from '#kernel/command.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import { type AckMessage, jsonBytes } from '#kernel/twin-message.ts'
import type { CommandRow, TwinTables } from './twin-tables.ts'

type Database = Kysely<TwinTables>
export type CommandLimits = Pick<Limits, 'commandsPerDevice_MAX' | 'commandPayloadBytes_MAX' | 'commandLifeMs_MAX' | 'commandsKeptPerDevice_MAX'>

/** Who may have any number of commands open: a danger does not wait for room. */
const NEVER_REFUSED_ACTOR = 'emergency'

/**
 * Writes a command; the same id again changes nothing.
 * @throws MendlineError MDL_TWIN_TOO_MANY, MDL_API_INVALID for a payload that is too long or a life that is none; never for an emergency's
 */
export async function giveCommand(
  database: Database,
  command: NewCommand,
  { nowMs, limits }: { readonly nowMs: number; readonly limits: CommandLimits },
): Promise<void> {
  const { tenant, device, actor, expiresAtMs } = command
  if (actor !== NEVER_REFUSED_ACTOR) {
    refuseUnfit(command, nowMs, limits)
    await makeRoom(database, command, limits)
  }
  await database
    .insertInto('twin_commands')
    .values({
      ...{ command_id: command.commandId, tenant, device, name: command.name, payload: JSON.stringify(command.payload), state: 'queued' },
      ...{ attempts: 0, created_at_ms: nowMs, expires_at_ms: expiresAtMs, next_try_at_ms: null, acknowledge_by_ms: command.acknowledgeByMs ?? null },
      ...{ sent_at_ms: null, delivered_at_ms: null, accepted_at_ms: null, ended_at_ms: null, actor, reason: null, data: null },
      ...{
        late_state: null,
        late_at_ms: null,
        is_followed: command.isFollowed === true ? 1 : 0,
        is_overdue: 0,
        owed_note: null,
        owed_note_at_ms: null,
      },
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

function refuseUnfit({ payload, expiresAtMs }: NewCommand, nowMs: number, limits: CommandLimits): void {
  const errors: Array<{ field: string; reason: string }> = []
  const bytes = jsonBytes(payload)
  if (bytes > limits.commandPayloadBytes_MAX)
    errors.push({ field: 'body.payload', reason: `${bytes} bytes, the limit is ${limits.commandPayloadBytes_MAX}` })
  const lifeMs = expiresAtMs - nowMs
  if (lifeMs <= 0) errors.push({ field: 'body.expires_at_ms', reason: 'lies in the past' })
  if (lifeMs > limits.commandLifeMs_MAX) errors.push({ field: 'body.expires_at_ms', reason: `lies more than ${limits.commandLifeMs_MAX} ms ahead` })
  if (errors.length === 0) return
  throw new MendlineError('MDL_API_INVALID', errors.map(({ field, reason }) => `${field}: ${reason}`).join('; '), { details: { errors } })
}

async function makeRoom(database: Database, { tenant, device }: NewCommand, limits: CommandLimits): Promise<void> {
  const { open, ended } = await database
    .selectFrom('twin_commands')
    .select([
      sql<number>`sum(CASE WHEN ended_at_ms IS NULL THEN 1 ELSE 0 END)`.as('open'),
      sql<number>`sum(CASE WHEN ended_at_ms IS NULL THEN 0 ELSE 1 END)`.as('ended'),
    ])
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .executeTakeFirstOrThrow()
  if (Number(open ?? 0) >= limits.commandsPerDevice_MAX) {
    throw new MendlineError('MDL_TWIN_TOO_MANY', `device ${device} has ${open} open commands, the limit is ${limits.commandsPerDevice_MAX}`)
  }
  const tooMany = Number(ended ?? 0) - limits.commandsKeptPerDevice_MAX + 1
  if (tooMany <= 0) return
  const oldest = database
    .selectFrom('twin_commands')
    .select('command_id')
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('ended_at_ms', 'is not', null)
    .orderBy('created_at_ms')
    .orderBy('command_id')
    .limit(tooMany)
  await database.deleteFrom('twin_commands').where('tenant', '=', tenant).where('command_id', 'in', oldest).execute()
}

/** What an answer of a device came to. */
export type AckResult = 'moved' | 'duplicate' | 'late' | 'unknown'

/** Moves a command by the device's answer; one that ended before keeps its state, and the late answer is noted. */
export async function applyAck(
  database: Database,
  given: { readonly tenant: string; readonly device: string; readonly commandId: string },
  { ack, atMs }: { readonly ack: AckMessage; readonly atMs: number },
): Promise<AckResult> {
  const { tenant, device, commandId } = given
  const own = <Query extends { where(column: 'tenant' | 'command_id', op: '=', value: string): Query }>(query: Query): Query =>
    query.where('tenant', '=', tenant).where('command_id', '=', commandId)
  const row = await own(database.selectFrom('twin_commands').selectAll()).executeTakeFirst()
  if (row === undefined || row.device !== device) return 'unknown'
  if (row.state === ack.state || row.late_state === ack.state) return 'duplicate'
  if (row.ended_at_ms !== null) {
    // What overtook its own end (accepted behind done) is no news.
    if (row.state === 'done' || row.state === 'refused' || row.late_state !== null) return 'duplicate'
    await own(database.updateTable('twin_commands')).set({ late_state: ack.state, late_at_ms: atMs }).execute()
    return 'late'
  }
  await own(database.updateTable('twin_commands'))
    .set({
      ...{ state: ack.state, reason: ack.reason, data: JSON.stringify(ack.data), next_try_at_ms: null },
      ...(ack.state === 'accepted' ? { accepted_at_ms: atMs } : { ended_at_ms: atMs }),
      ...owed(row, ack.state, atMs),
    })
    .execute()
  return 'moved'
}

/** Ends a command that nobody needs any more. @throws MendlineError MDL_API_NOT_FOUND, MDL_TWIN_COMMAND_ENDED */
export async function cancelCommand(
  database: Database,
  { tenant, commandId, actor, nowMs }: { readonly tenant: string; readonly commandId: string; readonly actor: string; readonly nowMs: number },
): Promise<Command> {
  const row = await findRow(database, tenant, commandId)
  if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no command ${commandId}`)
  if (row.ended_at_ms !== null) throw new MendlineError('MDL_TWIN_COMMAND_ENDED', `the command is ${row.state} already`)
  const change = { state: 'cancelled', ended_at_ms: nowMs, next_try_at_ms: null, reason: `cancelled by ${actor}`, ...owed(row, 'cancelled', nowMs) }
  await database.updateTable('twin_commands').set(change).where('tenant', '=', tenant).where('command_id', '=', commandId).execute()
  return toCommand({ ...row, ...change })
}

/** Ends what is over its time; gives how many, at most `limit` in one call. */
export async function expireCommands(database: Database, nowMs: number, limit: number): Promise<number> {
  const rows = await database
    .selectFrom('twin_commands')
    .selectAll()
    .where('ended_at_ms', 'is', null)
    .where('expires_at_ms', '<=', nowMs)
    .orderBy('expires_at_ms')
    .limit(limit)
    .execute()
  for (const row of rows) {
    await database
      .updateTable('twin_commands')
      .set({ state: 'expired', ended_at_ms: nowMs, next_try_at_ms: null, reason: whyExpired(row), ...owed(row, 'expired', nowMs) })
      .where('tenant', '=', row.tenant)
      .where('command_id', '=', row.command_id)
      .execute()
  }
  return rows.length
}

function whyExpired({ state }: CommandRow): string {
  if (state === 'queued') return 'the device was never there'
  if (state === 'accepted') return 'accepted, but not done in time'
  return state === 'sent' ? 'sent, but never taken by the device' : 'taken by the device, but never answered'
}

/** Notes the followed commands that were to be answered by now; gives how many. */
export async function noteOverdue(database: Database, nowMs: number): Promise<number> {
  const result = await database
    .updateTable('twin_commands')
    .set({ is_overdue: 1, owed_note: sql<string | null>`CASE WHEN is_followed = 1 THEN 'overdue' ELSE owed_note END`, owed_note_at_ms: nowMs })
    .where('is_overdue', '=', 0)
    .where('acknowledge_by_ms', '<=', nowMs)
    .where('state', 'in', [...UNANSWERED_STATES])
    .executeTakeFirst()
  return Number(result.numUpdatedRows)
}

const owed = (row: CommandRow, state: CommandState, atMs: number): Partial<CommandRow> =>
  row.is_followed === 1 ? { owed_note: state, owed_note_at_ms: atMs } : {}

/** How far the bytes of commands came since the last write. */
export interface Progress {
  readonly tenant: string
  readonly command_id: string
  sentAtMs: number | undefined
  deliveredAtMs: number | undefined
  attempts: number
  nextTryAtMs: number | null
}

/** Writes how far a command came; a state that is further stays. */
export async function writeProgress(database: Database, progress: Progress): Promise<void> {
  const { sentAtMs, deliveredAtMs } = progress
  const state = deliveredAtMs === undefined ? 'sent' : 'delivered'
  const before = deliveredAtMs === undefined ? ['queued'] : ['queued', 'sent']
  const isForward = sql<boolean>`state IN (${sql.join(before)})`
  // That a command was not answered in time must reach the hubs before anything less; how far it came, they read with the next note.
  const mayNote = sql<boolean>`is_followed = 1 AND ${isForward} AND COALESCE(owed_note, '') <> 'overdue'`
  await database
    .updateTable('twin_commands')
    .set({
      state: sql<string>`CASE WHEN ${isForward} THEN ${state} ELSE state END`,
      owed_note: sql<string | null>`CASE WHEN ${mayNote} THEN ${state} ELSE owed_note END`,
      owed_note_at_ms: sql<number | null>`CASE WHEN ${mayNote} THEN ${deliveredAtMs ?? sentAtMs ?? 0} ELSE owed_note_at_ms END`,
      sent_at_ms: sql<number | null>`COALESCE(sent_at_ms, ${sentAtMs ?? deliveredAtMs ?? null})`,
      delivered_at_ms: sql<number | null>`COALESCE(delivered_at_ms, ${deliveredAtMs ?? null})`,
      attempts: sql<number>`attempts + ${progress.attempts}`,
      ...(sentAtMs === undefined ? {} : { next_try_at_ms: progress.nextTryAtMs }),
    })
    .where('tenant', '=', progress.tenant)
    .where('command_id', '=', progress.command_id)
    // Behind an answer only the record of the way is completed, and nothing is tried again.
    .where('state', 'in', [...UNANSWERED_STATES])
    .execute()
}

const findRow = (database: Database, tenant: string, commandId: string): Promise<CommandRow | undefined> =>
  database.selectFrom('twin_commands').selectAll().where('tenant', '=', tenant).where('command_id', '=', commandId).executeTakeFirst()

/** One command of a tenant. */
export async function findCommand(database: Database, tenant: string, commandId: string): Promise<Command | undefined> {
  const row = await findRow(database, tenant, commandId)
  return row === undefined ? undefined : toCommand(row)
}

export interface CommandQuery {
  readonly tenant: string
  readonly device: string
  readonly state?: string
  /** `next` of the page before. */
  readonly after?: string
  readonly limit: number
}

/** Commands of a device, newest first. */
export async function listCommands(
  database: Database,
  query: CommandQuery,
): Promise<{ readonly items: readonly Command[]; readonly next: string | null }> {
  let select = database.selectFrom('twin_commands').selectAll().where('tenant', '=', query.tenant).where('device', '=', query.device)
  if (query.state !== undefined) select = select.where('state', '=', query.state)
  if (query.after !== undefined) {
    const [, atMs = '', id = ''] = /^(\d{1,15}) (.*)$/.exec(query.after) ?? []
    select = select.where((where) =>
      where.or([where('created_at_ms', '<', Number(atMs)), where.and([where('created_at_ms', '=', Number(atMs)), where('command_id', '<', id)])]),
    )
  }
  const rows = await select
    .orderBy('created_at_ms', 'desc')
    .orderBy('command_id', 'desc')
    .limit(query.limit + 1)
    .execute()
  const shown = rows.slice(0, query.limit)
  const last = rows.length > query.limit ? shown.at(-1) : undefined
  return { items: shown.map(toCommand), next: last === undefined ? null : `${last.created_at_ms} ${last.command_id}` }
}

/** Turns a row into the record of the API. */
export function toCommand(row: CommandRow): Command {
  const state = row.state as CommandState
  const isEnded = !(OPEN_STATES as readonly string[]).includes(state)
  const moves: Array<readonly [CommandState, number | null]> = [
    ['queued', row.created_at_ms],
    ['sent', row.sent_at_ms],
    ['delivered', row.delivered_at_ms],
    ['accepted', row.accepted_at_ms],
    ...(isEnded ? [[state, row.ended_at_ms] as const] : []),
  ]
  return {
    ...{ command_id: row.command_id, tenant: row.tenant, device: row.device, name: row.name },
    payload: JSON.parse(row.payload) as Record<string, unknown>,
    ...{ state, attempts: row.attempts, created_at_ms: row.created_at_ms, expires_at_ms: row.expires_at_ms },
    moved_at_ms: Object.fromEntries(moves.filter((move): move is readonly [CommandState, number] => move[1] !== null)),
    ...{ actor: row.actor, reason: row.reason, data: row.data === null ? null : (JSON.parse(row.data) as unknown) },
    late_answer: row.late_state === null ? null : { state: row.late_state, at_ms: row.late_at_ms ?? 0 },
    ...{ acknowledge_by_ms: row.acknowledge_by_ms, is_overdue: row.is_overdue === 1 },
  }
}
