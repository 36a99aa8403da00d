/**
 * What a logged-in client may do, and the hop from the broker to ingest. Aedes 1.2 writes the PUBACK of a QoS 1 publish before it
 * emits the publish, so `authorizePublish` is the one place that stands before the PUBACK: there `accept` is awaited, for wills as
 * well. When `accept` fails there is no PUBACK and the connection is closed.
 */
import type { AedesPublishPacket, Client, PublishPacket, Subscription } from 'aedes'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { ErrorCode, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Children } from './children.ts'
import type { Downlinks } from './downlinks.ts'
import { acceptForeign } from './forms/accept-foreign.ts'
import type { ForeignDoor } from './forms/foreign-door.ts'
import type { Identity } from './identity.ts'
import type { DeviceFacts, Principal } from './principal.ts'
import type { Session, Sessions } from './sessions.ts'
import type { BrokerCounters } from './statistics.ts'
import { decidePublish, mayReceive, maySubscribe, type UplinkTopic } from './topics.ts'

export interface AuthoriserPorts {
  readonly registry: Pick<Identity, 'get'>
  readonly sessions: Sessions
  readonly children: Children
  readonly downlinks: Pick<Downlinks, 'granted'>
  readonly counters: BrokerCounters
  readonly accept: (message: AcceptedMessage) => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  readonly isDev: boolean
  /** Appliance type of a device that is not registered (`--dev`). */
  readonly anonymousType: string
  readonly isStopping: () => boolean
  /** Other forms than the contract's, with topics of their own. */
  readonly foreign: ForeignDoor
  /** Told when somebody subscribes who may hear telemetry. */
  readonly onHeard: () => void
  /** Counts a refusal and makes its error. */
  readonly refuse: (code: ErrorCode, reason: string, who: string) => MendlineError
}

export interface Authoriser {
  authorizePublish(client: Client | null, packet: PublishPacket, done: (error?: Error | null) => void): void
  authorizeSubscribe(client: Client, subscription: Subscription, done: (error: Error | null, granted?: Subscription | null) => void): void
  authorizeForward(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null
  /** Tells whether the session of a client id may keep a subscription beyond its connection. */
  mayKeep(clientId: string, filter: string): boolean
}

export function createAuthoriser(ports: AuthoriserPorts): Authoriser {
  const { sessions, limits, isDev, refuse } = ports
  return {
    authorizePublish(client, packet, goOn) {
      const session = client === null ? undefined : sessions.of(client)
      // Aedes also asks for wills: of a client that is closed, or of nobody when a session was lost.
      if (client === null || session === undefined) return void goOn(refuse('MDL_BROKER_TOPIC_REFUSED', 'no session', packet.topic))
      // Aedes writes the PUBACK within the call.
      const done = packet.qos === 0 ? goOn : (error?: Error | null) => session.guard.acknowledgeElsewhere(() => goOn(error))
      if (client.closed && ports.isStopping()) return void done(new Error('the platform stops; its devices are not offline'))
      const foreign = decideForeign(ports, session, packet)
      if (foreign !== undefined) {
        packet.retain = false
        if (foreign.kind === 'accept')
          return acceptForeign({ ...ports, factsOf: (device) => factsOf(ports, session, device) }, { session, decision: foreign, packet, done })
        if (foreign.kind === 'ignore') return void done(null)
        return void done(refuse('MDL_BROKER_TOPIC_REFUSED', `publish to ${packet.topic}`, session.name))
      }
      const decision = decidePublish(session.principal, { topic: packet.topic, qos: packet.qos, isDev })
      if (decision.kind === 'refuse') return void done(refuse('MDL_BROKER_TOPIC_REFUSED', `publish to ${packet.topic}`, session.name))
      if (decision.kind === 'ignore') return ignorePublish(ports, { session, packet, done })
      if (decision.kind === 'plain') return void done(null)
      // Only state is retained, and always, so that a late listener sees it; what the device asks for does not matter.
      packet.retain = decision.uplink.kind === 'state'
      acceptUplink(ports, { session, uplink: decision.uplink, packet, done })
    },
    authorizeSubscribe(client, subscription, done) {
      const session = sessions.of(client)
      const { topic } = subscription
      if (session === undefined || !maySubscribe(session.principal, topic, isDev)) {
        refuse('MDL_BROKER_TOPIC_REFUSED', `subscribe to ${topic}`, client.id)
        return void done(null, null)
      }
      if (session.filters.size >= filters_MAX(session.principal, limits) && !session.filters.has(topic)) {
        refuse('MDL_BROKER_TOO_MANY', 'subscriptions of one session', client.id)
        return void done(null, null)
      }
      session.filters.set(topic, subscription.qos)
      if (session.principal.kind === 'anonymous') ports.onHeard()
      ports.downlinks.granted(session, topic, subscription.qos)
      done(null, subscription)
    },
    authorizeForward(client, packet) {
      const session = sessions.of(client)
      return session !== undefined && mayReceive(session.principal, packet.topic, isDev) ? packet : null
    },
    mayKeep(clientId, filter) {
      const session = sessions.byName(clientId)
      return session !== undefined && maySubscribe(session.principal, filter, isDev)
    },
  }
}

/** A gateway subscribes for each of its devices. */
const filters_MAX = (principal: Principal, limits: Limits): number =>
  limits.subscriptionsPerSession_MAX * (principal.kind === 'gateway' ? Math.max(1, principal.devices.size) : 1)

interface Uplink {
  readonly session: Session
  readonly uplink: UplinkTopic
  readonly packet: PublishPacket
  readonly done: (error?: Error | null) => void
}

function acceptUplink(ports: AuthoriserPorts, { session, uplink, packet, done }: Uplink): void {
  const { accept, clock, counters, children, log, refuse } = ports
  const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
  const arrived = session.guard.flow.begin(payload.length)
  const { type, maxAgeDays } = factsOf(ports, session, uplink)
  counters.published(1)
  accept({ ...uplink, type, maxAgeDays, payload, received_at_ms: clock.now() }).then(
    () => {
      counters.accepted(1)
      if (uplink.kind === 'state') children.read(session, uplink, payload)
      else children.heard(session, uplink.tenant, uplink.device)
      done(null)
      arrived()
    },
    (cause: unknown) => {
      log.error('message not accepted', { tenant: uplink.tenant, device: uplink.device, error: String(cause) })
      done(refuse('MDL_JOURNAL_UNAVAILABLE', 'the journal cannot write', session.name))
      arrived()
    },
  )
}

/** A topic that nobody can subscribe to and on which the engine itself hears nothing. */
const NOBODYS_TOPIC = '$ignored'

/** Acknowledges a publish that goes to nobody, and counts it. On its own topic the engine would take `$SYS/...` for words of its own. */
function ignorePublish({ refuse }: AuthoriserPorts, { session, packet, done }: Omit<Uplink, 'uplink'>): void {
  refuse('MDL_BROKER_TOPIC_REFUSED', `publish to ${packet.topic}`, session.name)
  packet.topic = NOBODYS_TOPIC
  packet.retain = false
  done(null)
}

const bytesOf = (payload: string | Buffer): Buffer => (typeof payload === 'string' ? Buffer.from(payload) : payload)

const decideForeign = (ports: AuthoriserPorts, session: Session, { topic, qos, payload }: PublishPacket) =>
  ports.foreign.decide(
    session.principal,
    { topic, qos, payload: bytesOf(payload), connection: session },
    (tenant, device) => factsOf(ports, session, { tenant, device }).type,
  )

function factsOf(
  { registry, anonymousType, limits }: AuthoriserPorts,
  { principal }: Session,
  { tenant, device }: Pick<UplinkTopic, 'tenant' | 'device'>,
): DeviceFacts {
  const own = principal.kind === 'anonymous' ? undefined : principal.devices.get(device)
  if (own !== undefined) return own
  const record = registry.get(tenant, device)
  return { type: record?.type ?? anonymousType, maxAgeDays: record?.max_age_days ?? limits.behindDays_MAX }
}
