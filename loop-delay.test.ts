import { describe, expect, it } from 'vitest'
import { createLoopDelay } from './loop-delay.ts'

describe('loop delay', () => {
  it('shows what keeps the thread busy, and begins anew with each look', async () => {
    const delay = createLoopDelay()
    const turn = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    await turn(20)
    delay.p99Ms()
    await turn(10)
    const untilMs = performance.now() + 80
    while (performance.now() < untilMs) Math.sqrt(untilMs)
    await turn(20)
    expect(delay.p99Ms()).toBeGreaterThan(50)
    delay.stop()
  })
})
