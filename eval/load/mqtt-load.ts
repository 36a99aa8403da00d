/**
 * A lean load generator: MQTT 3.1.1 by hand on plain sockets, so that the client costs less than the server it measures. Each connection
 * is one device with its own credentials; it keeps a fixed number of QoS 1 publishes in flight and measures the time from write to PUBACK.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { connectPacket, payloadsOf, publishPacket, WAVE_STEPS } from './mqtt-bytes.ts'

export interface LoadDevice {
  readonly tenant: string
  readonly device: string
  readonly secret: string
}

export interface LoadOptions {
  readonly port: number
  readonly devices: readonly LoadDevice[]
  /** QoS 1 publishes in flight per connection. */
  readonly inFlight: number
  readonly messages: number
  /** Messages a second over all connections, or that at so many seconds from the begin; as fast as possible when absent. */
  readonly rate?: number | ((elapsedS: number) => number)
  /** Device time of the message with this sequence number of a device. */
  readonly observedAtMs?: (seq: number, device: number) => number
  /** First sequence number, or that of each device, so that runs against one server do not repeat keys. */
  readonly firstSeq?: number | readonly number[]
  /** Distinguishes the runs against one server. */
  readonly boot?: number
  /** Told when all connections stand and before the first publish. */
  readonly onConnected?: () => void
}

export interface LoadResult {
  readonly acknowledged: number
  readonly seconds: number
  readonly messagesPerS: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly payloadBytes: number
  /** Sequence number that comes next, of each device. */
  readonly nextSeq: readonly number[]
  /** What the client itself cost from the first publish to the last PUBACK. */
  readonly clientCpuSeconds: number
  /** A quantile of the waits of messages that were sent between two times from the begin. */
  readonly waitBetween: (fromS: number, toS: number, share: number) => number
}

/** Readings in one message of the load. */
export const READINGS_PER_MESSAGE = 8

const PUBACK = 0x40
const CONNACK = 0x20

/** Connects all devices, publishes all messages, disconnects. Rejects when a connection fails before all is acknowledged. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const payloads = payloadsOf(options.boot ?? 1)
  const connections = options.devices.map((device, index) => new Connection(device, options, payloads, { index }))
  await inGroups(connections, 100, (connection) => connection.open())
  options.onConnected?.()
  const cpuBefore = process.cpuUsage()
  const shared: Shared = {
    left: options.messages,
    waitsMs: new Float64Array(options.messages),
    sentMs: new Float64Array(options.messages),
    done: 0,
    startedMs: performance.now(),
    finish: () => {},
    fail: () => {},
  }
  const finished = new Promise<void>((resolve, reject) => {
    shared.finish = resolve
    shared.fail = reject
  })
  for (const connection of connections) connection.run(shared)
  const pacer = options.rate === undefined ? undefined : pace(connections, options.rate, shared)
  await finished
  clearInterval(pacer)
  const seconds = (performance.now() - shared.startedMs) / 1000
  for (const connection of connections) connection.close()
  const { user, system } = process.cpuUsage(cpuBefore)
  const sorted = shared.waitsMs.slice(0, shared.done).sort()
  const quantile = (share: number): number => quantileOf(sorted, share)
  return {
    acknowledged: shared.done,
    seconds,
    messagesPerS: shared.done / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
    clientCpuSeconds: (user + system) / 1e6,
    payloadBytes: payloads[0]?.length ?? 0,
    nextSeq: connections.map((connection) => connection.nextSeq),
    waitBetween: (fromS, toS, share) => {
      const isBetween = (_wait: number, index: number): boolean => {
        const atS = ((shared.sentMs[index] ?? 0) - shared.startedMs) / 1000
        return atS >= fromS && atS < toS
      }
      return quantileOf(shared.waitsMs.subarray(0, shared.done).filter(isBetween).sort(), share)
    },
  }
}

const quantileOf = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN

export interface StormResult {
  /** Until the last device was in. */
  readonly seconds: number
  /** Attempts that failed and were made again. */
  readonly repeated: number
  /** Connections that resumed a session of TLS. */
  readonly resumed: number
}

/**
 * All devices connect at once, each from an address of its own neighbourhood (127.0.0.2 and up), as homes do when power comes back; one that
 * is turned away tries again after a pause of 0.5 to 1.5 s. Rejects when one is not in after `withinMs`.
 */
export async function connectAtOnce(options: {
  port: number
  devices: readonly LoadDevice[]
  withinMs: number
  isTls?: boolean
  /** Tickets of TLS by device; those that it holds are shown, and it takes the new ones. */
  tickets?: Map<LoadDevice, Buffer>
}): Promise<StormResult> {
  const startedMs = performance.now()
  let repeated = 0
  const connections: Connection[] = []
  await Promise.all(
    options.devices.map(async (device, index) => {
      for (;;) {
        const connection = new Connection(device, { ...options, inFlight: 1, messages: 0 }, [], {
          index,
          localAddress: `127.0.0.${2 + (index % 200)}`,
        })
        const refused = await connection.open().then(
          () => undefined,
          (error: Error) => error,
        )
        if (refused === undefined) {
          connections.push(connection)
          return
        }
        if (performance.now() - startedMs > options.withinMs) throw refused
        repeated++
        await new Promise((resolve) => setTimeout(resolve, 500 + (index % 1_000)))
      }
    }),
  )
  const seconds = (performance.now() - startedMs) / 1000
  const resumed = connections.filter((connection) => connection.isResumed).length
  for (const connection of connections) connection.close()
  return { seconds, repeated, resumed }
}

/** Opens connections and holds them open, each publishing once in `periodMs`; the returned function ends them. */
export async function holdConnections(options: Omit<LoadOptions, 'messages' | 'inFlight'> & { readonly periodMs: number }): Promise<() => number> {
  const payloads = payloadsOf(options.boot ?? 1)
  const connections = options.devices.map((device, index) => new Connection(device, { ...options, messages: 0, inFlight: 1 }, payloads, { index }))
  await inGroups(connections, 50, (connection) => connection.open())
  const shared: Shared = {
    left: Number.POSITIVE_INFINITY,
    waitsMs: new Float64Array(0),
    sentMs: new Float64Array(0),
    done: 0,
    startedMs: performance.now(),
    finish: () => {},
    fail: () => {},
  }
  for (const connection of connections) connection.hold(shared)
  let next = 0
  // By the clock, not by the tick: a timer that comes late makes up for it.
  const timer = setInterval(() => {
    const due = ((performance.now() - shared.startedMs) * connections.length) / options.periodMs
    for (; next + 1 <= due; next++) connections[next % connections.length]?.publishOnce()
  }, 20)
  return () => {
    clearInterval(timer)
    for (const connection of connections) connection.close()
    return shared.done
  }
}

interface Shared {
  left: number
  done: number
  readonly waitsMs: Float64Array
  /** When each of them was sent. */
  readonly sentMs: Float64Array
  readonly startedMs: number
  finish: () => void
  fail: (error: Error) => void
}

type ConnectionOptions = LoadOptions & { readonly isTls?: boolean; readonly tickets?: Map<LoadDevice, Buffer> }

class Connection {
  isResumed = false
  readonly #device: LoadDevice
  readonly #options: ConnectionOptions
  readonly #localAddress: string | undefined
  /** Place in the list of devices. */
  readonly #index: number
  readonly #topic: Buffer
  readonly #payloads: readonly Buffer[]
  readonly #sentMs = new Map<number, number>()
  #socket: Socket | undefined
  #shared: Shared | undefined
  #seq: number
  #tokens = Number.POSITIVE_INFINITY
  #rest: Buffer = Buffer.alloc(0)
  #isClosed = false

  constructor(device: LoadDevice, options: ConnectionOptions, payloads: readonly Buffer[], place: { index: number; localAddress?: string }) {
    this.#localAddress = place.localAddress
    this.#index = place.index
    this.#device = device
    this.#payloads = payloads
    this.#options = options
    this.#topic = Buffer.from(`mend/v1/${device.tenant}/${device.device}/tele`)
    this.#seq = (typeof options.firstSeq === 'object' ? options.firstSeq[place.index] : options.firstSeq) ?? 1
  }

  get nextSeq(): number {
    return this.#seq
  }

  open(): Promise<void> {
    const name = `${this.#device.tenant}:${this.#device.device}`
    return new Promise((resolve, reject) => {
      const { port, isTls = false } = this.#options
      const where = { port, host: '127.0.0.1', noDelay: true, ...(this.#localAddress === undefined ? {} : { localAddress: this.#localAddress }) }
      const socket = isTls ? this.#connectTls(where) : connect(where)
      this.#socket = socket
      socket.once(isTls ? 'secureConnect' : 'connect', () => socket.write(connectPacket(name, this.#device.secret)))
      socket.once('data', (chunk) => {
        if (chunk[0] !== CONNACK || chunk[3] !== 0) {
          reject(new Error(`connection of ${name} refused with ${chunk[3]}`))
          return
        }
        socket.on('data', (data) => this.#receive(data))
        resolve()
      })
      socket.on('error', (error) => {
        reject(error)
        this.#shared?.fail(error)
      })
      socket.on('close', () => {
        reject(new Error(`connection of ${name} closed`))
        if (!this.#isClosed) this.#shared?.fail(new Error(`connection of ${name} closed`))
      })
    })
  }

  #connectTls(where: { port: number; host: string }): Socket {
    const { tickets } = this.#options
    const socket = connectTls({ ...where, rejectUnauthorized: false, session: tickets?.get(this.#device) })
    if (tickets !== undefined) socket.on('session', (ticket) => tickets.set(this.#device, ticket))
    socket.once('secureConnect', () => {
      this.isResumed = socket.isSessionReused()
    })
    return socket
  }

  run(shared: Shared): void {
    this.#shared = shared
    if (this.#options.rate !== undefined) this.#tokens = 0
    this.#fill()
  }

  hold(shared: Shared): void {
    this.#shared = shared
    this.#tokens = 0
  }

  publishOnce(): void {
    this.#tokens++
    this.#fill()
  }

  close(): void {
    this.#isClosed = true
    this.#socket?.end(Buffer.from([0xe0, 0]))
    this.#socket?.destroySoon()
  }

  #fill(): void {
    const shared = this.#shared
    if (shared === undefined) return
    const packets: Buffer[] = []
    const nowMs = performance.now()
    while (this.#sentMs.size < this.#options.inFlight && shared.left > 0 && this.#tokens > 0) {
      shared.left--
      this.#tokens--
      const seq = this.#seq++
      const id = (seq % 0xffff) + 1
      const observedAtMs = this.#options.observedAtMs?.(seq, this.#index) ?? Date.now()
      const body = this.#payloads[seq % WAVE_STEPS] ?? Buffer.alloc(0)
      packets.push(publishPacket(this.#topic, id, body, seq, observedAtMs))
      this.#sentMs.set(id, nowMs)
    }
    if (packets.length > 0) this.#socket?.write(packets.length === 1 ? (packets[0] ?? Buffer.alloc(0)) : Buffer.concat(packets))
  }

  #receive(chunk: Buffer): void {
    const shared = this.#shared
    if (shared === undefined) return
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let offset = 0
    const nowMs = performance.now()
    while (data.length - offset >= 4) {
      if (data[offset] === PUBACK) {
        const id = data.readUInt16BE(offset + 2)
        const sentMs = this.#sentMs.get(id)
        if (sentMs !== undefined) {
          this.#sentMs.delete(id)
          if (shared.done < shared.waitsMs.length) {
            shared.waitsMs[shared.done] = nowMs - sentMs
            shared.sentMs[shared.done] = sentMs
          }
          shared.done++
        }
        offset += 4
      } else offset += 2 + (data[offset + 1] ?? 0)
    }
    this.#rest = data.subarray(offset)
    if (shared.waitsMs.length > 0 && shared.done >= shared.waitsMs.length) shared.finish()
    else this.#fill()
  }
}

function pace(connections: readonly Connection[], rate: NonNullable<LoadOptions['rate']>, shared: Shared): NodeJS.Timeout {
  const rateAt = typeof rate === 'number' ? () => rate : rate
  let given = 0
  let owed = 0
  let lastS = 0
  return setInterval(() => {
    const nowS = (performance.now() - shared.startedMs) / 1000
    owed += (nowS - lastS) * rateAt(nowS)
    lastS = nowS
    for (; given + 1 <= owed; given++) connections[given % connections.length]?.publishOnce()
  }, 1)
}

async function inGroups<Item>(items: readonly Item[], size: number, act: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += size) await Promise.all(items.slice(start, start + size).map(act))
}
