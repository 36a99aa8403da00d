/**
 * The queue of closed windows before the models. It runs beside the pipeline, so a slow or hung model delays neither store nor
 * rules; it is bounded (the oldest window is dropped and counted), keeps the order of each device, and what waits is part of
 * the pipeline's snapshot, for which `hold` stops it between two batches. A batch that fails `inferenceAttempts_MAX` times is set aside.
 */
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'

/** Windows that late data made anew, in order of time by device; they stand in the queue as one entry. */
export interface Amendment<Window> {
  readonly amended: readonly Window[]
}

export type QueueEntry<Window> = Window | Amendment<Window>

export interface ModelQueueParts<Window> {
  readonly diagnose: (entries: ReadonlyArray<QueueEntry<Window>>) => Promise<readonly Diagnosis[]>
  /** Resolves when they are handed on; the next batch waits for it, so that diagnoses do not pile up behind it. Never rejects. */
  readonly onDiagnoses: (diagnoses: readonly Diagnosis[]) => Promise<void>
  readonly log: Log
  readonly limits: Limits
}

export interface ModelQueueStatistics {
  readonly windowsPending: number
  readonly windowsDropped: number
  readonly windowsFailed: number
  readonly diagnoses: number
}

export class ModelQueue<Window> {
  readonly #parts: ModelQueueParts<Window>
  #waiting: Array<QueueEntry<Window>> = []
  #inHand: ReadonlyArray<QueueEntry<Window>> = []
  #isStopping = false
  #isHeld = false
  #wake: () => void = () => {}
  readonly #counts = { windowsDropped: 0, windowsFailed: 0, diagnoses: 0 }

  constructor(parts: ModelQueueParts<Window>) {
    this.#parts = parts
  }

  /** Adds windows in order; above the bound the oldest waiting ones are dropped. */
  add(windows: ReadonlyArray<QueueEntry<Window>>): void {
    if (windows.length === 0) return
    for (const window of windows) this.#waiting.push(window)
    const surplus = this.#waiting.length - this.#parts.limits.windowsPending_MAX
    if (surplus > 0) {
      this.#waiting = this.#waiting.slice(surplus)
      this.#counts.windowsDropped += surplus
      this.#parts.log.warn('windows dropped, the models do not keep up', { count: surplus })
    }
    this.#wake()
  }

  /** Windows whose diagnoses have not been handed on, oldest first. */
  pending(): ReadonlyArray<QueueEntry<Window>> {
    return [...this.#inHand, ...this.#waiting]
  }

  /** Asks for a stand-still between two batches; tells whether it stands still now. Ask again, then `release`. */
  hold(): boolean {
    this.#isHeld = true
    return this.#inHand.length === 0
  }

  /** Goes on after `hold`. */
  release(): void {
    this.#isHeld = false
    this.#wake()
  }

  statistics(): ModelQueueStatistics {
    return { windowsPending: this.#inHand.length + this.#waiting.length, ...this.#counts }
  }

  /** Runs until `stop`; resolves when the batch in hand is done. */
  async run(): Promise<void> {
    let attempts = 0
    while (!this.#isStopping) {
      if (this.#inHand.length === 0 && !this.#isHeld) {
        this.#inHand = this.#waiting.splice(0, this.#parts.limits.inferenceBatch_MAX)
        attempts = 0
      }
      if (this.#inHand.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      attempts++
      await this.#tryBatch(attempts)
    }
  }

  stop(): void {
    this.#isStopping = true
    this.#wake()
  }

  async #tryBatch(attempts: number): Promise<void> {
    const { diagnose, onDiagnoses, log, limits } = this.#parts
    try {
      const diagnoses = await diagnose(this.#inHand)
      this.#inHand = []
      this.#counts.diagnoses += diagnoses.length
      await onDiagnoses(diagnoses)
    } catch (error) {
      log.error('model failed on a batch of windows', { attempts, windows: this.#inHand.length, cause: String(error) })
      if (attempts < limits.inferenceAttempts_MAX) return
      this.#counts.windowsFailed += this.#inHand.length
      this.#inHand = []
    }
  }
}
