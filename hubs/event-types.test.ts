import type { Kysely } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { EVENT_TYPES, faultsOfEvent } from '#kernel/event-types.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { openOperations } from '../operations/open-database.ts'
import { createTargetGuard } from './dispatch/webhook-target.ts'
import { emergencyBench, fire, roster } from './emergency/emergency-builders.ts'
import { type HubBench, openHubBench } from './hub-bench.ts'
import { diagnosed, STORY_MS, testType } from './hub-builders.ts'
import type { HubTables } from './hub-tables.ts'
import type { HubsOptions } from './hubs.ts'
import { createMemoryWebhook } from './notifiers/memory-webhook.ts'
import { createOutbox } from './outbox.ts'
import type { CloudEvent } from './outbox-events.ts'

const HOUR_MS = 3_600_000
const OUTCOME = {
  cause: 'T-01',
  parts_used: [],
  parts_returned: [],
  minutes: 30,
  steps: ['find-leak', 'charge'].map((step) => ({ step, done: true })),
}

const open = async (options?: Partial<HubsOptions>): Promise<HubBench> =>
  openHubBench(await openOperations({ file: ':memory:', log: silentLog }), options)

/** Lives through something and gives what left. */
type Story = () => Promise<readonly CloudEvent[]>

const told = async (b: HubBench): Promise<readonly CloudEvent[]> => {
  await b.close()
  return b.events
}

const STORIES: Readonly<Record<string, Story>> = {
  'an order down the chain, repaired, in doubt, and closed': async () => {
    const b = await open()
    const window = { window_from_ms: STORY_MS + 2 * HOUR_MS, window_to_ms: STORY_MS + 3 * HOUR_MS }
    await b.apply(diagnosed(), diagnosed({ fault: 'T-02', hour: 2, rivals: [{ fault: 'T-01', fault_name: '', probability: 0.1 }] }))
    for (const [type, data] of [
      ['triaged', {}],
      ['remote_offered', {}],
      ['note', { verified_need: { is_needed: true, symptom: 'it leaks' } }],
      ['scheduled', window],
      ['offered', { engineer: 'eva' }],
      ['refused', { reason: 'ill' }],
      ['accepted', { engineer: 'kim' }],
      ['rescheduled', window],
      ['note', { kind: 'no_show' }],
      ['waiting_for_part', {}],
      ['returned', { reason: 'no part' }],
      ['accepted', { engineer: 'kim' }],
      ['en_route', {}],
      ['on_site', {}],
      ['waiting_for_expert', {}],
      ['on_site', {}],
      ['done', { outcome: { ...OUTCOME, cause: 'T-02' } }],
      ['note', { text: 'nobody calls again' }],
      ['reopened', { reason: 'it rattles again' }],
      ['cancelled', {}],
      ['closed', {}],
    ] as const) {
      await b.answer(type, data)
      // Mendline says by itself that the repair held.
      if (type === 'note' && 'text' in data) await b.wait(41 * 24 * HOUR_MS)
    }
    return told(b)
  },
  'an order that nobody answers, and is late': async () => {
    const b = await open()
    for (let unit = 0; unit < 5; unit++) {
      await b.apply(diagnosed({ device: `unit-${unit}` }))
      const { work_order_id: id } = await b.order(`unit-${unit}`)
      await b.answer('scheduled', { window_from_ms: b.clock.now(), window_to_ms: b.clock.now() + HOUR_MS }, { id })
      await b.answer('offered', { engineer: 'eva' }, { id })
    }
    for (let hour = 0; hour < 8; hour++) await b.wait(HOUR_MS / 2)
    return told(b)
  },
  'a repair that the sensors do not believe': async () => {
    const signs = [{ feature: 'subcooling_k', direction: -1 as const, text: { en: 'low', 'zh-CN': '低' } }]
    const type = { ...testType, faults: testType.faults.map((fault) => (fault.code === 'T-01' ? { ...fault, signs } : fault)) }
    const b = await open({ catalogue: () => type })
    const residuals = [{ feature: 'subcooling_k', observed: 1, expected: 2, z_score: -4 }]
    await b.apply(diagnosed({ residuals }))
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    await b.answer('done', { outcome: { ...OUTCOME, parts_used: [{ part: 'refrigerant', qty: 1 }] } }, { actor: 'engineer-7' })
    for (let hour = 0; hour < 12; hour++) {
      b.clock.advance(HOUR_MS)
      const to = b.clock.now()
      const window = { tenant: 'home', device: 'unit-1', type: 'test_unit', window_from_ms: to - HOUR_MS, window_to_ms: to, residuals }
      await b.apply({ kind: 'residuals_measured', key: `window-${to}`, window } satisfies HubEvent)
    }
    return told(b)
  },
  'a step that the household could do, and does not want to': async () => {
    const b = await open({ catalogue: (id) => applianceTypes.find((type) => type.id === id) })
    const residuals = [{ feature: 'running_ratio', observed: 0.9, expected: 0.5, z_score: 4 }]
    await b.apply(diagnosed({ type: 'fridge', fault: 'FR-03', safety_class: 'E4', residuals }))
    await b.wait(0)
    const [offer] = await b.hubs.remoteOffers('home', (await b.order()).work_order_id)
    await b.hubs.answerRemote('home', offer?.offer_id ?? '', { answer: 'refuse', at_ms: b.clock.now(), actor: 'anna' })
    return told(b)
  },
  'two reports of one cause': async () => {
    const b = await open({
      catalogue: (id) => applianceTypes.find((type) => type.id === id),
      unitOf: () => ({ type: 'washing_machine', household: 'flat-3', installed_at_ms: null }),
    })
    const said = { fault_code: 'none', symptom: 'noisy_spin', answers: [{ question: 'WM-Q05', answer: 'roars' }] }
    for (const source of ['household', 'call_centre'] as const)
      await b.hubs.report({ tenant: 'home', actor: 'desk', source, device: 'washer', at_ms: b.clock.now(), ...said })
    return told(b)
  },
  'help that comes late, and help that is not needed any more': async () => {
    const b = await open()
    await b.apply(diagnosed())
    for (const state of ['accepted', 'on_site', 'waiting_for_part'] as const) await b.answer(state)
    const [parts] = await b.hubs.helpQueue({ tenant: 'home' })
    const id = parts?.request_id ?? ''
    await b.hubs.takeHelp('home', id, { by: 'van-3', promised_ms: b.clock.now() + 60_000 })
    await b.wait(60_000)
    await b.hubs.endHelp('home', id, { by: 'eva', result: 'here' })
    for (const state of ['on_site', 'waiting_for_expert'] as const) await b.answer(state)
    await b.answer('cancelled', { reason: 'nobody can come' })
    return told(b)
  },
  'a filter that is due and cleaned, and a habit': async () => {
    const b = await open({ catalogue: (id) => applianceTypes.find((type) => type.id === id) })
    const of = { tenant: 'home', device: 'unit-1' }
    const note = (days: number) => {
      const from = (index: number): number => b.clock.now() - (days * 4 - index) * 6 * HOUR_MS
      const windows = Array.from({ length: days * 4 }, (_, index) => ({ from_ms: from(index), to_ms: from(index + 1) }))
      const ran = { readings: 9, running: 9, features: { running_ratio: 1 }, z_scores: {} }
      const list = windows.map((window) => ({ ...window, ...ran }))
      return b.hubs.careUse.note({ ...of, type: 'air_conditioner', windows: list, readTo_ms: list.at(-1)?.to_ms ?? 0 })
    }
    await note(0)
    await b.wait(20 * 24 * HOUR_MS)
    await note(20)
    await b.hubs.careDone({ ...of, task: 'AC-C01' }, { actor: 'anna' })
    return told(b)
  },
  'silence, return, and an alarm of the platform': async () => {
    const b = await open()
    const at = { tenant: 'home', at_ms: b.clock.now() }
    await b.apply({ kind: 'device_silent', key: 's', device: 'unit-1', ...at }, { kind: 'device_returned', key: 'r', device: 'unit-1', ...at })
    await b.apply({ kind: 'system_alarm', key: 'a', subject: 'audit', detail: { missing: 3, part: 'store' }, ...at })
    return told(b)
  },
  'a danger that people take on too late, read by the household, refused by the unit': async () => {
    await using b = await emergencyBench(openOperations)
    await b.hub.setRoster('home', roster, 'test')
    await b.hub.apply([fire])
    const id = (await b.emergency())?.emergency_id ?? ''
    await b.pass(61_000)
    await b.hub.apply([b.noted('refused', id)])
    const token = String(b.named('household.advice')[0]?.receipt_path).split('/').at(-1)
    await b.hub.adviceRead(token ?? '')
    await b.hub.acknowledge({ tenant: 'home', id, by: 'person:li', via: 'api', note: 'on my way' })
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'the valve is closed' })
    await b.hub.drill({ tenant: 'home', tellsHousehold: true, by: 'test' })
    return b.events
  },
  'a danger where no emergency hub runs': async () => {
    const b = await open()
    await b.apply(fire)
    return told(b)
  },
  'the test button': async () => {
    const b = await open()
    const guard = createTargetGuard({ allowLoopback: false, allowRanges: [] })
    const ports = { database: b.database as Kysely<HubTables>, clock: b.clock, log: silentLog, limits, guard }
    const outbox = createOutbox({ ...ports, notifier: createMemoryWebhook(), random: createRandom('types') })
    await outbox.sendTest('home', (await outbox.create('home', { url: 'https://desk.example.com/' })).endpoint_id)
    const [row] = await b.database.selectFrom('outbox_events').select('body').execute()
    await b.close()
    return [JSON.parse(row?.body ?? '{}') as CloudEvent]
  },
}

const emitted = new Map<string, CloudEvent[]>()
beforeAll(async () => {
  for (const story of Object.values(STORIES)) {
    for (const event of await story()) emitted.set(event.type, [...(emitted.get(event.type) ?? []), event])
  }
}, 60_000)

describe('the published event types', () => {
  it.each(EVENT_TYPES)('$type is emitted as its schema says', ({ type }) => {
    const events = emitted.get(type) ?? []
    expect(events.length).toBeGreaterThan(0)
    expect(events.flatMap(faultsOfEvent)).toEqual([])
  })

  it('are all that leaves', () => {
    const known = EVENT_TYPES.map(({ type }) => type)
    expect([...emitted.keys()].filter((type) => !known.includes(type))).toEqual([])
    expect(new Set(known).size).toBe(known.length)
  })

  it.each([
    ['a field that is missing', (data: Record<string, unknown>) => delete data.work_order_id, /work_order_id/],
    ['a field of another kind', (data: Record<string, unknown>) => Object.assign(data, { device: 7 }), /device/],
    ['a field that nobody described', (data: Record<string, unknown>) => Object.assign(data, { surprise: 1 }), /surprise is not documented/],
    ['no sequence', (data: Record<string, unknown>) => delete data.sequence, /sequence/],
  ])('would show %s', (_what, change, words) => {
    const [event] = emitted.get('mendline.parts.need.v1') ?? []
    const copy = structuredClone(event) as CloudEvent
    expect(faultsOfEvent(copy)).toEqual([])
    change(copy.data as Record<string, unknown>)
    expect(faultsOfEvent(copy).join()).toMatch(words)
  })

  it('would show a type that is not among them', () => {
    expect(faultsOfEvent({ type: 'mendline.secret.v1', data: {} })).toEqual(['mendline.secret.v1 is not published'])
  })
})
