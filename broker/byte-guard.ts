/**
 * The byte guard stands between a socket and the MQTT parser, which has no limits of its own. It passes on whole, well-formed packets
 * under a size limit and in time, holds everything behind CONNECT until the login is over, and slows its reading where a device sends
 * too fast or the journal falls behind. A stream that breaks a rule is closed and counted by its code; nothing of it reaches the parser.
 * Telemetry of a logged-in device leaves here by the fast lane (`lane.ts`); the parser and Aedes behind it see the rest.
 */
import { Duplex } from 'node:stream'
import type { Clock } from '#kernel/clock.ts'
import type { ErrorCode } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Ticket } from './admission.ts'
import type { ConnectionFlow, Flow } from './flow.ts'
import type { Lane } from './lane.ts'
import { checkPacket } from './packet-check.ts'
import { PacketGatherer } from './packet-gatherer.ts'
import { type PlainSocket, plainSocketOf } from './plain-socket.ts'
import type { TokenBucket } from './token-bucket.ts'
import { isContractTopic } from './topics.ts'

export interface ByteGuardPorts {
  /** Socket, TLS socket or WebSocket stream. */
  readonly source: Duplex
  readonly ticket: Ticket
  readonly flow: Flow
  readonly clock: Clock
  readonly limits: Limits
  /** Told once, before the stream is closed for breaking a rule. */
  readonly onRefused: (code: ErrorCode, reason: string) => void
}

/** CONNACK with return code 1, unacceptable protocol level: what a client of MQTT 5 understands as "use 4". */
const WRONG_LEVEL = Buffer.from([0x20, 0x02, 0x00, 0x01])
/** CONNACK with return code 2: an empty client id cannot name a session that stays (MQTT-3.1.3-8). */
const NO_IDENTIFIER = Buffer.from([0x20, 0x02, 0x00, 0x02])
/** What may come first, and only first. */
const CONNECTS: ReadonlySet<string> = new Set(['connect', 'wrong_level', 'no_identifier'])
const NOTHING = Buffer.alloc(0)
const DISCONNECT = 0xe0

export class ByteGuard extends Duplex {
  readonly flow: ConnectionFlow
  readonly #ports: ByteGuardPorts
  readonly #gatherer: PacketGatherer
  #phase: 'silent' | 'login' | 'open' | 'closing' = 'silent'
  #bucket: TokenBucket | undefined
  #lane: Lane | undefined
  /** The source once more where it is a TCP socket that can be read and written past its stream. */
  readonly #plain: PlainSocket | undefined
  #isPaused = false
  /** A DISCONNECT behind telemetry whose PUBACKs are still to be written. */
  #farewell: Buffer | undefined
  /** Bytes that arrived and may not be looked at yet. */
  #left: Buffer = NOTHING
  #isFull = false
  #isThrottled = false
  #isSourceEnded = false
  #isAdvancing = false
  /** When the packet began that is not whole yet. */
  #partialSinceMs: number | undefined
  readonly #timers = new Map<'connect' | 'packet' | 'throttle' | 'farewell', () => void>()

  constructor(ports: ByteGuardPorts) {
    super({ allowHalfOpen: true, readableHighWaterMark: 16 * 1024, writableHighWaterMark: 64 * 1024 })
    this.#ports = ports
    const { source, limits } = ports
    this.#gatherer = new PacketGatherer(() => (this.#phase === 'silent' ? limits.packetBytesBeforeLogin_MAX : limits.packetBytes_MAX))
    this.flow = ports.flow.open(() => this.#advance())
    // In a storm a CONNECT may lie in the socket unread when its time is over; sockets are read once more before the verdict.
    this.#arm('connect', limits.connectDeadlineMs, () => setImmediate(() => this.#refuseSilent()))
    this.#plain = plainSocketOf(source)
    source.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#plain?.read((bytes, length) => this.#receiveShared(bytes, length))
    source.on('end', () => {
      this.#isSourceEnded = true
      this.#advance()
    })
    source.on('error', () => this.destroy())
    source.on('close', () => {
      if (!this.#isSourceEnded) this.destroy()
    })
  }

  /** Opens the stream behind an accepted CONNECT; from now on `bucket` paces the publishes, and `lane` takes the telemetry. */
  loggedIn(bucket: TokenBucket, lane: Lane | undefined): void {
    if (this.#phase !== 'login') return
    this.#phase = 'open'
    this.#bucket = bucket
    this.#lane = lane
    this.#ports.ticket.loggedIn()
    this.#advance()
  }

  /** Writes PUBACKs of the lane behind what Aedes wrote; the bytes are the caller's again when it returns. */
  acknowledge(pubacks: Buffer): void {
    const { source, limits } = this.#ports
    if (this.destroyed || this.#phase !== 'open' || !source.writable) return
    if (this.writableLength > 0) this.write(Buffer.from(pubacks))
    else if (source.writableLength > limits.socketBufferBytes_MAX) this.#refuse('MDL_BROKER_TOO_SLOW', 'does not read')
    else if (this.#plain === undefined) source.write(Buffer.from(pubacks))
    else this.#plain.write(pubacks)
  }

  /** Lets Aedes write the PUBACK of a publish that went to it, behind those that the lane owes. */
  acknowledgeElsewhere(write: () => void): void {
    this.#lane?.flush()
    write()
    if (this.#lane !== undefined) this.#lane.elsewhere--
  }

  /** Everything that the lane took has its PUBACK. */
  laneIsIdle(): void {
    if (this.#farewell === undefined || this.destroyed) return
    this.push(this.#farewell)
    this.#farewell = undefined
    this.#advance()
  }

  override _read(): void {
    this.#isFull = false
    this.#advance()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(chunk, done)
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, done: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#ports.source.end()
    done()
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    const { source, ticket, clock, limits } = this.#ports
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    this.#left = NOTHING
    this.flow.close()
    ticket.end()
    if (this.#phase === 'closing' || source.destroyed) source.destroy()
    else {
      // What was written last (a refusing CONNACK, a PUBACK) still goes out.
      const cancel = clock.after(limits.farewellMs, () => source.destroy())
      source.end(() => {
        cancel()
        source.destroy()
      })
    }
    done(null)
  }

  #receive(chunk: Buffer): void {
    if (this.#phase === 'closing') return
    this.#left = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk])
    this.#advance()
  }

  /** The same for bytes that are overwritten after the call: what the lane does not take is copied. */
  #receiveShared(bytes: Buffer, length: number): boolean {
    if (this.#phase === 'closing') return true
    const lane = this.#lane
    let from = 0
    if (lane !== undefined && this.#left.length === 0 && !this.#gatherer.isPartial && !this.#isAdvancing) {
      lane.receivedAtMs = this.#ports.clock.now()
      from = this.#takeFrom(lane, bytes, { from, to: length })
      if (from === length) {
        this.#readOn()
        return !this.#isPaused
      }
    }
    this.#receive(Buffer.from(bytes.subarray(from, length)))
    return !this.#isPaused
  }

  /** Takes as many packets out of what arrived as may go on now, then reads on or waits. */
  #advance(): void {
    if (this.#isAdvancing || this.destroyed || this.#phase === 'closing') return
    this.#isAdvancing = true
    if (this.#lane !== undefined) this.#lane.receivedAtMs = this.#ports.clock.now()
    while (this.#left.length > 0 && this.#mayGo()) {
      if (this.#lane !== undefined && !this.#gatherer.isPartial && this.#takeTelemetry(this.#lane)) continue
      const { fault, left } = this.#gatherer.push(this.#left, (packet) => this.#pass(packet))
      this.#left = left ?? NOTHING
      if (fault === 'too_large') this.#refuse('MDL_BROKER_PACKET_TOO_LARGE', 'packet above the limit')
      if (fault === 'malformed') this.#refuse('MDL_BROKER_PACKET_MALFORMED', 'remaining length')
    }
    this.#isAdvancing = false
    this.#readOn()
  }

  #readOn(): void {
    if (this.destroyed || this.#isClosing()) return
    const mayRead = this.#left.length === 0 && this.#mayGo()
    this.#watchPartial(mayRead)
    if (mayRead && this.#isSourceEnded) this.push(null)
    else if (mayRead === this.#isPaused) {
      this.#isPaused = !mayRead
      if (mayRead) this.#ports.source.resume()
      else this.#ports.source.pause()
    }
  }

  /** Hands what lies whole at the front to the lane, as far as it goes; false when the first packet is not for it. */
  #takeTelemetry(lane: Lane): boolean {
    const bytes = this.#left
    const offset = this.#takeFrom(lane, bytes, { from: 0, to: bytes.length })
    if (offset === 0) return false
    this.#left = offset === bytes.length ? NOTHING : bytes.subarray(offset)
    return true
  }

  /** Gives where the lane stopped. */
  #takeFrom(lane: Lane, bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }): number {
    let offset = from
    while (offset < to && this.#mayGo()) {
      const end = lane.take(bytes, offset, to)
      if (end < 0) break
      this.#pace(end - offset)
      offset = end
    }
    return offset
  }

  /** Asked anew where a packet passed meanwhile may have changed the phase. */
  #isClosing(): boolean {
    return this.#phase === 'closing'
  }

  #mayGo(): boolean {
    const isOpen = this.#phase === 'silent' || this.#phase === 'open'
    return isOpen && !this.#isFull && !this.#isThrottled && this.#farewell === undefined && !this.destroyed && this.flow.mayRead()
  }

  /** Checks one whole packet and hands it on; false when nothing may follow for now. */
  #pass(packet: Buffer): boolean {
    this.#partialSinceMs = undefined
    if (this.#lane !== undefined && this.#lane.take(packet, 0, packet.length) === packet.length) {
      this.#pace(packet.length)
      return false
    }
    const checked = checkPacket(packet)
    const isFirst = this.#phase === 'silent'
    if (checked.kind === 'malformed') return this.#refuse('MDL_BROKER_PACKET_MALFORMED', checked.reason)
    if (isFirst !== CONNECTS.has(checked.kind)) {
      return this.#refuse('MDL_BROKER_PACKET_MALFORMED', isFirst ? 'first packet is not CONNECT' : 'second CONNECT')
    }
    if (checked.kind === 'wrong_level') return this.#refuseConnect(WRONG_LEVEL, 'protocol level is not 4')
    if (checked.kind === 'no_identifier') return this.#refuseConnect(NO_IDENTIFIER, 'no client id for a session that stays')
    if (checked.kind === 'connect') return this.#beginLogin(packet)
    if (checked.kind === 'subscribe') {
      if (checked.filters.length > this.#ports.limits.filtersPerSubscribe_MAX) return this.#refuse('MDL_BROKER_TOO_MANY', 'filters in one SUBSCRIBE')
      // Aedes says in SUBACK what was asked for, so the request itself is lowered to QoS 1.
      for (const { filter, qosAt } of checked.filters) if (isContractTopic(filter) && packet[qosAt] === 2) packet[qosAt] = 1
    }
    if (checked.kind === 'publish') this.#pace(packet.length)
    if (this.#lane === undefined) {
      this.#isFull = !this.push(packet)
      return this.#mayGo()
    }
    // With a lane each packet is looked at anew, so this one goes alone.
    if (checked.kind === 'publish' && ((packet[0] ?? 0) & 0x06) !== 0) this.#lane.elsewhere++
    if (packet[0] === DISCONNECT && !this.#lane.isIdle) this.#farewell = packet
    else this.#isFull = !this.push(packet)
    return false
  }

  #refuseSilent(): void {
    if (this.#phase === 'silent') this.#refuse('MDL_BROKER_TOO_SLOW', 'no CONNECT in time')
  }

  #beginLogin(connect: Buffer): boolean {
    this.#phase = 'login'
    this.#disarm('connect')
    this.#ports.ticket.login(() => {
      if (!this.destroyed) this.push(connect)
    })
    return false
  }

  #pace(bytes: number): void {
    const waitMs = this.#bucket?.take(Math.ceil(bytes / this.#ports.limits.publishTokenBytes)) ?? 0
    if (waitMs === 0) return
    this.#isThrottled = true
    this.#arm('throttle', Math.max(waitMs, 1), () => {
      this.#isThrottled = false
      this.#advance()
    })
  }

  /** A packet must be whole in time, counted while the socket is read. */
  #watchPartial(isReading: boolean): void {
    const { clock, limits } = this.#ports
    if (!isReading || !this.#gatherer.isPartial) {
      this.#partialSinceMs = undefined
      return
    }
    this.#partialSinceMs ??= clock.monotonicMs()
    if (this.#timers.has('packet')) return
    this.#arm('packet', limits.packetDeadlineMs - (clock.monotonicMs() - this.#partialSinceMs), () => {
      if (this.#partialSinceMs === undefined) return
      if (clock.monotonicMs() - this.#partialSinceMs >= limits.packetDeadlineMs) this.#refuse('MDL_BROKER_TOO_SLOW', 'packet not whole in time')
      else this.#watchPartial(true)
    })
  }

  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    const { source, limits } = this.#ports
    if (!source.writable) done()
    else if (source.writableLength + this.writableLength > limits.socketBufferBytes_MAX) this.#refuse('MDL_BROKER_TOO_SLOW', 'does not read')
    else if (source.write(bytes)) done()
    else source.once('drain', () => done())
  }

  #refuse(code: ErrorCode, reason: string): false {
    if (this.#phase === 'closing' || this.destroyed) return false
    this.#phase = 'closing'
    this.#ports.onRefused(code, reason)
    this.destroy()
    return false
  }

  #refuseConnect(answer: Buffer, reason: string): false {
    const { source, limits, onRefused } = this.#ports
    this.#phase = 'closing'
    onRefused('MDL_BROKER_PACKET_MALFORMED', reason)
    source.end(answer)
    source.resume()
    this.#arm('farewell', limits.farewellMs, () => this.destroy())
    return false
  }

  #arm(name: 'connect' | 'packet' | 'throttle' | 'farewell', afterMs: number, task: () => void): void {
    this.#disarm(name)
    this.#timers.set(
      name,
      this.#ports.clock.after(afterMs, () => {
        this.#timers.delete(name)
        task()
      }),
    )
  }

  #disarm(name: 'connect' | 'packet' | 'throttle' | 'farewell'): void {
    this.#timers.get(name)?.()
    this.#timers.delete(name)
  }
}
