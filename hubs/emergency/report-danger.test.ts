import { Value } from 'typebox/value'
import { afterEach, describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { silentLog } from '#kernel/log.ts'
import { type HouseholdReport, ReportAnswerSchema } from '#kernel/report.ts'
import { openOperations } from '../../operations/open-database.ts'
import { openHubBench } from '../hub-bench.ts'
import { emergencyBench, roster } from './emergency-builders.ts'
import { raisingDangers, takeUpReports } from './report-danger.ts'

const TYPES: Readonly<Record<string, string>> = {
  heater: 'gas_water_heater',
  fridge: 'fridge',
  cooler: 'air_conditioner',
  dryer: 'heat_pump_dryer',
  odd: 'own_type',
}
const typeOf = (_tenant: string, device: string) => applianceTypes.find(({ id }) => id === (TYPES[device] ?? 'washing_machine'))
const GAS = { symptom: 'gas_smell' }
const cleanups: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function desk({ household = 'flat-3', hasHome = false }: { readonly household?: string | null; readonly hasHome?: boolean } = {}) {
  const registry = { household, hasHome }
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    unitOf: (tenant, device) => ({ type: typeOf(tenant, device)?.id ?? '', household: registry.household, installed_at_ms: null }),
    hasEmergencyPath: true,
  })
  const em = await emergencyBench(openOperations, { ordinary: b.database, clock: b.clock })
  await em.hub.setRoster('home', roster, 'test')
  cleanups.push(b.close, () => em[Symbol.asyncDispose]())
  const unitsOf = (_tenant: string, of: string) =>
    registry.hasHome && of === 'flat-3' ? ['fridge', 'heater', 'dryer'].map((device) => ({ device })) : []
  const intake = raisingDangers(b.hubs, { hub: em.hub, typeOf, unitsOf, nowMs: () => em.clock.now() })
  const say = (given: Partial<HouseholdReport>, key?: string) =>
    intake.report({ tenant: 'home', actor: 'anna', source: 'household', device: 'heater', at_ms: em.clock.now(), answers: [], ...given }, key)
  return { b, em, say, registry }
}

describe('a danger that a household tells of', () => {
  it('is an emergency at once: people are called, the unit is commanded, and its order is linked', async () => {
    const { b, em, say } = await desk()
    const answer = await say(GAS)
    await em.hub.settled()
    expect(answer).toMatchObject({ safety_class: 'E0', safety_advice: { en: expect.stringContaining('gas cock') } })
    expect(await em.emergency()).toMatchObject({
      ...{ state: 'raised', safety_class: 'E0', device: 'heater', fault: 'GW-08', owner: 'li', work_order_id: answer.work_order_id },
      title_en: expect.stringContaining('Reported: '),
    })
    expect(em.sent[0]?.body.payload.actions).toContain('close_gas_valve')
    expect(em.calls).toMatchObject([{ target: 'li@example.com' }])
    expect(em.names()).toEqual(['emergency.raised'])
    expect((await b.order()).work_order_id).toBe(answer.work_order_id)
  })

  it('is an emergency of its own when it is another one than what was told before in the same contact', async () => {
    const { em, say } = await desk()
    const { contact_id } = await say({ device: 'fridge', symptom: 'water_on_floor' })
    const answer = await say({ device: 'fridge', contact_id, text: 'and now it smells of gas' })
    expect(answer).toMatchObject({ hazard: 'gas', safety_class: 'E0', dangers: [{ hazard: 'gas' }, { hazard: 'water' }] })
    expect(answer.safety_advice?.en).toMatch(/^Touch no switch/)
    expect(answer.safety_advice?.en).not.toMatch(/main valve/)
    const { items } = await em.hub.list({ tenant: 'home' })
    expect(new Set(answer.dangers?.map(({ work_order_id }) => work_order_id)).size).toBe(2)
    expect(new Set(items.map(({ work_order_id }) => work_order_id))).toEqual(new Set(answer.dangers?.map(({ work_order_id }) => work_order_id)))
    expect(new Set(items.map(({ hazard, safety_class }) => `${hazard} ${safety_class}`))).toEqual(new Set(['gas E0', 'water E1']))
    await say({ device: 'fridge', contact_id, text: 'hurry' })
    expect((await em.hub.list({ tenant: 'home' })).items).toHaveLength(2)
  })

  it('is where the caller says, of a unit that is registered without a household', async () => {
    const { em, say } = await desk({ household: null })
    const { contact_id } = await say({ device: 'fridge', household: 'Lane 5', text: 'it hums' })
    await say({ device: 'fridge', contact_id, symptom: 'gas_smell' })
    await say({ device: 'dryer', household: 'Lane 5', symptom: 'gas_smell' })
    await em.hub.settled()
    expect((await em.hub.list({ tenant: 'home' })).items).toHaveLength(1)
    expect(em.calls[0]?.body).toContain('Lane 5')
  })

  it.each([
    ['gas_smell', ['close_gas_valve', 'stop_heater', 'no_ignition']],
    ['fumes', ['close_gas_valve', 'stop_heater', 'run_exhaust_fan']],
  ])(
    'shuts the gas heater of the home where %s is told of its fridge, in the same emergency, and switches nothing else',
    async (symptom, actions) => {
      const { em, say } = await desk({ hasHome: true })
      await say({ device: 'fridge', symptom })
      await say({ device: 'fridge', symptom })
      await em.hub.settled()
      expect((await em.hub.list({ tenant: 'home' })).items).toMatchObject([{ device: 'fridge' }])
      expect(em.sent.map(({ device, body }) => [device, body.payload.actions])).toEqual([['heater', actions]])
      expect(em.calls).toHaveLength(1)
    },
  )

  it('starts no fan in the home where gas is told beside fumes', async () => {
    const { em, say } = await desk({ hasHome: true })
    const answer = await say({ device: 'fridge', text: 'it smells of gas and the carbon monoxide alarm rings' })
    await em.hub.settled()
    expect(new Set(answer.dangers?.map(({ hazard }) => hazard))).toEqual(new Set(['gas', 'carbon_monoxide']))
    const commanded = em.sent.map(({ device, body }) => [device, body.payload.actions])
    expect(commanded).toEqual([['heater', ['close_gas_valve', 'stop_heater', 'no_ignition']]])
  })

  it('stays with who took it on when the same is told of the same unit again, and commands the home once', async () => {
    const { em, say } = await desk({ hasHome: true })
    await say({ device: 'fridge', symptom: 'gas_smell' })
    await em.hub.settled()
    const id = (await em.emergency())?.emergency_id ?? ''
    await em.hub.acknowledge({ tenant: 'home', id, by: 'person:li', via: 'api', note: '' })
    em.clock.advance(1_000)
    await say({ device: 'fridge', symptom: 'gas_smell' })
    await em.hub.settled()
    expect(await em.emergency()).toMatchObject({ emergency_id: id, state: 'acknowledged', owner: 'person:li' })
    expect([em.calls.length, em.sent.map(({ device }) => device)]).toEqual([1, ['heater']])
    em.clock.advance(1_000)
    await say({ device: 'dryer', symptom: 'gas_smell' })
    await em.hub.settled()
    expect([(await em.emergency())?.state, em.calls.length, em.sent.length]).toEqual(['raised', 2, 1])
  })

  it('commands the home again where the first command expired unanswered', async () => {
    const { em, say } = await desk({ hasHome: true })
    await say({ device: 'fridge', symptom: 'gas_smell' })
    await em.hub.settled()
    const note = { command_id: em.sent[0]?.commandId ?? '', tenant: 'home', device: 'heater', reason: null, at_ms: em.clock.now() }
    await em.hub.apply([{ kind: 'command_moved', key: 'expired', note: { ...note, state: 'expired' } }])
    em.clock.advance(1_000)
    await say({ device: 'fridge', symptom: 'gas_smell' })
    await em.hub.settled()
    expect(em.sent.map(({ device }) => device)).toEqual(['heater', 'heater'])
    expect((await em.hub.list({ tenant: 'home' })).items).toHaveLength(1)
  })

  it('that is over commands no unit that came into the home since, when it is taken up at the next start', async () => {
    const { b, em, say, registry } = await desk()
    await say({ device: 'fridge', symptom: 'gas_smell' })
    const id = (await em.emergency())?.emergency_id ?? ''
    const takeUp = () => takeUpReports({ report: say }, { ordinary: b.database, nowMs: em.clock.now(), log: silentLog })
    await em.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'the cock is shut' })
    registry.hasHome = true
    await takeUp()
    await em.hub.settled()
    expect((await em.hub.list({ tenant: 'home' })).items).toMatchObject([{ emergency_id: id, state: 'resolved' }])
    expect([em.sent, em.calls.length]).toEqual([[], 1])
  })

  it('commands the home that the registry knows now, not the one that a caller named before', async () => {
    const { em, say, registry } = await desk({ household: null, hasHome: true })
    const { contact_id } = await say({ device: 'fridge', household: 'Lane 5', text: 'it hums' })
    registry.household = 'flat-3'
    const answer = await say({ device: 'fridge', contact_id, symptom: 'gas_smell' })
    await em.hub.settled()
    expect(answer.household).toBe('flat-3')
    expect(em.sent.map(({ device }) => device)).toEqual(['heater'])
  })

  it('leaves the heater of the home alone where fire or water is told of its fridge, and of a home that nobody knows', async () => {
    const { em, say } = await desk({ hasHome: true })
    await say({ device: 'fridge', symptom: 'burning_smell' })
    await say({ device: 'fridge', symptom: 'water_on_floor' })
    await em.hub.settled()
    expect(em.sent.filter(({ device }) => device === 'heater')).toEqual([])
    const nowhere = await desk({ hasHome: true, household: null })
    await nowhere.say({ device: 'fridge', symptom: 'gas_smell' })
    await nowhere.em.hub.settled()
    expect(nowhere.em.sent).toEqual([])
  })

  it('is not over by the order of another danger, and nothing is switched from afar where gas is among them', async () => {
    const { b, em, say } = await desk()
    const answer = await say({ device: 'fridge', text: 'smell of gas and there is smoke' })
    await em.hub.settled()
    expect(em.sent).toEqual([])
    const fire = answer.dangers?.find(({ hazard }) => hazard === 'fire_or_shock')?.work_order_id ?? ''
    em.clock.advance(1_000)
    for (const type of ['accepted', 'en_route', 'on_site'] as const) await b.answer(type, undefined, { id: fire })
    await b.answer('done', { outcome: { cause: 'XX-01', parts_used: [], parts_returned: [], minutes: 20 } }, { id: fire })
    await em.pass(60_000)
    const states = (await em.hub.list({ tenant: 'home' })).items.map(({ hazard, state }) => `${hazard} ${state}`)
    expect(new Set(states)).toEqual(new Set(['gas raised', 'fire_or_shock resolved']))
  })

  it('changes nothing about what its dangers have, told again without a word', async () => {
    const { b, say } = await desk()
    const { contact_id, dangers } = await say({ device: 'fridge', text: 'smell of gas and there is smoke' })
    const fire = dangers?.find(({ hazard }) => hazard === 'fire_or_shock')?.work_order_id ?? ''
    for (const type of ['accepted', 'en_route', 'on_site'] as const) await b.answer(type, undefined, { id: fire })
    await b.answer('done', { outcome: { cause: 'XX-01', parts_used: [], parts_returned: [], minutes: 20 } }, { id: fire })
    const moves = await b.hubs.workOrderMoves('home', fire)
    const again = await say({ device: 'fridge', contact_id, kind: 'chase' })
    expect(again.dangers?.map(({ hazard, work_order_id }) => [hazard, work_order_id])).toContainEqual(['fire_or_shock', fire])
    expect(await b.hubs.workOrderMoves('home', fire)).toEqual(moves)
  })

  it('is answered by what an earlier version kept for a repeat, without the ids of each danger', async () => {
    const { say } = await desk()
    const { dangers = [], ...rest } = await say({ device: 'fridge', text: 'gas leak' })
    const kept = dangers.map(({ case_id: _case, work_order_id: _order, ...danger }) => danger)
    expect(kept).toHaveLength(1)
    expect([...Value.Errors(ReportAnswerSchema, { ...rest, dangers: kept })]).toEqual([])
  })

  it('is raised at the next start when a crash came between its order and its emergency, once', async () => {
    const { b, em, say } = await desk()
    await b.hubs.report({ ...{ tenant: 'home', actor: 'anna', source: 'household', device: 'fridge', at_ms: em.clock.now() }, text: 'gas leak' })
    expect(await em.hub.list({ tenant: 'home' })).toMatchObject({ items: [] })
    const takeUp = () => takeUpReports({ report: say }, { ordinary: b.database, nowMs: em.clock.now(), log: silentLog })
    await takeUp()
    await takeUp()
    expect((await em.hub.list({ tenant: 'home' })).items).toMatchObject([{ hazard: 'gas', safety_class: 'E0', state: 'raised' }])
    expect((await b.hubs.workOrders({ tenant: 'home', limit: 9 })).items).toHaveLength(1)
  })

  it('has its own order, told by text behind another trouble of the same contact, whose check is taken back', async () => {
    const { b, em, say } = await desk()
    let answer = await say({ device: 'fridge', text: 'odd' })
    const { contact_id } = answer
    while (answer.next_question !== null)
      answer = await say({ device: 'fridge', contact_id, answers: [{ question: answer.next_question.question, answer: 'dont_know' }] })
    await b.wait(0)
    const unnamed = answer.work_order_id ?? ''
    expect(await b.hubs.remoteOffers('home', unnamed)).toMatchObject([{ state: 'offered' }])
    const danger = await say({ device: 'fridge', contact_id, text: 'gas leak in the kitchen' })
    await b.wait(0)
    expect(danger).toMatchObject({ hazard: 'gas', safety_class: 'E0', service: { state: 'order_open' } })
    expect(danger.work_order_id).not.toBe(unnamed)
    expect(await b.hubs.remoteOffers('home', unnamed)).toMatchObject([{ state: 'withdrawn' }])
    expect((await em.hub.list({ tenant: 'home' })).items).toMatchObject([{ hazard: 'gas', work_order_id: danger.work_order_id }])
    expect(await b.database.selectFrom('hub_labels').selectAll().execute()).toEqual([])
  })

  it('is one however often it is told while it stands, and anew when it is told after it was over', async () => {
    const { em, say } = await desk()
    await say(GAS, 'call-1')
    await say(GAS, 'call-1')
    await say({ ...GAS, source: 'call_centre' })
    expect((await em.hub.list({ tenant: 'home' })).items).toHaveLength(1)
    const id = (await em.emergency())?.emergency_id ?? ''
    await em.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'the cock is shut' })
    em.clock.advance(60_000)
    await say({ ...GAS, source: 'call_centre' })
    expect((await em.hub.list({ tenant: 'home' })).items.map(({ state }) => state)).toEqual(['raised', 'resolved'])
  })

  it('stands when its order is cancelled', async () => {
    const { b, em, say } = await desk()
    await say(GAS)
    b.clock.advance(1)
    await b.answer('accepted')
    await b.answer('cancelled')
    await em.pass(10_000)
    expect(await em.emergency()).toMatchObject({ state: 'raised', resolution: null })
  })

  it('is over when its order is done, since no sensor says otherwise', async () => {
    const { b, em, say } = await desk()
    await say(GAS)
    b.clock.advance(1)
    for (const state of ['accepted', 'en_route', 'on_site'] as const) await b.answer(state)
    const steps = (await b.order()).packet.steps.map(({ id }) => ({ step: id, done: true }))
    await b.answer('done', { outcome: { cause: 'GW-08', parts_used: [], parts_returned: [], minutes: 30, steps } })
    await em.pass(10_000)
    expect(await em.emergency()).toMatchObject({ state: 'resolved', resolution: 'its work order is done' })
  })

  it.each([
    ['fridge', { text: 'I smell gas in the kitchen' }, { safety_class: 'E0', hazard: 'gas', actions: null }],
    ['washer', { text: '家里有燃气味' }, { safety_class: 'E0', hazard: 'gas', actions: null }],
    ['cooler', { symptom: 'gas_smell' }, { safety_class: 'E0', hazard: 'gas', actions: null }],
    ['dryer', { fault_code: 'gas_smell' }, { safety_class: 'E0', hazard: 'gas', actions: null }],
    ['odd', { text: 'strong smell of gas' }, { safety_class: 'E0', hazard: 'gas', actions: null }],
    ['odd', { answers: [{ question: 'HM-Q01', answer: 'yes' }] }, { safety_class: 'E0', hazard: 'gas', actions: null }],
    ['fridge', { text: 'the carbon monoxide alarm rings' }, { safety_class: 'E0', hazard: 'carbon_monoxide', actions: null }],
    ['odd', { text: '一氧化碳报警' }, { safety_class: 'E0', hazard: 'carbon_monoxide', actions: null }],
    ['odd', { text: 'smoke comes out of it' }, { safety_class: 'E0', hazard: 'fire_or_shock', fault: null, actions: ['stop'] }],
    ['fridge', { text: 'it is on fire' }, { safety_class: 'E0', hazard: 'fire_or_shock', fault: 'XX-01' }],
    ['fridge', { text: 'water all over the kitchen' }, { safety_class: 'E1', hazard: 'water', fault: null }],
    ['cooler', { symptom: 'water_on_floor' }, { safety_class: 'E1', hazard: 'water', fault: 'AC-08' }],
    ['odd', { answers: [{ question: 'HM-Q04', answer: 'yes' }] }, { safety_class: 'E1', hazard: 'water', fault: null }],
  ])('is one on a unit whose type does not know it: %s, %j', async (device, said, expected) => {
    const { em, say } = await desk()
    const answer = await say({ device, ...said })
    expect(answer).toMatchObject({ safety_class: expected.safety_class, hazard: expected.hazard, safety_advice: { en: expect.any(String) } })
    expect(await em.emergency()).toMatchObject({ state: 'raised', device, work_order_id: answer.work_order_id, ...expected })
    expect(answer.work_order_id).not.toBeNull()
    if (expected.hazard === 'gas') {
      expect(answer.safety_advice?.en).toMatch(/no switch.*windows.*call/is)
      expect(answer.safety_advice?.['zh-CN']).toMatch(/开关.*开窗.*电话/s)
    }
  })

  it.each([
    ['fridge', { text: 'no smell of gas, it just does not cool' }],
    ['odd', { text: '没有闻到燃气味' }],
    ['odd', { answers: [{ question: 'HM-Q01', answer: 'no' }] }],
    ['fridge', { text: '门封漏气' }],
  ])('is none where it is denied: %s, %j', async (device, said) => {
    const { em, say } = await desk()
    expect(await say({ device, ...said })).toMatchObject({ safety_advice: null })
    expect(await em.emergency()).toBeUndefined()
  })

  it('of the home says in its packet what it is, since no fault of the unit does', async () => {
    const { b, say } = await desk()
    await say({ device: 'odd', symptom: 'gas_smell' })
    expect(await b.order()).toMatchObject({ fault: null, safety_class: 'E0', packet: { fault_name: 'Smell of gas' } })
    expect((await b.order()).packet.evidence_for).toMatchObject([{ text: 'Smell of gas' }])
  })

  it('is none when it is no danger', async () => {
    const { em, say } = await desk()
    await say({ symptom: 'too_hot', device: 'heater' })
    expect((await em.emergency())?.safety_class).toBe('E1')
    await say({ symptom: 'goes_out', device: 'other' }).catch(() => {})
    await say({ device: 'washer', symptom: 'noisy_spin', answers: [{ question: 'WM-Q05', answer: 'roars' }] })
    expect((await em.hub.list({ tenant: 'home' })).items).toHaveLength(1)
  })

  it('that could not be written fails the report, which is given again under its key', async () => {
    const { em, say } = await desk()
    await em.database.schema.alterTable('emg_steps').renameTo('away').execute()
    await expect(say(GAS, 'k')).rejects.toThrow()
    await em.database.schema
      .alterTable('away' as 'emg_steps')
      .renameTo('emg_steps')
      .execute()
    await say(GAS, 'k')
    expect(await em.emergency()).toMatchObject({ state: 'raised', device: 'heater' })
  })
})
