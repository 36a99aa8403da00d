/**
 * Builder for tests of the real broker: registry on an in-memory store, an `accept` that the test holds in its hand, free ports of
 * loopback, and clients that are closed with it.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import type { Kysely } from 'kysely'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { type Broker, type BrokerSettings, createBroker } from '../../broker/broker.ts'
import type { CreatedDevice, DeviceRegistry } from '../../broker/device-registry.ts'
import { type DeviceTables, deviceMigrations } from '../../broker/device-tables.ts'
import type { GatewayRegistry } from '../../broker/gateway-registry.ts'
import { createIdentity, type Identity } from '../../broker/identity.ts'
import type { TokenSettings } from '../../broker/token-keys.ts'
import type { AcceptedMessage } from '../../kernel/accepted-message.ts'
import { type Clock, systemClock } from '../../kernel/clock.ts'
import { MendlineError } from '../../kernel/errors.ts'
import type { OpenDoor } from '../../kernel/ingest-door.ts'
import { type Limits, limits } from '../../kernel/limits.ts'
import { silentLog } from '../../kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'

export interface TestBrokerOptions {
  readonly dev?: boolean
  readonly limits?: Partial<Limits>
  readonly accept?: (message: AcceptedMessage) => Promise<void>
  readonly tls?: BrokerSettings['tls']
  readonly clock?: Clock
  readonly tokens?: TokenSettings
  /** False = `accepted` stays empty, for long runs. */
  readonly keepsMessages?: boolean
}

export interface TestBroker {
  readonly broker: Broker
  readonly identity: Identity
  readonly registry: DeviceRegistry
  readonly gateways: GatewayRegistry
  readonly port: number
  readonly tlsPort: number | undefined
  /** Messages that `accept` was given, in order. */
  readonly accepted: AcceptedMessage[]
  /** Changes of presence, as `{tenant}:{device} on|off`. */
  readonly states: string[]
  createDevice(device: string, tenant?: string): Promise<CreatedDevice>
  /** Connects as a device with its secret. */
  connect(device: CreatedDevice, options?: IClientOptions): Promise<MqttClient>
  connectAs(options: IClientOptions): Promise<MqttClient>
  /** Opens a bare socket. */
  socket(): Socket
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Logs in as the contract says: user name and client id `{tenant}:{device}`. */
export const loginOf = ({ tenant, device, secret }: CreatedDevice): { username: string; clientId: string; password: string } => ({
  username: `${tenant}:${device}`,
  clientId: `${tenant}:${device}`,
  password: secret,
})

/** Whether test brokers have the fast lane; the suites of the broker run over both. */
export const laneMode = { isOn: true }

export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const { dev = false, clock = systemClock, accept = async () => {}, keepsMessages = true } = options
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(deviceMigrations)
  const database = operations.database as unknown as Kysely<DeviceTables>
  const identity = createIdentity({
    database,
    clock,
    types: () => new Set(['air_conditioner']),
    ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
  })
  await identity.start()
  const { devices: registry, gateways } = identity
  const accepted: AcceptedMessage[] = []
  const states: string[] = []
  const take = async (message: AcceptedMessage): Promise<void> => {
    await accept(message)
    if (keepsMessages) accepted.push({ ...message, payload: Uint8Array.from(message.payload) })
  }
  const broker = createBroker({
    registry: identity,
    accept: take,
    openDoor: laneMode.isOn ? doorOver(take) : undefined,
    onState: (tenant, device, isOnline) => states.push(`${tenant}:${device} ${isOnline ? 'on' : 'off'}`),
    clock,
    log: silentLog,
    limits: { ...limits, ...options.limits },
    settings: { mqtt: { host: '127.0.0.1', port: 0 }, dev, tls: options.tls },
  })
  const { mqttPort: port, tlsPort } = await broker.start()
  const clients: MqttClient[] = []
  const sockets: Socket[] = []

  const connectAs = async (given: IClientOptions): Promise<MqttClient> => {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 5_000, ...given }, false)
    client.on('error', () => {})
    clients.push(client)
    return client
  }
  const stop = async (): Promise<void> => {
    for (const client of clients.splice(0)) await client.endAsync(true)
    for (const socket of sockets.splice(0)) socket.destroy()
    await broker.stop()
    await operations.close()
  }
  return {
    broker,
    identity,
    registry,
    gateways,
    port,
    tlsPort,
    accepted,
    states,
    async createDevice(device, tenant = 'home') {
      const [created] = await registry.create([{ tenant, device, type: 'air_conditioner' }])
      if (created === undefined) throw new Error('the registry created nothing')
      return created
    },
    connect: (device, given = {}) => connectAs({ ...loginOf(device), ...given }),
    connectAs,
    socket() {
      const socket = connectTcp(port, '127.0.0.1')
      socket.on('error', () => {})
      sockets.push(socket)
      return socket
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** A door as the journal gives it, over an `accept` that a test holds in its hand; messages of one moment end in one run. */
function doorOver(accept: (message: AcceptedMessage) => Promise<void>): OpenDoor {
  return (source, waiter) => ({
    accept(payload, receivedAtMs) {
      const end = (error: MendlineError | undefined): void => waiter.settled({ count: 1, payloadBytes: payload.length, waitedMs: 0, error })
      accept({ ...source, payload: Uint8Array.from(payload), received_at_ms: receivedAtMs }).then(
        () => end(undefined),
        (cause: unknown) => end(new MendlineError('MDL_JOURNAL_UNAVAILABLE', 'the journal cannot write', { cause })),
      )
      return undefined
    },
  })
}

/** Resolves when the condition holds; looks again at each turn of the loop and fails after `withinMs`. */
export async function eventually(condition: () => boolean, what: string, withinMs = 3_000): Promise<void> {
  const untilMs = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > untilMs) throw new Error(`did not happen in ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
