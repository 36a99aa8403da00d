import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import type { NewCommand } from '#kernel/command.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import type { RemoteAnswer } from '#kernel/remote-offer.ts'
import { openOperations } from '../../operations/open-database.ts'
import { openHubBench } from '../hub-bench.ts'
import { diagnosed, raised } from '../hub-builders.ts'
import type { HubsOptions } from '../hubs.ts'

const HOUR_MS = 3_600_000

async function openBench(options: Partial<HubsOptions> = {}) {
  const given: NewCommand[] = []
  const cancelled: string[] = []
  const bench = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    commands: {
      give: async (_database, command) => void given.push(command),
      cancel: async (_database, { commandId }) => void cancelled.push(commandId),
      given: () => {},
    },
    ...options,
  })
  const settle = (): Promise<void> => bench.wait(0)
  const offers = async () => bench.hubs.remoteOffers('home', (await bench.order()).work_order_id)
  const say = async (answer: Partial<RemoteAnswer>, index = -1) => {
    const offer = (await offers()).at(index)
    const { text_version } = offer ?? {}
    const said = { answer: 'done', at_ms: bench.clock.now(), actor: 'anna', ...(text_version && { text_version }), ...answer } as RemoteAnswer
    return bench.hubs.answerRemote('home', offer?.offer_id ?? '', said)
  }
  const history = async () =>
    (await bench.hubs.workOrderMoves('home', (await bench.order()).work_order_id)).map(({ type, reason }) => `${type}: ${reason}`)
  /** Windows of six hours from now on, in each of which the fridge runs so far from its normal. */
  const measured = async (count: number, z: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const window_from_ms = bench.clock.now()
      await bench.wait(6 * HOUR_MS)
      const residuals = [{ feature: 'running_ratio', observed: 0.5, expected: 0.5, z_score: z }]
      const window = { tenant: 'home', device: 'unit-1', type: 'fridge', window_from_ms, window_to_ms: bench.clock.now(), residuals }
      await bench.apply({ kind: 'residuals_measured', key: `r-${window.window_to_ms}`, window })
    }
  }
  return { ...bench, given, cancelled, settle, offers, say, history, measured }
}

/** A gasket that leaks: the household can clean it. */
const leaking = (safety_class: 'E2' | 'E4' = 'E4'): HubEvent => {
  const residuals = [{ feature: 'running_ratio', observed: 0.9, expected: 0.5, z_score: 4 }]
  return diagnosed({ type: 'fridge', fault: 'FR-03', safety_class, residuals })
}
/** A defrost heater that a test tells from the fan. */
const iced = (given: Parameters<typeof diagnosed>[0] = {}): HubEvent =>
  diagnosed({ type: 'fridge', fault: 'FR-02', rivals: [{ fault: 'FR-05', fault_name: 'fan', probability: 0.2 }], probability: 0.7, ...given })

describe('a remote step before a visit', () => {
  it('is offered when the catalogue begins with guidance, and the order waits for it', async () => {
    const b = await openBench()
    await b.apply(leaking())
    await b.settle()
    expect(await b.order()).toMatchObject({ state: 'remote_offered' })
    expect(await b.offers()).toMatchObject([{ kind: 'step', action: 'FR-H01', state: 'offered', wants_photo: true, needs_consent: true }])
    expect(b.events.filter(({ type }) => type === 'mendline.remote.offered.v1').map(({ data }) => data)).toMatchObject([{ offer: { minutes: 15 } }])
    await b.close()
  })

  it.each<[string, HubEvent, Partial<HubsOptions>]>([
    ['a fault without guidance', diagnosed({ type: 'fridge', fault: 'FR-01' }), {}],
    ['a danger', raised({ type: 'fridge', fault: 'FR-03', rule: 'x', safety_class: 'E1' }), {}],
    ['an organisation that does not want it', leaking(), { policy: { remoteFirst: false } }],
  ])('is not offered for %s', async (_, event, options) => {
    const b = await openBench({ ruleOf: () => undefined, ...options })
    await b.apply(event)
    await b.settle()
    expect((await b.offers()).filter(({ kind }) => kind === 'step')).toEqual([])
    expect(await b.order()).toMatchObject({ state: 'opened' })
    await b.close()
  })

  it('that helped, as the sensors say, is the repair, and is watched like one', async () => {
    const b = await openBench()
    await b.apply(leaking())
    await b.settle()
    expect(await b.say({})).toMatchObject({ state: 'measuring', consent: { actor: 'anna', text_version: '1.0.0/FR-H01' } })
    await b.measured(4, 0.1)
    expect(await b.offers()).toMatchObject([{ state: 'helped', result: { values: { before_z: 4 } } }])
    expect(await b.order()).toMatchObject({ state: 'done', outcome: { cause: 'FR-03', parts_used: [], note: 'FR-H01, done by the household' } })
    await b.close()
  })

  it('that did not help speaks against the fault; a slight one that nobody asked about is not worth a visit', async () => {
    const b = await openBench()
    await b.apply(leaking())
    await b.settle()
    await b.say({})
    await b.measured(8, 4)
    expect(await b.order()).toMatchObject({ state: 'cancelled', packet: { evidence_against: [{ feature: 'step_FR-H01' }] } })
    expect((await b.history()).at(-1)).toMatch(/^cancelled: the sensors do not say that it helped.*no longer likely \(40 %\), and nobody asked/)
    await b.close()
  })

  it('that did not help leads to the visit, whatever the household says', async () => {
    const b = await openBench()
    await b.apply(leaking('E2'))
    await b.settle()
    await b.say({ helped: true })
    await b.measured(8, 4)
    expect(await b.offers()).toMatchObject([{ state: 'not_helped' }])
    expect(await b.order()).toMatchObject({ state: 'triaged' })
    expect(await b.history()).toContainEqual(expect.stringMatching(/^triaged: the sensors do not say that it helped: running_ratio z 4 before/))
    await b.close()
  })

  it('that nobody answers, or that is refused, leads to the visit', async () => {
    const b = await openBench()
    await b.apply(leaking())
    await b.wait(25 * HOUR_MS)
    expect(await b.offers()).toMatchObject([{ state: 'expired' }])
    expect(await b.order()).toMatchObject({ state: 'triaged' })
    const other = await openBench()
    await other.apply(leaking())
    await other.settle()
    await other.say({ answer: 'refuse', reason: 'no time' })
    expect(await other.offers()).toMatchObject([{ state: 'refused', result: { reason: 'no time' } }])
    expect(await other.order()).toMatchObject({ state: 'triaged' })
    await expect(other.say({})).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    await b.close()
    await other.close()
  })

  it.each([
    ['a slight fault is watched as if it had helped', 'E4', 'done'],
    ['an essential function gets its visit', 'E2', 'triaged'],
  ] as const)('that cannot be measured in time: %s', async (_, safetyClass, state) => {
    const b = await openBench()
    await b.apply(leaking(safetyClass))
    await b.settle()
    await b.say({})
    await b.wait(24 * HOUR_MS)
    expect(await b.offers()).toMatchObject([{ state: 'measuring' }])
    await b.wait(25 * HOUR_MS)
    expect(await b.offers()).toMatchObject([{ state: 'not_measured' }])
    expect(await b.order()).toMatchObject({ state })
    await b.close()
  })

  it('needs the text that was read', async () => {
    const b = await openBench()
    await b.apply(leaking())
    await b.settle()
    const [offer] = await b.offers()
    const bare: RemoteAnswer = { answer: 'done', at_ms: 1, actor: 'anna' }
    await expect(b.hubs.answerRemote('home', offer?.offer_id ?? '', bare)).rejects.toMatchObject({ code: 'MDL_HUBS_CONSENT_REQUIRED' })
    await expect(b.say({ text_version: '0/FR-H01' })).rejects.toMatchObject({ code: 'MDL_HUBS_CONSENT_REQUIRED' })
    await expect(b.say({ answer: 'accept' })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    await expect(b.hubs.answerRemote('other', offer?.offer_id ?? '', bare)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    await b.close()
  })

  it.each([
    ['a year that nobody has reached', 4_102_444_800_000, 'lies in the future'],
    ['the time before the text was shown', 1_000, 'lies before it was offered'],
  ])('takes no consent of %s', async (_name, at_ms, reason) => {
    const b = await openBench()
    await b.apply(leaking())
    await b.settle()
    for (const answer of ['done', 'refuse'] as const) {
      const refused = { code: 'MDL_API_INVALID', details: { errors: [{ field: 'body.at_ms', reason: expect.stringContaining(reason) }] } }
      await expect(b.say({ answer, at_ms })).rejects.toMatchObject(refused)
    }
    expect(await b.offers()).toMatchObject([{ state: 'offered', consent: null }])
    await b.close()
  })

  it('that cannot be measured is asked of the household: done alone does not say that it helped', async () => {
    const b = await openBench()
    await b.apply(diagnosed({ type: 'fridge', fault: 'FR-03', safety_class: 'E4', evidence_for: [] }))
    await b.settle()
    const unsaid = {
      code: 'MDL_API_INVALID',
      details: { errors: [{ field: 'body.helped', reason: expect.stringContaining('whether the step helped') }] },
    }
    await expect(b.say({})).rejects.toMatchObject(unsaid)
    expect(await b.order()).toMatchObject({ state: 'remote_offered', outcome: null })
    expect(await b.offers()).toMatchObject([{ state: 'offered' }])
    expect(await b.say({ helped: true })).toMatchObject({
      state: 'helped',
      result: { reason: expect.stringContaining('the household says that it helped') },
    })
    expect(await b.order()).toMatchObject({ state: 'done' })
    await b.close()
  })

  it('is withdrawn when an engineer takes the order all the same', async () => {
    const b = await openBench()
    await b.apply(leaking())
    await b.settle()
    await b.answer('accepted', {}, { actor: 'e-1' })
    expect(await b.offers()).toMatchObject([{ state: 'withdrawn' }])
    await b.close()
  })
})

/** A danger of the unit that has the fault of its order, or another. */
const danger = (fault: string): HubEvent => raised({ type: 'fridge', fault, rule: 'smoke', alarm_id: 'al-smoke', safety_class: 'E1' })

describe('a danger', () => {
  it('of the same fault ends the wait for a remote step at once', async () => {
    const b = await openBench({ ruleOf: () => undefined })
    await b.apply(leaking())
    await b.settle()
    expect(await b.order()).toMatchObject({ state: 'remote_offered' })
    await b.apply(danger('FR-03'))
    await b.settle()
    expect(await b.order()).toMatchObject({ state: 'triaged', safety_class: 'E1' })
    expect(await b.offers()).toMatchObject([{ state: 'withdrawn' }])
    await b.close()
  })

  it('of the unit blocks a test that waits, and breaks off one that runs', async () => {
    const waits = await openBench({ ruleOf: () => undefined })
    await waits.apply(iced())
    await waits.settle()
    const [first] = await waits.hubs.remoteTests.pending(10)
    await waits.apply(danger('FR-01'))
    expect((await waits.hubs.remoteTests.pending(10))[0]).toMatchObject({ is_in_danger: true })
    await waits.hubs.remoteTests.begin(first?.offer_id ?? '')
    expect(waits.given.filter(({ actor }) => actor === 'remote')).toEqual([])
    await waits.close()
    const runs = await openBench({ ruleOf: () => undefined })
    await runs.apply(iced())
    await runs.settle()
    const [test] = await runs.hubs.remoteTests.pending(10)
    await runs.hubs.remoteTests.begin(test?.offer_id ?? '')
    await runs.apply(danger('FR-01'))
    expect((await runs.hubs.remoteTests.pending(0))[0]).toMatchObject({ state: 'running', is_in_danger: true })
    await runs.hubs.remoteTests.end(test?.offer_id ?? '', { state: 'failed', reason: 'a danger' })
    expect(runs.cancelled).toEqual(runs.given.flatMap(({ actor, commandId }) => (actor === 'remote' ? [commandId] : [])))
    expect(runs.cancelled).toHaveLength(1)
    await runs.close()
  })
})

describe('an active test beside an order', () => {
  it('runs by command and shifts the fault to what its readings answer', async () => {
    const b = await openBench()
    await b.apply(iced())
    await b.settle()
    expect(await b.order()).toMatchObject({ state: 'opened', fault: 'FR-02' })
    const [pending] = await b.hubs.remoteTests.pending(10)
    expect(pending).toMatchObject({ state: 'accepted', test: { id: 'FR-T01' } })
    await b.hubs.remoteTests.begin(pending?.offer_id ?? '')
    expect(b.given).toMatchObject([{ device: 'unit-1', name: 'start_defrost', payload: { test: 'FR-T01' }, actor: 'remote' }])
    await b.hubs.remoteTests.read(pending?.offer_id ?? '', [0, 0.9, 1.1])
    expect((await b.offers())[0]).toMatchObject({ state: 'answered', result: { values: { defrost_heater_current_a_last: 1.1 } } })
    expect(await b.order()).toMatchObject({ fault: 'FR-05', packet: { evidence_for: [{ feature: 'test_FR-T01', observed: 1.1 }] } })
    await b.close()
  })

  it('that nobody runs in time is over', async () => {
    const b = await openBench()
    await b.apply(iced())
    await b.wait(5 * HOUR_MS)
    expect((await b.offers())[0]).toMatchObject({ action: 'FR-T01', state: 'blocked' })
    await b.close()
  })

  it('strengthens the fault that it speaks for', async () => {
    const b = await openBench()
    await b.apply(iced())
    await b.settle()
    const [pending] = await b.hubs.remoteTests.pending(10)
    await b.hubs.remoteTests.begin(pending?.offer_id ?? '')
    await b.hubs.remoteTests.read(pending?.offer_id ?? '', [0.01])
    const { fault, packet } = await b.order()
    expect(fault).toBe('FR-02')
    expect(packet.probability).toBeGreaterThan(0.85)
    await b.close()
  })

  it.each<[string, (b: Awaited<ReturnType<typeof openBench>>, id: string) => Promise<void>, string]>([
    ['the appliance refuses', (b) => refuse(b), 'failed'],
    ['a guard breaks', (b, id) => b.hubs.remoteTests.end(id, { state: 'failed', reason: 'the door is open' }), 'failed'],
    ['there are no readings', (b, id) => b.hubs.remoteTests.read(id, []), 'failed'],
  ])('ends and changes nothing when %s', async (_, act, state) => {
    const b = await openBench()
    await b.apply(iced())
    await b.settle()
    const [pending] = await b.hubs.remoteTests.pending(10)
    await b.hubs.remoteTests.begin(pending?.offer_id ?? '')
    await act(b, pending?.offer_id ?? '')
    expect((await b.offers())[0]).toMatchObject({ state })
    expect(await b.order()).toMatchObject({ fault: 'FR-02', state: 'opened' })
    await b.close()
  })

  it('that the household notices waits for its yes, which holds an hour', async () => {
    const b = await openBench()
    const { type, fault, rival } = noticed()
    await b.apply(diagnosed({ type, fault, rivals: [{ fault: rival, fault_name: rival, probability: 0.2 }] }))
    await b.settle()
    const [offered] = await b.offers()
    if (offered === undefined) throw new Error('nothing is offered')
    expect(offered).toMatchObject({ kind: 'test', needs_consent: true, state: 'offered' })
    expect(await b.hubs.remoteTests.pending(10)).toEqual([])
    const said: RemoteAnswer = { answer: 'accept', at_ms: b.clock.now(), actor: 'anna', text_version: offered.text_version }
    await b.hubs.answerRemote('home', offered.offer_id, said)
    expect((await b.hubs.remoteTests.pending(10))[0]?.until_ms).toBe(b.clock.now() + HOUR_MS)
    await b.close()
  })
})

/** A fault of the catalogue whose first test the household notices, with a rival that it tells it from. */
function noticed(): { type: string; fault: string; rival: string } {
  for (const { id, faults, activeTests } of applianceTypes) {
    for (const { code, skills, activeTests: [first] = [] } of faults) {
      const test = activeTests?.find((one) => one.id === first)
      const rival = test?.answers.flatMap(({ speaksFor, speaksAgainst }) => [...speaksFor, ...speaksAgainst]).find((other) => other !== code)
      if (test?.consent === 'household' && rival !== undefined && skills[0] !== 'REM') return { type: id, fault: code, rival }
    }
  }
  throw new Error('the catalogue has no such test')
}

async function refuse(b: Awaited<ReturnType<typeof openBench>>): Promise<void> {
  const note = {
    command_id: b.given[0]?.commandId ?? '',
    tenant: 'home',
    device: 'unit-1',
    state: 'refused',
    reason: 'door open',
    at_ms: b.clock.now(),
  } as const
  await b.apply({ kind: 'command_moved', key: 'c1', note })
}
