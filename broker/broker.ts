/**
 * The broker: admits sockets, guards their bytes, checks logins and topic rights, and hands every message of a device to `accept`
 * before it is acknowledged (`authorise.ts`). Aedes keeps sessions, subscriptions, retained state and wills. Commands
 * and settings go past it to live sessions (`downlinks.ts`); nobody reads telemetry from here.
 */
import type { Duplex } from 'node:stream'
import { Aedes, type PublishPacket } from 'aedes'
import { writeToStream } from 'mqtt-packet'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import { type ErrorCode, MendlineError } from '#kernel/errors.ts'
import type { OpenDoor } from '#kernel/ingest-door.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import { createAdmission } from './admission.ts'
import { type Authoriser, createAuthoriser } from './authorise.ts'
import { ByteGuard } from './byte-guard.ts'
import { type Children, createChildren } from './children.ts'
import { createDownlinks, type DeviceChannel, type Downlinks, deviceChannel } from './downlinks.ts'
import { createFlow, type Flow } from './flow.ts'
import { createForeignDoor } from './forms/foreign-door.ts'
import type { MappingPort } from './forms/mapped-topics.ts'
import { createSparkplugHost, type SparkplugHost } from './gateways/sparkplug-host.ts'
import type { Identity } from './identity.ts'
import { type Arrival, type Listener, listenTcp, listenTls, type TlsSettings } from './listeners.ts'
import { createLogin, type LoginCheck } from './login.ts'
import { createPresence, type Presence } from './presence.ts'
import { loginName } from './principal.ts'
import { createRevocations, type Revocations } from './revocations.ts'
import { createSessionLanes, type SessionLanes } from './session-lanes.ts'
import { boundSessions } from './session-store.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { type BrokerCounters, type BrokerStatistics, createBrokerCounters } from './statistics.ts'

export interface BrokerSettings {
  /** Port 0 = a free port. */
  readonly mqtt: { readonly host: string; readonly port: number }
  readonly tls?: TlsSettings | undefined
  /** Anonymous clients and topics outside `mend/`; for loopback only, which the configuration checks. */
  readonly dev: boolean
  /** Appliance type of a device that is not registered (`dev` only). */
  readonly anonymousType?: string | undefined
  /** Name of this platform as Sparkplug's host application. */
  readonly sparkplugHostId?: string | undefined
}

export interface BrokerPorts {
  readonly registry: Pick<Identity, 'authenticate' | 'principalOf' | 'get' | 'isKnown' | 'onRevoked' | 'onListChanged'>
  /** Resolves when the message is durable; rejects only when the journal cannot write. */
  readonly accept: (message: AcceptedMessage) => Promise<void>
  /** The way into the journal for telemetry by the fast lane; without it every message goes by Aedes. */
  readonly openDoor?: OpenDoor | undefined
  /** Mappings of users for payloads of others; without it there are none. */
  readonly mappings?: MappingPort | undefined
  /** Told when a device comes or goes: by its connection, its birth message or its last will; only on change. */
  readonly onState: (tenant: string, device: string, isOnline: boolean) => void
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  readonly settings: BrokerSettings
}

export interface Broker extends DeviceChannel {
  start(): Promise<{ mqttPort: number; tlsPort?: number }>
  /** Stops accepting and reading, waits for what is on its way into the journal, then closes all; wills are not sent. Idempotent. */
  stop(): Promise<void>
  /** Takes the stream of a WebSocket that was upgraded at `/mqtt`. */
  handleWebSocket(stream: Duplex, address: string): void
  /** Clients that are logged in. */
  connectedCount(): number
  statistics(): BrokerStatistics
}

// Aedes's writer would keep a buffer for each number of two bytes, 7 MB of them; making one when it is needed costs nothing that can be measured.
writeToStream.cacheNumbers = false

/** As long as a timer can be. */
const CONNECT_TIMEOUT_MS = 2 ** 31 - 1
const DEFAULT_TYPE = 'air_conditioner'
const DEFAULT_HOST = 'mendline'

export function createBroker({ registry, accept, openDoor, mappings, onState, clock, log, limits, settings }: BrokerPorts): Broker {
  const admission = createAdmission(limits)
  const flow = createFlow(limits)
  const counters = createBrokerCounters()
  const sessions = createSessions({ clock, limits })
  const presence = createPresence(onState)
  const children = createChildren({ presence, sessions })
  const isDev = settings.dev
  const downlinks = createDownlinks({ isDev })
  const listeners: Listener[] = []
  let stopped: Promise<void> | undefined
  const isStopping = (): boolean => stopped !== undefined

  const refuse = (code: ErrorCode, reason: string, who: string): MendlineError => {
    counters.refused(code)
    log.debug('broker refused', { code, reason, client: who })
    return new MendlineError(code, reason)
  }
  const lanes = createSessionLanes({ openDoor, children, counters, limits, refuse })
  const revocations = createRevocations({ tls: settings.tls, clock, log, onChanged: sessions.closeRevoked })
  const shared = { registry, sessions, children, downlinks, presence, counters, lanes, clock, log, limits, isDev, refuse }
  const login = createLogin({ ...shared, isRevoked: revocations.isRevoked })
  const anonymousType = settings.anonymousType ?? DEFAULT_TYPE
  const hostId = settings.sparkplugHostId ?? DEFAULT_HOST
  const sparkplug = createSparkplugHost({ hostId, publish: (message) => send(aedes, message), clock, log, limits })
  const authoriser = createAuthoriser({
    ...shared,
    accept,
    anonymousType,
    isStopping,
    foreign: createForeignDoor({ mappings, sparkplug: sparkplug.door }),
    onHeard: lanes.heard,
  })
  const aedes = createEngine(login, authoriser, limits)
  watchEngine(aedes, shared)
  followRights(registry, sessions, children)

  function arrive({ stream, address, ticket, certificate }: Arrival): void {
    const guard = new ByteGuard({ source: stream, ticket, flow, clock, limits, onRefused: (code, reason) => refuse(code, reason, address) })
    const client = aedes.handle(guard)
    sessions.arrived(client, guard, { address, certificate })
    guard.once('close', () => {
      downlinks.closed(sessions.of(client))
      const session = sessions.closed(client)
      if (session !== undefined && !isStopping()) children.gone(session, session.isLast)
    })
  }

  const listenerPorts = { admission, limits, clock, onArrival: arrive, onRefused: refuse }

  return {
    async start() {
      await aedes.listen()
      await revocations.start()
      const onDropped = (clientId: string): MendlineError => refuse('MDL_BROKER_TOO_MANY', 'messages for an offline session', clientId)
      boundSessions(aedes, {
        offlineMessages_MAX: limits.offlineMessages_MAX,
        mayKeep: authoriser.mayKeep,
        onDropped,
        onAcknowledged: downlinks.acknowledged,
      })
      await sparkplug.start()
      listeners.push(await listenTcp(settings.mqtt, listenerPorts))
      if (settings.tls !== undefined) listeners.push(await listenTls(settings.tls, listenerPorts))
      const [mqttPort = 0, tlsPort] = listeners.map(({ port }) => port)
      return tlsPort === undefined ? { mqttPort } : { mqttPort, tlsPort }
    },
    stop: () => (stopped ??= stopBroker({ sparkplug, revocations, listeners, flow, sessions, aedes, clock, limits })),
    handleWebSocket(stream, address) {
      const ticket = isStopping() ? undefined : admission.admit(address)
      if (ticket !== undefined) arrive({ stream, address, ticket })
      else {
        stream.destroy()
        refuse('MDL_BROKER_TOO_MANY', 'connections', address)
      }
    },
    ...deviceChannel(downlinks),
    connectedCount: () => sessions.readyCount(),
    statistics: () => counters.read({ ...admission.count(), sessions: sessions.readyCount(), inFlightBytes: flow.inFlightBytes() }),
  }
}

/** Aedes with our checks at its hooks. */
const createEngine = (login: LoginCheck, authoriser: Authoriser, limits: Limits): Aedes =>
  new Aedes({
    // The guard has the deadline of CONNECT; Aedes would count a login's wait for its turn against the device.
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: limits.drainTimeoutMs,
    preConnect: login.remember,
    authenticate: login.check,
    authorizePublish: authoriser.authorizePublish,
    authorizeSubscribe: authoriser.authorizeSubscribe,
    authorizeForward: authoriser.authorizeForward,
  })

/** What a change of rights does to the sessions that are open. */
function followRights(registry: BrokerPorts['registry'], sessions: Sessions, children: Children): void {
  registry.onRevoked((tenant, principal) => sessions.close(tenant, principal))
  registry.onListChanged(({ tenant, gateway, principal, removed }) => {
    sessions.resized(loginName(tenant, gateway), principal)
    children.released(tenant, gateway, removed)
  })
}

interface EnginePorts {
  readonly sessions: Sessions
  readonly downlinks: Downlinks
  readonly presence: Presence
  readonly counters: BrokerCounters
  readonly lanes: SessionLanes
  readonly log: Log
}

/** Follows what Aedes tells of its clients. */
function watchEngine(aedes: Aedes, ports: EnginePorts): void {
  const { sessions, downlinks, presence, counters, lanes, log } = ports
  // Aedes reports broken connections by event; without a listener an 'error' would end the process.
  aedes.on('clientError', (client, error) => log.debug('client failed', { client: client.id, error: error.message }))
  aedes.on('connectionError', (_client, error) => log.debug('connection failed', { error: error.message }))
  const events: NodeJS.EventEmitter = aedes
  events.on('error', (error: Error) => log.error('mqtt engine failed', { error: error.message }))
  aedes.on('unsubscribe', (filters, client) => {
    const session = sessions.of(client)
    if (session === undefined) return
    for (const filter of filters) {
      session.filters.delete(filter)
      downlinks.ended(session, filter)
    }
  })
  aedes.on('subscribe', (subscriptions, client) => {
    const session = sessions.of(client)
    if (session === undefined) return
    downlinks.listening(
      session,
      subscriptions.map(({ topic }) => topic),
    )
  })
  aedes.on('clientReady', (client) => {
    const session = sessions.of(client)
    if (session === undefined) return
    counters.connected()
    session.isReady = true
    if (session.principal.kind === 'device') presence.set(session.principal.tenant, session.principal.id, true)
    session.guard.loggedIn(session.bucket, lanes.of(session))
    // A session that came back has its subscriptions without a SUBSCRIBE.
    downlinks.listening(session, session.filters.keys())
  })
}

/** Sends a message of the platform; it needs no rights and is not journalled. */
function send(aedes: Aedes, { topic, payload, retain }: { topic: string; payload: object | Buffer; retain: boolean }): Promise<void> {
  const packet: PublishPacket = {
    cmd: 'publish',
    topic,
    payload: Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload)),
    qos: 1,
    retain,
    dup: false,
  }
  return new Promise((resolve, reject) => aedes.publish(packet, (error) => (error ? reject(error) : resolve())))
}

interface StopPorts {
  readonly sparkplug: SparkplugHost
  readonly revocations: Revocations
  readonly listeners: readonly Listener[]
  readonly flow: Flow
  readonly sessions: Sessions
  readonly aedes: Aedes
  readonly clock: Clock
  readonly limits: Limits
}

async function stopBroker({ sparkplug, revocations, listeners, flow, sessions, aedes, clock, limits }: StopPorts): Promise<void> {
  revocations.stop()
  for (const listener of listeners) listener.close()
  flow.hold()
  await Promise.race([flow.idle(), new Promise<void>((resolve) => clock.after(limits.brokerDrainMs, resolve))])
  const told = sparkplug.stop().catch(() => {})
  await Promise.race([told, new Promise<void>((resolve) => clock.after(limits.farewellMs, resolve))])
  // Two turns of the loop, so that the last PUBACKs are written before their sockets close.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
  sessions.closeSilent()
  if (!aedes.closed) await new Promise<void>((resolve) => aedes.close(resolve))
}
