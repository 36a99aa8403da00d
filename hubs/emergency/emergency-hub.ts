/**
 * Front of the emergency hub. Dangers come straight from the safety consumer; each becomes a row of the emergency book with an owner and a
 * countdown, its safe-state command is published, the household advised, and people called until somebody acknowledges. The book has a
 * file, a connection, loops and an outbox of its own, so that nothing of the ordinary path can hold it up; the case and order of the same
 * danger come by the ordinary hubs and are linked when they are there.
 */
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Log } from '#kernel/log.ts'
import { watchClock } from '../clock-watch.ts'
import { createDueLoop } from '../due-loop.ts'
import type { CloudEvent } from '../outbox-events.ts'
import { isDanger } from '../quiet-alarms.ts'
import { type Danger, dangerOf, noteCleared, noteCommand, noteRead, raise } from './book.ts'
import { type BookSettings, type BookTransaction, findRow, leadOf, noteStep } from './book-transaction.ts'
import { acknowledgeRow, resolveRow } from './climb.ts'
import { commandIdOf } from './command-ids.ts'
import { createDrills, type Drills } from './drills.ts'
import { doDue, type EmergencyLink, type InTransaction, type IsAway, type OpenEmergency } from './due-work.ts'
import { createDuty, type Duty } from './duty.ts'
import { createEmergencyLists, type Emergency, type EmergencyLists } from './emergency-lists.ts'
import type { EmergencyBookRow, EmergencyTables } from './emergency-tables.ts'
import { type Caller, createNotices } from './notices.ts'
import { type CommandChannel, createSafeCommands, type SafeCommands } from './safe-commands.ts'
import { openSignedLinks } from './signed-links.ts'
import { createUnwritten, type Unwritten } from './unwritten.ts'
import type { WithdrawCommand } from './withdraw-commands.ts'

export interface EmergencyHubOptions extends Omit<BookSettings, 'links'> {
  readonly database: Kysely<EmergencyTables>
  readonly catalogue: (type: string) => ApplianceType | undefined
  readonly ruleOf: (alarm: Alarm) => Rule | undefined
  /** A danger that began longer than this before it was received is past. */
  readonly pastDangerMs: number
  /** Ways to people by the kind of their channel. */
  readonly callers: Readonly<Record<string, Caller>>
  /** Refuses the address of a chat that may not be called. @throws MendlineError MDL_HUBS_WEBHOOK_TARGET_REFUSED */
  readonly checkUrl?: (url: string) => unknown
  /** Looks up the orders of emergencies; never waited for by a danger. Absent = none are linked. */
  readonly linksOf?: (open: readonly OpenEmergency[]) => Promise<ReadonlyMap<string, EmergencyLink>>
  /** Links expire so long after their emergency was over. */
  readonly linkLifeMs: number
  /** Ends the command of an emergency that is over; never waited for by a danger. Absent = none is ended. */
  readonly withdrawCommand?: WithdrawCommand | undefined
  /** Told after each commit that enqueued events. */
  readonly onCommitted?: (events: readonly CloudEvent[]) => void
  readonly clock: Clock
  readonly log: Log
}

export interface EmergencyHub extends EmergencyLists, Duty, Drills {
  start(): Promise<void>
  stop(): Promise<void>
  /** `isAway` tells of a device that is known not to be connected; a danger of it that was called over waits until it is back. */
  speakThrough(channel: CommandChannel, isAway?: IsAway): void
  /**
   * Takes dangers, their ends and the answers to their commands; others are passed over. The same again changes nothing. Resolves when
   * they are written and their commands published.
   * @throws MendlineError MDL_STORE_UNAVAILABLE (retryable; give all again)
   */
  apply(events: readonly HubEvent[]): Promise<void>
  /** Raises an emergency that no alarm tells of (a household that smells gas). The same `emergencyId` again changes nothing. */
  raise(danger: Danger): Promise<void>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  acknowledge(given: {
    readonly tenant: string
    readonly id: string
    readonly by: string
    readonly via: string
    readonly note: string
  }): Promise<Emergency>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  resolve(given: { readonly tenant: string; readonly id: string; readonly by: string; readonly reason: string }): Promise<Emergency>
  /** The emergency that a person's link stands for; undefined for a link that is none of ours. These four: @throws MendlineError MDL_HUBS_LINK_EXPIRED */
  byLink(token: string): Promise<{ readonly emergency: Emergency; readonly person: string } | undefined>
  acknowledgeByLink(token: string): Promise<Emergency | undefined>
  /** The advice that a household's link stands for, and that it was read. */
  advice(token: string): Promise<Emergency | undefined>
  adviceRead(token: string): Promise<Emergency | undefined>
  /** Resolves when nothing due is in hand; for tests. */
  settled(): Promise<void>
}

/** Events of one transaction. */
const BATCH = 64

/** Opens the hub over its book; nothing runs before `start`. */
export async function openEmergencyHub(options: EmergencyHubOptions): Promise<EmergencyHub> {
  const { database, clock, log } = options
  const settings: BookSettings = { ...options, links: await openSignedLinks(database) }
  let channel: CommandChannel | undefined
  let isAway: IsAway = () => false
  const inTransaction = async <T>(action: (book: BookTransaction) => Promise<T>): Promise<T> => {
    const emitted: CloudEvent[] = []
    const result = await database.transaction().execute((transaction) => action({ ...settings, database: transaction, nowMs: clock.now(), emitted }))
    if (emitted.length > 0) options.onCommitted?.(emitted)
    notices.wake()
    loop.wake()
    return result
  }
  const onTaken: Parameters<typeof createNotices>[0]['onTaken'] = (notice) =>
    inTransaction((book) => noteStep(book, notice, 'call_taken', { person: notice.person, channel: notice.channel, target: notice.target }))
  const notices = createNotices({ database, callers: options.callers, onTaken, clock, log })
  const commands = createSafeCommands({ database, channel: () => channel, onDelivered: noteDelivery({ inTransaction, log }), clock, log })
  const unwritten = createUnwritten({ database, settings, publish: commands.publishUnwritten, callers: options.callers, clock, log })
  const drills = createDrills({ database, inTransaction, clock })
  const due = {
    ...options,
    database,
    inTransaction,
    commands,
    drills,
    isAway: (unit: Parameters<IsAway>[0]) => isAway(unit),
    setBackMs: watchClock(clock),
  }
  const loop = createDueLoop({ name: 'emergencies', look: () => doDue(due), clock, log })

  const write = (dangers: readonly Danger[]): Promise<void> => writeDangers({ inTransaction, commands, unwritten }, dangers)
  const lists = createEmergencyLists({ database, nowMs: () => clock.now(), locale: options.locale })
  const change = async (tenant: string, id: string, act: (book: BookTransaction, row: EmergencyBookRow) => Promise<unknown>): Promise<Emergency> => {
    await inTransaction(async (book) => {
      const row = await findRow(book.database, tenant, id)
      if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such emergency')
      await act(book, await leadOf(book, row))
    })
    const changed = await lists.get(tenant, id)
    if (changed === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such emergency')
    return changed
  }
  const links = createLinkDoors({ ...options, settings, lists, change })
  return {
    ...lists,
    ...links,
    ...drills,
    ...createDuty({
      ...{ database, clock, hasMail: options.callers.email !== undefined, onChange: loop.wake },
      checkUrl: options.checkUrl ?? (() => {}),
    }),
    async start() {
      loop.start()
      notices.start()
    },
    async stop() {
      await loop.stop()
      await notices.stop()
      await unwritten.stop()
    },
    speakThrough(given, seen) {
      channel = given
      isAway = seen ?? isAway
      given.onListening((tenant, device, kind) => {
        if (kind !== 'cmd') return
        unwritten.listens(tenant, device)
        void sendAnew({ database, clock, log }, tenant, device).then((isOwed) => isOwed && loop.wake())
      })
    },
    apply: (events) => applyEvents({ ...options, inTransaction, write }, events),
    raise: (danger) => write([danger]),
    acknowledge: ({ tenant, id, ...given }) => change(tenant, id, (book, row) => acknowledgeRow(book, row, given)),
    resolve: ({ tenant, id, ...given }) => change(tenant, id, (book, row) => resolveRow(book, row, given)),
    async settled() {
      await loop.settled()
      await notices.settled()
      await unwritten.settled()
      await loop.settled()
    },
  }
}

const noteDelivery =
  ({ inTransaction, log }: { readonly inTransaction: InTransaction; readonly log: Log }) =>
  (row: Pick<EmergencyBookRow, 'tenant' | 'emergency_id' | 'command_round'>): void => {
    const note = { tenant: row.tenant, command_id: commandIdOf(row), state: 'delivered', reason: null } as const
    inTransaction((book) => noteCommand(book, note)).catch((cause: unknown) =>
      log.warn('a delivery could not be noted', { ...row, cause: String(cause) }),
    )
  }

async function writeDangers(
  { inTransaction, commands, unwritten }: { readonly inTransaction: InTransaction; readonly commands: SafeCommands; readonly unwritten: Unwritten },
  dangers: readonly Danger[],
): Promise<void> {
  try {
    const rows = await inTransaction(async (book) => {
      const raised: EmergencyBookRow[] = []
      for (const danger of dangers) {
        const row = await raise(book, danger)
        if (row !== undefined) raised.push(row)
      }
      return raised
    })
    await commands.publish(rows)
    unwritten.forget(dangers)
  } catch (cause) {
    // The appliance and people are told even when nothing can be written; the caller gives the danger again.
    for (const danger of dangers) unwritten.meet(danger)
    throw cause
  }
}

type Writing = Pick<EmergencyHubOptions, 'catalogue' | 'ruleOf' | 'pastDangerMs'> & {
  readonly inTransaction: InTransaction
  readonly write: (dangers: readonly Danger[]) => Promise<void>
}

async function applyEvents({ catalogue, ruleOf, pastDangerMs, inTransaction, write }: Writing, events: readonly HubEvent[]): Promise<void> {
  const wanted = events.filter(isOurs)
  for (let from = 0; from < wanted.length; from += BATCH) {
    const batch = wanted.slice(from, from + BATCH)
    const dangers = batch.flatMap((event) =>
      event.kind === 'alarm_raised' || event.kind === 'alarm_changed'
        ? [dangerOf(event.alarm, { type: catalogue(event.alarm.type), rule: ruleOf(event.alarm), pastDangerMs })]
        : [],
    )
    if (dangers.length > 0) await write(dangers)
    const others = batch.filter(({ kind }) => kind === 'alarm_cleared' || kind === 'command_moved')
    if (others.length > 0) await inTransaction((book) => noteOthers(book, others))
  }
}

/** Dangers, their ends, and answers to commands. */
function isOurs(event: HubEvent): boolean {
  if (event.kind === 'alarm_raised' || event.kind === 'alarm_changed') return isDanger(event.alarm)
  return event.kind === 'alarm_cleared' || (event.kind === 'command_moved' && event.note.command_id.startsWith('em_'))
}

async function noteOthers(book: BookTransaction, events: readonly HubEvent[]): Promise<void> {
  for (const event of events) {
    if (event.kind === 'alarm_cleared') await noteCleared(book, event.alarm)
    if (event.kind === 'command_moved') await noteCommand(book, event.note)
  }
}

/** A device that may hear commands again is sent what it owes an answer to; tells whether there is any. Where that cannot be written, none is. */
async function sendAnew(
  { database, clock, log }: Pick<EmergencyHubOptions, 'database' | 'clock' | 'log'>,
  tenant: string,
  device: string,
): Promise<boolean> {
  const nowMs = clock.now()
  try {
    const result = await database
      .updateTable('emg_emergencies')
      .set({ command_next_at_ms: nowMs })
      .where('tenant', '=', tenant)
      .where('device', '=', device)
      .where('command_next_at_ms', '>', nowMs)
      .executeTakeFirst()
    return result.numUpdatedRows > 0n
  } catch (cause) {
    // The command goes by its own time then.
    log.error('a command cannot be made due for a device that is back', { tenant, device, cause: String(cause) })
    return false
  }
}

type Change = (tenant: string, id: string, act: (book: BookTransaction, row: EmergencyBookRow) => Promise<unknown>) => Promise<Emergency>

function createLinkDoors(parts: {
  readonly database: Kysely<EmergencyTables>
  readonly clock: Clock
  readonly linkLifeMs: number
  readonly settings: BookSettings
  readonly lists: EmergencyLists
  readonly change: Change
}): Pick<EmergencyHub, 'byLink' | 'acknowledgeByLink' | 'advice' | 'adviceRead'> {
  const { database, clock, linkLifeMs, settings, lists, change } = parts
  const find = async (purpose: 'acknowledge' | 'receipt', token: string) => {
    const opened = settings.links.open(purpose, token)
    if (opened === undefined) return undefined
    const row = await database.selectFrom('emg_emergencies').selectAll().where('emergency_id', '=', opened.emergencyId).executeTakeFirst()
    // While it is not over, whoever has the link may need it, however long ago it was sent.
    const overMs = row?.state === 'resolved' ? row.resolved_at_ms : row?.state === 'past' ? row.created_at_ms : null
    if (overMs !== null && clock.now() - overMs > linkLifeMs)
      throw new MendlineError('MDL_HUBS_LINK_EXPIRED', 'the emergency has long been over, and its links open nothing any more')
    return row === undefined ? undefined : { ...opened, tenant: row.tenant }
  }
  return {
    async byLink(token) {
      const found = await find('acknowledge', token)
      const emergency = found === undefined ? undefined : await lists.get(found.tenant, found.emergencyId)
      return found === undefined || emergency === undefined ? undefined : { emergency, person: found.person }
    },
    async acknowledgeByLink(token) {
      const found = await find('acknowledge', token)
      if (found === undefined) return undefined
      const given = { by: `person:${found.person}`, via: 'link', note: '' }
      return change(found.tenant, found.emergencyId, (book, row) => acknowledgeRow(book, row, given))
    },
    async advice(token) {
      const found = await find('receipt', token)
      return found === undefined ? undefined : lists.get(found.tenant, found.emergencyId)
    },
    async adviceRead(token) {
      const found = await find('receipt', token)
      return found === undefined ? undefined : change(found.tenant, found.emergencyId, noteRead)
    },
  }
}
