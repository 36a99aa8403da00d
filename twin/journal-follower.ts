/**
 * Follows the journal for what devices say of settings and commands. Records come straight from the commit; where they come faster
 * than the operational store takes them, the rest is read from the journal again. Effect and position are one transaction, so each
 * message has its effect once, whatever happens to the process; a message that fails by itself is counted, logged and passed over.
 */
import type { Kysely } from 'kysely'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { LazyList } from '#kernel/lazy-list.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { TwinTables } from './twin-tables.ts'

interface DurableRecord {
  readonly position: number
  readonly next: number
  readonly body: Uint8Array
}

export interface JournalFollowerParts {
  readonly database: Kysely<TwinTables>
  readonly journal: {
    read(from: number, maxBytes: number): Promise<{ readonly records: LazyList<DurableRecord>; readonly next: number }>
    onCommit(listener: (records: LazyList<DurableRecord>, before: number) => void): () => void
    end(): number
  }
  /** The message where it is one for the twin, else undefined; costs next to nothing for others. */
  readonly messageOf: (body: Uint8Array) => AcceptedMessage | undefined
  readonly apply: (transaction: Kysely<TwinTables>, message: AcceptedMessage) => Promise<void>
  /** The journal is no longer needed before the position. */
  readonly onReleasable: (position: number) => void
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'twinMessagesWaiting_MAX'>
}

export interface JournalFollower {
  start(): Promise<void>
  stop(): Promise<void>
  statistics(): { readonly position: number; readonly waiting: number; readonly failed: number }
}

/** Messages of one transaction. */
const BATCH = 100
/** Bytes read in one turn of catching up. */
const CATCH_UP_BYTES = 1024 * 1024
/** Wait before what failed is tried again. */
const RETRY_MS = 500
/** A position with nothing applied is saved this often; after a crash at most this much is looked through again. */
const SAVE_EVERY_MS = 10_000
const MARK = 'journal'

export function createJournalFollower(parts: JournalFollowerParts): JournalFollower {
  return new Follower(parts)
}

interface Waiting {
  readonly message: AcceptedMessage
  readonly next: number
}

class Follower implements JournalFollower {
  readonly #parts: JournalFollowerParts
  #waiting: Waiting[] = []
  /** Everything before it is applied or waits. */
  #seen = 0
  #applied = 0
  #saved = 0
  #failed = 0
  /** Records are read from the journal, not taken from the commits. */
  #isBehind = true
  #isStopping = false
  #isRunning = false
  #work: Promise<void> | undefined
  #unsubscribe: () => void = () => {}
  #cancelSave: () => void = () => {}
  #cancelPause: () => void = () => {}

  constructor(parts: JournalFollowerParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { database, journal, log } = this.#parts
    const mark = await database.selectFrom('twin_marks').select('value').where('name', '=', MARK).executeTakeFirst()
    const marked = Number(mark?.value ?? 0)
    // A journal put back from another time: waiting behind its end, the twin would hear nothing until it had grown so far.
    const isAhead = marked > journal.end()
    if (isAhead) log.error('the twin is ahead of the journal, which is read from its beginning', { position: marked, journal_end: journal.end() })
    this.#seen = this.#applied = this.#saved = isAhead ? 0 : marked
    this.#unsubscribe = journal.onCommit((records, before) => this.#onCommit(records, before))
    this.#scheduleSave()
    this.#wake()
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#unsubscribe()
    this.#cancelSave()
    this.#cancelPause()
    await this.#work
    await this.#save().catch((cause: unknown) => this.#parts.log.warn('position of the twin is not saved', { cause: String(cause) }))
  }

  statistics(): { readonly position: number; readonly waiting: number; readonly failed: number } {
    return { position: this.#applied, waiting: this.#waiting.length, failed: this.#failed }
  }

  /** Runs on each commit of the journal: one look at each record. */
  #onCommit(records: LazyList<DurableRecord>, before: number): void {
    if (this.#isBehind) return void this.#wake()
    if (before !== this.#seen) this.#isBehind = true
    else this.#take(records)
    if (this.#isBehind || this.#waiting.length > 0) this.#wake()
    else this.#applied = this.#seen
  }

  #take(records: LazyList<DurableRecord>): void {
    for (let index = 0; index < records.length; index++) {
      const record = records.at(index)
      if (record === undefined) break
      const message = this.#messageOf(record)
      if (message !== undefined) {
        if (this.#waiting.length >= this.#parts.limits.twinMessagesWaiting_MAX) {
          this.#isBehind = true
          return
        }
        // The journal may use its bytes again.
        this.#waiting.push({ message: { ...message, payload: Uint8Array.from(message.payload) }, next: record.next })
      }
      this.#seen = record.next
    }
  }

  #messageOf(record: DurableRecord): AcceptedMessage | undefined {
    try {
      return this.#parts.messageOf(record.body)
    } catch (cause) {
      this.#fail(record.position, cause)
      return undefined
    }
  }

  #fail(position: number, cause: unknown): void {
    this.#failed++
    this.#parts.log.error('the twin failed on a record and goes on', {
      position,
      cause: cause instanceof Error ? (cause.stack ?? '') : String(cause),
    })
  }

  #wake(): void {
    if (this.#isRunning || this.#isStopping) return
    this.#isRunning = true
    this.#work = this.#run()
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        if (this.#waiting.length > 0) await this.#applyBatch()
        else if (this.#isBehind) await this.#catchUp()
        else break
      } catch (cause) {
        this.#parts.log.error('the twin waits', { waiting: this.#waiting.length, cause: String(cause) })
        await new Promise<void>((resolve) => {
          const cancel = this.#parts.clock.after(RETRY_MS, resolve)
          this.#cancelPause = () => {
            cancel()
            resolve()
          }
        })
      }
    }
    // In the same turn as the last look: whoever commits after it starts the work again.
    this.#isRunning = false
  }

  /** Reads on until nothing durable is left; then the commits are taken as they come. */
  async #catchUp(): Promise<void> {
    const { journal } = this.#parts
    const batch = await journal.read(this.#seen, CATCH_UP_BYTES)
    this.#take(batch.records)
    if (this.#waiting.length === 0) this.#applied = this.#seen
    const isAllTaken = this.#seen === (batch.records.at(-1)?.next ?? this.#seen)
    if (isAllTaken) this.#seen = batch.next
    this.#isBehind = !(isAllTaken && this.#seen >= journal.end())
  }

  async #applyBatch(): Promise<void> {
    const batch = this.#waiting.slice(0, BATCH)
    try {
      await this.#commit(batch)
    } catch (error) {
      if (batch.length === 1 || (error instanceof MendlineError && error.retryable)) throw error
      for (const waiting of batch) await this.#commitAlone(waiting)
    }
    this.#waiting = this.#waiting.slice(batch.length)
    if (this.#waiting.length === 0) this.#applied = this.#seen
  }

  async #commitAlone(waiting: Waiting): Promise<void> {
    try {
      await this.#commit([waiting])
    } catch (error) {
      if (error instanceof MendlineError && error.retryable) throw error
      this.#fail(waiting.next, error)
    }
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const { database, apply } = this.#parts
    const next = batch.at(-1)?.next ?? this.#applied
    if (next <= this.#applied) return
    await database.transaction().execute(async (transaction) => {
      for (const { message } of batch) await apply(transaction, message)
      await savePosition(transaction, next)
    })
    this.#applied = next
    this.#saved = next
  }

  #scheduleSave(): void {
    this.#cancelSave = this.#parts.clock.after(SAVE_EVERY_MS, () => {
      this.#save()
        .catch((cause: unknown) => this.#parts.log.warn('position of the twin is not saved', { cause: String(cause) }))
        .finally(() => {
          if (!this.#isStopping) this.#scheduleSave()
        })
    })
  }

  async #save(): Promise<void> {
    const position = this.#applied
    if (position !== this.#saved) {
      await savePosition(this.#parts.database, position)
      this.#saved = position
    }
    this.#parts.onReleasable(position)
  }
}

const savePosition = async (database: Kysely<TwinTables>, value: number): Promise<void> => {
  await database
    .insertInto('twin_marks')
    .values({ name: MARK, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}
