/**
 * Reads from somebody else's MQTT 5 broker as a member of a group (`$share/{group}/...`): several processes share the load, and each
 * message counts once for the group. Brokers differ in what they do with the share of a member that died: mosquitto keeps it in the
 * session, others hand it over. So sessions have fixed names, and when one is free for `takeoverMs` another member holds it as a stand-in
 * until its owner is back: nothing stays behind for longer than that, whatever the broker does. How the load is split is the broker's affair.
 */
import mqtt, { type MqttClient } from 'mqtt'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import { openSharedSession, type SharedSession } from './shared-session.ts'

export interface SharedSubscriptionSettings {
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly group: string
  /** Topic filters without `$share`. */
  readonly filters: readonly string[]
  /** This process among the group's, from 0. */
  readonly member: number
  /** Sessions of each member; more give more messages a second. */
  readonly sessions: number
  /** How long a session may be free before another member holds it. */
  readonly takeoverMs: number
  /** How long the broker keeps a session that nobody holds. */
  readonly sessionExpiryS: number
}

export interface SharedSubscriptionPorts {
  readonly take: (topic: string, payload: Uint8Array) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

export interface SharedSubscription {
  start(): void
  /** Gives its sessions free, so that others hold them after `takeoverMs`. Idempotent. */
  stop(): Promise<void>
  statistics(): {
    readonly sessions: number
    readonly connected: number
    readonly stand_ins: number
    readonly taken: number
    readonly refused: number
  }
}

const CONNECT_TIMEOUT_MS = 10_000

interface Presence {
  readonly session: string
  readonly is_online: boolean
}

export function createSharedSubscription(settings: SharedSubscriptionSettings, ports: SharedSubscriptionPorts): SharedSubscription {
  const { url, username, password, group, filters, member, sessions, takeoverMs, sessionExpiryS } = settings
  const { clock, log } = ports
  const holder = `member-${member}`
  const presenceOf = (session: string): string => `mendline/share/${group}/${session}`
  const own = new Map<string, SharedSession>()
  const standIns = new Map<string, SharedSession>()
  const waits = new Map<string, () => void>()
  let watcher: MqttClient | undefined
  let isStopping = false
  let taken = 0
  let refused = 0

  const take = async (topic: string, payload: Uint8Array): Promise<void> => {
    try {
      await ports.take(topic, payload)
      taken++
    } catch (error) {
      refused++
      throw error
    }
  }
  const open = (session: string, isOwner: boolean): SharedSession =>
    openSharedSession({
      url,
      username,
      password,
      session,
      filters: filters.map((filter) => `$share/${group}/${filter}`),
      presenceTopic: presenceOf(session),
      holder,
      isOwner,
      expiryS: sessionExpiryS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      take,
      onEnd: (ended) => standIns.delete(ended),
      log,
    })

  const heard = (topic: string, payload: Uint8Array): void => {
    const presence = readPresence(payload)
    // Only what stands on its own topic is believed.
    if (presence === undefined || topic !== presenceOf(presence.session) || own.has(presence.session)) return
    const { session, is_online: isOnline } = presence
    waits.get(session)?.()
    waits.delete(session)
    if (isOnline || isStopping || standIns.has(session)) return
    const cancel = clock.after(takeoverMs, () => {
      waits.delete(session)
      if (isStopping || standIns.has(session)) return
      log.warn('shared session stood free and is held for its owner', { session, holder })
      standIns.set(session, open(session, false))
    })
    waits.set(session, cancel)
  }

  return {
    start() {
      for (let index = 0; index < sessions; index++) {
        const session = `${group}-${member}-${index}`
        own.set(session, open(session, true))
      }
      watcher = mqtt.connect(url, {
        protocolVersion: 5,
        clientId: `${group}-${member}-watch`,
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        connectTimeout: CONNECT_TIMEOUT_MS,
      })
      watcher.on('connect', () => watcher?.subscribe(presenceOf('+'), { qos: 1 }, () => {}))
      watcher.on('message', heard)
      watcher.on('error', (error) => log.warn('watch over shared sessions failed', { cause: error.message }))
    },
    async stop() {
      if (isStopping) return
      isStopping = true
      for (const cancel of waits.values()) cancel()
      await watcher?.endAsync(true)
      await Promise.all([...own.values(), ...standIns.values()].map((session) => session.stop()))
    },
    statistics() {
      const all = [...own.values(), ...standIns.values()]
      return { sessions: own.size, connected: all.filter((session) => session.isConnected()).length, stand_ins: standIns.size, taken, refused }
    },
  }
}

function readPresence(payload: Uint8Array): Presence | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload))
    const { session, is_online: isOnline } = value as Partial<Presence>
    return typeof session === 'string' && typeof isOnline === 'boolean' ? { session, is_online: isOnline } : undefined
  } catch {
    return undefined
  }
}
