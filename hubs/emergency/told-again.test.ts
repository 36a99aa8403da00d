import { describe, expect, it } from 'vitest'
import { openOperations } from '../../operations/open-database.ts'
import { cleared, raised } from '../hub-builders.ts'
import type { Danger } from './book.ts'
import { emergencyBench, HOUR_MS, roster } from './emergency-builders.ts'

const FIRE = { rule: 'fire', fault: 'T-03', safety_class: 'E0' } as const
const placeOf = (_tenant: string, device: string) => (device === 'unit-9' ? { household: 'House 7' } : { household: 'House 9' })

async function bench() {
  const b = await emergencyBench(openOperations, { placeOf })
  await b.hub.setRoster('home', roster, 'test')
  const report = (given: Partial<Danger> = {}): Promise<void> => {
    const alarmId = given.alarmId ?? 'report_c1'
    return b.hub.raise({
      ...{ emergencyId: `em_${Buffer.from(alarmId).toString('hex')}`, tenant: 'home', device: 'unit-1', type: 'test_unit', alarmId },
      ...{ safetyClass: 'E0', fault: null, hazard: 'fire_or_shock', title: { en: 'Reported: fire', 'zh-CN': '火' } },
      ...{ advice: { en: 'leave', 'zh-CN': '撤离' }, raisedAtMs: b.clock.now(), receivedAtMs: b.clock.now(), isPast: false, isDrill: false },
      ...{ tellsHousehold: false, actions: undefined, alarm: undefined, ...given },
    })
  }
  const all = async () => (await b.hub.list({ tenant: 'home' })).items
  const kinds = async () => (await b.hub.steps('home', (await all())[0]?.emergency_id ?? '')).map(({ kind }) => kind)
  return { ...b, report, all, kinds, [Symbol.asyncDispose]: () => b[Symbol.asyncDispose]() }
}

describe('one danger that is told twice', () => {
  it.each([
    ['by a person of another unit of the household, then by its sensor', 'unit-2'],
    ['by a person of the unit itself, then by its sensor', 'unit-1'],
  ])('%s is one emergency with one ladder, and the appliance of the sensor is commanded', async (_how, device) => {
    await using b = await bench()
    await b.report({ device })
    await b.hub.apply([raised(FIRE)])
    await b.hub.apply([raised(FIRE)])
    await b.hub.settled()
    expect(await b.all()).toMatchObject([{ device, state: 'raised', hazard: 'fire_or_shock' }])
    expect(b.named('emergency.raised')).toHaveLength(1)
    expect(b.calls).toHaveLength(1)
    expect(b.sent.map((sent) => sent.device)).toEqual(['unit-1'])
    expect((await b.kinds()).filter((kind) => kind === 'told_again')).toHaveLength(1)
    expect(await b.hub.statistics()).toMatchObject({ total: 1, raised: 1 })
    // The device is silent for 30 s, which takes the second rung; its 120 s go by.
    await b.pass(110_000)
    expect(b.named('emergency.escalated').map(({ reason }) => reason)).toEqual(['command_overdue'])
    await b.pass(50_000)
    expect(b.named('emergency.escalated').map(({ reason }) => reason)).toEqual(['command_overdue', 'not_acknowledged'])
  })

  it('by its sensor, then by a person is one, and is known by the id of either', async () => {
    await using b = await bench()
    await b.hub.apply([raised(FIRE)])
    await b.report({ device: 'unit-2' })
    const [first] = await b.all()
    expect(await b.all()).toHaveLength(1)
    const id = `em_${Buffer.from('report_c1').toString('hex')}`
    expect(await b.hub.get('home', id)).toEqual(first)
    await b.hub.acknowledge({ tenant: 'home', id, by: 'person:li', via: 'api', note: '' })
    expect(await b.all()).toMatchObject([{ state: 'acknowledged' }])
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'out' })
    expect(await b.all()).toMatchObject([{ state: 'resolved' }])
    expect(b.named('emergency.resolved')).toHaveLength(1)
  })

  it('by two persons of a household that only they name is one, and the call says where it is', async () => {
    await using b = await emergencyBench(openOperations, { placeOf: () => ({}) })
    await b.hub.setRoster('home', roster, 'test')
    const of = { tenant: 'home', type: 'fridge', safetyClass: 'E0', fault: null, hazard: 'gas', title: { en: 'Gas', 'zh-CN': '燃气' } } as const
    const with_ = {
      advice: { en: 'leave', 'zh-CN': '撤离' },
      isPast: false,
      isDrill: false,
      tellsHousehold: false,
      actions: undefined,
      alarm: undefined,
    }
    const tell = (id: string, household: string | null) =>
      b.hub.raise({
        ...of,
        ...with_,
        emergencyId: `em_${id}`,
        alarmId: id,
        device: id,
        household,
        raisedAtMs: b.clock.now(),
        receivedAtMs: b.clock.now(),
      })
    await tell('fridge-1', 'Lane 5, No. 3')
    await tell('fridge-2', 'Lane 5, No. 3')
    await tell('fridge-3', 'Lane 9')
    await tell('fridge-4', null)
    await b.hub.settled()
    expect((await b.hub.list({ tenant: 'home' })).items.map(({ device }) => device).toSorted()).toEqual(['fridge-1', 'fridge-3', 'fridge-4'])
    expect(b.calls.find(({ subject }) => subject.includes('fridge-1'))?.body).toContain('Lane 5, No. 3')
    expect(b.named('emergency.raised')[0]).toMatchObject({ place: { household: 'Lane 5, No. 3' } })
  })

  it('makes the first graver, whose ladder begins anew, when the second is graver, and not when it is less', async () => {
    await using b = await bench()
    await b.report({ safetyClass: 'E1' })
    await b.hub.acknowledge({ tenant: 'home', id: (await b.all())[0]?.emergency_id ?? '', by: 'person:li', via: 'api', note: '' })
    await b.hub.apply([raised(FIRE)])
    expect(await b.all()).toMatchObject([{ state: 'raised', safety_class: 'E0' }])
    expect(b.named('emergency.escalated')).toMatchObject([{ reason: 'graver_class' }])
    await b.report({ alarmId: 'report_c2', safetyClass: 'E1' })
    expect(await b.all()).toMatchObject([{ state: 'raised', safety_class: 'E0' }])
    expect(b.named('emergency.escalated')).toHaveLength(1)
  })

  it('calls people anew who took it on when another unit of the home tells of it or it is back, and tells them when it goes on', async () => {
    await using b = await bench()
    await b.hub.apply([raised(FIRE)])
    const id = (await b.all())[0]?.emergency_id ?? ''
    const take = () => b.hub.acknowledge({ tenant: 'home', id, by: 'person:li', via: 'api', note: '' })
    await take()
    const calls = b.calls.length
    await b.report()
    expect(b.named('emergency.escalated')).toMatchObject([{ reason: 'told_again', notified: [], owner: 'person:li' }])
    expect(b.calls).toHaveLength(calls)
    await b.report({ alarmId: 'report_c2', device: 'unit-2' })
    await b.hub.settled()
    expect(await b.all()).toMatchObject([{ state: 'raised', acknowledged_at_ms: null }])
    expect(b.calls.length).toBeGreaterThan(calls)
    await take()
    await b.hub.apply([cleared(FIRE)])
    await b.pass(6 * 60_000)
    await b.report({ alarmId: 'report_c3' })
    expect(await b.all()).toMatchObject([{ state: 'raised' }])
  })

  it('calls anew when a sensor that joined a report had ceased and is back, and not while another still stands', async () => {
    await using b = await bench()
    const other = { ...FIRE, alarm_id: 'al_other' }
    await b.report()
    await b.hub.apply([raised(FIRE)])
    const id = (await b.all())[0]?.emergency_id ?? ''
    const take = () => b.hub.acknowledge({ tenant: 'home', id, by: 'person:li', via: 'api', note: '' })
    await take()
    await b.pass(6 * 60_000)
    await b.hub.apply([raised(other)])
    expect(await b.all()).toMatchObject([{ state: 'acknowledged' }])
    await b.hub.apply([cleared(FIRE), cleared(other)])
    await b.pass(60_000)
    await b.hub.apply([raised({ ...FIRE, alarm_id: 'al_back' })])
    expect(await b.all()).toMatchObject([{ state: 'raised' }])
  })

  it('is not over by the order of the first when a graver one joined it since somebody looked', async () => {
    await using b = await bench()
    await b.report({ safetyClass: 'E1' })
    await b.hub.acknowledge({ tenant: 'home', id: (await b.all())[0]?.emergency_id ?? '', by: 'person:li', via: 'api', note: '' })
    await b.hub.apply([raised(FIRE)])
    expect(await b.all()).toMatchObject([{ state: 'raised', acknowledged_at_ms: null, acknowledged_by: null }])
  })

  it('stays two where hazard or household differ, where nobody described the hazard, or where the first is over', async () => {
    await using b = await bench()
    await b.report()
    await b.report({ alarmId: 'other-hazard', hazard: 'gas' })
    await b.report({ alarmId: 'other-home', device: 'unit-9' })
    await b.report({ alarmId: 'own-1', hazard: 'rule:own' })
    await b.report({ alarmId: 'own-2', hazard: 'rule:own', device: 'unit-2' })
    await b.report({ alarmId: 'other-tenant', tenant: 'away' })
    expect(await b.all()).toHaveLength(5)
    const id = `em_${Buffer.from('report_c1').toString('hex')}`
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'out' })
    await b.report({ alarmId: 'later' })
    expect(await b.all()).toHaveLength(6)
    expect((await b.hub.list({ tenant: 'away' })).items).toHaveLength(1)
  })

  it('is watched on when people say that it is over and the sensor that joined has not', async () => {
    await using b = await bench()
    await b.report()
    await b.hub.apply([raised(FIRE)])
    await b.hub.resolve({ tenant: 'home', id: (await b.all())[0]?.emergency_id ?? '', by: 'person:li', reason: 'out' })
    await b.pass(11 * 60_000)
    expect(await b.all()).toContainEqual(expect.objectContaining({ state: 'raised', fault: 'T-03' }))
    // Nobody outside has heard of it under its own id yet.
    expect(b.named('emergency.raised')).toHaveLength(2)
  })

  it('is over for good when the sensor that joined has said so', async () => {
    await using b = await bench()
    await b.report()
    await b.hub.apply([raised(FIRE)])
    await b.hub.apply([cleared(FIRE)])
    await b.hub.resolve({ tenant: 'home', id: (await b.all())[0]?.emergency_id ?? '', by: 'person:li', reason: 'out' })
    await b.pass(24 * HOUR_MS)
    expect(await b.all()).toMatchObject([{ state: 'resolved' }])
    expect(await b.kinds()).toContain('cleared')
  })

  it('does not end by a done order while the sensor that joined still tells of it', async () => {
    const em = (alarmId: string) => `em_${Buffer.from(alarmId).toString('hex')}`
    const links = new Map([[em('report_c1'), { work_order_id: 'wo_1', case_id: 'case_1', isSettled: true }]])
    await using b = await emergencyBench(openOperations, { placeOf, links })
    await b.hub.raise({
      ...{ emergencyId: em('report_c1'), tenant: 'home', device: 'unit-1', type: 'test_unit', alarmId: 'report_c1', safetyClass: 'E0' },
      ...{ fault: null, hazard: 'fire_or_shock', title: { en: 'f', 'zh-CN': '火' }, advice: { en: 'l', 'zh-CN': '撤' } },
      ...{ raisedAtMs: 0, receivedAtMs: b.clock.now(), isPast: false, isDrill: false, tellsHousehold: false, actions: undefined, alarm: undefined },
    })
    await b.hub.apply([raised(FIRE)])
    await b.pass(11_000)
    expect(await b.emergency()).toMatchObject({ state: 'raised' })
    await b.hub.apply([cleared(FIRE)])
    await b.pass(11_000)
    expect(await b.emergency()).toMatchObject({ state: 'resolved', resolution: 'its work order is done' })
  })

  describe('and the orders of what people told', () => {
    const em = (alarmId: string) => `em_${Buffer.from(alarmId).toString('hex')}`
    const order = (id: string, state: { isSettled?: boolean; isDropped?: boolean } = {}) => ({
      ...{ work_order_id: id, case_id: `case_${id}`, isSettled: false },
      ...state,
    })
    const twoTellings = async (devices: readonly [string, string]) => {
      const links = new Map([[em('report_1'), order('wo_1')]])
      const b = await emergencyBench(openOperations, { placeOf, links })
      for (const [index, device] of devices.entries()) {
        const alarmId = `report_${index + 1}`
        links.set(em(alarmId), order(`wo_${index + 1}`))
        await b.hub.raise({
          ...{ emergencyId: em(alarmId), tenant: 'home', device, type: 'test_unit', alarmId, safetyClass: 'E0' },
          ...{ fault: null, hazard: 'fire_or_shock', title: { en: 'f', 'zh-CN': '火' }, advice: { en: 'l', 'zh-CN': '撤' }, alarm: undefined },
          ...{ raisedAtMs: 0, receivedAtMs: b.clock.now(), isPast: false, isDrill: false, tellsHousehold: false, actions: undefined },
        })
      }
      return Object.assign(b, { links })
    }

    it('goes on while the order of another unit of the home is open, and ends with the last', async () => {
      await using b = await twoTellings(['unit-1', 'unit-2'])
      expect(await b.emergency()).toMatchObject({ state: 'raised', device: 'unit-1' })
      b.links.set(em('report_1'), order('wo_1', { isSettled: true }))
      await b.pass(11_000)
      expect(await b.emergency()).toMatchObject({ state: 'raised' })
      b.links.set(em('report_2'), order('wo_2', { isSettled: true }))
      await b.pass(11_000)
      expect(await b.emergency()).toMatchObject({ state: 'resolved', resolution: 'its work order is done' })
    })

    it('is known by the order of the second telling when that of the first was called off, and ends with it', async () => {
      await using b = await twoTellings(['unit-1', 'unit-1'])
      b.links.set(em('report_1'), order('wo_1', { isDropped: true }))
      await b.pass(11_000)
      expect(await b.emergency()).toMatchObject({ state: 'raised', work_order_id: 'wo_2', case_id: 'case_wo_2' })
      b.links.set(em('report_2'), order('wo_2', { isSettled: true }))
      await b.pass(11_000)
      expect(await b.emergency()).toMatchObject({ state: 'resolved' })
    })
  })
})
