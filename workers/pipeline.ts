/**
 * The pipeline: reads the journal in order and takes every record through decode, dedup, store, device time with its rules and windows, and
 * models. It keeps one position for all of them and saves it together with their state, so that a restart replays what is missing and comes to
 * the same result. What the hubs must know leaves by `emit`, which resolves when it is applied; a snapshot is only written
 * behind that. Its parts are joined in `pipeline-worker.ts`.
 */
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { diagnoseEntries } from './amendments.ts'
import { ModelQueue } from './model-queue.ts'
import type { PipelineParts, PipelineState, PipelineStatistics, SourceRecord, Stateful } from './pipeline-parts.ts'
import { poisonEntry } from './poison.ts'

/** Wait before events or batches that could not be taken are tried again. */
const RETRY_MS = 500

/** Time to the first snapshot, so that a process that keeps being killed does not replay more and more. */
const SNAPSHOT_FIRST_MS = 1_000

/**
 * With nothing left to read, the clock of the journal follows the time of day at this distance: what comes later has a later receipt, so
 * a replay does the same before it.
 */
const IDLE_MS = 1_000

/** The books are compared this often, behind a flush. */
const AUDIT_MS = 5_000

/** Longest wait for the model at a stop. */
const MODEL_STOP_MS = 1_000

export class Pipeline<Window> {
  readonly #parts: PipelineParts<Window>
  readonly #models: ModelQueue<Window>
  readonly #counts = { records: 0, corruptRecords: 0, setAside: 0 }
  readonly #outstanding = new Set<Promise<void>>()
  #position = 0
  #storedPosition = 0
  #receivedMs = 0
  #storedReceivedMs = 0
  #lastAuditMs = 0
  #lastFlushMs = 0
  #lastSnapshotMs = 0
  #recordsSinceSnapshot = 0
  #flushWaiters: Array<() => void> = []
  #isStopping = false
  /** Set when events were given up at the stop: no state may be saved behind them. */
  #hasGivenUp = false
  #loop: Promise<void> = Promise.resolve()
  #modelLoop: Promise<void> = Promise.resolve()

  constructor(parts: PipelineParts<Window>) {
    this.#parts = parts
    this.#models = new ModelQueue({
      diagnose: (entries) => diagnoseEntries(parts.diagnoser, entries),
      onDiagnoses: (diagnoses) => this.#emit(diagnoses.map((diagnosis) => ({ kind: 'diagnosis_made', key: diagnosis.diagnosis_id, diagnosis }))),
      log: parts.log,
      limits: parts.limits,
    })
  }

  /**
   * Restores the state and begins to read, where the state or the store is behind: a store that lost its own log lies behind the state.
   * @param storePosition what the store says it holds
   * @returns a promise of the running loop; it rejects when the pipeline cannot go on
   */
  async start(storePosition: number): Promise<{ readonly running: Promise<void> }> {
    const { snapshots, writer, truth, audit, clock, log, limits } = this.#parts
    const saved = await snapshots.load()
    if (saved !== undefined && this.#restore(saved.state)) {
      this.#position = Math.min(saved.position, storePosition)
    } else if (storePosition > 0) {
      log.warn('pipeline has no saved state and begins with what is left of the journal', { store_position: storePosition })
      await writer.recall()
      truth.recall()
    }
    this.#storedPosition = storePosition
    await audit?.start(storePosition)
    this.#lastFlushMs = clock.monotonicMs()
    this.#lastSnapshotMs = this.#lastFlushMs - limits.snapshotMs + SNAPSHOT_FIRST_MS
    log.info('pipeline begins', { position: this.#position, store_position: storePosition, windows_pending: this.#models.pending().length })
    this.#loop = this.#run()
    this.#modelLoop = this.#models.run()
    return { running: this.#loop }
  }

  /** Resolves when everything before `position` is stored, or after `timeoutMs`. */
  storedUpTo(position: number, timeoutMs: number): Promise<void> {
    if (this.#storedPosition >= position) return Promise.resolve()
    return new Promise<void>((resolve) => {
      let isOver = false
      const finish = (): void => {
        isOver = true
        cancel()
        resolve()
      }
      const cancel = this.#parts.clock.after(timeoutMs, finish)
      const check = (): void => {
        if (isOver) return
        if (this.#storedPosition >= position || this.#isStopping) finish()
        else this.#flushWaiters.push(check)
      }
      this.#flushWaiters.push(check)
      this.#parts.wake()
    })
  }

  statistics(): PipelineStatistics {
    const stored = { storedPosition: this.#storedPosition, storedReceivedMs: this.#storedReceivedMs }
    return { position: this.#position, ...stored, ...this.#counts, ...this.#models.statistics() }
  }

  /**
   * Gives each part its state. A part that cannot take it (another version wrote it) begins empty, which costs some diagnoses and
   * holds; without dedup's state the whole of it counts as missing.
   */
  #restore(state: PipelineState<Window>): boolean {
    const { writer, truth, diagnoser, log } = this.#parts
    const isRestored = (name: string, part: Stateful, own: unknown): boolean => {
      try {
        part.restore(own)
        return true
      } catch (error) {
        log.error('state of a part cannot be restored, it begins empty', { part: name, cause: String(error) })
        return false
      }
    }
    if (!isRestored('writer', writer, state.writer)) return false
    if (!isRestored('truth', truth, state.truth)) truth.recall()
    else if (isRestored('diagnoser', diagnoser, state.diagnoser)) this.#models.add(state.pendingWindows)
    return true
  }

  /** Finishes the batch in hand, stores it and saves the state; idempotent. Events that the hubs refuse now are left to the next start. */
  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#models.stop()
    this.#parts.wake()
    await this.#loop
    await Promise.race([this.#modelLoop, new Promise<void>((resolve) => this.#parts.clock.after(MODEL_STOP_MS, resolve))])
    // In the middle of a batch the models' state belongs to no position: the next start replays from the snapshot before.
    if (this.#models.hold()) await this.#saveSnapshot()
    else await this.#flush()
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#turn()
      } catch (error) {
        if (!(error instanceof MendlineError && error.retryable)) throw error
        this.#parts.log.error('pipeline tries again', { code: error.code, cause: error.message })
        await this.#pause()
      }
    }
  }

  async #turn(): Promise<void> {
    const { journal, writer, truth, clock, limits, waitForMore } = this.#parts
    // What a failure of the store left undone comes before anything else.
    await this.#amendWhenDue()
    const batch = await journal.read(this.#position, limits.pipelineReadBytes)
    this.#counts.corruptRecords += batch.corrupt
    this.#parts.audit?.read(batch)
    for (let index = 0; index < batch.records.length; index++) {
      const record = batch.records.at(index)
      if (record === undefined) break
      // Awaited only where the store is asked: a promise for each record would be felt.
      const taken = this.#takeOrSetAside(record, 1)
      if (taken !== undefined) await taken
      this.#position = record.next
      this.#counts.records++
      this.#recordsSinceSnapshot++
      if (truth.isAmendmentDue()) await this.#amendWhenDue()
    }
    this.#position = batch.next
    if (batch.records.length === 0) {
      truth.advance(clock.now() - IDLE_MS)
      await this.#amendWhenDue()
    }
    await this.#tell()

    const nowMs = clock.monotonicMs()
    const isFlushDue = writer.pending() >= limits.storeBatchReadings_MAX || nowMs - this.#lastFlushMs >= limits.storeFlushMs
    if (isFlushDue || this.#flushWaiters.length > 0) await this.#flush()
    const isSnapshotDue = this.#recordsSinceSnapshot >= limits.snapshotRecords || nowMs - this.#lastSnapshotMs >= limits.snapshotMs
    if (isSnapshotDue && this.#recordsSinceSnapshot > 0 && this.#models.hold()) await this.#saveSnapshot()
    if (batch.records.length === 0 && !this.#isStopping) await waitForMore(this.#position, limits.storeFlushMs)
  }

  /** A record on which the consumer fails twice is set aside with its bytes and counted, and the consumer goes on. */
  #takeOrSetAside(record: SourceRecord, attempt: number): Promise<void> | undefined {
    try {
      return this.#take(record)?.catch((error: unknown) => this.#takeAgain(record, attempt, error))
    } catch (error) {
      return this.#takeAgain(record, attempt, error)
    }
  }

  async #takeAgain(record: SourceRecord, attempt: number, error: unknown): Promise<void> {
    if (error instanceof MendlineError && error.retryable) throw error
    if (attempt < 2) return this.#takeOrSetAside(record, attempt + 1)
    this.#counts.setAside++
    this.#parts.log.error('record set aside', { position: record.next, cause: error instanceof Error ? (error.stack ?? '') : String(error) })
    await this.#parts.writer.take({ readings: [], quarantine: [poisonEntry(record.body, error, this.#parts)] }, record.next)
  }

  #take(record: SourceRecord): Promise<void> | undefined {
    const { decodeRecord, decode, writer, truth } = this.#parts
    const message = decodeRecord(record.body)
    this.#receivedMs = message.received_at_ms
    truth.advance(message.received_at_ms)
    const content = decode(message)
    const count = content.readings.length + (content.refused ?? 0)
    const fresh = writer.take(content, record.next)
    if (fresh instanceof Promise) return fresh.then((readings) => this.#derive(readings, count, record.next))
    this.#derive(fresh, count, record.next)
    return undefined
  }

  #derive(fresh: readonly Reading[], count: number, next: number): void {
    this.#parts.audit?.decoded(count, next)
    for (const reading of fresh) this.#parts.truth.take(reading)
  }

  /** Works out again what late readings touch; they are stored first. */
  async #amendWhenDue(): Promise<void> {
    const { truth } = this.#parts
    if (!truth.isAmendmentDue()) return
    await this.#flush()
    await truth.amend()
  }

  /** Hands on what was derived since the last time. */
  async #tell(): Promise<void> {
    const { events, windows, amendedWindows } = this.#parts.truth.drain()
    if (amendedWindows.length > 0) {
      // The models look up in the store what came before, so it must hold what the amendment was made of.
      await this.#parts.truth.commit()
      this.#models.add([{ amended: amendedWindows }])
    }
    this.#models.add(windows)
    await this.#emit(events)
  }

  async #flush(): Promise<void> {
    if (this.#position > this.#storedPosition) {
      await this.#parts.writer.flush(this.#position)
      this.#storedPosition = this.#position
      this.#storedReceivedMs = this.#receivedMs
    }
    await this.#parts.truth.commit()
    const waiters = this.#flushWaiters
    this.#flushWaiters = []
    this.#lastFlushMs = this.#parts.clock.monotonicMs()
    for (const check of waiters) check()
    if (this.#lastFlushMs - this.#lastAuditMs < AUDIT_MS) return
    this.#lastAuditMs = this.#lastFlushMs
    await this.#parts.audit?.check()
  }

  async #saveSnapshot(): Promise<void> {
    const { writer, truth, diagnoser, snapshots, store, onReleasable, clock, log } = this.#parts
    await this.#tell()
    await this.#flush()
    const position = this.#position
    const state: PipelineState<Window> = {
      writer: writer.snapshot(),
      truth: truth.snapshot(),
      diagnoser: diagnoser.snapshot(),
      pendingWindows: this.#models.pending(),
    }
    this.#models.release()
    await Promise.all([...this.#outstanding])
    if (this.#hasGivenUp) return
    this.#recordsSinceSnapshot = 0
    this.#lastSnapshotMs = clock.monotonicMs()
    try {
      const releasable = await snapshots.save({ position, state })
      // The store may lose its own log in a crash; only what it holds without that may go from the journal.
      await store.checkpoint()
      onReleasable(releasable)
    } catch (error) {
      log.error('state is not saved or the store not checkpointed, the journal is kept', { position, cause: String(error) })
    }
  }

  /** Hands events to the hubs until they are applied; the bound is one batch of the journal at a time. */
  #emit(events: readonly HubEvent[]): Promise<void> {
    if (events.length === 0) return Promise.resolve()
    const applied = this.#emitUntilApplied(events)
    this.#outstanding.add(applied)
    void applied.finally(() => this.#outstanding.delete(applied))
    return applied
  }

  async #emitUntilApplied(events: readonly HubEvent[]): Promise<void> {
    for (;;) {
      try {
        return await this.#parts.emit(events)
      } catch (error) {
        this.#parts.log.error('hubs could not take events', { count: events.length, cause: String(error) })
        this.#hasGivenUp = this.#isStopping
        if (this.#hasGivenUp) return
        await this.#pause()
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(RETRY_MS, resolve))
  }
}
