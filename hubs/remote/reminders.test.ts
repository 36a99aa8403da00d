import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { openHubBench } from '../hub-bench.ts'
import { diagnosed } from '../hub-builders.ts'
import type { HubsOptions } from '../hubs.ts'

const HOUR_MS = 3_600_000

async function openBench(options: Partial<HubsOptions> = {}) {
  const bench = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    ...options,
  })
  const settle = (): Promise<void> => bench.wait(0)
  const offers = async () => bench.hubs.remoteOffers('home', (await bench.order()).work_order_id)
  const say = async ({ answer }: { answer: 'done' | 'refuse' }) => {
    const { offer_id = '', text_version = '' } = (await offers()).at(-1) ?? {}
    return bench.hubs.answerRemote('home', offer_id, { answer, text_version, at_ms: bench.clock.now(), actor: 'anna' })
  }
  /** Windows of six hours from now on, in each of which the fridge runs so far from its normal. */
  const measured = async (count: number, z_score: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const window_from_ms = bench.clock.now()
      await bench.wait(6 * HOUR_MS)
      const residuals = [{ feature: 'running_ratio', observed: 0.5, expected: 0.5, z_score }]
      const window = { tenant: 'home', device: 'unit-1', type: 'fridge', window_from_ms, window_to_ms: bench.clock.now(), residuals }
      await bench.apply({ kind: 'residuals_measured', key: `r-${window.window_to_ms}`, window })
    }
  }
  return { ...bench, settle, offers, say, measured }
}

/** A gasket that leaks: the household can clean it. */
const leaking = (safety_class: 'E2' | 'E4' = 'E4'): HubEvent => {
  const residuals = [{ feature: 'running_ratio', observed: 0.9, expected: 0.5, z_score: 4 }]
  return diagnosed({ type: 'fridge', fault: 'FR-03', safety_class, residuals })
}

describe('advice that was not taken', () => {
  const reminding = { policy: { reminders_MAX: 2 } }

  it('is offered again after a while, and again, before the order goes on', async () => {
    const b = await openBench(reminding)
    await b.apply(leaking())
    await b.settle()
    for (const times of [1, 2]) {
      await b.say({ answer: 'refuse' })
      await b.wait(31 * HOUR_MS)
      expect(await b.offers()).toHaveLength(times)
      expect(await b.order()).toMatchObject({ state: 'remote_offered' })
      await b.wait(HOUR_MS)
      expect(await b.offers()).toHaveLength(times + 1)
      expect((await b.offers()).at(-1)).toMatchObject({ action: 'FR-H01', state: 'offered' })
    }
    await b.say({ answer: 'refuse' })
    expect(await b.order()).toMatchObject({ state: 'triaged' })
    await b.close()
  })

  it('is taken at the second offer like at the first', async () => {
    const b = await openBench(reminding)
    await b.apply(leaking())
    await b.settle()
    await b.say({ answer: 'refuse' })
    await b.wait(32 * HOUR_MS)
    await b.say({ answer: 'done' })
    await b.measured(4, 0.1)
    expect(await b.order()).toMatchObject({ state: 'done', outcome: { note: 'FR-H01, done by the household' } })
    await b.close()
  })

  it.each<[string, HubEvent, Partial<HubsOptions>, boolean]>([
    ['by an organisation that does not remind', leaking(), {}, false],
    ['of a fault that is no advice', leaking('E2'), reminding, false],
    [
      'to a household that got in touch',
      leaking(),
      { ...reminding, unitOf: () => ({ type: 'fridge', household: 'h', installed_at_ms: null }) },
      true,
    ],
  ])('is not offered again %s', async (_, event, options, isInTouch) => {
    const b = await openBench(options)
    await b.apply(event)
    await b.settle()
    const chase = { tenant: 'home', device: 'unit-1', source: 'household', actor: 'page', kind: 'chase', at_ms: b.clock.now() } as const
    if (isInTouch) await b.hubs.report(chase)
    await b.say({ answer: 'refuse' })
    expect(await b.order()).toMatchObject({ state: 'triaged' })
    await b.wait(40 * HOUR_MS)
    expect(await b.offers()).toHaveLength(1)
    await b.close()
  })
})
