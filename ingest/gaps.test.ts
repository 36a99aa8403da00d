import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import type { DerivedStore } from './derived-store.ts'
import { createGapTracker, type GapLimits, type GapTracker } from './gaps.ts'
import { createSqliteDerived } from './stores/sqlite-derived.ts'

const everything = { tenant: 'home', from_ms: 0, to_ms: 1e9, after: 0, limit: 100 }
const limits: GapLimits = { gapsPerBoot_MAX: 3, gapBoots_MAX: 2 }

let derived: DerivedStore
let tracker: GapTracker
beforeEach(async () => {
  derived = createSqliteDerived({ file: ':memory:' })
  await derived.start()
  tracker = createGapTracker(limits)
})
afterEach(() => derived.stop())

/** Takes numbers of a boot; each is observed at ten times its number and received at `receivedMs`. */
async function take(seqs: readonly number[], { boot = 1, receivedMs = 1 } = {}): Promise<void> {
  const common = { tenant: 'home', device: 'd', boot, received_at_ms: receivedMs }
  for (const seq of seqs) tracker.admit({ ...common, seq, observed_at_ms: seq * 10 } as Parameters<GapTracker['admit']>[0])
  await derived.apply(tracker.drain())
}
const gaps = async (isOpen?: boolean): Promise<string[]> =>
  (await derived.gaps({ ...everything, ...(isOpen === undefined ? {} : { isOpen }) })).map(
    ({ boot, from_seq, to_seq, from_ms, to_ms, opened_at_ms, closed_at_ms }) =>
      `${boot}: ${from_seq}-${to_seq}, ${from_ms}-${to_ms}, ${opened_at_ms}-${closed_at_ms ?? ''}`,
  )

describe('gaps', () => {
  it('open between numbers that came, and nowhere before the first', async () => {
    await take([57, 58, 61])
    expect(await gaps()).toEqual(['1: 59-60, 580-610, 1-'])
  })

  it('shrink, split and close as history comes', async () => {
    await take([1, 9])
    await take([5], { receivedMs: 2 })
    expect(await gaps(true)).toEqual(['1: 2-4, 10-50, 1-', '1: 6-8, 50-90, 1-'])
    await take([2, 3, 4], { receivedMs: 3 })
    expect(await gaps(true)).toEqual(['1: 6-8, 50-90, 1-'])
    await take([8, 7, 6], { receivedMs: 4 })
    expect(await gaps()).toEqual(['1: 2-4, 10-50, 1-3', '1: 6-8, 50-90, 1-4'])
  })

  it('are the same whatever the order in which the numbers come', async () => {
    await take([9, 1, 4, 3, 12, 8])
    const shuffled = await gaps(true)
    expect(shuffled.map((gap) => gap.split(',')[0]).sort()).toEqual(['1: 10-11', '1: 2-2', '1: 5-7'])
  })

  it('belong to a boot, and a device without numbers has none', async () => {
    await take([1, 2], { boot: 1 })
    await take([1, 3], { boot: 2 })
    await take([5, 900], { boot: -1 })
    expect(await gaps()).toEqual(['2: 2-2, 10-30, 1-'])
  })

  it('beyond those remembered close when their numbers come, and only then', async () => {
    await take([1, 3, 5, 7, 9, 11, 13, 20])
    await take([2, 8, 14], { receivedMs: 2 })
    expect((await gaps(true)).map((gap) => gap.split(',')[0]).sort()).toEqual(['1: 10-10', '1: 12-12', '1: 15-19', '1: 4-4', '1: 6-6'])
    expect(await gaps(false)).toEqual(['1: 2-2, 10-30, 1-2', '1: 8-8, 70-90, 1-2'])
    await take([2, 4, 6, 10, 12, 15, 16, 17, 18, 19], { receivedMs: 3 })
    expect(await gaps(true)).toEqual([])
  })

  it.each(['a', 'b', 'c', 'd'])('are those of the numbers that are missing, of 3,120 shuffled by %s in arrays of 100', async (seed) => {
    const random = createRandom(seed)
    const lost = new Set([70, 71, 72, 1_500, 3_000])
    const numbers = Array.from({ length: 3_120 }, (_, index) => index + 1).filter((seq) => !lost.has(seq))
    const order = numbers.map((seq) => ({ seq, place: random.uniform() })).sort((a, b) => a.place - b.place)
    for (let begin = 0; begin < order.length; begin += 100) await take(order.slice(begin, begin + 100).map(({ seq }) => seq))
    expect((await gaps(true)).sort()).toEqual(['1: 1500-1500, 14990-15010, 1-', '1: 3000-3000, 29990-30010, 1-', '1: 70-72, 690-730, 1-'])
  })

  it('go on after a restart', async () => {
    await take([1, 5])
    const state = structuredClone(tracker.snapshot())
    tracker = createGapTracker(limits)
    tracker.restore(state)
    await take([2, 3, 4], { receivedMs: 2 })
    expect(await gaps()).toEqual(['1: 2-4, 10-50, 1-2'])
  })

  it('are the same rows when the journal is read again behind an older state', async () => {
    await take([1])
    const state = structuredClone(tracker.snapshot())
    const story = async (): Promise<void> => {
      await take([9])
      await take([5], { receivedMs: 2 })
      await take([2, 3, 4], { receivedMs: 3 })
      await take([6, 7, 8], { receivedMs: 4 })
    }
    await story()
    const before = await gaps()
    tracker = createGapTracker(limits)
    tracker.restore(state)
    await story()
    expect(before).toHaveLength(2)
    expect(await gaps()).toEqual(before)
  })

  it('that were open stay open when the state is lost', async () => {
    await take([1, 5])
    tracker = createGapTracker(limits)
    await take([6, 8], { receivedMs: 2 })
    expect(await gaps(true)).toEqual(['1: 2-4, 10-50, 1-', '1: 7-7, 60-80, 2-'])
  })
})
