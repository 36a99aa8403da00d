/**
 * The journal on disk. Appends gather while a commit is in flight; each group costs one write that syncs (fdatasync), and begins at once
 * when the disk is idle. A record is acknowledged only when the fdatasync that covers it has succeeded. After any error of the disk
 * nothing more is written to that segment: the kernel may have dropped the unsynced pages and calls the next sync a success, so the
 * waiting appends are refused and a new segment begins at the last durable end. Reading is the reader's work, pruning `release`'s.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '#kernel/clock.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Journal, JournalOpenReport, JournalReader, Position, WaitingRecord } from '../journal.ts'
import { promised } from '../promised-record.ts'
import { CommitGroup } from './commit-group.ts'
import { createFileJournalReader } from './file-journal-reader.ts'
import { diskFiles, type Files } from './files.ts'
import { createSegment, type OpenSegment, openLog } from './open-segment.ts'
import { HEADER_BYTES, segmentBases, segmentName } from './segment.ts'
import { ZeroAhead } from './zero-ahead.ts'

type JournalLimit =
  | 'journalRecordBytes_MAX'
  | 'journalPendingBytes_MAX'
  | 'journalSegmentBytes'
  | 'journalRetryMs'
  | 'journalCommitPauseMs'
  | 'journalFullCommitRecords'
  | 'journalCommitBytes'
  | 'journalZeroedBytes'

export interface FileJournalOptions {
  readonly directory: string
  readonly limits: Pick<Limits, JournalLimit>
  readonly log: Log
  readonly clock: Clock
  readonly files?: Files
  /** Salt of a new journal's checksums; random when absent. */
  readonly freshSalt?: number
}

/** Creates the journal of a directory; one process may write it at a time. */
export const createFileJournal = (options: FileJournalOptions): Journal => new FileJournal(options)

type State = 'new' | 'open' | 'unavailable' | 'stopping' | 'stopped'

class FileJournal implements Journal {
  readonly #options: Required<FileJournalOptions>
  readonly #reader: JournalReader
  readonly #listeners = new Set<Parameters<Journal['onCommit']>[0]>()
  #state: State = 'new'
  #found: JournalOpenReport | undefined
  #segment: OpenSegment | undefined
  #ahead: ZeroAhead | undefined
  #salt = 0
  #durableEnd: Position = 0
  /** Takes appends now; its base is where its first record will stand. */
  #gathering = new CommitGroup()
  /** On its way to the disk. */
  #flying: CommitGroup | undefined
  /** Emptied, kept for its buffer. */
  #spare: CommitGroup | undefined
  #scheduled: 'now' | 'later' | undefined
  #cancelPause = (): void => {}
  #commitBeganMs = Number.NEGATIVE_INFINITY
  #wasFull = false
  /** The segment that the gathering group opens, when it opens one. */
  #nextSegmentBase: Position | undefined
  #waiters: Array<() => void> = []
  #cancelRetry = (): void => {}

  constructor(options: FileJournalOptions) {
    this.#options = { ...options, files: options.files ?? diskFiles, freshSalt: options.freshSalt ?? randomBytes(4).readUInt32LE(0) }
    const { directory, limits, files } = this.#options
    this.#reader = createFileJournalReader({ directory, limits, files, committedEnd: () => this.#durableEnd })
  }

  async start(): Promise<JournalOpenReport> {
    assert(this.#state === 'new', 'a journal is started once')
    const { directory, files, limits, freshSalt, log } = this.#options
    const opened = await openLog({ directory, files, recordBytes_MAX: limits.journalRecordBytes_MAX, freshSalt }).catch((cause: unknown) => {
      throw unavailable('the journal cannot be opened', cause)
    })
    this.#useSegment(opened.segment, opened.end)
    this.#salt = opened.salt
    this.#durableEnd = opened.end
    this.#gatherFrom(opened.end)
    this.#state = 'open'
    const { segments, end, tornBytes, corruptRecords } = opened
    if (tornBytes > 0) log.warn('journal tail was torn and cut off', { torn_bytes: tornBytes, end })
    if (corruptRecords > 0) log.error('journal holds broken records', { corrupt_records: corruptRecords })
    this.#found = { segments, end, tornBytes, corruptRecords }
    return this.#found
  }

  found(): JournalOpenReport | undefined {
    return this.#found
  }

  append(body: Uint8Array): Promise<Position> {
    return promised(body, (record) => this.appendFor(record))
  }

  appendFor(record: WaitingRecord): Position | MendlineError {
    const { limits, clock } = this.#options
    const size = record.head.length + record.payload.length
    if (this.#state !== 'open') return unavailable('the journal is not open for writing')
    if (size === 0 || size > limits.journalRecordBytes_MAX) return tooLarge(size, limits.journalRecordBytes_MAX)
    // Callers wait by whenWritable at the limit; one that does not is refused at twice the limit.
    if (this.pendingBytes() > 2 * limits.journalPendingBytes_MAX) return unavailable('too many bytes wait for the disk')
    if (this.#gathering.length === 0) this.#gathering.begunMs = clock.monotonicMs()
    const position = this.#gathering.add(record, this.#salt)
    this.#schedule()
    return position
  }

  read(from: Position, maxBytes: number): ReturnType<JournalReader['read']> {
    return this.#reader.read(from, maxBytes)
  }

  end(): Position {
    return this.#durableEnd
  }

  pendingBytes(): number {
    return this.#gathering.length + (this.#flying?.length ?? 0)
  }

  whenWritable(): Promise<void> {
    if (this.pendingBytes() < this.#options.limits.journalPendingBytes_MAX) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  onCommit(listener: Parameters<Journal['onCommit']>[0]): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async release(position: Position): Promise<void> {
    const { directory, files } = this.#options
    const bases = segmentBases(await files.list(directory))
    const released = bases.filter((_, index) => (bases[index + 1] ?? Number.POSITIVE_INFINITY) <= position)
    for (const base of released) await files.remove(join(directory, segmentName(base)))
    if (released.length > 0) await files.syncDirectory(directory)
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'stopping') return
    this.#cancelRetry()
    this.#state = 'stopping'
    this.#cancelPause()
    this.#commit()
    if (this.pendingBytes() > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    this.#state = 'stopped'
    await this.#closeSegment()
  }

  /**
   * The first append of a turn waits for the turn's end, so that all publishes that one poll of the sockets brought share a group. Soon after
   * a full commit it waits a little longer, for a commit costs as much as some messages, however few it holds; where few come, a pause would
   * save little and each would wait for it.
   */
  #schedule(): void {
    if (this.#flying !== undefined || this.#scheduled === 'now') return
    const { limits, clock } = this.#options
    const isDue = this.#gathering.length >= limits.journalCommitBytes
    if (this.#scheduled === 'later' && !isDue) return
    const waitMs = isDue || !this.#wasFull ? 0 : this.#commitBeganMs + limits.journalCommitPauseMs - clock.monotonicMs()
    if (waitMs > 0) {
      this.#scheduled = 'later'
      this.#cancelPause = clock.after(waitMs, this.#commitScheduled)
    } else {
      this.#cancelPause()
      this.#scheduled = 'now'
      setImmediate(this.#commitScheduled)
    }
  }

  readonly #commitScheduled = (): void => {
    this.#scheduled = undefined
    this.#commit()
  }

  #commit(): void {
    if (this.#flying !== undefined || this.#gathering.length === 0) return
    const group = this.#gathering
    this.#flying = group
    this.#commitBeganMs = this.#options.clock.monotonicMs()
    this.#wasFull = group.records.length >= this.#options.limits.journalFullCommitRecords
    this.#gathering = this.#spare ?? new CommitGroup()
    this.#spare = undefined
    const segmentBase = this.#nextSegmentBase
    this.#gatherFrom(group.end, segmentBase)
    if (segmentBase === undefined) this.#write(group)
    else this.#rotate(segmentBase).then(() => this.#write(group), this.#fail)
  }

  /** Prepares the gathering group for records from `end` on, in a new segment when the present one is full. */
  #gatherFrom(end: Position, segmentBase = this.#segment?.base ?? 0): void {
    const isFull = end - segmentBase >= this.#options.limits.journalSegmentBytes
    this.#nextSegmentBase = isFull ? end : undefined
    this.#gathering.clear(isFull ? end + HEADER_BYTES : end)
  }

  async #rotate(base: Position): Promise<void> {
    const full = this.#segment
    await this.#cutZeros()
    this.#useSegment(await createSegment(this.#options, base, this.#salt), base + HEADER_BYTES)
    await full?.file.close().catch(() => {})
  }

  #useSegment(segment: OpenSegment, end: Position): void {
    const { directory, files, limits } = this.#options
    const path = join(directory, segmentName(segment.base))
    const bounds = { from: end - segment.base, bytes: limits.journalZeroedBytes, limit: limits.journalSegmentBytes }
    this.#segment = segment
    this.#ahead = new ZeroAhead({ ...bounds, open: () => files.open(path, 'change') })
  }

  /** Cuts off what no record fills: before a next segment begins, for from then on this one changes no more (a backup links it). */
  async #cutZeros(): Promise<void> {
    const segment = this.#segment
    if (segment === undefined) return
    await this.#ahead?.close()
    // Best effort: when the cut fails, the base of the next segment bounds this one all the same.
    await segment.file.truncate(this.#durableEnd - segment.base).catch(() => {})
  }

  async #closeSegment(): Promise<void> {
    await this.#cutZeros()
    await this.#segment?.file.close().catch(() => {})
    this.#segment = undefined
  }

  #write(group: CommitGroup): void {
    const segment = this.#segment
    assert(segment !== undefined && this.#ahead !== undefined, 'an open journal has a segment')
    const done = (error: Error | null): void => (error === null ? this.#committed(group, segment) : this.#fail(error))
    this.#ahead.clear(group.end - segment.base, () => segment.file.writeDurably(group.bytes(), group.base - segment.base, done))
  }

  /** The next group goes to the disk before this one is worked off: first the listeners, for a danger is told before its PUBACK. */
  #committed(group: CommitGroup, segment: OpenSegment): void {
    const before = this.#durableEnd
    this.#durableEnd = group.end
    this.#flying = undefined
    this.#ahead?.wrote(group.end - segment.base, group.length)
    if (this.#state === 'stopping') this.#commit()
    else if (this.#gathering.length > 0) this.#schedule()
    for (const listener of this.#listeners) listener(group.records, before)
    group.settle(this.#options.clock.monotonicMs(), undefined)
    group.clear(0)
    this.#spare = group
    this.#wake()
  }

  /** Refuses everything that waits and begins anew, later, in another segment. */
  readonly #fail = (cause: unknown): void => {
    const error = unavailable('the journal could not make a group durable', cause)
    const groups = this.#flying === undefined ? [this.#gathering] : [this.#flying, this.#gathering]
    const refused = groups.reduce((sum, { records }) => sum + records.length, 0)
    this.#options.log.error('journal cannot write', { cause, refused, durable_end: this.#durableEnd })
    if (this.#state === 'open') this.#state = 'unavailable'
    this.#flying = undefined
    for (const group of groups) group.settle(this.#options.clock.monotonicMs(), error)
    this.#gathering.clear(this.#durableEnd)
    this.#wake()
    this.#retryLater()
  }

  #retryLater(): void {
    if (this.#state !== 'unavailable') return
    this.#cancelRetry = this.#options.clock.after(this.#options.limits.journalRetryMs, () => {
      this.#recover().catch((cause: unknown) => {
        this.#options.log.warn('journal still cannot write', { cause })
        this.#retryLater()
      })
    })
  }

  async #recover(): Promise<void> {
    const broken = this.#segment
    await this.#closeSegment()
    const segment = await createSegment(this.#options, this.#recoveryBase(broken), this.#salt)
    this.#durableEnd = Math.max(this.#durableEnd, segment.base + HEADER_BYTES)
    this.#useSegment(segment, this.#durableEnd)
    this.#gatherFrom(this.#durableEnd)
    if (this.#state !== 'unavailable') return
    this.#state = 'open'
    this.#options.log.info('journal writes again', { segment_base: segment.base })
  }

  #emptyBase: Position | undefined

  /** A segment without a record is made again under its own name, so that a full disk does not gather empty ones. */
  #recoveryBase(broken: OpenSegment | undefined): Position {
    if (broken !== undefined) this.#emptyBase = this.#durableEnd - broken.base <= HEADER_BYTES ? broken.base : undefined
    return this.#emptyBase ?? this.#durableEnd
  }

  #wake(): void {
    const isDrained = this.pendingBytes() === 0
    if (!isDrained && (this.#state === 'stopping' || this.pendingBytes() >= this.#options.limits.journalPendingBytes_MAX)) return
    for (const waiter of this.#waiters.splice(0)) waiter()
  }
}

const unavailable = (message: string, cause?: unknown): MendlineError =>
  new MendlineError('MDL_JOURNAL_UNAVAILABLE', message, cause === undefined ? { retryable: true } : { retryable: true, cause })

const tooLarge = (bytes: number, limitBytes: number): MendlineError =>
  new MendlineError('MDL_JOURNAL_RECORD_TOO_LARGE', 'a journal record has between 1 byte and the limit', {
    details: { bytes, limit_bytes: limitBytes },
  })
