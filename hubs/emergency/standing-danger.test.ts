import { describe, expect, it } from 'vitest'
import type { DutyRoster } from '#kernel/duty-roster.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { openHubBench } from '../hub-bench.ts'
import { cleared, raised } from '../hub-builders.ts'
import { emergencyBench, fire, HOUR_MS, roster } from './emergency-builders.ts'
import { planRung } from './ladder.ts'

const bench = () => emergencyBench(openOperations)

/** A danger whose order lies in the ordinary hubs. */
async function withOrder() {
  const ordinary = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { hasEmergencyPath: true })
  const b = await emergencyBench(openOperations, { ordinary: ordinary.database, clock: ordinary.clock })
  await b.hub.setRoster('home', roster, 'test')
  await Promise.all([ordinary.apply(fire), b.hub.apply([fire])])
  b.clock.advance(1_000)
  return {
    ...{ ordinary, b },
    async finish() {
      for (const state of ['accepted', 'en_route', 'on_site'] as const) await ordinary.answer(state)
      const steps = (await ordinary.order()).packet.steps.map(({ id }) => ({ step: id, done: true }))
      await ordinary.answer('done', { outcome: { cause: 'T-03', parts_used: [], parts_returned: [], minutes: 30, steps } })
    },
    async [Symbol.asyncDispose]() {
      await b[Symbol.asyncDispose]()
      await ordinary.close()
    },
  }
}

const overGas = cleared({ rule: 'fire', fault: 'T-03', safety_class: 'E0' })

describe('a danger that nobody took on', () => {
  it('stands when its order is cancelled, and when that is then closed, and people are called on', async () => {
    await using t = await withOrder()
    await t.ordinary.answer('cancelled', { reason: 'duplicate of an order of another system' })
    await t.b.pass(10_000)
    expect(await t.b.emergency()).toMatchObject({ state: 'raised', acknowledged_at_ms: null, work_order_id: expect.any(String) })
    await t.ordinary.answer('closed')
    await t.b.hub.apply([overGas])
    await t.b.pass(120_000)
    expect(await t.b.emergency()).toMatchObject({ state: 'raised', resolution: null })
    expect(t.b.calls.length).toBeGreaterThan(1)
  })

  it('stands when its order is done while its sensor still tells of it, and is over when that ceases', async () => {
    await using t = await withOrder()
    await t.finish()
    await t.b.pass(10_000)
    expect(await t.b.emergency()).toMatchObject({ state: 'raised', cleared_at_ms: null })
    await t.ordinary.answer('closed')
    await t.b.hub.apply([overGas])
    await t.b.pass(10_000)
    await expect.poll(t.b.emergency).toMatchObject({ state: 'resolved', resolution: 'its work order is done' })
  })

  it('is over with its order when somebody had acknowledged it', async () => {
    await using t = await withOrder()
    await t.b.hub.acknowledge({ tenant: 'home', id: (await t.b.emergency())?.emergency_id ?? '', by: 'person:li', via: 'api', note: '' })
    await t.finish()
    await t.b.pass(10_000)
    await expect.poll(t.b.emergency).toMatchObject({ state: 'resolved', acknowledged_by: 'person:li' })
  })
})

describe('a danger that was called over', () => {
  const resolved = async (b: Awaited<ReturnType<typeof bench>>) => {
    await b.hub.setRoster('home', roster, 'test')
    await b.hub.apply([fire])
    const id = (await b.emergency())?.emergency_id ?? ''
    await b.hub.apply([b.noted('done', id)])
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'valve closed' })
    return id
  }

  it('while its sensor still tells of it is raised again with all that a new one gets, later by each such word', async () => {
    await using b = await bench()
    const id = await resolved(b)
    const before = { sent: b.sent.length, calls: b.calls.length }
    await b.pass(9 * 60_000, 60_000)
    expect(await b.emergency()).toMatchObject({ state: 'resolved' })
    await b.pass(2 * 60_000, 10_000)
    expect(await b.emergency()).toMatchObject({ state: 'raised', resolution: null })
    expect(b.sent.slice(before.sent).every(({ commandId }) => commandId === `${id}_2`)).toBe(true)
    expect(b.sent.length).toBeGreaterThan(before.sent)
    expect(b.calls.length).toBeGreaterThan(before.calls)
    expect(b.named('emergency.escalated').some(({ reason }) => reason === 'still_standing')).toBe(true)
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'valve closed' })
    await b.pass(19 * 60_000, 60_000)
    expect(await b.emergency()).toMatchObject({ state: 'resolved' })
    await b.pass(2 * 60_000, 10_000)
    expect(await b.emergency()).toMatchObject({ state: 'raised' })
  })

  it('waits while the unit is away, whose sensor tells nothing, and is raised when it is back and nothing has ceased', async () => {
    await using b = await bench()
    await resolved(b)
    const calls = b.calls.length
    b.moods.isAway = true
    await b.pass(HOUR_MS, 60_000)
    expect(await b.emergency()).toMatchObject({ state: 'resolved' })
    expect(b.calls).toHaveLength(calls)
    b.moods.isAway = false
    await b.pass(11 * 60_000, 60_000)
    expect(await b.emergency()).toMatchObject({ state: 'raised' })
  })

  it('stays over when its sensor says that it ceased', async () => {
    await using b = await bench()
    await resolved(b)
    await b.hub.apply([overGas])
    const calls = b.calls.length
    await b.pass(HOUR_MS, 60_000)
    expect(await b.emergency()).toMatchObject({ state: 'resolved', next_step_at_ms: null })
    expect(b.calls).toHaveLength(calls)
  })
})

describe('a danger that was resolved and grows graver', () => {
  it('is raised anew: commanded anew, called and told under the same id, once', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    const water = raised({ rule: 'fire', fault: 'T-03', safety_class: 'E1' })
    await b.hub.apply([water])
    const id = (await b.emergency())?.emergency_id ?? ''
    await b.hub.apply([b.noted('done', id)])
    await b.hub.acknowledge({ tenant: 'home', id, by: 'person:li', via: 'api', note: '' })
    await b.hub.apply([overGas])
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'looks fine' })
    await b.pass(30 * HOUR_MS, HOUR_MS)
    const before = { sent: b.sent.length, calls: b.calls.length, events: b.events.length }
    const alarm = water.kind === 'alarm_raised' ? { ...water.alarm, safety_class: 'E0' as const } : undefined
    const grown = { kind: 'alarm_changed', key: 'k', alarm, from: 'E1', at_ms: b.clock.now() } as HubEvent
    await b.hub.apply([grown])
    await b.hub.apply([grown])
    await b.hub.settled()
    expect(b.sent.slice(before.sent)).toMatchObject([{ commandId: `${id}_2`, body: { command: 'safe_state' } }])
    expect(b.calls.slice(before.calls)).toMatchObject([{ target: 'li@example.com' }])
    expect(b.names().slice(before.events)).toEqual(['emergency.escalated', 'household.advice'])
    expect(b.named('emergency.escalated').at(-1)).toMatchObject({ reason: 'graver_class', safety_class: 'E0' })
    expect(await b.emergency()).toMatchObject({
      ...{ state: 'raised', safety_class: 'E0', command_state: 'sent', resolved_at_ms: null, resolution: null, acknowledged_by: null },
      next_step_at_ms: b.clock.now() + 60_000,
    })
    // The device answered the first command; that says nothing about this one.
    await b.hub.apply([b.noted('done', id)])
    await b.pass(60_000)
    expect(await b.emergency()).toMatchObject({ command_state: 'sent', command_id: `${id}_2` })
    await b.hub.apply([b.noted('done', `${id}_2`)])
    expect(await b.emergency()).toMatchObject({ command_state: 'done', command_next_at_ms: null })
    const steps = await b.hub.steps('home', id)
    expect(steps.every(({ after_ms }) => after_ms >= 0)).toBe(true)
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'valve closed' })
    await b.hub.apply([water, grown])
    expect(await b.emergency()).toMatchObject({ state: 'resolved' })
  })
})

describe('a rung that names ways', () => {
  const people: DutyRoster['people'] = [
    { person: 'ann', name: 'Ann', channels: [{ kind: 'chat', url: 'https://chat.example.com/ann' }] },
    { person: 'li', name: 'Li', channels: [{ kind: 'email', address: 'li@example.com' }] },
  ]
  const always = (person: string): DutyRoster => ({
    ...{ time_zone: 'UTC', people, shifts: [{ person, from: '00:00', to: '00:00' }] },
    ladders: { E0: [{ notify: ['on_duty'], ways: ['email'], wait_s: 600 }] },
  })
  const given = { safetyClass: 'E0', step: 0, nowMs: 0, fallback: [] }

  it('calls all of the roster when nobody is on duty, rather than nobody', () => {
    const night: DutyRoster = { ...always('ann'), shifts: [{ person: 'ann', from: '22:00', to: '23:00' }] }
    expect(planRung(night, given).calls.map(({ person, channel }) => [person.person, channel.kind])).toEqual([
      ['ann', 'chat'],
      ['li', 'email'],
    ])
  })

  it('calls by all their ways people who have none of these, rather than nobody', () => {
    expect(planRung(always('ann'), given).calls).toMatchObject([{ person: { person: 'ann' }, channel: { kind: 'chat' } }])
    expect(planRung(always('li'), given).calls).toMatchObject([{ channel: { kind: 'email' } }])
  })

  it('is refused for people who have none of these', async () => {
    await using b = await bench()
    await expect(b.hub.setRoster('home', always('ann'), 'test')).rejects.toThrow(/calls ann by email, which they do not have/)
    expect(await b.hub.setRoster('home', always('li'), 'test')).toMatchObject({ on_duty: ['li'] })
    const named = { ...always('li'), ladders: { E1: [{ notify: ['ann'], ways: ['email' as const], wait_s: 60 }] } }
    await expect(b.hub.setRoster('home', named, 'test')).rejects.toThrow(/calls ann by email/)
    const together = { ...always('ann'), ladders: { E0: [{ notify: ['on_duty', 'li'], ways: ['email' as const], wait_s: 60 }] } }
    expect(await b.hub.setRoster('home', together, 'test')).toMatchObject({ on_duty: ['ann'] })
  })
})

describe('an answer to a safe-state command', () => {
  it('counts from the unit that was commanded, and from no other', async () => {
    await using b = await bench()
    await b.hub.apply([fire])
    const answer = b.noted('done', (await b.emergency())?.emergency_id ?? '')
    if (answer.kind !== 'command_moved') throw new Error('no answer')
    await b.hub.apply([{ ...answer, note: { ...answer.note, device: 'unit-2' } }])
    expect(await b.emergency()).toMatchObject({ command_state: 'sent' })
    await b.pass(31_000)
    expect(b.named('emergency.escalated')).toMatchObject([{ reason: 'command_overdue' }])
    await b.hub.apply([answer])
    expect(await b.emergency()).toMatchObject({ command_state: 'done', command_next_at_ms: null })
  })
})

describe('planned drills', () => {
  it('are held although the roster is set anew each day, and are planned anew when their plan changes', async () => {
    await using b = await bench()
    const weekly = { ...roster, drill: { every_days: 7, at: '10:00' } }
    for (let day = 0; day < 22; day++) {
      await b.hub.setRoster('home', weekly, 'test')
      await b.pass(24 * HOUR_MS, HOUR_MS)
    }
    expect(b.named('emergency.raised').length).toBeGreaterThanOrEqual(3)
    const { next_drill_at_ms } = await b.hub.setRoster('home', { ...weekly, drill: { every_days: 30, at: '10:00' } }, 'test')
    expect((next_drill_at_ms ?? 0) - b.clock.now()).toBeGreaterThan(28 * 24 * HOUR_MS)
    expect(await b.hub.setRoster('home', roster, 'test')).toMatchObject({ next_drill_at_ms: null })
  })
})
