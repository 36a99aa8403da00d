/** A safety consumer over a journal and a snapshot in memory, for its tests: each record is a number, and what fails is set by hand. */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import { createSafety, type Safety, type SafetyParts } from './safety.ts'
import type { Snapshot } from './workers/snapshot-file.ts'

type Listener = Parameters<SafetyParts['journal']['onCommit']>[0]

export const SNAPSHOT_MS = 10_000
export const RETRY_MS = 200
export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)
/** Lets everything that waits for no clock run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What outlives a process: a log of one number a record, a snapshot, and the hubs. */
export class World {
  readonly log: number[] = []
  readonly applied: string[] = []
  readonly released: number[] = []
  snapshot: Snapshot<unknown> | undefined
  /** Snapshots with the number of events that were applied when each was saved. */
  readonly saves: Array<{ readonly position: number; readonly applied: number }> = []
}

/** One process over a world; `fail`, `onRead` and `onSave` let a test break or hold parts of it. */
export class Process {
  readonly clock = new ManualClock(0)
  readonly seen: number[] = []
  readonly safety: Safety
  readonly #world: World
  readonly #listeners = new Set<Listener>()
  fail: { apply?: boolean; read?: boolean; decode?: number; restore?: boolean } = {}
  /** Position of a stretch in which nothing can be read. */
  unreadable: number | undefined
  onRead: () => Promise<void> = async () => {}
  onSave: () => Promise<void> = async () => {}

  constructor(world: World, rules?: SafetyParts['rules']) {
    this.#world = world
    let sum = 0
    this.safety = createSafety({
      journal: {
        read: async (from) => {
          await this.onRead()
          if (this.fail.read === true) throw new Error('EIO')
          if (from === this.unreadable) return { records: [], next: from + 1 }
          const records = this.#records(from, Math.min(from + 2, world.log.length))
          return { records, next: from + records.length }
        },
        onCommit: (listener) => {
          this.#listeners.add(listener)
          return () => this.#listeners.delete(listener)
        },
        end: () => world.log.length,
      },
      decodeRecord: (body) => ({ received_at_ms: epochMs(body[0] ?? 0) }) as AcceptedMessage,
      decodeForSafety: ({ received_at_ms: value }) => {
        if (value === this.fail.decode) throw new TypeError('poison')
        return [{ seq: Number(value) } as Reading]
      },
      rules: rules ?? {
        decide: ({ seq }) => {
          this.seen.push(seq)
          sum += seq
          return seq % 5 === 0 ? [{ kind: 'device_silent', key: `${seq}:${sum}`, tenant: 'home', device: 'd1', at_ms: epochMs(seq) }] : []
        },
        completeHolds: () => [],
        nextHoldMs: () => Number.POSITIVE_INFINITY,
        snapshot: () => sum,
        restore: (state) => {
          if (this.fail.restore === true) throw new Error('another version')
          sum = state as number
        },
      },
      apply: async (events: readonly HubEvent[]) => {
        if (this.fail.apply === true) throw new Error('locked')
        world.applied.push(...events.map(({ key }) => key))
      },
      snapshots: {
        load: async () => world.snapshot,
        save: async (snapshot) => {
          await this.onSave()
          world.snapshot = snapshot
          world.saves.push({ position: snapshot.position, applied: world.applied.length })
          return snapshot.position
        },
      },
      onReleasable: (position) => world.released.push(position),
      clock: this.clock,
      log: silentLog,
    })
  }

  /** Makes records durable as one group and tells the listeners, as the journal does. */
  commit(...values: readonly number[]): void {
    const first = this.#world.log.length
    this.#world.log.push(...values)
    for (const listener of this.#listeners) listener(this.#records(first, this.#world.log.length), first)
  }

  #records(from: number, to: number) {
    return this.#world.log.slice(from, to).map((value, index) => ({
      position: from + index,
      next: from + index + 1,
      body: Uint8Array.of(value),
    }))
  }
}

export async function started(world: World): Promise<Process> {
  const process = new Process(world)
  await process.safety.start()
  return process
}
