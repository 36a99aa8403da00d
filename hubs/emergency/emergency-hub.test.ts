import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { openOperations } from '../../operations/open-database.ts'
import { cleared, raised, STORY_MS } from '../hub-builders.ts'
import { emergencyBench, fire, HOUR_MS, roster } from './emergency-builders.ts'

const bench = (given: Parameters<typeof emergencyBench>[1] = {}) => emergencyBench(openOperations, given)

describe('a danger', () => {
  it('is written once with its command, its owner and its countdown, and told with advice', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    await b.hub.apply([fire])
    await b.hub.apply([fire])
    await b.hub.settled()
    expect(b.names()).toEqual(['emergency.raised', 'household.advice'])
    expect(b.sent).toMatchObject([{ device: 'unit-1', body: { command: 'safe_state', payload: { actions: ['close_gas_valve', 'stop_heater'] } } }])
    expect(await b.emergency()).toMatchObject({ state: 'raised', owner: 'li', next_step_at_ms: b.clock.now() + 60_000, command_state: 'sent' })
    expect(b.calls).toMatchObject([{ target: 'li@example.com' }])
    expect(b.calls[0]?.subject).toContain('[E0]')
    expect(b.calls[0]?.body).toContain('House 9')
    expect(b.named('household.advice')[0]).toMatchObject({ texts: { en: 'switch it off', 'zh-CN': 'switch it off' } })
  })

  it('that is no danger, or is over for a day, calls nobody', async () => {
    await using b = await bench()
    const late = raised({ rule: 'fire', fault: 'T-03', safety_class: 'E0', hour: 2, received_at_ms: STORY_MS + 40 * HOUR_MS, hist: true })
    await b.hub.apply([raised(), late])
    expect((await b.hub.list({ tenant: 'home' })).items).toMatchObject([{ state: 'past', next_step_at_ms: null }])
    await b.pass(HOUR_MS)
    expect([b.names(), b.sent, b.calls]).toEqual([[], [], []])
  })

  it('is commanded even when the book cannot be written, and is written when it is given again', async () => {
    await using b = await bench()
    await b.database.schema.alterTable('emg_steps').renameTo('away').execute()
    await expect(b.hub.apply([fire])).rejects.toThrow()
    expect(b.sent).toHaveLength(1)
    expect(await b.emergency()).toBeUndefined()
    await b.database.schema
      .alterTable('away' as 'emg_steps')
      .renameTo('emg_steps')
      .execute()
    await b.hub.apply([fire])
    expect(new Set(b.sent.map(({ commandId }) => commandId)).size).toBe(1)
    expect(await b.emergency()).toMatchObject({ state: 'raised' })
  })

  it('cannot stand in the book without a next instant', async () => {
    await using b = await bench()
    await b.hub.apply([fire])
    await expect(b.database.updateTable('emg_emergencies').set({ next_step_at_ms: null }).execute()).rejects.toThrow(/CHECK/)
  })
})

describe('the ladder', () => {
  it('goes on at each silence, repeats its last rung without end, and stops when somebody acknowledges', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    await b.hub.apply([fire])
    await b.hub.apply([b.noted('done', b.sent[0]?.commandId ?? '')])
    const token = b.named('household.advice')[0]?.receipt_path as string
    await b.hub.adviceRead(token.split('/').at(-1) ?? '')
    await b.hub.settled()
    for (let rung = 0; rung < 20; rung++) await b.pass(rung === 0 ? 60_000 : 120_000)
    expect(b.named('emergency.escalated')).toHaveLength(20)
    expect(b.calls.map(({ target }) => target).slice(0, 3)).toEqual([
      'li@example.com',
      'https://chat.example.com/boss',
      'https://chat.example.com/boss',
    ])
    expect(b.calls).toHaveLength(21)
    const id = (await b.emergency())?.emergency_id ?? ''
    expect(await b.hub.acknowledge({ tenant: 'home', id, by: 'person:boss', via: 'api', note: '' })).toMatchObject({
      state: 'acknowledged',
      owner: 'person:boss',
    })
    await b.pass(20 * 60_000)
    expect(b.calls).toHaveLength(21)
    expect(b.named('emergency.acknowledged')).toMatchObject([{ by: 'person:boss', via: 'api' }])
    await expect(b.hub.acknowledge({ tenant: 'away', id, by: 'x', via: 'api', note: '' })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('begins anew when who acknowledged does not resolve in time, and ends when it is resolved', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    await b.hub.apply([fire])
    const id = (await b.emergency())?.emergency_id ?? ''
    await b.hub.acknowledge({ tenant: 'home', id, by: 'person:li', via: 'api', note: '' })
    await b.pass(31 * 60_000)
    expect(await b.emergency()).toMatchObject({ state: 'raised', owner: 'li' })
    expect(b.named('emergency.escalated')).toContainEqual(expect.objectContaining({ reason: 'not_resolved' }))
    await b.hub.apply([cleared({ rule: 'fire', fault: 'T-03', safety_class: 'E0' })])
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'valve replaced' })
    const told = b.events.length
    await b.pass(24 * HOUR_MS)
    expect(b.events).toHaveLength(told)
    expect(await b.emergency()).toMatchObject({ state: 'resolved', next_step_at_ms: null, resolution: 'valve replaced' })
  })

  it('tries a call that is not taken again until it is', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    b.moods.areCallsTaken = false
    await b.hub.apply([fire])
    await b.pass(20_000)
    const tries = b.calls.length
    expect(tries).toBeGreaterThan(3)
    b.moods.areCallsTaken = true
    await b.pass(20_000)
    expect(b.calls.length).toBeGreaterThan(tries)
    const steps = await b.hub.steps('home', (await b.emergency())?.emergency_id ?? '')
    expect(steps.filter(({ kind, detail }) => kind === 'call_taken' && (detail as { person: string }).person === 'li')).toHaveLength(1)
  })

  it('calls whoever the house named where a tenant has nobody, and has an unowned emergency counted where nobody is named', async () => {
    await using b = await bench()
    await b.hub.apply([fire])
    await b.pass(61_000)
    expect(await b.emergency()).toMatchObject({ owner: null, next_step_at_ms: expect.any(Number) })
    expect(await b.hub.statistics()).toMatchObject({ raised: 1, unowned: 1 })
    await b.hub.setRoster('home', roster, 'test')
    await b.pass(120_000)
    expect(await b.hub.statistics()).toMatchObject({ raised: 1, unowned: 0 })
  })

  it('goes on where the last process stopped', async () => {
    const { mkdtempSync, rmSync } = await import('node:fs')
    const folder = mkdtempSync('/tmp/mendline-emergency-')
    const clock = new ManualClock(STORY_MS + HOUR_MS)
    {
      await using b = await bench({ file: `${folder}/emergency.sqlite`, clock })
      await b.hub.setRoster('home', roster, 'test')
      await b.hub.apply([fire])
      await b.hub.settled()
    }
    clock.advance(10 * 60_000)
    await using again = await bench({ file: `${folder}/emergency.sqlite`, clock })
    await again.hub.settled()
    expect(again.named('emergency.escalated').length).toBeGreaterThan(0)
    expect(again.sent).toHaveLength(1)
    rmSync(folder, { recursive: true })
  })
})

describe('the safe-state command', () => {
  it('is sent again until the device answers, and its silence and refusal are escalated', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    await b.hub.apply([fire])
    await b.pass(29_000)
    expect(b.sent.length).toBeGreaterThan(2)
    expect(b.named('emergency.escalated')).toEqual([])
    await b.pass(1_500)
    expect(b.named('emergency.escalated')).toMatchObject([{ reason: 'command_overdue' }])
    await b.hub.apply([b.noted('refused', b.sent[0]?.commandId ?? ''), b.noted('refused', b.sent[0]?.commandId ?? '')])
    expect(b.named('emergency.escalated')).toMatchObject([{ reason: 'command_overdue' }, { reason: 'command_refused' }])
    const attempts = b.sent.length
    await b.pass(10 * 60_000)
    expect(b.sent).toHaveLength(attempts)
  })

  it('reaches a device that comes late, and an older note never takes a newer one back', async () => {
    await using b = await bench()
    b.moods.sessions = 0
    await b.hub.apply([fire])
    await b.pass(10_000)
    expect(b.sent).toEqual([])
    b.moods.sessions = 1
    await b.pass(2_500)
    expect(b.sent).toHaveLength(1)
    const id = b.sent[0]?.commandId ?? ''
    await b.hub.apply([b.noted('done', id), b.noted('delivered', id)])
    expect(await b.emergency()).toMatchObject({ command_state: 'done' })
  })

  it('expires after a day, which is said', async () => {
    await using b = await bench()
    b.moods.sessions = 0
    await b.hub.apply([fire])
    const id = (await b.emergency())?.emergency_id ?? ''
    await b.database
      .updateTable('emg_emergencies')
      .set({ created_at_ms: b.clock.now() - 24 * HOUR_MS })
      .where('emergency_id', '=', id)
      .execute()
    await b.pass(3_000)
    expect(await b.emergency()).toMatchObject({ command_state: 'expired' })
    expect(b.named('emergency.escalated')).toContainEqual(expect.objectContaining({ reason: 'command_expired' }))
  })
})

describe('links, receipts and the end', () => {
  it('acknowledge by the link of the person who was called, and by no other', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    await b.hub.apply([fire])
    await b.hub.settled()
    const token = /emergency-links\/(\S+)/.exec(b.calls[0]?.body ?? '')?.[1] ?? ''
    for (const more of ['x', '.', '.x']) expect(await b.hub.byLink(`${token}${more}`)).toBeUndefined()
    const receipt = String(b.named('household.advice')[0]?.receipt_path).split('/').at(-1) ?? ''
    expect(await b.hub.acknowledgeByLink(receipt)).toBeUndefined()
    expect(await b.hub.byLink(token)).toMatchObject({ person: 'li', emergency: { state: 'raised' } })
    expect(await b.hub.acknowledgeByLink(token)).toMatchObject({ state: 'acknowledged', acknowledged_by: 'person:li' })
  })

  it('notes once that the household read the advice, and escalates when it does not', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    const other = raised({ rule: 'fire', fault: 'T-03', safety_class: 'E0', device: 'unit-2' })
    await b.hub.apply([fire, other])
    const receipt = String(b.named('household.advice')[0]?.receipt_path).split('/').at(-1) ?? ''
    expect(await b.hub.adviceRead('no.such.token')).toBeUndefined()
    await b.hub.adviceRead(receipt)
    await b.hub.adviceRead(receipt)
    expect(b.named('household.advice_read')).toHaveLength(1)
    await b.pass(60_000)
    const unread = b.named('emergency.escalated').filter(({ reason }) => reason === 'advice_unread')
    expect(unread).toMatchObject([{ device: 'unit-2' }])
  })

  it('is linked to its order, and resolved when that is done; that the condition ceased ends nothing', async () => {
    const links = new Map<string, { work_order_id: string; case_id: string; isSettled: boolean }>()
    await using b = await bench({ links })
    await b.hub.apply([fire])
    await b.hub.apply([cleared({ rule: 'fire', fault: 'T-03', safety_class: 'E0' })])
    const id = (await b.emergency())?.emergency_id ?? ''
    expect(await b.emergency()).toMatchObject({ state: 'raised', cleared_at_ms: expect.any(Number) })
    links.set(id, { work_order_id: 'wo_1', case_id: 'case_1', isSettled: false })
    await b.pass(6_000)
    await expect.poll(b.emergency).toMatchObject({ work_order_id: 'wo_1', state: 'raised' })
    links.set(id, { work_order_id: 'wo_1', case_id: 'case_1', isSettled: true })
    await b.pass(6_000)
    await expect.poll(b.emergency).toMatchObject({ state: 'resolved' })
  })
})
