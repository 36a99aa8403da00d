/**
 * Records as they lie framed in one piece of memory: where each body begins and how long it is, two numbers a record. A record and the view
 * of its body are made when it is asked for.
 */
import type { LazyList } from '#kernel/lazy-list.ts'
import type { JournalRecord, Position } from '../journal.ts'

/** Length and checksum before each body. */
export const FRAME_BYTES = 8

const FIRST_RECORDS = 64

/** Who asks for the position alone pays for no view. */
class FramedRecord implements JournalRecord {
  readonly position: Position
  readonly next: Position
  readonly #memory: ArrayBufferLike
  readonly #at: number

  constructor(memory: ArrayBufferLike, at: number, { position, next }: Omit<JournalRecord, 'body'>) {
    this.position = position
    this.next = next
    this.#memory = memory
    this.#at = at
  }

  /** Made anew each time. */
  get body(): Uint8Array {
    return new Uint8Array(this.#memory, this.#at, this.next - this.position - FRAME_BYTES)
  }
}

export class FramedRecords implements LazyList<JournalRecord> {
  #memory: ArrayBufferLike
  /** Where the byte at `#base` lies in the memory. */
  #from: number
  #base: Position
  /** Offset of the body from the base, and its length, of each record. */
  #places = new Uint32Array(2 * FIRST_RECORDS)
  #count = 0

  /** @param bytes Those that lie from the position `base` of the log on. */
  constructor(bytes: Uint8Array, base: Position) {
    this.#memory = bytes.buffer
    this.#from = bytes.byteOffset
    this.#base = base
  }

  get length(): number {
    return this.#count
  }

  /** Notes the record whose body of `size` bytes begins `offset` bytes behind the base. */
  add(offset: number, size: number): void {
    const at = 2 * this.#count++
    if (at === this.#places.length) {
      const grown = new Uint32Array(2 * at)
      grown.set(this.#places)
      this.#places = grown
    }
    this.#places[at] = offset
    this.#places[at + 1] = size
  }

  at(index: number): JournalRecord | undefined {
    const place = index < 0 ? this.#count + index : index
    if (place < 0 || place >= this.#count) return undefined
    const offset = this.#places[2 * place] ?? 0
    const bodyAt = this.#base + offset
    return new FramedRecord(this.#memory, this.#from + offset, { position: bodyAt - FRAME_BYTES, next: bodyAt + (this.#places[2 * place + 1] ?? 0) })
  }

  *[Symbol.iterator](): Generator<JournalRecord> {
    for (let index = 0; index < this.#count; index++) {
      const record = this.at(index)
      if (record !== undefined) yield record
    }
  }

  /** The same bytes lie elsewhere now. */
  moveTo(bytes: Uint8Array): void {
    this.#memory = bytes.buffer
    this.#from = bytes.byteOffset
  }

  /** Forgets all of them; those to come lie from `base` on. */
  clear(base: Position): void {
    this.#base = base
    this.#count = 0
  }
}
