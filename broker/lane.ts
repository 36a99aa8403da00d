/**
 * The fast lane: a QoS 1 publish of telemetry or an event by a device that the connection speaks for needs nothing of a broker, so it goes
 * from the byte guard straight into the journal, and its PUBACK straight to the socket. The topic is compared as bytes with topics that
 * were judged before; whatever is not taken here goes to Aedes, which remains the reference (`mqtt.fast_lane: false` sends all there).
 * PUBACKs keep the order of the publishes: while one is with Aedes, the next ones go there, too.
 */
import type { MessageKind } from '#kernel/accepted-message.ts'
import type { EpochMs } from '#kernel/clock.ts'
import type { ErrorCode } from '#kernel/errors.ts'
import type { CommitRun, CommitWaiter, IngestDoor, OpenDoor } from '#kernel/ingest-door.ts'
import type { Limits } from '#kernel/limits.ts'
import type { ConnectionFlow } from './flow.ts'
import type { DeviceFacts, Principal } from './principal.ts'
import type { BrokerCounters } from './statistics.ts'
import { decidePublish } from './topics.ts'

export interface LanePorts {
  readonly openDoor: OpenDoor
  readonly counters: BrokerCounters
  readonly limits: Limits
  /** Counts a refusal. */
  readonly refuse: (code: ErrorCode, reason: string, who: string) => unknown
  /** True when somebody may have subscribed to telemetry (`--dev`): then Aedes must see it. */
  readonly isHeard: () => boolean
}

/** The connection as the lane sees it. */
export interface LaneConnection {
  readonly name: string
  readonly principal: Exclude<Principal, { readonly kind: 'anonymous' }>
  readonly flow: ConnectionFlow
  /** Writes PUBACKs behind what was written before; the bytes are the lane's again when it returns. */
  readonly acknowledge: (pubacks: Buffer) => void
  /** Told when nothing of the lane waits for its PUBACK any more. */
  readonly onIdle: () => void
  /** Closes the connection without PUBACK. */
  readonly abort: () => void
  /** Tells Aedes that the client is alive. */
  readonly keepAlive: () => void
  /** Told of each message of a gateway, since its devices have no connection of their own that says that they are there. */
  readonly onHeard: ((device: string) => void) | undefined
}

/** Makes the lanes of connections; PUBACKs of one commit are written once a connection. */
export function createLanes(ports: LanePorts): (connection: LaneConnection) => Lane {
  const dirty: Lane[] = []
  const flush = (): void => {
    for (const lane of dirty.splice(0)) lane.flush()
  }
  const markDirty = (lane: Lane): void => {
    if (dirty.length === 0) queueMicrotask(flush)
    dirty.push(lane)
  }
  return (connection) => new Lane(connection, ports, markDirty)
}

/** PUBLISH at QoS 1; DUP and RETAIN may be set and change nothing for telemetry. */
const HEADER_MASK = 0xf6
const PUBLISH_QOS1 = 0x32
const KINDS: ReadonlySet<MessageKind> = new Set(['tele', 'event'])
/** Aedes hears of life this often; a third of the shortest tolerance that it grants (1.5 times a keepalive of 1 s, less that second). */
const KEEPALIVE_EVERY_MS = 160

/** Ids of written PUBACKs that may stand before those that wait, so that they are not moved at each commit. */
const IDS_KEPT = 512

interface Target {
  readonly topic: Buffer
  readonly device: string
  readonly facts: DeviceFacts
  readonly door: IngestDoor
}

export class Lane implements CommitWaiter {
  /** Time of receipt of what is taken now; set by the guard for each chunk. */
  receivedAtMs = 0 as EpochMs
  /** Publishes above QoS 0 that Aedes has and has not acknowledged. */
  elsewhere = 0
  readonly #connection: LaneConnection
  readonly #ports: LanePorts
  readonly #markDirty: (lane: Lane) => void
  /** Judged topics by their bytes as latin1; at most two a device. */
  readonly #targets = new Map<string, Target>()
  #last: Target | undefined
  /** Packet ids that wait, in order, up to `#takenIds`; those before `#settledIds` are settled, those before `#writtenIds` have their PUBACK. */
  readonly #ids: number[] = []
  #takenIds = 0
  #settledIds = 0
  #writtenIds = 0
  #keptAliveMs = 0

  constructor(connection: LaneConnection, ports: LanePorts, markDirty: (lane: Lane) => void) {
    this.#connection = connection
    this.#ports = ports
    this.#markDirty = markDirty
  }

  /** Nothing waits for its commit or its PUBACK. */
  get isIdle(): boolean {
    return this.#writtenIds === this.#takenIds
  }

  /** Takes the packet that begins at `from` when it is whole before `to` and telemetry of a known owner; gives its end, or -1 when it is for Aedes. */
  take(bytes: Buffer, from: number, to = bytes.length): number {
    if (((bytes[from] ?? 0) & HEADER_MASK) !== PUBLISH_QOS1 || this.elsewhere > 0 || this.#ports.isHeard()) return -1
    let at = from + 1
    let bodyBytes = 0
    for (let shift = 0; ; shift += 7) {
      const digit = at < to ? bytes[at++] : undefined
      if (digit === undefined || shift > 21) return -1
      bodyBytes |= (digit & 0x7f) << shift
      if (digit < 0x80) break
    }
    const end = at + bodyBytes
    if (end > to || end - from > this.#ports.limits.packetBytes_MAX || bodyBytes < 4) return -1
    const topicAt = at + 2
    const idAt = topicAt + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0))
    if (idAt + 2 > end) return -1
    const id = ((bytes[idAt] ?? 0) << 8) | (bytes[idAt + 1] ?? 0)
    const target = id === 0 ? undefined : this.#targetOf(bytes, topicAt, idAt)
    if (target === undefined) return -1
    this.#accept(target, id, bytes.subarray(idAt + 2, end))
    return end
  }

  settled({ count, payloadBytes, error }: CommitRun): void {
    const { counters, refuse } = this.#ports
    const { flow, name, abort } = this.#connection
    this.#settledIds += count
    if (error === undefined) {
      counters.accepted(count)
      this.#markDirty(this)
    } else {
      for (let refused = 0; refused < count; refused++) refuse('MDL_JOURNAL_UNAVAILABLE', 'the journal cannot write', name)
      abort()
    }
    flow.ended(payloadBytes, count)
  }

  /** Writes the PUBACKs of what was settled. */
  flush(): void {
    const count = this.#settledIds - this.#writtenIds
    if (count === 0) return
    const pubacks = roomFor(count)
    for (let index = 0; index < count; index++) {
      const id = this.#ids[this.#writtenIds + index] ?? 0
      pubacks[4 * index] = 0x40
      pubacks[4 * index + 1] = 2
      pubacks[4 * index + 2] = id >>> 8
      pubacks[4 * index + 3] = id & 0xff
    }
    this.#writtenIds = this.#settledIds
    if (this.isIdle || this.#writtenIds >= IDS_KEPT) this.#forgetWritten()
    this.#connection.acknowledge(pubacks)
    if (this.isIdle) this.#connection.onIdle()
  }

  /** The array keeps its length: one that is emptied and filled again for each message would be made anew each time. */
  #forgetWritten(): void {
    const written = this.#writtenIds
    if (written < this.#takenIds) this.#ids.copyWithin(0, written, this.#takenIds)
    this.#takenIds -= written
    this.#settledIds -= written
    this.#writtenIds = 0
  }

  #accept(target: Target, id: number, payload: Buffer): void {
    const { counters, refuse } = this.#ports
    const { flow, name, keepAlive, abort, onHeard } = this.#connection
    const nowMs = this.receivedAtMs
    if (Math.abs(nowMs - this.#keptAliveMs) >= KEEPALIVE_EVERY_MS) {
      this.#keptAliveMs = nowMs
      keepAlive()
    }
    counters.published(1)
    const refused = target.door.accept(payload, nowMs)
    if (refused === undefined) {
      this.#ids[this.#takenIds++] = id
      flow.began(payload.length)
      onHeard?.(target.device)
    } else {
      refuse('MDL_JOURNAL_UNAVAILABLE', refused.message, name)
      abort()
    }
  }

  #targetOf(bytes: Buffer, from: number, to: number): Target | undefined {
    let target = this.#last
    if (target === undefined || !isTopic(target.topic, bytes, from, to)) {
      const topic = bytes.toString('latin1', from, to)
      target = this.#targets.get(topic) ?? this.#judge(topic)
      if (target === undefined) return undefined
    }
    this.#last = target
    // Asked each time, for what a gateway speaks for may change while it is connected.
    if (this.#connection.principal.devices.get(target.device) === target.facts) return target
    this.#last = undefined
    this.#targets.delete(target.topic.toString('latin1'))
    return undefined
  }

  /** Asks once what Aedes's way asks for each message. A topic of other than ASCII bytes is not one of ours, so latin1 will do. */
  #judge(topic: string): Target | undefined {
    const { principal } = this.#connection
    const decision = decidePublish(principal, { topic, qos: 1, isDev: false })
    if (decision.kind !== 'accept' || !KINDS.has(decision.uplink.kind)) return undefined
    const { device } = decision.uplink
    const facts = principal.devices.get(device)
    if (facts === undefined) return undefined
    // All of the uplink: a form that the record did not name would be read as the contract's JSON.
    const door = this.#ports.openDoor({ ...decision.uplink, type: facts.type, maxAgeDays: facts.maxAgeDays }, this)
    const target = { topic: Buffer.from(topic, 'latin1'), device, facts, door }
    this.#targets.set(topic, target)
    return target
  }
}

/** Room of one PUBACK, which most flushes are; the connection keeps nothing of it. */
const ONE_PUBACK = Buffer.allocUnsafeSlow(4)
const roomFor = (count: number): Buffer => (count === 1 ? ONE_PUBACK : Buffer.allocUnsafe(4 * count))

/** From the end, where topics of one tenant differ. */
function isTopic(topic: Buffer, bytes: Buffer, from: number, to: number): boolean {
  const length = to - from
  if (topic.length !== length) return false
  for (let index = length - 1; index >= 0; index--) if (topic[index] !== bytes[from + index]) return false
  return true
}
