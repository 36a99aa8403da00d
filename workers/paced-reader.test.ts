import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { createPacedReader } from './paced-reader.ts'

const limits = { pipelineGatherBytes: 1_000, pipelineGatherMs: 10 }

/** A journal that is durable up to `end`; counts its reads. */
function journalUpTo(end: number) {
  const clock = new ManualClock(0)
  const state = { end, reads: 0 }
  const reader = { read: async () => ++state.reads }
  return { clock, state, paced: createPacedReader({ reader, committedEnd: () => state.end, clock, limits }) }
}

/** Lets what is resolved run on. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve()
}

describe('paced reader', () => {
  it('gathers for a moment where little is waiting', async () => {
    const { clock, state, paced } = journalUpTo(100)
    const read = paced.read(0, 5_000)
    await settle()
    expect(state.reads).toBe(0)
    clock.advance(10)
    expect(await read).toBe(1)
  })

  it.each([
    ['a backlog', 1_000],
    ['nothing', 0],
  ])('reads %s at once', async (_, end) => {
    const { paced } = journalUpTo(end)
    expect(await paced.read(0, 5_000)).toBe(1)
  })

  it('reads at once when it is hurried, whether it gathers or is about to, and gathers again after that', async () => {
    const { clock, state, paced } = journalUpTo(100)
    const gathering = paced.read(0, 5_000)
    await settle()
    paced.hurry()
    expect(await gathering).toBe(1)
    paced.hurry()
    expect(await paced.read(0, 5_000)).toBe(2)
    const third = paced.read(0, 5_000)
    await settle()
    expect(state.reads).toBe(2)
    clock.advance(10)
    await third
  })
})
