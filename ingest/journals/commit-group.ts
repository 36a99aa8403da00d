/**
 * The records that share one write and one fdatasync, framed into one buffer that is kept and grown from group to group. Who waits is
 * told once for each run of records that it added in a row. While a group is on its way to the disk another one gathers.
 */

import type { MendlineError } from '#kernel/errors.ts'
import type { CommitRun, CommitWaiter } from '#kernel/ingest-door.ts'
import type { Position, WaitingRecord } from '../journal.ts'
import { FRAME_BYTES, FramedRecords } from './framed-records.ts'
import { checksum } from './segment.ts'

const FIRST_BYTES = 64 * 1024

interface Run {
  readonly waiter: CommitWaiter
  count: number
  payloadBytes: number
}

export class CommitGroup {
  /** When the first record came, on the clock of the journal. */
  begunMs = 0
  #base: Position = 0
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #memory: ArrayBuffer = this.#buffer.buffer
  /** Bodies are views into the group's bytes: valid until `clear`. */
  readonly records = new FramedRecords(this.#buffer, 0)
  #length = 0
  #runs: Run[] = []

  get length(): number {
    return this.#length
  }

  /** Position of the first record. */
  get base(): Position {
    return this.#base
  }

  get end(): Position {
    return this.#base + this.#length
  }

  /** The framed bytes; valid until `clear`. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Copies a record in; its waiter is told by `settle`. Hot: one copy a piece, a view for the checksum, no promise. */
  add(record: WaitingRecord, salt: number): Position {
    const { head, payload } = record
    const position = this.end
    const size = head.length + payload.length
    this.#reserve(FRAME_BYTES + size)
    const from = this.#length
    const bodyAt = from + FRAME_BYTES
    this.#buffer.set(head, bodyAt)
    this.#buffer.set(payload, bodyAt + head.length)
    // A view of the memory itself: `subarray` would ask the buffer for it each time.
    const body = new Uint8Array(this.#memory, bodyAt, size)
    this.#buffer.writeUInt32LE(size, from)
    this.#buffer.writeUInt32LE(checksum(body, position, salt), from + 4)
    this.#length = bodyAt + size
    this.records.add(bodyAt, size)
    const last = this.#runs[this.#runs.length - 1]
    if (last !== undefined && last.waiter === record) {
      last.count++
      last.payloadBytes += payload.length
    } else this.#runs.push({ waiter: record, count: 1, payloadBytes: payload.length })
    return position
  }

  /** Tells the waiters in the order of the records how the group ended. */
  settle(nowMs: number, error: MendlineError | undefined): void {
    const runs = this.#runs
    this.#runs = []
    const waitedMs = nowMs - this.begunMs
    for (const { waiter, count, payloadBytes } of runs) {
      const run: CommitRun = { count, payloadBytes, waitedMs, error }
      waiter.settled(run)
    }
  }

  /** Empties the group for its next turn; the buffer is kept. */
  clear(base: Position): void {
    this.#base = base
    this.records.clear(base)
    this.#runs = []
    this.#length = 0
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
    this.#memory = grown.buffer
    this.records.moveTo(grown)
  }
}
