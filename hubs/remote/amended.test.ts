/** What is on offer follows the cause of its order: a step for another cause ends, one for the new cause is offered, and a danger ends all asking. */
import { afterEach, describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { silentLog } from '#kernel/log.ts'
import type { RemoteAnswer } from '#kernel/remote-offer.ts'
import type { HouseholdReport } from '#kernel/report.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed } from '../hub-builders.ts'

const HOUR_MS = 3_600_000
const benches: HubBench[] = []
afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

async function bench() {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    unitOf: () => ({ type: 'washing_machine', household: 'flat-3', installed_at_ms: null }),
    commands: { give: async () => {}, cancel: async () => {}, given: () => {} },
  })
  benches.push(b)
  const say = (given: Partial<HouseholdReport>) =>
    b.hubs.report({ tenant: 'home', actor: 'anna', source: 'household', device: 'unit-1', at_ms: b.clock.now(), ...given }, undefined)
  const settle = () => b.wait(1)
  const offers = async () => (await b.hubs.remoteOffers('home', (await b.order()).work_order_id)).map(({ action, state }) => [action, state])
  const steps = async () => (await offers()).filter(([action]) => action?.includes('-H'))
  const answer = async (given: Partial<RemoteAnswer>) => {
    const { offer_id = '', text_version = '' } = (await b.hubs.remoteOffers('home', (await b.order()).work_order_id)).at(-1) ?? {}
    return b.hubs.answerRemote('home', offer_id, { answer: 'done', at_ms: b.clock.now(), actor: 'anna', text_version, ...given } as RemoteAnswer)
  }
  return { ...b, tell: b.answer, say, settle, offers, steps, answer }
}

/** Answers that speak for a worn pump, which no household can mend, and for a clog, which it can. */
const answers = (first: string, second: string) => [
  { question: 'WM-Q03', answer: first },
  { question: 'WM-Q04', answer: second },
]
const E21 = { fault_code: 'E21', symptom: 'water_left' }
const PUMP = { ...E21, answers: answers('hums_no_water', 'cleaned') }
const CLOG = { ...E21, answers: answers('slow', 'not_cleaned') }

describe('an order that is amended to a cause without guidance', () => {
  it('ends the step of the cause before with the reason, tells of it, and goes on to the visit', async () => {
    const b = await bench()
    await b.say(CLOG)
    await b.settle()
    expect(await b.steps()).toEqual([['WM-H01', 'offered']])
    expect(await b.say(PUMP)).toMatchObject({ service: { state: 'order_open' }, remote_step: null })
    const [offer] = await b.hubs.remoteOffers('home', (await b.order()).work_order_id)
    expect(offer).toMatchObject({ state: 'withdrawn', result: { reason: 'the cause is WM-02' } })
    expect(b.events.filter(({ type }) => type === 'mendline.remote.moved.v1').map(({ data }) => data)).toMatchObject([
      { offer: { state: 'withdrawn' } },
    ])
    await b.settle()
    expect(await b.order()).toMatchObject({ state: 'triaged', fault: 'WM-02' })
  })

  it('books nothing for a step that helped against another cause, whether it waits for an answer or is measured', async () => {
    for (const isDone of [false, true]) {
      const b = await bench()
      await b.apply(diagnosed({ type: 'washing_machine', fault: 'WM-01', rivals: [{ fault: 'WM-02', fault_name: 'pump', probability: 0.1 }] }))
      await b.settle()
      if (isDone) expect(await b.answer({})).toMatchObject({ state: 'measuring' })
      b.clock.advance(HOUR_MS)
      await b.apply(diagnosed({ type: 'washing_machine', fault: 'WM-02', rivals: [], hour: 2, probability: 0.9 }))
      await expect(b.answer({ helped: true })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
      await b.settle()
      expect(await b.order()).toMatchObject({ state: 'triaged', fault: 'WM-02', outcome: null })
      expect((await b.hubs.labels({ tenant: 'home' })).items).toEqual([])
    }
  })
})

describe('an order that is amended to a cause with guidance', () => {
  it('offers its step, and waits for it', async () => {
    const b = await bench()
    await b.say(PUMP)
    await b.settle()
    expect(await b.order()).toMatchObject({ state: 'opened', fault: 'WM-02' })
    expect(await b.say(CLOG)).toMatchObject({ diagnosis: { fault: 'WM-01' }, service: { state: 'try_first' }, remote_step: { action: 'WM-H01' } })
    await b.settle()
    expect(await b.order()).toMatchObject({ state: 'remote_offered', fault: 'WM-01' })
    expect(await b.steps()).toEqual([['WM-H01', 'offered']])
  })

  it.each<[string, (b: Awaited<ReturnType<typeof bench>>) => Promise<unknown>]>([
    ['somebody has taken it in hand', (b) => b.tell('triaged')],
    ['a time is agreed', (b) => b.tell('rescheduled', { window_from_ms: b.clock.now() + HOUR_MS, window_to_ms: b.clock.now() + 2 * HOUR_MS })],
  ])('is held up by nothing once %s', async (_name, act) => {
    const b = await bench()
    await b.say(PUMP)
    await b.settle()
    await act(b)
    await b.say(CLOG)
    await b.settle()
    expect((await b.order()).state).not.toBe('remote_offered')
    expect(await b.steps()).toEqual([])
  })

  it('offers a step again that was taken back unanswered, and none that was answered', async () => {
    for (const isRefused of [false, true]) {
      const b = await bench()
      await b.say(CLOG)
      await b.settle()
      if (isRefused) await b.answer({ answer: 'refuse' })
      for (const said of [PUMP, CLOG]) {
        b.clock.advance(1)
        await b.say(said)
      }
      await b.settle()
      const taken = [
        ['WM-H01', 'withdrawn'],
        ['WM-H01', 'offered'],
      ]
      expect(await b.steps()).toEqual(isRefused ? [['WM-H01', 'refused']] : taken)
    }
  })
})

describe('a test that waits for the yes of the household', () => {
  it('is taken back when a danger stands at the unit', async () => {
    const b = await bench()
    await b.say(PUMP)
    await b.settle()
    const { work_order_id: id } = await b.order()
    expect(await b.offers()).toEqual([['WM-T01', 'offered']])
    await b.say({ symptom: 'water_on_floor' })
    const [test] = await b.hubs.remoteOffers('home', id)
    expect(test).toMatchObject({ action: 'WM-T01', state: 'withdrawn', result: { reason: 'a danger stands at the unit' } })
    const yes = { answer: 'accept', at_ms: b.clock.now(), actor: 'anna', text_version: test?.text_version ?? '' } as const
    await expect(b.hubs.answerRemote('home', test?.offer_id ?? '', yes)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
  })
})
