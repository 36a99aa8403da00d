/**
 * Simulated devices as real MQTT clients: each device has its own connection and credentials, publishes in order at QoS 1 with a limit of
 * unacknowledged messages, keeps what was not acknowledged, and sends it again after a reconnect (store and forward). The last will says
 * that it is offline. Payloads come from a fleet or from anywhere else; times are real timers, since this stands outside the platform.
 */
import mqtt, { type MqttClient } from 'mqtt'

export interface DeviceCredentials {
  readonly username: string
  readonly clientId: string
  readonly password: string
}

export interface DeviceClientOptions {
  /** `mqtt://host:port`, `mqtts://...` or `ws://.../mqtt`. */
  readonly url: string
  readonly tenant: string
  /** Asked at each first connection of a device. */
  credentials(device: string): DeviceCredentials | Promise<DeviceCredentials>
  /** Connections at one time; devices above it are refused. */
  readonly connections_MAX?: number
  /** Connections being made at one time. */
  readonly connecting_MAX?: number
  /** Unacknowledged publishes of one device. */
  readonly inFlight_MAX?: number
  /** Messages that wait for one device; at the bound `publish` waits. */
  readonly queued_MAX?: number
  /** Called with each command that a device gets. */
  onCommand?(device: string, topic: string, payload: Uint8Array): void
}

export interface DeviceClientStatistics {
  readonly published: number
  readonly acknowledged: number
  readonly resent: number
  readonly reconnects: number
  readonly refused: number
  readonly connected: number
  /** Messages that wait or are in flight. */
  readonly pending: number
}

export interface DeviceClients {
  /** Takes a message for sending; resolves when it is queued (back-pressure), not when it is acknowledged. */
  publish(device: string, kind: 'tele' | 'event' | 'reported', payload: string | Uint8Array): Promise<void>
  /** Resolves when nothing is pending; rejects when that takes longer. */
  drain(timeoutMs: number): Promise<void>
  statistics(): DeviceClientStatistics
  /** Ends the connections as they are (`isAbrupt`: without DISCONNECT, so that last wills are sent). */
  close(isAbrupt?: boolean): Promise<void>
}

interface Entry {
  readonly topic: string
  readonly payload: string | Uint8Array
}

const DEFAULTS = { connections_MAX: 10_000, connecting_MAX: 32, inFlight_MAX: 64, queued_MAX: 2_000 }
const CONNECT_TIMEOUT_MS = 15_000
const RECONNECT_MS = 500

export function createDeviceClients(options: DeviceClientOptions): DeviceClients {
  const limits = { ...DEFAULTS, ...options }
  const counts = { published: 0, acknowledged: 0, resent: 0, reconnects: 0, refused: 0 }
  const devices = new Map<string, DeviceConnection>()
  const gate = createGate(limits.connecting_MAX)

  const deviceOf = (device: string): DeviceConnection => {
    const known = devices.get(device)
    if (known !== undefined) return known
    if (devices.size >= limits.connections_MAX) throw new RangeError(`more than ${limits.connections_MAX} devices`)
    const made = new DeviceConnection(device, options, { inFlight_MAX: limits.inFlight_MAX, queued_MAX: limits.queued_MAX }, counts, gate)
    devices.set(device, made)
    return made
  }
  const pending = (): number => [...devices.values()].reduce((sum, device) => sum + device.pending(), 0)

  return {
    publish: (device, kind, payload) => deviceOf(device).publish({ topic: `mend/v1/${options.tenant}/${device}/${kind}`, payload }),
    async drain(timeoutMs) {
      const limitMs = performance.now() + timeoutMs
      while (pending() > 0) {
        if (performance.now() > limitMs) throw new Error(`${pending()} messages unacknowledged after ${timeoutMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    statistics: () => ({ ...counts, pending: pending(), connected: [...devices.values()].filter((device) => device.isConnected()).length }),
    async close(isAbrupt = false) {
      await Promise.all([...devices.values()].map((device) => device.close(isAbrupt)))
      devices.clear()
    },
  }
}

type Counts = { -readonly [Name in 'published' | 'acknowledged' | 'resent' | 'reconnects' | 'refused']: number }

/** One device: a queue in order, and the messages that are in flight. */
class DeviceConnection {
  readonly #device: string
  readonly #options: DeviceClientOptions
  readonly #limits: { readonly inFlight_MAX: number; readonly queued_MAX: number }
  readonly #counts: Counts
  readonly #gate: Gate
  #client: MqttClient | undefined
  readonly #queue: Entry[] = []
  readonly #inFlight = new Set<Entry>()
  #waiting: Array<() => void> = []
  #isOnline = false
  #isClosed = false
  #connections = 0

  constructor(device: string, options: DeviceClientOptions, limits: { inFlight_MAX: number; queued_MAX: number }, counts: Counts, gate: Gate) {
    this.#device = device
    this.#options = options
    this.#limits = limits
    this.#counts = counts
    this.#gate = gate
    void this.#connect()
  }

  pending(): number {
    return this.#queue.length + this.#inFlight.size
  }

  isConnected(): boolean {
    return this.#isOnline
  }

  async publish(entry: Entry): Promise<void> {
    while (this.#queue.length >= this.#limits.queued_MAX && !this.#isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.#isClosed) throw new Error('the device is closed')
    this.#queue.push(entry)
    this.#counts.published += 1
    this.#pump()
  }

  async close(isAbrupt: boolean): Promise<void> {
    this.#isClosed = true
    this.#isOnline = false
    this.#release()
    await this.#client?.endAsync(isAbrupt)
  }

  async #connect(): Promise<void> {
    const leave = await this.#gate()
    if (this.#isClosed) return leave()
    const state = `mend/v1/${this.#options.tenant}/${this.#device}/state`
    let login: DeviceCredentials
    try {
      login = await this.#options.credentials(this.#device)
    } catch {
      this.#counts.refused += 1
      return leave()
    }
    const client = mqtt.connect(this.#options.url, {
      ...login,
      protocolVersion: 4,
      clean: true,
      resubscribe: false,
      queueQoSZero: false,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: RECONNECT_MS,
      keepalive: 60,
      will: { topic: state, payload: Buffer.from('{"online":false}'), qos: 1, retain: true },
    })
    this.#client = client
    const timer = setTimeout(leave, CONNECT_TIMEOUT_MS)
    client.on('connect', () => {
      clearTimeout(timer)
      leave()
      this.#online(client, state)
    })
    client.on('close', () => {
      this.#isOnline = false
    })
    client.on('error', () => {
      this.#counts.refused += 1
    })
    client.on('message', (topic, payload) => this.#options.onCommand?.(this.#device, topic, payload))
  }

  #online(client: MqttClient, state: string): void {
    if (this.#connections > 0) this.#counts.reconnects += 1
    this.#connections += 1
    // mqtt.js has sent what the broker had not acknowledged again, in order, before it says connect. Duplicates are the platform's to find.
    if (this.#connections > 1) this.#counts.resent += this.#inFlight.size
    this.#isOnline = true
    client.publish(state, '{"online":true}', { qos: 1, retain: true })
    if (this.#options.onCommand !== undefined) {
      const base = `mend/v1/${this.#options.tenant}/${this.#device}`
      client.subscribe([`${base}/cmd/+`, `${base}/desired`], { qos: 1 })
    }
    this.#pump()
  }

  #pump(): void {
    const client = this.#client
    if (client === undefined || !this.#isOnline) return
    while (this.#inFlight.size < this.#limits.inFlight_MAX) {
      const entry = this.#queue.shift()
      if (entry === undefined) break
      this.#inFlight.add(entry)
      client.publish(entry.topic, Buffer.from(entry.payload), { qos: 1 }, (error) => {
        if (error !== undefined && error !== null) return
        if (!this.#inFlight.delete(entry)) return
        this.#counts.acknowledged += 1
        this.#pump()
      })
    }
    if (this.#queue.length < this.#limits.queued_MAX) this.#release()
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** Lets `count` callers in at one time; the function it gives lets the next one in. */
type Gate = () => Promise<() => void>

function createGate(count: number): Gate {
  let free = count
  const waiting: Array<() => void> = []
  return async () => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    let hasLeft = false
    return () => {
      if (hasLeft) return
      hasLeft = true
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}
