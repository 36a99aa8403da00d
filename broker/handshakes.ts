/**
 * TLS handshakes in order. A handshake costs the processor, so when a town has its power back they cannot all be worked on at one time: each
 * would be slow, and many would run into their deadline after the work was done. A socket waits here until its ClientHello is there whole and
 * its turn has come, address by address; the deadline of the handshake counts from its begin. A client that goes quiet inside the handshake
 * gives its place to the next after a short time and goes on beside, so that stalled ones keep nobody out; of those, too, there is a bound.
 */
import type { Duplex } from 'node:stream'
import type { Clock } from '#kernel/clock.ts'
import type { ErrorCode } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'

export interface Handshakes {
  /** Takes a socket of which nothing was read; it leaves by `over` or when it closes. */
  enter(socket: Duplex, address: string): void
  /** The handshake of the socket succeeded. */
  over(socket: Duplex): void
  /** Closes whatever waits or shakes hands. */
  stop(): void
}

export interface HandshakePorts {
  readonly clock: Clock
  readonly limits: Limits
  /** Begins the handshake; what was read lies in the socket's buffer again. */
  readonly begin: (socket: Duplex) => void
  /** Told before a socket is closed for breaking a rule. */
  readonly onRefused: (code: ErrorCode, reason: string, address: string) => void
}

interface Entry {
  readonly socket: Duplex
  readonly address: string
  state: 'silent' | 'waiting' | 'begun' | 'over'
  /** What came of the ClientHello. */
  hello: Buffer
  begunMs: number
  /** Ends the wait for the ClientHello. */
  cancel: () => void
}

/** Handshakes begun in one turn of the event loop, so that messages of others and alarms pass between them. */
const PER_TURN = 16
/** First byte of a TLS record of the handshake, and the bytes of its header (RFC 8446 section 5.1). */
const HANDSHAKE_RECORD = 0x16
const RECORD_HEADER_BYTES = 5
const NOTHING = Buffer.alloc(0)

export const createHandshakes = (ports: HandshakePorts): Handshakes => new HandshakeRoom(ports)

class HandshakeRoom implements Handshakes {
  readonly #ports: HandshakePorts
  readonly #entries = new Map<Duplex, Entry>()
  readonly #queue = createFairQueue()
  /** Begun and not yet slow, the oldest first. */
  readonly #working = new Set<Entry>()
  /** Begun, slow, and without a place, the oldest first. */
  readonly #stalled = new Set<Entry>()
  #isScheduled = false
  #cancelLook: (() => void) | undefined

  constructor(ports: HandshakePorts) {
    this.#ports = ports
  }

  enter(socket: Duplex, address: string): void {
    const { clock, limits } = this.#ports
    const entry: Entry = { socket, address, state: 'silent', hello: NOTHING, begunMs: 0, cancel: () => {} }
    // In a storm a ClientHello may lie in the socket unread when its time is over; sockets are read once more before the verdict.
    entry.cancel = clock.after(limits.connectDeadlineMs, () => setImmediate(() => this.#refuseSilent(entry)))
    this.#entries.set(socket, entry)
    // Reading on while it waits tells when a client gave up, so that no work is done for it.
    socket.on('data', (chunk: Buffer) => this.#receive(entry, chunk))
    socket.once('close', () => this.#leave(entry))
  }

  over(socket: Duplex): void {
    const entry = this.#entries.get(socket)
    if (entry !== undefined) this.#leave(entry)
  }

  stop(): void {
    this.#cancelLook?.()
    for (const socket of [...this.#entries.keys()]) socket.destroy()
  }

  #receive(entry: Entry, chunk: Buffer): void {
    const { limits } = this.#ports
    entry.hello = entry.hello.length === 0 ? chunk : Buffer.concat([entry.hello, chunk])
    const { hello } = entry
    if (hello[0] !== HANDSHAKE_RECORD) this.#refuse(entry, 'MDL_BROKER_PACKET_MALFORMED', 'not a TLS handshake')
    else if (hello.length > limits.clientHelloBytes_MAX) this.#refuse(entry, 'MDL_BROKER_PACKET_TOO_LARGE', 'ClientHello above the limit')
    else if (entry.state === 'silent' && isWholeRecord(hello)) {
      entry.cancel()
      entry.state = 'waiting'
      this.#queue.add(entry)
      this.#schedule()
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#queue.isEmpty()) return
    this.#isScheduled = true
    setImmediate(() => this.#beginSome())
  }

  #beginSome(): void {
    this.#isScheduled = false
    for (let begun = 0; begun < PER_TURN && !this.#queue.isEmpty(); begun++) {
      if (this.#working.size >= this.#ports.limits.handshakesInFlight_MAX && !this.#setOldestAside()) return
      const entry = this.#queue.take()
      if (entry !== undefined) this.#begin(entry)
    }
    this.#schedule()
  }

  #begin(entry: Entry): void {
    const { socket, hello } = entry
    entry.state = 'begun'
    entry.hello = NOTHING
    entry.begunMs = this.#ports.clock.monotonicMs()
    this.#working.add(entry)
    socket.removeAllListeners('data')
    socket.pause()
    socket.unshift(hello)
    this.#ports.begin(socket)
  }

  /** Frees the place of the oldest handshake when it is slow; otherwise looks again when it will be. */
  #setOldestAside(): boolean {
    const { clock, limits } = this.#ports
    const [oldest] = this.#working
    if (oldest === undefined) return false
    const leftMs = limits.handshakeStallMs - (clock.monotonicMs() - oldest.begunMs)
    if (leftMs > 0) {
      this.#cancelLook ??= clock.after(leftMs, () => {
        this.#cancelLook = undefined
        this.#schedule()
      })
      return false
    }
    this.#working.delete(oldest)
    this.#stalled.add(oldest)
    const victim = this.#stalled.size > limits.handshakesStalled_MAX ? oldestOfMost(this.#stalled) : undefined
    if (victim !== undefined) this.#refuse(victim, 'MDL_BROKER_TOO_SLOW', 'too many stalled TLS handshakes')
    return true
  }

  #refuseSilent(entry: Entry): void {
    if (entry.state === 'silent') this.#refuse(entry, 'MDL_BROKER_TOO_SLOW', 'no ClientHello in time')
  }

  #refuse(entry: Entry, code: ErrorCode, reason: string): void {
    this.#ports.onRefused(code, reason, entry.address)
    this.#leave(entry)
    entry.socket.destroy()
  }

  #leave(entry: Entry): void {
    if (entry.state === 'over') return
    if (entry.state === 'waiting') this.#queue.remove(entry)
    entry.state = 'over'
    entry.hello = NOTHING
    entry.cancel()
    this.#entries.delete(entry.socket)
    this.#stalled.delete(entry)
    if (this.#working.delete(entry)) this.#schedule()
  }
}

/** A ClientHello in more than one record is rare; its rest is waited for within the handshake. */
const isWholeRecord = (bytes: Buffer): boolean =>
  bytes.length >= RECORD_HEADER_BYTES && bytes.length >= RECORD_HEADER_BYTES + bytes.readUInt16BE(RECORD_HEADER_BYTES - 2)

/** First come, first served within an address, and the addresses take turns; bounded by the half-open sockets. */
function createFairQueue() {
  const lines = new Map<string, Set<Entry>>()
  return {
    isEmpty: (): boolean => lines.size === 0,
    add(entry: Entry): void {
      const line = lines.get(entry.address)
      if (line === undefined) lines.set(entry.address, new Set([entry]))
      else line.add(entry)
    },
    take(): Entry | undefined {
      for (const [address, line] of lines) {
        for (const entry of line) {
          line.delete(entry)
          lines.delete(address)
          if (line.size > 0) lines.set(address, line)
          return entry
        }
      }
      return undefined
    },
    remove(entry: Entry): void {
      const line = lines.get(entry.address)
      if (line?.delete(entry) === true && line.size === 0) lines.delete(entry.address)
    },
  }
}

/** The oldest of the address that has most of them. */
function oldestOfMost(stalled: ReadonlySet<Entry>): Entry | undefined {
  const counts = new Map<string, number>()
  for (const { address } of stalled) counts.set(address, (counts.get(address) ?? 0) + 1)
  const most = Math.max(...counts.values())
  for (const entry of stalled) if (counts.get(entry.address) === most) return entry
  return undefined
}
