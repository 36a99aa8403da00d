/** The pure parts of the outbox: which events a filter lets through, and when an attempt is made again. */
import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { wants } from './outbox-events.ts'
import { EMERGENCY_SCHEDULE_MS, RETRY_SCHEDULE_MS, retryWaitMs, scheduleOf } from './retry-schedule.ts'

describe('wants', () => {
  it.each([
    [[], 'mendline.case.opened.v1', true],
    [['*'], 'mendline.case.opened.v1', true],
    [['mendline.case.*'], 'mendline.case.opened.v1', true],
    [['mendline.case.*'], 'mendline.work_order.opened.v1', false],
    [['mendline.case.opened.v1'], 'mendline.case.opened.v1', true],
    [['mendline.case.opened.v1'], 'mendline.case.closed.v1', false],
  ])('%j lets %s through: %s', (filter, type, expected) => expect(wants(filter, type)).toBe(expected))
})

describe('scheduleOf', () => {
  it('tries what says a danger within seconds for the first minute, and routine events as usual', () => {
    expect(
      scheduleOf('mendline.emergency.raised.v1').filter(
        (_wait, index, all) => all.slice(0, index + 1).reduce((sum, wait) => sum + wait, 0) <= 65_000,
      ),
    ).toHaveLength(7)
    expect(scheduleOf('mendline.household.advice.v1')).toBe(EMERGENCY_SCHEDULE_MS)
    expect(scheduleOf('mendline.work_order.opened.v1')).toBe(RETRY_SCHEDULE_MS)
  })
})

describe('retryWaitMs', () => {
  it('spans 75 hours, spread by a tenth, then ends', () => {
    const total = RETRY_SCHEDULE_MS.reduce((sum, wait) => sum + wait, 0)
    expect(total / 3_600_000).toBeCloseTo(75.58, 1)
    const random = createRandom('retry')
    for (const [index, base] of RETRY_SCHEDULE_MS.entries()) {
      const wait = retryWaitMs(index + 1, random) ?? 0
      expect(Math.abs(wait - base)).toBeLessThanOrEqual(base * 0.1 + 1)
    }
    expect(retryWaitMs(RETRY_SCHEDULE_MS.length + 1, random)).toBeUndefined()
  })
})
