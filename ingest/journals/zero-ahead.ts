/**
 * Lays out a stretch of zeros before the end of the segment that is written. A group that replaces zeros changes neither the length of the
 * file nor its blocks, so its fdatasync waits for its own bytes alone, not for what others changed in the same file system. Zeros are no
 * record, so whoever reads stops at them; they are cut off when the segment is full or closed. Without them all works, only slower.
 */
import type { JournalFile } from './files.ts'

export interface ZeroAheadOptions {
  /** Opens the segment once more: an error of writing zeros is then told here and never hides one of the records. */
  readonly open: () => Promise<JournalFile>
  /** Offset where the file ends. */
  readonly from: number
  /** Length of a stretch; 0 lays out none. */
  readonly bytes: number
  /** Offset that the zeros never pass. */
  readonly limit: number
}

/** A group of more than this share of a stretch costs what a stretch costs: at such a rate none is laid out. */
const LARGE_SHARE = 8

export class ZeroAhead {
  readonly #options: ZeroAheadOptions
  #file: JournalFile | undefined
  /** Offset up to which the file is laid out. */
  #laidOut: number
  /** Begin of the stretch that is on its way. */
  #fillsFrom: number | undefined
  #isOver = false
  #waiting: Array<() => void> = []

  constructor(options: ZeroAheadOptions) {
    this.#options = options
    this.#laidOut = options.from
  }

  /** Calls `write`, which writes up to `end`, when no zeros are on their way to where it writes: mostly at once. */
  clear(end: number, write: () => void): void {
    if (this.#fillsFrom === undefined || end <= this.#fillsFrom) write()
    else this.#waiting.push(write)
  }

  /** Told when all that was handed to the disk ends at `end`, the last `groupBytes` of it just now; begins the next stretch when it is time. */
  wrote(end: number, groupBytes: number): void {
    const { bytes, limit } = this.#options
    if (this.#isOver || this.#fillsFrom !== undefined || groupBytes * LARGE_SHARE > bytes || this.#laidOut - end > bytes / 2) return
    const from = Math.max(this.#laidOut, end)
    const length = Math.min(bytes, limit - from)
    if (length <= 0) return
    this.#fillsFrom = from
    this.#fill(from, length).then(
      () => this.#ended(from + length),
      () => {
        // A full disk, for one: the records' own writes say what is to be said.
        this.#isOver = true
        this.#ended(this.#laidOut)
      },
    )
  }

  /** Begins no more, and resolves when nothing is on its way. */
  async close(): Promise<void> {
    this.#isOver = true
    if (this.#fillsFrom !== undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    await this.#file?.close().catch(() => {})
    this.#file = undefined
  }

  async #fill(from: number, length: number): Promise<void> {
    this.#file ??= await this.#options.open()
    const file = this.#file
    await new Promise<void>((resolve, reject) =>
      file.writeDurably(new Uint8Array(length), from, (error) => (error === null ? resolve() : reject(error))),
    )
  }

  #ended(laidOut: number): void {
    this.#laidOut = laidOut
    this.#fillsFrom = undefined
    for (const waiter of this.#waiting.splice(0)) waiter()
  }
}
