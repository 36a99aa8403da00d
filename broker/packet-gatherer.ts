/**
 * Cuts a stream of bytes into whole MQTT packets. A packet that lies whole in one chunk is passed on without copying; the rest is kept
 * in a buffer that grows with what has arrived, never with what a header announces. The result does not depend on how the stream was
 * split. It knows lengths only; what is in a packet is `packet-check.ts`.
 */

/** Why a stream cannot be cut further. */
export type GatherFault = 'too_large' | 'malformed'

/** What stands at the begin of a packet: lengths in bytes, `undefined` when more bytes are needed, or the fault. */
type Header = { readonly headerBytes: number; readonly bodyBytes: number } | GatherFault | undefined

const FIRST_BUFFER_BYTES = 256

export class PacketGatherer {
  readonly #limitBytes: () => number
  #rest: Buffer = Buffer.alloc(0)
  #restBytes = 0

  /** `limitBytes` is asked at each header, so that it may change at login. */
  constructor(limitBytes: () => number) {
    this.#limitBytes = limitBytes
  }

  /** True while a packet has begun and not ended. */
  get isPartial(): boolean {
    return this.#restBytes > 0
  }

  /**
   * Takes one chunk and gives each whole packet to `onPacket` in order. `onPacket` returns false to stop; then the bytes behind that
   * packet are returned as `left` and given to `push` again later. After a fault the stream is lost.
   */
  push(chunk: Buffer, onPacket: (packet: Buffer) => boolean): { fault?: GatherFault; left?: Buffer } {
    let offset = 0
    while (offset < chunk.length) {
      const step = this.#restBytes > 0 ? this.#continue(chunk, offset) : this.#begin(chunk, offset)
      if (typeof step === 'string') return { fault: step }
      offset = step.offset
      if (step.packet !== undefined && !onPacket(step.packet)) return offset < chunk.length ? { left: chunk.subarray(offset) } : {}
    }
    return {}
  }

  #begin(chunk: Buffer, offset: number): GatherFault | { offset: number; packet?: Buffer } {
    const header = this.#readHeader(chunk, offset, chunk.length)
    if (typeof header === 'string') return header
    const end = header === undefined ? Number.POSITIVE_INFINITY : offset + header.headerBytes + header.bodyBytes
    if (end <= chunk.length) return { offset: end, packet: chunk.subarray(offset, end) }
    this.#keep(chunk, offset, chunk.length)
    return { offset: chunk.length }
  }

  #continue(chunk: Buffer, from: number): GatherFault | { offset: number; packet?: Buffer } {
    let offset = from
    let header = this.#readHeader(this.#rest, 0, this.#restBytes)
    while (header === undefined && offset < chunk.length) {
      this.#keep(chunk, offset, offset + 1)
      offset += 1
      header = this.#readHeader(this.#rest, 0, this.#restBytes)
    }
    if (typeof header === 'string') return header
    if (header === undefined) return { offset }
    const missing = header.headerBytes + header.bodyBytes - this.#restBytes
    const take = Math.min(missing, chunk.length - offset)
    this.#keep(chunk, offset, offset + take)
    offset += take
    if (take < missing) return { offset }
    const packet = this.#rest.subarray(0, this.#restBytes)
    this.#rest = Buffer.alloc(0)
    this.#restBytes = 0
    return { offset, packet }
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const needed = this.#restBytes + to - from
    if (needed > this.#rest.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#rest.length * 2, FIRST_BUFFER_BYTES))
      this.#rest.copy(grown, 0, 0, this.#restBytes)
      this.#rest = grown
    }
    chunk.copy(this.#rest, this.#restBytes, from, to)
    this.#restBytes = needed
  }

  /** Reads type byte and remaining length (1 to 4 bytes of 7 bits, MQTT 3.1.1 section 2.2.3). */
  #readHeader(bytes: Buffer, from: number, to: number): Header {
    let bodyBytes = 0
    for (let index = 0; index < 4; index++) {
      const at = from + 1 + index
      if (at >= to) return undefined
      const digit = bytes[at] ?? 0
      bodyBytes += (digit & 0x7f) * 128 ** index
      if (digit < 0x80) return index + 2 + bodyBytes > this.#limitBytes() ? 'too_large' : { headerBytes: index + 2, bodyBytes }
    }
    return 'malformed'
  }
}
