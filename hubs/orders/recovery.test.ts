import { describe, expect, it } from 'vitest'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { cleared, diagnosed, raised, STORY_MS } from '../hub-builders.ts'

const HOUR_MS = 3_600_000
const openBench = async (): Promise<HubBench> =>
  openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    unitOf: () => ({ type: 'test_unit', household: 'h', installed_at_ms: null }),
  })
const well = (hour: number): HubEvent => diagnosed({ hour, answer: 'no_fault', fault: null, diagnosis_id: `well-${hour}` })

describe('an order whose unit recovers', () => {
  it('is cancelled when nothing was found for two days, and is the same order again when the fault returns', async () => {
    const b = await openBench()
    await b.apply(diagnosed({ hour: 1 }), well(5))
    await b.wait(47 * HOUR_MS)
    expect(await b.order()).toMatchObject({ state: 'opened' })
    await b.wait(2 * HOUR_MS)
    const cancelled = await b.order()
    expect(cancelled).toMatchObject({ state: 'cancelled' })
    expect((await b.hubs.workOrderMoves('home', cancelled.work_order_id)).at(-1)).toMatchObject({
      reason: 'no fault found for 48 hours, nobody is promised',
    })
    await b.apply(diagnosed({ hour: 60 }))
    expect(await b.order()).toMatchObject({ work_order_id: cancelled.work_order_id, state: 'reopened' })
    await b.close()
  })

  it('counts from the first answer of no fault', async () => {
    const b = await openBench()
    await b.apply(diagnosed({ hour: 1 }), well(5))
    await b.wait(24 * HOUR_MS)
    await b.apply(well(29))
    await b.wait(25 * HOUR_MS)
    expect(await b.order()).toMatchObject({ state: 'cancelled' })
    await b.close()
  })

  it.each<[string, (b: HubBench) => Promise<unknown>]>([
    ['the fault was found again meanwhile', (b) => b.apply(diagnosed({ hour: 20 }))],
    ['a time was promised', (b) => b.answer('scheduled', { window_from_ms: STORY_MS + 90 * HOUR_MS, window_to_ms: STORY_MS + 92 * HOUR_MS })],
    ['an engineer accepted it', (b) => b.answer('accepted', {}, { actor: 'e-1' })],
    ['an alarm stands', (b) => b.apply(raised({ hour: 6 }))],
    [
      'the household got in touch',
      (b) => b.hubs.report({ tenant: 'home', device: 'unit-1', source: 'household', actor: 'page', kind: 'chase', at_ms: b.clock.now() }),
    ],
  ])('stays when %s', async (_, happen) => {
    const b = await openBench()
    await b.apply(diagnosed({ hour: 1 }), well(5))
    await happen(b)
    await b.wait(60 * HOUR_MS)
    expect((await b.order()).state).not.toBe('cancelled')
    await b.close()
  })

  it('is cancelled all the same when its alarm has ceased', async () => {
    const b = await openBench()
    await b.apply(diagnosed({ hour: 1 }), raised({ hour: 2 }), cleared({ hour: 2 }), well(5))
    await b.wait(60 * HOUR_MS)
    expect(await b.order()).toMatchObject({ state: 'cancelled' })
    await b.close()
  })

  it('stays when it is a danger', async () => {
    const b = await openBench()
    await b.apply(diagnosed({ hour: 1, safety_class: 'E1' }), well(5))
    await b.wait(60 * HOUR_MS)
    expect((await b.order()).state).not.toBe('cancelled')
    await b.close()
  })
})
