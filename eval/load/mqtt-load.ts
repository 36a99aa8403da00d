/**
 * A lean load generator: MQTT 3.1.1 by hand on plain sockets, so that the client costs less than the server it measures. Each connection
 * is one device with its own credentials; it keeps a fixed number of QoS 1 publishes in flight and measures the time from write to PUBACK.
 */
import { connect, type Socket } from 'node:net'

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
  /** Messages a second over all connections; as fast as possible when absent. */
  readonly rate?: number
  /** Device time of message `index` of a device. */
  readonly observedAtMs?: (index: number) => number
  /** First sequence number, so that runs against one server do not repeat keys. */
  readonly firstSeq?: number
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
  /** What the client itself cost from the first publish to the last PUBACK. */
  readonly clientCpuSeconds: number
}

/** Readings in one message of the load. */
export const READINGS_PER_MESSAGE = 8

const PUBACK = 0x40
const CONNACK = 0x20

/** Connects all devices, publishes all messages, disconnects. Rejects when a connection fails before all is acknowledged. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const payloads = payloadsOf(options.boot ?? 1)
  const connections = options.devices.map((device) => new Connection(device, options, payloads))
  await inGroups(connections, 100, (connection) => connection.open())
  options.onConnected?.()
  const cpuBefore = process.cpuUsage()
  const shared: Shared = {
    left: options.messages,
    waitsMs: new Float64Array(options.messages),
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
  const sorted = shared.waitsMs.subarray(0, shared.done).sort()
  const quantile = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return {
    acknowledged: shared.done,
    seconds,
    messagesPerS: shared.done / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
    clientCpuSeconds: (user + system) / 1e6,
    payloadBytes: payloads[0]?.length ?? 0,
  }
}

/** Opens connections and holds them open, each publishing once in `periodMs`; the returned function ends them. */
export async function holdConnections(options: Omit<LoadOptions, 'messages' | 'inFlight'> & { readonly periodMs: number }): Promise<() => number> {
  const payloads = payloadsOf(options.boot ?? 1)
  const connections = options.devices.map((device) => new Connection(device, { ...options, messages: 0, inFlight: 1 }, payloads))
  await inGroups(connections, 50, (connection) => connection.open())
  const shared: Shared = {
    left: Number.POSITIVE_INFINITY,
    waitsMs: new Float64Array(0),
    done: 0,
    startedMs: performance.now(),
    finish: () => {},
    fail: () => {},
  }
  for (const connection of connections) connection.hold(shared)
  let next = 0
  const tickMs = 20
  const perTick = (connections.length * tickMs) / options.periodMs
  let owed = 0
  const timer = setInterval(() => {
    for (owed += perTick; owed >= 1; owed--) connections[next++ % connections.length]?.publishOnce()
  }, tickMs)
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
  readonly startedMs: number
  finish: () => void
  fail: (error: Error) => void
}

class Connection {
  readonly #device: LoadDevice
  readonly #options: LoadOptions
  readonly #topic: Buffer
  readonly #payloads: readonly Buffer[]
  readonly #sentMs = new Map<number, number>()
  #socket: Socket | undefined
  #shared: Shared | undefined
  #seq: number
  #tokens = Number.POSITIVE_INFINITY
  #rest: Buffer = Buffer.alloc(0)
  #isClosed = false

  constructor(device: LoadDevice, options: LoadOptions, payloads: readonly Buffer[]) {
    this.#device = device
    this.#payloads = payloads
    this.#options = options
    this.#topic = Buffer.from(`mend/v1/${device.tenant}/${device.device}/tele`)
    this.#seq = options.firstSeq ?? 1
  }

  open(): Promise<void> {
    const name = `${this.#device.tenant}:${this.#device.device}`
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.#options.port, host: '127.0.0.1', noDelay: true })
      this.#socket = socket
      socket.once('connect', () => socket.write(connectPacket(name, this.#device.secret)))
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
      const observedAtMs = this.#options.observedAtMs?.(seq) ?? Date.now()
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
          if (shared.done < shared.waitsMs.length) shared.waitsMs[shared.done] = nowMs - sentMs
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

function pace(connections: readonly Connection[], rate: number, shared: Shared): NodeJS.Timeout {
  let given = 0
  return setInterval(() => {
    const owed = Math.floor(((performance.now() - shared.startedMs) / 1000) * rate)
    for (; given < owed; given++) connections[given % connections.length]?.publishOnce()
  }, 1)
}

async function inGroups<Item>(items: readonly Item[], size: number, act: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += size) await Promise.all(items.slice(start, start + size).map(act))
}

/** Digits that a packet keeps free for its sequence number; JSON allows the spaces that pad it. */
const SEQ_DIGITS = 8
const TIME_DIGITS = 13
const WAVE_STEPS = 126

/** About 270 bytes: eight readings of an air conditioner that wander with the step; time and sequence number are filled in later. */
function payload(step: number, boot: number): string {
  const wave = Math.sin(step / 20)
  return (
    `{"ts":${' '.repeat(TIME_DIGITS)},"seq":${' '.repeat(SEQ_DIGITS)},"boot":${boot},"fw":"1.4.2","v":{"outdoor_temperature_c":${(31 + wave).toFixed(1)},` +
    `"room_temperature_c":${(25.5 + wave / 4).toFixed(1)},"discharge_temperature_c":${(71.2 + 3 * wave).toFixed(1)},` +
    `"suction_temperature_c":${(11 + wave).toFixed(1)},"compressor_frequency_hz":${Math.round(54 + 8 * wave)},` +
    `"compressor_current_a":${(4.2 + wave / 2).toFixed(2)},"power_w":${Math.round(905 + 60 * wave)},"mains_voltage_v":${(231 + wave).toFixed(1)}}}`
  )
}

/** The payloads of a run, made once: a message then costs the client one copy and some digits. */
function payloadsOf(boot: number): readonly Buffer[] {
  return Array.from({ length: WAVE_STEPS }, (_, step) => Buffer.from(payload(step, boot)))
}

/** Writes `value` with its last digit before `end`. */
function writeDigits(into: Buffer, value: number, end: number): void {
  let rest = value
  let at = end
  do {
    at--
    const tens = Math.floor(rest / 10)
    into[at] = 0x30 + rest - tens * 10
    rest = tens
  } while (rest > 0)
}

function connectPacket(name: string, secret: string): Buffer {
  const fields = [name, name, secret].map((field) => Buffer.from(field))
  const [clientId, user, password] = fields.map((field) => Buffer.concat([Buffer.from([field.length >> 8, field.length & 0xff]), field]))
  const header = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0xc2, 0x0e, 0x10])
  const body = Buffer.concat([header, clientId ?? header, user ?? header, password ?? header])
  return Buffer.concat([Buffer.from([0x10]), remainingLength(body.length), body])
}

/** A QoS 1 PUBLISH; packet id, time and sequence number are the message's own, the rest is copied. */
function publishPacket(topic: Buffer, id: number, body: Buffer, seq: number, observedAtMs: number): Buffer {
  const header = remainingLength(4 + topic.length + body.length)
  const packet = Buffer.allocUnsafe(1 + header.length + 4 + topic.length + body.length)
  packet[0] = 0x32
  packet.set(header, 1)
  let at = 1 + header.length
  at = packet.writeUInt16BE(topic.length, at)
  packet.set(topic, at)
  at = packet.writeUInt16BE(id, at + topic.length)
  packet.set(body, at)
  const timeEnd = at + '{"ts":'.length + TIME_DIGITS
  writeDigits(packet, observedAtMs, timeEnd)
  writeDigits(packet, seq, timeEnd + ',"seq":'.length + SEQ_DIGITS)
  return packet
}

function remainingLength(length: number): Buffer {
  const bytes: number[] = []
  for (let rest = length; ; ) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 0x80 : low)
    if (rest === 0) return Buffer.from(bytes)
  }
}
