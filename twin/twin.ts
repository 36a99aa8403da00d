/**
 * Front of the twin: what a device should be (desired settings, commands), what it says it is (reported settings, presence), and the
 * history of both. Orders are rows before they are sent; messages of devices come by the journal. It speaks to devices through the
 * channel that main joins, and sends again whenever a device subscribes, so that no order depends on the memory of a broker.
 */
import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Setting } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Command, CommandNote, NewCommand } from '#kernel/command.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import { readAck, readReported } from '#kernel/twin-message.ts'
import { type AckResult, applyAck, type CommandQuery, cancelCommand, findCommand, giveCommand, listCommands } from './command-book.ts'
import { type CommandChannel, createCommandSender } from './command-sender.ts'
import { createJournalFollower, type JournalFollowerParts } from './journal-follower.ts'
import { createPresence, type DevicePresence } from './presence.ts'
import {
  applyReported,
  type Desired,
  type DesiredOrder,
  findDesired,
  type HistoryQuery,
  listHistory,
  noteExpired,
  orderSettings,
  readTwin,
  type Twin,
} from './settings-book.ts'
import { checkSettings } from './settings-check.ts'
import { createSettingsSender, type SettingsChannel } from './settings-sender.ts'
import type { TwinTables } from './twin-tables.ts'
import { countTwin, sweepHistory } from './upkeep.ts'

/** Live sessions of devices; the broker. */
export interface DeviceChannel extends CommandChannel, SettingsChannel {
  /** Told when a session may hear messages of the kind for the device: at its SUBSCRIBE, and when it comes back with its subscriptions. */
  onListening(listener: (tenant: string, device: string, kind: 'cmd' | 'desired') => void): void
}

export interface TwinParts {
  readonly database: Kysely<TwinTables>
  readonly journal: JournalFollowerParts['journal']
  readonly messageOf: JournalFollowerParts['messageOf']
  /** Parses a payload within the limits of ingest. */
  readonly parsePayload: (payload: Uint8Array) => { readonly kind: 'parsed'; readonly value: unknown } | { readonly kind: 'refused' }
  /** Settings that the device's type declares; undefined when it declares none. @throws MendlineError MDL_API_NOT_FOUND without such a device */
  readonly settingsOf: (tenant: string, device: string) => readonly Setting[] | undefined
  /** Applies events in the hubs; resolves when they are committed. */
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly onReleasable: (position: number) => void
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

export interface GivenCommand {
  readonly tenant: string
  readonly device: string
  readonly name: string
  readonly payload?: Readonly<Record<string, unknown>> | undefined
  readonly expires_at_ms?: number | undefined
  readonly actor: string
}

export interface TwinStage {
  /** Reads the books and begins to follow the journal; devices may come afterwards. */
  start(): Promise<void>
  stop(): Promise<void>
  speakThrough(channel: DeviceChannel): void
  /** A device came or went. */
  notePresence(tenant: string, device: string, isOnline: boolean): void
  /** Whether the device is known not to have been there since a time; of one that was never there nothing is known. */
  isAway(unit: { readonly tenant: string; readonly device: string; readonly sinceMs: number }): boolean
  /** Commands were written in a transaction of somebody else, which is committed. */
  commandsGiven(commands: ReadonlyArray<Pick<NewCommand, 'tenant' | 'device'>>): void
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_TWIN_TOO_MANY */
  giveCommand(command: GivenCommand): Promise<Command>
  command(tenant: string, id: string): Promise<Command | undefined>
  commands(query: CommandQuery): ReturnType<typeof listCommands>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_TWIN_COMMAND_ENDED */
  cancelCommand(given: { readonly tenant: string; readonly commandId: string; readonly actor: string }): Promise<Command>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_API_CONFLICT */
  orderSettings(order: DesiredOrder): Promise<Desired>
  desired(tenant: string, device: string): Promise<Desired | undefined>
  twin(tenant: string, device: string): Promise<Twin & { readonly presence: DevicePresence | null }>
  history(query: HistoryQuery): ReturnType<typeof listHistory>
  statistics(): Promise<Readonly<Record<string, number>>>
}

/** Expired settings and old history are looked for this often. */
const UPKEEP_MS = 5_000
const UPKEEP_BATCH = 100

/** Creates the twin over its tables (`twinMigrations`). */
export function createTwin(parts: TwinParts): TwinStage {
  const { database, clock, log, limits, settingsOf, apply } = parts
  let channel: DeviceChannel | undefined
  let cancelUpkeep = (): void => {}
  const counts = { reports_applied: 0, reports_unchanged: 0, messages_refused: 0, acks_moved: 0, acks_duplicate: 0, acks_late: 0, acks_unknown: 0 }
  const tell = (notes: readonly CommandNote[]): Promise<void> =>
    apply(notes.map((note) => ({ kind: 'command_moved', key: `command/${note.tenant}/${note.command_id}/${note.state}`, note })))
  const presence = createPresence({ database, apply, clock, log, limits })
  const sender = createCommandSender({ database, channel: () => channel, tell, clock, log, limits })
  const settings = createSettingsSender({ database, channel: () => channel, clock, log })
  const applyMessage = async (transaction: Kysely<TwinTables>, message: AcceptedMessage): Promise<void> => {
    const result = await applyToBooks(transaction, message, parts)
    counts[result]++
  }
  const follower = createJournalFollower({ ...parts, apply: applyMessage })

  const upkeep = async (): Promise<void> => {
    const nowMs = clock.now()
    await database.transaction().execute((transaction) => noteExpired(transaction, { nowMs, limits }, UPKEEP_BATCH))
    await sweepHistory(database, nowMs, limits)
  }
  const scheduleUpkeep = (): void => {
    cancelUpkeep = clock.after(UPKEEP_MS, () => {
      upkeep().catch((cause: unknown) => log.error('upkeep of the twin failed', { cause: String(cause) }))
      scheduleUpkeep()
    })
  }
  return {
    async start() {
      await presence.start()
      await settings.start()
      await sender.start()
      await follower.start()
      scheduleUpkeep()
    },
    async stop() {
      cancelUpkeep()
      await follower.stop()
      await sender.stop()
      await settings.stop()
      await presence.stop()
    },
    speakThrough(given) {
      channel = given
      given.onListening((tenant, device, kind) => (kind === 'cmd' ? sender : settings).serve(tenant, device))
    },
    notePresence: (tenant, device, isOnline) => presence.note(tenant, device, isOnline),
    isAway: (unit) => isAwaySince(presence.of(unit.tenant, unit.device), unit.sinceMs),
    commandsGiven(commands) {
      for (const { tenant, device } of commands) sender.serve(tenant, device, true)
    },
    async giveCommand({ expires_at_ms, payload = {}, ...given }) {
      settingsOf(given.tenant, given.device)
      const nowMs = clock.now()
      const commandId = `cmd_${randomBytes(10).toString('hex')}`
      const command = { ...given, payload, commandId, expiresAtMs: expires_at_ms ?? nowMs + limits.commandLifeMs }
      await database.transaction().execute((transaction) => giveCommand(transaction, command, { nowMs, limits }))
      sender.serve(given.tenant, given.device, true)
      const kept = await findCommand(database, given.tenant, commandId)
      if (kept === undefined) throw new MendlineError('MDL_STORE_UNAVAILABLE', 'the command is not there', { retryable: true })
      return kept
    },
    command: (tenant, id) => findCommand(database, tenant, id),
    commands: (query) => listCommands(database, query),
    cancelCommand: (given) => database.transaction().execute((transaction) => cancelCommand(transaction, { ...given, nowMs: clock.now() })),
    async orderSettings(order) {
      const declared = settingsOf(order.tenant, order.device)
      const desired = await orderSettings(database, order, { nowMs: clock.now(), limits, check: (document) => checkSettings(document, declared) })
      settings.changed(order.tenant, order.device)
      return desired
    },
    desired: (tenant, device) => findDesired(database, { tenant, device }, clock.now()),
    async twin(tenant, device) {
      return { ...(await readTwin(database, { tenant, device }, clock.now())), presence: presence.of(tenant, device) ?? null }
    },
    history: (query) => listHistory(database, query),
    async statistics() {
      const { waiting, failed } = follower.statistics()
      const present = presence.counts()
      return {
        ...(await countTwin(database, clock.now())),
        ...{ ...counts, commands_expired: sender.expiredCount(), messages_waiting: waiting, messages_failed: failed },
        ...{ devices_online: present.online, devices_offline: present.offline, devices_unknown: present.unknown },
      }
    },
  }
}

const isAwaySince = (seen: DevicePresence | undefined, sinceMs: number): boolean => seen?.state === 'offline' && seen.since_ms <= sinceMs

type MessageResult = 'reports_applied' | 'reports_unchanged' | 'messages_refused' | `acks_${AckResult}`

/** One message of a device into the books; what is wrong with it stands in the quarantine, so here it is only counted. */
async function applyToBooks(
  transaction: Kysely<TwinTables>,
  message: AcceptedMessage,
  { parsePayload, limits, log }: TwinParts,
): Promise<MessageResult> {
  const { tenant, device, commandId } = message
  const parsed = parsePayload(message.payload)
  if (parsed.kind === 'refused') return 'messages_refused'
  if (message.kind === 'ack') {
    const ack = readAck(parsed.value, limits)
    if (ack.kind === 'refused' || commandId === undefined) return 'messages_refused'
    return `acks_${await applyAck(transaction, { tenant, device, commandId }, { ack, atMs: message.received_at_ms })}`
  }
  const reported = readReported(parsed.value, message, limits)
  if (reported.kind === 'refused') return 'messages_refused'
  const result = await applyReported(transaction, { tenant, device, reported, receivedAtMs: message.received_at_ms }, limits)
  if (result !== 'too_long') return `reports_${result}`
  log.warn('a report would make the settings of a device too long, it has no effect', { tenant, device })
  return 'messages_refused'
}
