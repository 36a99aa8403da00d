/**
 * The way down: settings and commands to the live sessions that subscribed to their topics. Which principal a session belongs to does
 * not matter, only what it subscribed to, so a gateway hears for its devices. Nothing is kept for who is not there: whoever sends is told
 * how many sessions took the bytes, and later of each PUBACK.
 */
import type { Client } from 'aedes'
import { generate } from 'mqtt-packet'
import { filterMatches } from './session-store.ts'
import type { Session } from './sessions.ts'
import { commandTopic, desiredTopic, mayReceive } from './topics.ts'

export interface Downlink {
  readonly tenant: string
  readonly device: string
  readonly topic: string
  readonly payload: Uint8Array
  readonly retain: boolean
}

export type DownlinkKind = 'cmd' | 'desired'
export type Listening = (tenant: string, device: string, kind: DownlinkKind) => void

export interface Downlinks {
  /** A subscription of the session was granted. */
  granted(session: Session, filter: string, qos: number): void
  ended(session: Session, filter: string): void
  /** The session may be written to from now on: after CONNACK for those it came with, after SUBACK for new ones. */
  listening(session: Session, filters: Iterable<string>): void
  closed(session: Session | undefined): void
  /** Writes to each ready session that subscribed to the topic; gives how many. */
  send(downlink: Downlink, onDelivered?: () => void): number
  /** PUBACK of a client. */
  acknowledged(client: Client, messageId: number): void
  onListening(listener: Listening): void
}

/** What the rest of the program may say to devices. */
export interface DeviceChannel {
  /**
   * Writes a command to each live session that subscribed to its topic and gives how many; nothing is kept for who is away.
   * `onDelivered` is called at each PUBACK.
   */
  sendCommand(
    message: { readonly tenant: string; readonly device: string; readonly commandId: string; readonly payload: Uint8Array },
    onDelivered: () => void,
  ): number
  /** The same for settings as they should be; `retain` says that they answer a SUBSCRIBE. */
  sendDesired(message: { readonly tenant: string; readonly device: string; readonly payload: Uint8Array; readonly retain: boolean }): number
  /** Told when a session may hear commands or settings of a device: at its SUBSCRIBE, and when it comes back with its subscriptions. */
  onListening(listener: Listening): void
}

export const deviceChannel = ({ send, onListening }: Downlinks): DeviceChannel => ({
  sendCommand: ({ tenant, device, commandId, payload }, onDelivered) =>
    send({ tenant, device, topic: commandTopic(tenant, device, commandId), payload, retain: false }, onDelivered),
  sendDesired: ({ tenant, device, payload, retain }) => send({ tenant, device, topic: desiredTopic(tenant, device), payload, retain }),
  onListening,
})

/** Messages of one session that wait for their PUBACK; of the oldest above it nobody hears any more. */
const UNACKNOWLEDGED_MAX = 1_000
const MESSAGE_ID_MAX = 65_535

export function createDownlinks({ isDev }: { readonly isDev: boolean }): Downlinks {
  /** Sessions by `{tenant}/{device}` of their filters, with the granted quality of service by filter. */
  const byDevice = new Map<string, Map<Session, Map<string, number>>>()
  /** Sessions with a filter that names no device (`--dev` only). */
  const watchers = new Map<Session, Map<string, number>>()
  const unacknowledged = new Map<Client, Map<number, () => void>>()
  const listeners: Listening[] = []

  const put = (sessions: Map<Session, Map<string, number>>, session: Session, filter: string, qos: number): void => {
    const filters = sessions.get(session) ?? new Map<string, number>()
    sessions.set(session, filters.set(filter, qos))
  }
  const take = (sessions: Map<Session, Map<string, number>> | undefined, session: Session, filter: string): void => {
    const filters = sessions?.get(session)
    filters?.delete(filter)
    if (filters?.size === 0) sessions?.delete(session)
  }
  const ended = (session: Session, filter: string): void => {
    const named = deviceOf(filter)
    const sessions = named === undefined ? watchers : byDevice.get(named.key)
    take(sessions, session, filter)
    if (named !== undefined && sessions?.size === 0) byDevice.delete(named.key)
  }
  const write = (session: Session, filters: ReadonlyMap<string, number>, { topic, payload, retain }: Downlink, onDelivered?: () => void): boolean => {
    const { client, guard, principal, isReady } = session
    if (!isReady || client.closed || guard.destroyed || !mayReceive(principal, topic, isDev)) return false
    let qos = -1
    for (const [filter, granted] of filters) if (filterMatches(filter, topic)) qos = Math.max(qos, Math.min(granted, 1))
    if (qos < 0) return false
    const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(payload), retain, dup: false }
    if (qos === 0) guard.write(generate({ ...packet, qos: 0 }))
    else guard.write(generate({ ...packet, qos: 1, messageId: expectAcknowledgement(client, onDelivered ?? (() => {})) }))
    return true
  }
  const expectAcknowledgement = (client: Client, onDelivered: () => void): number => {
    const waiting = unacknowledged.get(client) ?? new Map<number, () => void>()
    unacknowledged.set(client, waiting)
    let messageId = nextMessageId(client)
    while (waiting.has(messageId)) messageId = nextMessageId(client)
    const oldest = waiting.size >= UNACKNOWLEDGED_MAX ? waiting.keys().next().value : undefined
    if (oldest !== undefined) waiting.delete(oldest)
    waiting.set(messageId, onDelivered)
    return messageId
  }
  return {
    granted(session, filter, qos) {
      const named = deviceOf(filter)
      if (named === undefined) return put(watchers, session, filter, qos)
      const sessions = byDevice.get(named.key) ?? new Map<Session, Map<string, number>>()
      byDevice.set(named.key, sessions)
      put(sessions, session, filter, qos)
    },
    ended,
    listening(session, filters) {
      for (const filter of filters) {
        const named = deviceOf(filter)
        if (named === undefined || !session.filters.has(filter)) continue
        for (const listener of listeners) listener(named.tenant, named.device, named.kind)
      }
    },
    closed(session) {
      if (session === undefined) return
      for (const filter of session.filters.keys()) ended(session, filter)
      unacknowledged.delete(session.client)
    },
    send(downlink, onDelivered) {
      let count = 0
      for (const [session, filters] of byDevice.get(`${downlink.tenant}/${downlink.device}`) ?? [])
        if (write(session, filters, downlink, onDelivered)) count++
      for (const [session, filters] of watchers) if (write(session, filters, downlink, onDelivered)) count++
      return count
    },
    acknowledged(client, messageId) {
      const waiting = unacknowledged.get(client)
      const onDelivered = waiting?.get(messageId)
      waiting?.delete(messageId)
      onDelivered?.()
    },
    onListening(listener) {
      listeners.push(listener)
    },
  }
}

/** The device that a filter of the contract names; undefined for filters that name none or hear neither settings nor commands. */
function deviceOf(
  filter: string,
): { readonly key: string; readonly tenant: string; readonly device: string; readonly kind: DownlinkKind } | undefined {
  const [root, , tenant = '', device = '', kind] = filter.split('/', 5)
  if (root !== 'mend' || (kind !== 'cmd' && kind !== 'desired') || /[+#]/.test(tenant + device)) return undefined
  return { key: `${tenant}/${device}`, tenant, device, kind }
}

/** Packet ids of one client are of one series, whoever writes to it; Aedes's own counter is it. */
function nextMessageId(client: Client): number {
  const engine = client as unknown as { _nextId: number }
  const messageId = Math.max(1, engine._nextId)
  engine._nextId = messageId >= MESSAGE_ID_MAX ? 1 : messageId + 1
  return messageId
}
