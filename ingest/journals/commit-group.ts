/**
 * The records that share one write and one fdatasync, framed into one buffer that is kept and grown from group to group. Two groups
 * take turns: one gathers while the other is on its way to the disk.
 */
import type { MendlineError } from '#kernel/errors.ts'
import type { JournalRecord, Position } from '../journal.ts'
import { checksum, FRAME_BYTES } from './segment.ts'

const FIRST_BYTES = 64 * 1024

export class CommitGroup {
  /** Position of the first record. */
  base: Position = 0
  readonly records: JournalRecord[] = []
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #length = 0
  #settlers: Array<{ readonly resolve: (position: Position) => void; readonly reject: (error: MendlineError) => void }> = []

  get length(): number {
    return this.#length
  }

  get end(): Position {
    return this.base + this.#length
  }

  /** The framed bytes; valid until `clear`. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Adds a record; the promise settles by `takeAcknowledgement` or `refuse`. The body is kept for the listeners and must not change. */
  add(body: Uint8Array, salt: number): Promise<Position> {
    const position = this.base + this.#length
    this.#reserve(FRAME_BYTES + body.length)
    this.#buffer.writeUInt32LE(body.length, this.#length)
    this.#buffer.writeUInt32LE(checksum(body, position, salt), this.#length + 4)
    this.#buffer.set(body, this.#length + FRAME_BYTES)
    this.#length += FRAME_BYTES + body.length
    this.records.push({ position, next: position + FRAME_BYTES + body.length, body })
    return new Promise((resolve, reject) => this.#settlers.push({ resolve, reject }))
  }

  /** What tells the appenders, to be called once the group is durable; independent of the group's next turn. */
  takeAcknowledgement(): () => void {
    const settlers = this.#settlers
    const records = this.records.slice()
    return () => {
      for (const [index, settler] of settlers.entries()) settler.resolve(records[index]?.position ?? 0)
    }
  }

  refuse(error: MendlineError): void {
    for (const settler of this.#settlers) settler.reject(error)
  }

  /** Empties the group for its next turn; the buffer is kept. */
  clear(base: Position): void {
    this.base = base
    this.records.length = 0
    this.#settlers = []
    this.#length = 0
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}
