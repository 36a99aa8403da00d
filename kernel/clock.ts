/**
 * Time as a port: instants and durations in milliseconds, a system clock and a manual clock for tests and replays.
 * This is the only module that reads the clock of the machine; everything else is handed a `Clock`.
 */
declare const epochMsBrand: unique symbol

/** Instant as integer UTC milliseconds since 1970. */
export type EpochMs = number & { readonly [epochMsBrand]: true }

/** Span in milliseconds; may be fractional. */
export type DurationMs = number

/** Brands a number as an instant; the caller vouches that it is integer UTC milliseconds. */
export const epochMs = (value: number): EpochMs => value as EpochMs

export interface Clock {
  /** Present instant, wall time. */
  now(): EpochMs
  /** Monotonic milliseconds for measuring spans; the zero is arbitrary. */
  monotonicMs(): number
  /** Runs `task` once after `delayMs`; the returned function cancels it. The timer does not keep the process alive. */
  after(delayMs: DurationMs, task: () => void): () => void
}

/** Clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now() as EpochMs,
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Clock that stands still until told to advance; timers fire in order of their due time, then of their creation. */
export class ManualClock implements Clock {
  #nowMs: number
  #nextId = 0
  readonly #timers = new Map<number, { dueMs: number; task: () => void }>()

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  now(): EpochMs {
    return this.#nowMs as EpochMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: DurationMs, task: () => void): () => void {
    const id = this.#nextId++
    this.#timers.set(id, { dueMs: this.#nowMs + delayMs, task })
    return () => {
      this.#timers.delete(id)
    }
  }

  /** Moves time forward by `byMs`, firing every timer that comes due on the way. */
  advance(byMs: DurationMs): void {
    const untilMs = this.#nowMs + byMs
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.dueMs <= untilMs).sort((a, b) => a[1].dueMs - b[1].dueMs || a[0] - b[0])[0]
      if (due === undefined) break
      this.#timers.delete(due[0])
      this.#nowMs = Math.max(this.#nowMs, due[1].dueMs)
      due[1].task()
    }
    this.#nowMs = untilMs
  }
}
