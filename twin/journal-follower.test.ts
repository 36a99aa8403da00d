import { describe, expect, it } from 'vitest'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { MendlineError } from '#kernel/errors.ts'
import { silentLog } from '#kernel/log.ts'
import { openBench } from '../eval/mqtt-mock/twin-bench.ts'
import { createJournalFollower, type JournalFollower } from './journal-follower.ts'

interface JournalRecord {
  readonly position: number
  readonly next: number
  readonly body: Uint8Array
}

/** A journal in memory; the record at position p holds the number p, and every third one is nothing for the twin. */
function memoryJournal() {
  const records: JournalRecord[] = []
  const listeners = new Set<(records: readonly JournalRecord[], before: number) => void>()
  const reads: number[] = []
  return {
    reads,
    commit(count: number): void {
      const from = records.length
      for (let position = from; position < from + count; position++) {
        records.push({ position, next: position + 1, body: Uint8Array.of(position >> 8, position & 255) })
      }
      for (const listener of listeners) listener(records.slice(from), from)
    },
    async read(from: number) {
      reads.push(from)
      const batch = records.slice(from, from + 50)
      return { records: batch, next: batch.at(-1)?.next ?? from }
    },
    onCommit(listener: (records: readonly JournalRecord[], before: number) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    end: () => records.length,
  }
}

const numberOf = (body: Uint8Array): number => (body[0] ?? 0) * 256 + (body[1] ?? 0)
const isForTwin = (number: number): boolean => number % 3 !== 0
const wanted = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index).filter(isForTwin)

async function openFollower(limit = 1_000) {
  const bench = await openBench()
  const journal = memoryJournal()
  const applied: number[] = []
  const released: number[] = []
  const trouble = { bad: new Set<number>(), away: 0, gate: Promise.resolve() }
  const build = (): JournalFollower =>
    createJournalFollower({
      ...{ database: bench.database, journal, clock: bench.clock, log: silentLog, limits: { twinMessagesWaiting_MAX: limit } },
      onReleasable: (position) => released.push(position),
      messageOf: (body) => (isForTwin(numberOf(body)) ? ({ payload: body } as AcceptedMessage) : undefined),
      async apply(_transaction, { payload }) {
        await trouble.gate
        if (trouble.away > 0) {
          trouble.away--
          throw new MendlineError('MDL_STORE_UNAVAILABLE', 'away', { retryable: true })
        }
        if (trouble.bad.has(numberOf(payload))) throw new Error('cannot be applied')
        applied.push(numberOf(payload))
      },
    })
  const settle = async (follower: JournalFollower): Promise<void> => {
    for (let turn = 0; turn < 2_000 && follower.statistics().position < journal.end(); turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return { ...{ bench, journal, applied, released, trouble, build, settle }, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() }
}

describe('journal follower', () => {
  it('reads the journal from its beginning when its place is ahead of it', async () => {
    await using f = await openFollower()
    await f.bench.database.insertInto('twin_marks').values({ name: 'journal', value: 900 }).execute()
    f.journal.commit(6)
    const follower = f.build()
    await follower.start()
    await f.settle(follower)
    f.journal.commit(3)
    await f.settle(follower)
    await follower.stop()
    expect(f.applied).toEqual(wanted(0, 9))
  })

  it('applies what was written before it started and what is committed since, in order and once', async () => {
    await using f = await openFollower()
    f.journal.commit(120)
    const follower = f.build()
    await follower.start()
    await f.settle(follower)
    const readsBefore = f.journal.reads.length
    f.journal.commit(10)
    f.journal.commit(10)
    await f.settle(follower)
    expect(f.applied).toEqual(wanted(0, 140))
    expect(f.journal.reads.length).toBe(readsBefore)
    await follower.stop()
  })

  it('reads from the journal again what came faster than it applies, and holds no more than its limit', async () => {
    await using f = await openFollower(10)
    const follower = f.build()
    await follower.start()
    await f.settle(follower)
    let open = (): void => {}
    f.trouble.gate = new Promise((resolve) => {
      open = resolve
    })
    const readsBefore = f.journal.reads.length
    for (let commits = 0; commits < 30; commits++) f.journal.commit(7)
    expect(follower.statistics().waiting).toBe(10)
    open()
    await f.settle(follower)
    expect(f.applied).toEqual(wanted(0, 210))
    expect(f.journal.reads.length).toBeGreaterThan(readsBefore)
    expect(follower.statistics()).toEqual({ position: 210, waiting: 0, failed: 0 })
    // It is with the commits again.
    const readsAfter = f.journal.reads.length
    f.journal.commit(6)
    await f.settle(follower)
    expect(f.applied).toEqual(wanted(0, 216))
    expect(f.journal.reads.length).toBe(readsAfter)
    await follower.stop()
  })

  it('leaves no message lying that is committed in the very moment in which it has nothing left to do', async () => {
    await using f = await openFollower()
    const follower = f.build()
    await follower.start()
    for (let turns = 0; turns < 100; turns++) {
      f.journal.commit(3)
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      f.journal.commit(3)
      await f.settle(follower)
      expect({ turns, ...follower.statistics() }).toEqual({ turns, position: f.journal.end(), waiting: 0, failed: 0 })
    }
    expect(f.applied).toEqual(wanted(0, 600))
    await follower.stop()
  })

  it('passes over a message that fails by itself, and counts it; its neighbours of the same batch count', async () => {
    await using f = await openFollower()
    f.trouble.bad.add(4)
    f.journal.commit(9)
    const follower = f.build()
    await follower.start()
    await f.settle(follower)
    // The first attempt, with all of the batch, was rolled back.
    expect(f.applied.slice(-5)).toEqual([1, 2, 5, 7, 8])
    expect(follower.statistics()).toEqual({ position: 9, waiting: 0, failed: 1 })
    await follower.stop()
  })

  it('waits for a store that is away, and forgets nothing', async () => {
    await using f = await openFollower()
    f.trouble.away = 2
    const follower = f.build()
    await follower.start()
    f.journal.commit(5)
    await f.bench.pass(500)
    expect(f.applied).toEqual([])
    await f.bench.pass(3_000)
    await f.settle(follower)
    expect(f.applied).toEqual([1, 2, 4])
    expect(follower.statistics().failed).toBe(0)
    await follower.stop()
  })

  it('goes on after a restart where it was, and lets the journal go only up to there', async () => {
    await using f = await openFollower()
    const before = f.build()
    await before.start()
    f.journal.commit(20)
    await f.settle(before)
    await before.stop()
    expect(f.released.at(-1)).toBe(20)
    f.journal.commit(10)
    expect(f.applied).toEqual(wanted(0, 20))
    const after = f.build()
    await after.start()
    await f.settle(after)
    expect(f.applied).toEqual(wanted(0, 30))
    await after.stop()
  })
})
