/**
 * The store writer of the pipeline: takes what each record held, in the order of the journal, gives back the readings that were not
 * seen before, and gathers the batch for the store. A reading whose key came before is a duplicate when its content is the same and a
 * conflict, kept in quarantine, when not; that is worked out for the whole batch at the flush, by one lookup. After a restart records
 * before the store's own position pass dedup and go on to the rules, but are not written again.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import { assert } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import type { Admission, Deduplicator } from './deduplicate.ts'
import { createFirmwareBound, type FirmwareBound } from './firmware-bound.ts'
import { lookupUnderBoth, mayHaveFormerKey } from './former-keys.ts'
import type { Position } from './journal.ts'
import { EVERYTHING_KEPT, type KeptContent } from './kept-content.ts'
import { ReadingRows } from './reading-rows.ts'
import type { ReadingStore } from './reading-store.ts'
import { readingKey } from './same-reading.ts'

/** Balance of this process: in = stored + waiting + quarantined + duplicates + conflicts. */
export interface WriterStatistics {
  readonly in: number
  readonly stored: number
  readonly waiting: number
  /** Readings set aside whole; entries of single wrong pieces are counted apart. */
  readonly quarantined: number
  readonly duplicates: number
  readonly conflicts: number
  readonly quarantine_entries: number
}

export interface TakenRecord {
  readonly readings: readonly Reading[]
  readonly quarantine: readonly QuarantineEntry[]
  readonly message?: AcceptedMessage
  readonly refused?: number
}

export interface ReadingWriter {
  /**
   * Takes one record's content; `next` is the position behind it. Taking the same record again at once gives the same answer. Hot: only when
   * the store must be asked or written is the answer a promise.
   */
  take(record: TakenRecord, next: Position): readonly Reading[] | Promise<readonly Reading[]>
  /** Stores what was taken, with the position behind it. @throws MendlineError MDL_STORE_UNAVAILABLE (what was taken is kept) */
  flush(position: Position): Promise<void>
  /** Readings and quarantine entries that wait for a flush. */
  pending(): number
  statistics(): WriterStatistics
  /** State at the position of the last flush. */
  snapshot(): unknown
  restore(state: unknown): void
  /** Instead of `restore`: of what the store holds any reading may have come, and the store is asked for it. */
  recall(): Promise<void>
}

export interface ReadingWriterOptions {
  readonly store: Pick<ReadingStore, 'prepareType' | 'lookup' | 'write' | 'highest'>
  readonly dedup: Deduplicator
  readonly types: (type: string) => ApplianceType | undefined
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
  /** What retention has taken from the store; absent = nothing. */
  readonly kept?: KeptContent
  /** What the store's start answered; records before it are not written again. */
  readonly storedPosition?: Position
}

/** Creates the writer; the store has been started. */
export const createReadingWriter = (options: ReadingWriterOptions): ReadingWriter => new Writer(options)

interface WriterState {
  readonly dedup: unknown
  readonly firmwares: unknown
}

/** A reading whose key came before, with the payload it came in. */
interface Suspect {
  readonly reading: Reading
  readonly message: AcceptedMessage | undefined
}

const NO_SUSPECTS: readonly Suspect[] = []

/** A record's readings, told apart. */
interface Sorted {
  readonly next: Position
  readonly fresh: readonly Reading[]
  readonly suspects: readonly Suspect[]
}

interface UnsureRecord {
  readonly next: Position
  /** Readings that the record was given with. */
  readonly given: number
  readonly record: TakenRecord
  readonly admissions: readonly Admission[]
}

class Writer implements ReadingWriter {
  readonly #options: ReadingWriterOptions
  readonly #prepared = new Map<string, ApplianceType>()
  readonly #counts = { in: 0, stored: 0, quarantined: 0, duplicates: 0, conflicts: 0, quarantine_entries: 0 }
  readonly #firmwares: FirmwareBound
  readonly #kept: KeptContent
  #isCounted: ReturnType<KeptContent['counted']>
  #storedPosition: Position
  readonly #readings = new ReadingRows()
  #quarantine: QuarantineEntry[] = []
  #suspects: Suspect[] = []
  /** Keys of `#readings`, made when first asked for after a flush. */
  #waitingKeys: Set<string> | undefined
  /** Keys of which nobody knows whether they came, since the readings of their time are counted and no longer there one by one. */
  readonly #doubtful = new Set<string>()
  /** A record about which the store is asked; kept until it has answered. */
  #unsure: UnsureRecord | undefined
  #last: { readonly next: Position; readonly fresh: readonly Reading[] } | undefined

  constructor(options: ReadingWriterOptions) {
    this.#options = options
    this.#firmwares = createFirmwareBound(options.limits.firmwaresPerDevice_MAX)
    this.#kept = options.kept ?? EVERYTHING_KEPT
    this.#isCounted = this.#kept.counted()
    this.#storedPosition = options.storedPosition ?? 0
  }

  take(given: TakenRecord, next: Position): readonly Reading[] | Promise<readonly Reading[]> {
    if (this.#last?.next === next && given.readings.length > 0) return this.#last.fresh
    if (this.#unsure?.next === next && this.#unsure.given === given.readings.length) return this.#takeUnsure(this.#unsure)
    const record = this.#bound(given)
    const { readings } = record
    const { dedup } = this.#options
    let seen: Array<Admission> | undefined
    for (let index = 0; index < readings.length; index++) {
      const reading = readings[index]
      if (reading === undefined) break
      const admission = dedup.admit(reading)
      if (admission === 'fresh' && !mayHaveFormerKey(reading, dedup)) continue
      seen ??= new Array(readings.length).fill('fresh')
      seen[index] = admission === 'fresh' ? 'unsure' : admission
    }
    if (seen === undefined) return this.#accept(record, { next, fresh: readings, suspects: NO_SUSPECTS })
    if (!seen.includes('unsure')) return this.#sort(record, { next, isOld: (_, index) => seen[index] === 'seen' })
    this.#unsure = { next, given: given.readings.length, record, admissions: seen }
    return this.#takeUnsure(this.#unsure)
  }

  async flush(position: Position): Promise<void> {
    const { store } = this.#options
    if (position <= this.#storedPosition) return
    for (const type of this.#readings.types.keys()) await this.#prepare(type)
    const resolved = await this.#resolveSuspects()
    const readings = resolved.restored.length === 0 ? this.#readings : [...this.#readings, ...resolved.restored]
    const quarantine = resolved.conflicts.length === 0 ? this.#quarantine : [...this.#quarantine, ...resolved.conflicts]
    await store.write({ readings, quarantine, position })
    this.#storedPosition = position
    this.#counts.stored += readings.length
    this.#counts.duplicates += resolved.duplicates
    this.#counts.conflicts += resolved.conflicts.length
    this.#counts.quarantine_entries += quarantine.length
    this.#readings.clear()
    this.#waitingKeys = undefined
    this.#quarantine = []
    this.#suspects = []
    this.#doubtful.clear()
    this.#isCounted = this.#kept.counted()
  }

  pending(): number {
    return this.#readings.length + this.#quarantine.length + this.#suspects.length
  }

  statistics(): WriterStatistics {
    return { ...this.#counts, waiting: this.#readings.length + this.#suspects.length }
  }

  snapshot(): unknown {
    assert(this.pending() === 0, 'the state is saved behind a flush, so that the store is not behind it')
    return { dedup: this.#options.dedup.snapshot(), firmwares: this.#firmwares.snapshot() } satisfies WriterState
  }

  restore(state: unknown): void {
    const { dedup, firmwares } = state as WriterState
    this.#options.dedup.restore(dedup)
    this.#firmwares.restore(firmwares)
  }

  async recall(): Promise<void> {
    const rows = await this.#options.store.highest()
    // Dedup keeps the boots it hears of last: the newest ones.
    for (const highest of rows.toSorted((a, b) => a.boot - b.boot)) this.#options.dedup.doubt(highest)
  }

  #bound(record: TakenRecord): TakenRecord {
    if (record.readings.length === 0) return record
    const { readings, quarantine } = this.#firmwares.bound(record.readings, record.message)
    if (quarantine.length === 0) return readings === record.readings ? record : { ...record, readings }
    return { ...record, readings, quarantine: [...record.quarantine, ...quarantine] }
  }

  /** Bounded and admitted once, however often the record is taken because the store failed in between. */
  async #takeUnsure({ record, admissions, next }: UnsureRecord): Promise<readonly Reading[]> {
    const unsure = record.readings.filter((_, index) => admissions[index] === 'unsure')
    const old = await this.#oldOf(unsure, next <= this.#storedPosition)
    this.#unsure = undefined
    const isOld = (reading: Reading, index: number): boolean => {
      const key = readingKey(reading)
      if (admissions[index] === 'seen' || (admissions[index] === 'unsure' && old.has(key))) return true
      // The same key may be unsure a second time in this record.
      old.add(key)
      return false
    }
    return this.#sort(record, { next, isOld })
  }

  #sort(
    record: TakenRecord,
    { next, isOld }: { readonly next: Position; readonly isOld: (reading: Reading, index: number) => boolean },
  ): readonly Reading[] | Promise<readonly Reading[]> {
    const fresh: Reading[] = []
    const suspects: Suspect[] = []
    for (const [index, reading] of record.readings.entries()) {
      // It is looked at when the batch is stored; whoever decoded it may use its row again before.
      if (isOld(reading, index)) suspects.push({ reading: { ...reading, numbers: reading.numbers.slice() }, message: record.message })
      else fresh.push(reading)
    }
    return this.#accept(record, { next, fresh, suspects })
  }

  #accept(record: TakenRecord, { next, fresh, suspects }: Sorted): readonly Reading[] | Promise<readonly Reading[]> {
    if (next > this.#storedPosition) this.#gather(record, fresh, suspects)
    this.#last = { next, fresh }
    const { storeBatchReadings_MAX, storeBatchBytes_MAX } = this.#options.limits
    const isFull = this.pending() >= storeBatchReadings_MAX || this.#readings.bytes >= storeBatchBytes_MAX
    return isFull ? this.flush(next).then(() => fresh) : fresh
  }

  #gather(record: TakenRecord, fresh: readonly Reading[], suspects: readonly Suspect[]): void {
    const refused = record.refused ?? 0
    this.#counts.in += record.readings.length + refused
    this.#counts.quarantined += refused
    for (const reading of fresh) {
      this.#readings.push(reading)
      this.#waitingKeys?.add(readingKey(reading))
    }
    for (const suspect of suspects) this.#suspects.push(suspect)
    for (const entry of record.quarantine) this.#quarantine.push(entry)
  }

  async #prepare(id: string): Promise<void> {
    const type = this.#options.types(id)
    assert(type !== undefined, 'readings are decoded by a type that is known')
    if (this.#prepared.get(id) === type) return
    await this.#options.store.prepareType(type)
    this.#prepared.set(id, type)
  }

  /**
   * Keys that came before, of readings of one record that dedup may have forgotten. In a replay the store holds the very reading, which
   * is then not old.
   */
  async #oldOf(unsure: readonly Reading[], isReplay: boolean): Promise<Set<string>> {
    const old = new Set<string>()
    if (unsure.length === 0) return old
    this.#waitingKeys ??= new Set(Array.from(this.#readings, readingKey))
    for (const type of new Set(unsure.map((reading) => reading.type))) await this.#prepare(type)
    const stored = await lookupUnderBoth(this.#options.store, unsure)
    for (const reading of unsure) {
      const key = readingKey(reading)
      const first = stored.get(key)
      if (first === undefined && !isReplay && !this.#waitingKeys.has(key) && this.#kept.isDropped(reading) && (await this.#isCounted(reading))) {
        this.#doubtful.add(key)
        old.add(key)
      }
      if (this.#waitingKeys.has(key) || (first !== undefined && !(isReplay && first.received_at_ms === reading.received_at_ms))) old.add(key)
    }
    return old
  }

  async #resolveSuspects(): Promise<{ readonly duplicates: number; readonly conflicts: QuarantineEntry[]; readonly restored: Reading[] }> {
    if (this.#suspects.length === 0) return { duplicates: 0, conflicts: [], restored: [] }
    const wanted = new Set(this.#suspects.map(({ reading }) => readingKey(reading)))
    const known = new Map<string, Reading>()
    for (const reading of this.#readings) {
      const key = readingKey(reading)
      if (wanted.has(key)) known.set(key, reading)
    }
    const elsewhere = this.#suspects.map(({ reading }) => reading).filter((reading) => !known.has(readingKey(reading)))
    for (const type of new Set(elsewhere.map((reading) => reading.type))) await this.#prepare(type)
    if (elsewhere.length > 0) for (const [key, reading] of await lookupUnderBoth(this.#options.store, elsewhere)) known.set(key, reading)
    return this.#judge(known)
  }

  #judge(known: Map<string, Reading>): { readonly duplicates: number; readonly conflicts: QuarantineEntry[]; readonly restored: Reading[] } {
    const conflicts: QuarantineEntry[] = []
    const restored: Reading[] = []
    // They stay doubtful until the batch is stored: where the store refuses it, it is judged again.
    const doubtful = new Set(this.#doubtful)
    let duplicates = 0
    for (const suspect of this.#suspects) {
      const key = readingKey(suspect.reading)
      const first = known.get(key)
      if (first === undefined && doubtful.delete(key)) conflicts.push(conflictEntry(suspect, COUNTED_REASON))
      // It came, and is no longer kept one by one: hours and days have it.
      else if (first === undefined && this.#kept.isDropped(suspect.reading)) duplicates++
      else if (first === undefined) {
        // Dedup knows it and the store does not: the store was made anew. It gets the reading back.
        this.#options.log.warn('a reading that came before is missing from the store and is stored again', { key })
        known.set(key, suspect.reading)
        restored.push(suspect.reading)
      } else if (this.#kept.isSame(first, suspect.reading)) duplicates++
      else
        conflicts.push(conflictEntry(suspect, `stored with other content, observed at ${first.observed_at_ms}, received at ${first.received_at_ms}`))
    }
    return { duplicates, conflicts, restored }
  }
}

const COUNTED_REASON = 'readings of its hour are counted and no longer kept one by one (retention.raw_days): nobody can tell whether it is among them'

const NO_BYTES = new Uint8Array(0)

function conflictEntry({ reading, message }: Suspect, reason: string): QuarantineEntry {
  return {
    tenant: reading.tenant,
    device: reading.device,
    received_at_ms: reading.received_at_ms,
    observed_at_ms: reading.observed_at_ms,
    code: 'MDL_INGEST_CONFLICT',
    field: `boot ${reading.boot}, seq ${reading.seq}`,
    reason,
    kind: message?.kind ?? 'tele',
    raw: message?.payload ?? NO_BYTES,
  }
}
