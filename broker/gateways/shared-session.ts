/**
 * One session of a shared subscription on somebody else's broker, MQTT 5, QoS 1. It outlives its connection, so what the broker has given
 * to it and was not acknowledged comes again. A message is acknowledged when `take` resolves, one after the other; a group gets its speed
 * from several sessions. Who holds the session says so in a retained presence message, and a will says when the holder is gone.
 */
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt'
import type { Log } from '#kernel/log.ts'

export interface SharedSessionOptions {
  readonly url: string
  readonly username: string | undefined
  readonly password: string | undefined
  /** Client id, the session's name on the broker. */
  readonly session: string
  /** Filters with `$share/{group}/` before them. */
  readonly filters: readonly string[]
  readonly presenceTopic: string
  /** Told to others by the presence message. */
  readonly holder: string
  /** Whether a lost connection is sought again; a stand-in that loses the session to its owner lets it be. */
  readonly isOwner: boolean
  readonly expiryS: number
  readonly connectTimeoutMs: number
  /** Resolves when the message is durable; a rejection leaves it unacknowledged, and it is asked again. */
  readonly take: (topic: string, payload: Uint8Array) => Promise<void>
  /** Told when a session that is sought no more has ended. */
  readonly onEnd: (session: string) => void
  readonly log: Log
}

export interface SharedSession {
  readonly session: string
  isConnected(): boolean
  /** Says that the session is free and closes; the broker keeps what was not acknowledged. */
  stop(): Promise<void>
}

const RECONNECT_MS = 1_000

/** Connects in the background; a broker that is away is sought for as long as it takes. */
export function openSharedSession(options: SharedSessionOptions): SharedSession {
  const { url, username, password, session, filters, presenceTopic, holder, isOwner, expiryS, connectTimeoutMs, take, onEnd, log } = options
  const presence = (isOnline: boolean): string => JSON.stringify({ session, holder, is_online: isOnline })
  const client: MqttClient = mqtt.connect(url, {
    protocolVersion: 5,
    clientId: session,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    clean: false,
    keepalive: 10,
    connectTimeout: connectTimeoutMs,
    reconnectPeriod: isOwner ? RECONNECT_MS : 0,
    properties: { sessionExpiryInterval: expiryS, receiveMaximum: 100 },
    will: { topic: presenceTopic, payload: Buffer.from(presence(false)), qos: 1, retain: true },
  })
  let isStopping = false

  client.handleMessage = (packet: IPublishPacket, done) => {
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
    take(packet.topic, payload).then(
      () => done(),
      (error: unknown) => {
        // Nothing is acknowledged any more on this connection; the session brings the message again.
        log.warn('message of a shared subscription not taken', { session, cause: String(error) })
        client.stream.destroy()
      },
    )
  }
  client.on('connect', () => {
    client.subscribe([...filters], { qos: 1 }, (error, granted) => {
      const refused = granted?.filter(({ qos }) => qos > 2).map(({ topic }) => topic) ?? []
      if (error || refused.length > 0) log.error('shared subscription refused', { session, cause: String(error), refused })
    })
    client.publish(presenceTopic, presence(true), { qos: 1, retain: true }, () => {})
    log.info('shared session held', { session, holder })
  })
  client.on('error', (error) => log.warn('shared session failed', { session, cause: error.message }))
  client.on('close', () => {
    if (isOwner || isStopping) return
    isStopping = true
    client.end(true)
    onEnd(session)
  })

  return {
    session,
    isConnected: () => client.connected,
    async stop() {
      if (isStopping) return
      isStopping = true
      if (client.connected) {
        await new Promise<void>((resolve) => client.publish(presenceTopic, presence(false), { qos: 1, retain: true }, () => resolve()))
      }
      await client.endAsync()
    },
  }
}
