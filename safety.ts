/**
 * The safety consumer: E0 and E1 rules on the main thread, straight after a record is durable. It shares no queue and no worker with store,
 * rules and models. It has its own position and state in a snapshot, and after a crash reads what it has not seen from the journal.
 * A hold that nothing contradicts is completed by the clock, which is the receipt of records while these are read, the machine's after it.
 * An alarm that is raised twice has the same id, so the hubs act on it once. A record that fails is counted and logged, never waited for.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { LazyList } from '#kernel/lazy-list.ts'
import type { Log } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import type { Silence } from './rules/silence.ts'
import type { SnapshotFile } from './workers/snapshot-file.ts'

interface DurableRecord {
  readonly position: number
  readonly next: number
  readonly body: Uint8Array
}

export interface SafetyParts {
  readonly journal: {
    read(from: number, maxBytes: number): Promise<{ readonly records: LazyList<DurableRecord>; readonly next: number }>
    onCommit(listener: (records: LazyList<DurableRecord>, before: number) => void): () => void
    end(): number
  }
  readonly decodeRecord: (body: Uint8Array) => AcceptedMessage
  /** Readings as the safety rules see them, before quarantine; empty where the type has no safety rule. */
  readonly decodeForSafety: (message: AcceptedMessage) => readonly Reading[]
  /** What a device answered to the safe-state command of an emergency; undefined for any other message. Absent = nobody asks here. */
  readonly answerOf?: (message: AcceptedMessage) => HubEvent | undefined
  readonly rules: {
    decide(reading: Reading): readonly HubEvent[]
    /** Events of holds that are complete by the clock. */
    completeHolds(nowMs: number): readonly HubEvent[]
    /** When the next may be, infinite for none. */
    nextHoldMs(): number
    snapshot(): unknown
    restore(state: unknown): void
  }
  /** What is silent; absent = silence is no signal. */
  readonly silence?: Pick<Silence, 'heard' | 'reading' | 'look' | 'listen' | 'statistics' | 'snapshot' | 'restore'>
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly snapshots: SnapshotFile<unknown>
  readonly onReleasable: (position: number) => void
  readonly clock: Clock
  readonly log: Log
}

export interface Safety {
  start(): Promise<void>
  statistics(): Readonly<Record<'position' | 'events' | 'failed' | 'silent_units' | 'silent_channels', number>>
  stop(): Promise<void>
}

/** State is saved this often, or more seldom where that stops the thread for long; after a crash so much is read again. */
const SNAPSHOT_EVERY_MS = 10_000
/** Times that what it takes to gather the state, during which no device is answered, lies between two (chosen: 0.4 % of the time). */
const SNAPSHOT_PAUSE = 250
/** Time to the first one, so that a process that keeps being killed does not read more and more again. */
const SNAPSHOT_FIRST_MS = 1_000
/** Silence is looked for this often. */
const LOOK_EVERY_MS = 30_000
/** Wait before what failed is tried again: events for the hubs, a read of the journal. */
const RETRY_MS = 200
/** Longest wait on one timer, which has a bound of its own. */
const TIMER_MS_MAX = 3_600_000
/** Bytes read in one turn of catching up. */
const CATCH_UP_BYTES = 1024 * 1024

export function createSafety(parts: SafetyParts): Safety {
  return new SafetyConsumer(parts)
}

class SafetyConsumer implements Safety {
  readonly #parts: SafetyParts
  readonly #counts = { events: 0, failed: 0 }
  readonly #outstanding = new Set<Promise<void>>()
  #position = 0
  #savedPosition = 0
  /** How long it took to gather the state that was saved last. */
  #gatheredMs = 0
  #isCatchingUp = false
  #isStopping = false
  #unsubscribe: () => void = () => {}
  #cancelSnapshot: () => void = () => {}
  #cancelCatchUp: () => void = () => {}
  #cancelHolds: () => void = () => {}
  #cancelLook: () => void = () => {}
  /** Time for which a look at the holds is set. */
  #holdsAtMs = Number.POSITIVE_INFINITY
  /** Times that the clock moved the state, in all and when it was saved last. */
  #clockMoves = 0
  #savedClockMoves = 0
  /** Set when events were given up at the stop: no state may be saved behind them. */
  #hasGivenUp = false
  #saving: Promise<void> = Promise.resolve()

  constructor(parts: SafetyParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { snapshots, journal, log } = this.#parts
    const saved = await snapshots.load()
    if (saved !== undefined && saved.position > journal.end()) {
      // Waiting there, it would see no record until the journal has grown so far.
      log.error('safety state is ahead of the journal, which is read from its beginning', { position: saved.position, journal_end: journal.end() })
    } else if (saved !== undefined && this.#restore(saved.state)) {
      this.#position = saved.position
      this.#savedPosition = saved.position
    }
    this.#unsubscribe = journal.onCommit((records, before) => this.#onCommit(records, before))
    this.#scheduleSnapshot(SNAPSHOT_FIRST_MS)
    await this.#catchUp()
    this.#parts.silence?.listen(this.#parts.clock.now())
    this.#scheduleLook()
  }

  statistics(): ReturnType<Safety['statistics']> {
    const silent = this.#parts.silence?.statistics() ?? { silent_units: 0, silent_channels: 0 }
    return { position: this.#position, ...this.#counts, ...silent }
  }

  /** Events that the hubs cannot take now are left to the next start, which reads them again. */
  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#unsubscribe()
    this.#cancelSnapshot()
    this.#cancelCatchUp()
    this.#cancelHolds()
    this.#cancelLook()
    await this.#save()
  }

  /** Without its state (another version wrote it) the consumer judges the journal from its beginning; the ids of alarms stay the same. */
  #restore(state: unknown): boolean {
    try {
      const { rules, silence } = this.#parts
      if (silence === undefined) rules.restore(state)
      else {
        const saved = state as { readonly rules?: unknown; readonly silence?: unknown }
        // Versions before silence was a signal saved the rules alone.
        rules.restore(saved.silence === undefined ? state : saved.rules)
        if (saved.silence !== undefined) silence.restore(saved.silence)
      }
      return true
    } catch (error) {
      this.#parts.log.error('safety state cannot be restored, the journal is read from its beginning', { cause: String(error) })
      return false
    }
  }

  #onCommit(records: LazyList<DurableRecord>, before: number): void {
    if (this.#isCatchingUp) return
    if (before === this.#position) this.#take(records)
    else void this.#catchUp()
  }

  /** Reads from the journal until nothing durable is left; records committed meanwhile are read, not taken from the listener. */
  async #catchUp(): Promise<void> {
    if (this.#isCatchingUp) return
    this.#isCatchingUp = true
    try {
      while (this.#position < this.#parts.journal.end() && !this.#isStopping) {
        const from = this.#position
        const batch = await this.#parts.journal.read(from, CATCH_UP_BYTES)
        this.#take(batch.records)
        this.#position = batch.next
        // A stretch without a record that can be read is passed over: a danger behind it does not wait for the next commit.
        if (batch.next <= from) break
      }
    } catch (error) {
      this.#parts.log.error('safety consumer cannot read the journal', { cause: String(error) })
      if (!this.#isStopping) this.#cancelCatchUp = this.#parts.clock.after(RETRY_MS, () => void this.#catchUp())
    } finally {
      this.#isCatchingUp = false
      this.#scheduleHolds()
    }
  }

  #take(records: LazyList<DurableRecord>): void {
    const { decodeRecord, decodeForSafety, answerOf, rules, silence, log } = this.#parts
    const events: HubEvent[] = []
    for (let index = 0; index < records.length; index++) {
      const record = records.at(index)
      if (record === undefined) break
      this.#position = record.next
      try {
        const message = decodeRecord(record.body)
        const answer = message.kind === 'ack' ? answerOf?.(message) : undefined
        if (answer !== undefined) events.push(answer)
        for (const event of rules.completeHolds(message.received_at_ms)) events.push(event)
        if (silence !== undefined) for (const event of silence.heard(message)) events.push(event)
        for (const reading of decodeForSafety(message)) {
          for (const event of rules.decide(reading)) events.push(event)
          if (silence !== undefined) for (const event of silence.reading(reading)) events.push(event)
        }
      } catch (error) {
        this.#counts.failed++
        log.error('safety consumer failed on a record', {
          position: record.position,
          cause: error instanceof Error ? (error.stack ?? '') : String(error),
        })
      }
    }
    this.#scheduleHolds()
    this.#emit(events)
  }

  /** Looks at the holds when the next may be complete; not while records wait to be read, which may contradict. */
  #scheduleHolds(): void {
    if (this.#isCatchingUp || this.#isStopping) return
    const { rules, clock } = this.#parts
    const atMs = rules.nextHoldMs()
    if (atMs === this.#holdsAtMs) return
    this.#cancelHolds()
    this.#holdsAtMs = atMs
    if (atMs === Number.POSITIVE_INFINITY) return
    this.#cancelHolds = clock.after(Math.min(Math.max(atMs - clock.now(), 0), TIMER_MS_MAX), () => this.#completeHolds())
  }

  #scheduleLook(): void {
    const { silence, clock } = this.#parts
    if (silence === undefined || this.#isStopping) return
    this.#cancelLook = clock.after(LOOK_EVERY_MS, () => {
      // While records wait to be read nobody knows who is silent.
      if (!this.#isCatchingUp) {
        const events = silence.look(clock.now())
        if (events.length > 0) this.#clockMoves++
        this.#emit(events)
      }
      this.#scheduleLook()
    })
  }

  #completeHolds(): void {
    this.#holdsAtMs = Number.POSITIVE_INFINITY
    if (this.#isCatchingUp || this.#isStopping) return
    try {
      const events = this.#parts.rules.completeHolds(this.#parts.clock.now())
      if (events.length > 0) this.#clockMoves++
      this.#emit(events)
    } catch (error) {
      this.#counts.failed++
      this.#parts.log.error('safety consumer failed to complete holds', { cause: String(error) })
    }
    this.#scheduleHolds()
  }

  #emit(events: readonly HubEvent[]): void {
    if (events.length === 0) return
    this.#counts.events += events.length
    const applied = this.#applyUntilDone(events)
    this.#outstanding.add(applied)
    void applied.finally(() => this.#outstanding.delete(applied))
  }

  async #applyUntilDone(events: readonly HubEvent[]): Promise<void> {
    for (;;) {
      try {
        return await this.#parts.apply(events)
      } catch (error) {
        this.#parts.log.error('hubs could not take safety events', { count: events.length, cause: String(error) })
        if (this.#isStopping) {
          this.#hasGivenUp = true
          return
        }
        await new Promise<void>((resolve) => this.#parts.clock.after(RETRY_MS, resolve))
      }
    }
  }

  #scheduleSnapshot(inMs: number): void {
    this.#cancelSnapshot = this.#parts.clock.after(inMs, () => {
      this.#save()
        .catch((error: unknown) => this.#parts.log.error('safety state cannot be saved', { cause: String(error) }))
        .finally(() => {
          if (!this.#isStopping) this.#scheduleSnapshot(Math.max(SNAPSHOT_EVERY_MS, SNAPSHOT_PAUSE * this.#gatheredMs))
        })
    })
  }

  /** One after the other, since they share a file; each saves what is known when its turn comes. */
  #save(): Promise<void> {
    const next = (): Promise<void> => this.#saveState()
    this.#saving = this.#saving.then(next, next)
    return this.#saving
  }

  async #saveState(): Promise<void> {
    const { rules, silence, snapshots, onReleasable, clock } = this.#parts
    const position = this.#position
    const clockMoves = this.#clockMoves
    if (position === this.#savedPosition && clockMoves === this.#savedClockMoves) return
    const beganMs = clock.monotonicMs()
    const state = silence === undefined ? rules.snapshot() : { rules: rules.snapshot(), silence: silence.snapshot() }
    this.#gatheredMs = clock.monotonicMs() - beganMs
    await Promise.all([...this.#outstanding])
    if (this.#hasGivenUp) return
    onReleasable(await snapshots.save({ position, state }))
    this.#savedPosition = position
    this.#savedClockMoves = clockMoves
  }
}
