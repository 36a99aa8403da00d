import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createGuardedRuntime } from './guarded-runtime.ts'
import { createMemoryRuntime } from './memory-runtime.ts'

function guarded(scores: readonly number[], { isScore = false } = {}) {
  const inner = createMemoryRuntime({ featureCount: 1, classCount: scores.length, score: () => [...scores] })
  return createGuardedRuntime(inner, { version: 'mine-1', isScore, clock: new ManualClock(0), log: silentLog, limits })
}

describe('a model of somebody else under guard', () => {
  it('gives probabilities, and both of a single score', async () => {
    const [classes, score] = [guarded([0.25, 0.75]), guarded([0.75], { isScore: true })]
    await classes.start()
    await score.start()
    expect([...(await classes.run(Float32Array.of(1, 2), 2))]).toEqual([0.25, 0.75, 0.25, 0.75])
    expect([...(await score.run(Float32Array.of(1), 1))]).toEqual([0.25, 0.75])
  })

  it.each([
    ['not a number', [Number.NaN, 0.5], /no probability/],
    ['a number above 1', [0, 1.5], /no probability/],
    ['only zeros', [0, 0], /sum to 0.000/],
    ['independent sigmoids', [0.9, 0.8], /sum to 1.700/],
  ])('is refused for %s, and left alone when it goes on so', async (_what, scores, reason) => {
    const runtime = guarded(scores)
    await runtime.start()
    for (let attempt = 0; attempt < limits.inferenceAttempts_MAX; attempt++) {
      await expect(runtime.run(Float32Array.of(1), 1)).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID', message: expect.stringMatching(reason) })
    }
    expect(runtime.isPaused()).toBe(true)
    await expect(runtime.run(Float32Array.of(1), 1)).rejects.toMatchObject({ code: 'MDL_MODEL_PAUSED' })
  })
})
