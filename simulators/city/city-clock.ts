/**
 * The clock of the city: time stands still while something happens and leaps to the next thing that is due. Tasks may be asynchronous; after
 * each, whoever was joined (hubs, outbox) settles before time goes on, so a run follows from its seed and never sleeps.
 */
import type { Clock, EpochMs } from '#kernel/clock.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

interface Due {
  readonly dueMs: number
  readonly id: number
  readonly task: () => Promise<void> | void
}

export class CityClock implements Clock {
  #nowMs: number
  #nextId = 0
  readonly #heap: Due[] = []
  readonly #cancelled = new Set<number>()
  readonly #settlers: Array<() => Promise<void>> = []

  constructor(startMs: number) {
    this.#nowMs = startMs
  }

  now(): EpochMs {
    return this.#nowMs as EpochMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, task: () => void): () => void {
    const id = this.at(this.#nowMs + delayMs, task)
    return () => void this.#cancelled.add(id)
  }

  /** Does `task` at an instant; one that is past is done next. */
  at(dueMs: number, task: Due['task']): number {
    const id = this.#nextId++
    push(this.#heap, { dueMs: Math.max(this.#nowMs, Math.ceil(dueMs)), id, task })
    return id
  }

  /** Waits for `settle` after each task before time goes on. */
  join(settle: () => Promise<void>): void {
    this.#settlers.push(settle)
  }

  /** Does everything that is due until the instant and stands there. */
  async run(untilMs: number): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.dueMs <= untilMs; next = this.#heap[0]) {
      pop(this.#heap)
      if (this.#cancelled.delete(next.id)) continue
      this.#nowMs = next.dueMs
      await next.task()
      for (const settle of this.#settlers) await settle()
    }
    this.#nowMs = untilMs
  }
}

const isBefore = (a: Due, b: Due): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.id < b.id)

function push(heap: Due[], entry: Due): void {
  heap.push(entry)
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || isBefore(above, entry)) break
    heap[at] = above
    heap[parent] = entry
    at = parent
  }
}

function pop(heap: Due[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const right = left + 1
    let least = left
    const [a, b] = [heap[left], heap[right]]
    if (a === undefined) break
    if (b !== undefined && isBefore(b, a)) least = right
    const child = heap[least]
    if (child === undefined || !isBefore(child, last)) break
    heap[at] = child
    at = least
  }
  heap[at] = last
}
