import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { type AudiencePacket, PACKET_AUDIENCES, type PacketAudience } from '#kernel/audience-packet.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { openHubBench } from '../hub-bench.ts'
import { diagnosed, raised, STORY_MS } from '../hub-builders.ts'

const HOUR_MS = 3_600_000

async function openBench() {
  const bench = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    unitOf: (_tenant, device) => ({ type: device, household: null, installed_at_ms: null }),
    installedAt: () => STORY_MS - 400 * 24 * HOUR_MS,
  })
  const packetOf = async (audience: PacketAudience, locale: 'en' | 'zh-CN' = 'en') => {
    const { work_order_id: id } = await bench.order()
    const packet = await bench.hubs.workOrderPacket({ tenant: 'home', id, audience, locale })
    if (packet === undefined) throw new Error('there is no packet')
    return packet
  }
  return { ...bench, packetOf, sectionsOf: async (audience: PacketAudience) => (await packetOf(audience)).sections.map(({ id }) => id) }
}

/** A gasket that leaks, with a rival, evidence of the catalogue and a sign that only the diagnosis knows. */
const leaking = diagnosed({
  type: 'fridge',
  fault: 'FR-03',
  fault_name: 'Door gasket leaks',
  rivals: [{ fault: 'FR-04', fault_name: 'Condenser dusty', probability: 0.15 }],
  evidence_for: [
    { feature: 'running_ratio', text: 'stored words', observed: 0.91234, expected: 0.5, unit: 'none', z_score: 5 },
    { feature: 'own_thing', text: 'a <b>sign</b> of its own', observed: null, expected: null, unit: 'none', z_score: null },
  ],
})

describe('the packet of an order for its audiences', () => {
  it('shows each what it is for', async () => {
    const bench = await openBench()
    await bench.apply(leaking)
    await bench.answer('scheduled', { window_from_ms: STORY_MS + 24 * HOUR_MS, window_to_ms: STORY_MS + 26 * HOUR_MS })
    expect(await bench.sectionsOf('household')).toEqual(['fault', 'self_help', 'appointment', 'cost', 'advice', 'prepare'])
    expect(await bench.sectionsOf('engineer')).toEqual([
      'fault',
      'appointment',
      'evidence',
      'rivals',
      'questions',
      'parts',
      'skills',
      'steps',
      'cost',
    ])
    expect(await bench.sectionsOf('agent')).toEqual([
      ...['fault', 'self_help', 'appointment', 'evidence', 'rivals', 'questions', 'parts', 'skills', 'cost', 'advice'],
    ])
    expect(JSON.stringify((await bench.packetOf('agent')).sections)).toContain('2026-06-02 00:00 to 2026-06-02 02:00 (UTC)')
    await bench.close()
  })

  it('says of an order that is done, or over without a visit, that nobody comes, and promises no time', async () => {
    const appointmentOf = (packet: AudiencePacket) => packet.sections.find(({ id }) => id === 'appointment')?.items.map(({ text }) => text)
    for (const [end, said] of [
      ['done', 'The work is done.'],
      ['cancelled', 'Nobody comes any more: the order is closed.'],
    ] as const) {
      const bench = await openBench()
      await bench.apply(leaking)
      expect(appointmentOf(await bench.packetOf('household'))).toEqual(['No time is promised yet.'])
      const outcome = { cause: 'FR-03', parts_used: [], parts_returned: [], minutes: 30 }
      if (end === 'done') for (const state of ['accepted', 'en_route', 'on_site'] as const) await bench.answer(state)
      const steps = (await bench.order()).packet.steps.map(({ id }) => ({ step: id, done: true }))
      await bench.answer(end, end === 'done' ? { outcome: { ...outcome, steps } } : { reason: 'not wanted' })
      expect(appointmentOf(await bench.packetOf('household'))).toEqual([said])
      expect(appointmentOf(await bench.packetOf('agent', 'zh-CN'))?.[0]).toMatch(/^\p{Script=Han}/u)
      await bench.close()
    }
  })

  it('tells a household no code, evidence or probability, and every audience the same fault', async () => {
    const bench = await openBench()
    await bench.apply(leaking)
    const household = JSON.stringify(await bench.packetOf('household'))
    expect(household).toContain('Door gasket leaks')
    expect(household).not.toMatch(/FR-0\d|FR-H|P-FR|robability|z_score|0\.9/)
    for (const audience of PACKET_AUDIENCES) expect((await bench.packetOf(audience)).title).toBe('Fridge-freezer: Door gasket leaks')
    await bench.close()
  })

  it('speaks the language asked for wherever the catalogue knows the words', async () => {
    const bench = await openBench()
    await bench.apply(leaking)
    const { title, sections } = await bench.packetOf('engineer', 'zh-CN')
    expect(title).toContain('门封漏气')
    expect(sections.find(({ id }) => id === 'evidence')?.items.map(({ text }) => text)).toEqual(['运行时间超出解释', 'a <b>sign</b> of its own'])
    for (const section of sections) expect(section.heading).toMatch(/\p{Script=Han}/u)
    const steps = sections.find(({ id }) => id === 'steps')?.items ?? []
    for (const { text } of steps) expect(text).toMatch(/\p{Script=Han}/u)
    await bench.close()
  })

  it('puts the advice of the rule and the class first in a danger, and leaves the household nothing to repair', async () => {
    const bench = await openBench()
    const type = applianceTypes.find(({ id }) => id === 'gas_water_heater')
    const rule = type?.rules.find(({ safetyClass, fault }) => safetyClass === 'E0' && fault !== null)
    await bench.apply(raised({ type: 'gas_water_heater', rule: rule?.id ?? '', safety_class: 'E0', fault: rule?.fault ?? null }))
    const { sections } = await bench.packetOf('household')
    expect(sections[0]?.items.map(({ text }) => text)).toEqual([
      rule?.advice.en,
      'Danger to life: leave the appliance off and the room aired until somebody has been there.',
    ])
    expect(sections.map(({ id }) => id)).not.toContain('self_help')
    await bench.close()
  })

  it('says what the household can look at while nobody can name the trouble', async () => {
    const bench = await openBench()
    const odd = { tenant: 'home', source: 'household', actor: 'anna', device: 'fridge', at_ms: bench.clock.now() } as const
    let answer = await bench.hubs.report({ ...odd, text: 'odd' })
    while (answer.next_question !== null) {
      const answers = [{ question: answer.next_question.question, answer: 'dont_know' }]
      answer = await bench.hubs.report({ ...odd, contact_id: answer.contact_id, answers })
    }
    const { sections } = await bench.packetOf('agent', 'zh-CN')
    expect(sections.find(({ id }) => id === 'self_help')?.items).toMatchObject([{ code: 'FR-H90' }])
    // A cause that nobody knows has no probability, and no price that a new one could be held against.
    expect(sections.find(({ id }) => id === 'fault')?.items).toEqual([{ text: expect.any(String), notes: [] }])
    expect(sections.map(({ id }) => id)).not.toContain('advice')
    expect((await bench.hubs.workOrderMoves('home', answer.work_order_id ?? ''))[0]).toMatchObject({
      reason: 'a trouble that nobody could name found',
    })
    await bench.close()
  })

  it.each([
    ['fridge', /^Touch no switch or plug/, /^请勿触碰任何开关或插头/],
    ['gas_water_heater', /gas cock/, /燃气阀/],
    ['own_type', /^Touch no switch or plug/, /^请勿触碰任何开关或插头/],
  ])('begins with the advice of the danger that a person told of a %s, and asks nobody to switch anything', async (device, en, zh) => {
    const bench = await openBench()
    const text = 'it smells of gas'
    await bench.hubs.report({ tenant: 'home', source: 'household', actor: 'anna', device, at_ms: bench.clock.now(), text })
    for (const [locale, advice] of [
      ['en', en],
      ['zh-CN', zh],
    ] as const) {
      const [safety] = (await bench.packetOf('household', locale)).sections
      expect(safety).toMatchObject({ id: 'safety', items: [{ text: expect.stringMatching(advice) }, {}] })
      expect(safety?.items[1]?.text).not.toMatch(/关闭设备/)
    }
    if (device === 'gas_water_heater') return bench.close()
    const { sections } = await bench.packetOf('agent')
    expect(sections.map(({ id }) => id)).not.toContain('advice')
    expect(JSON.stringify(sections.find(({ id }) => id === 'fault'))).not.toMatch(/robability/)
    await bench.close()
  })

  it('is a page without script in which every text is escaped, with the picture for the engineer alone', async () => {
    const bench = await openBench()
    await bench.apply(leaking)
    await bench.answer('note', { kind: 'call', text: 'x', verified_need: { is_needed: true, symptom: '<script>alert(1)</script>' } })
    const { work_order_id: id } = await bench.order()
    const page = async (audience: PacketAudience) => bench.hubs.workOrderPacketPage({ tenant: 'home', id, audience, locale: 'en' })
    const engineer = await page('engineer')
    expect(engineer).toContain('<svg')
    expect(engineer).toContain('&lt;script&gt;alert(1)')
    expect(engineer).toContain('a &lt;b&gt;sign&lt;/b&gt; of its own')
    expect(engineer).not.toContain('<script')
    expect(await page('household')).not.toContain('<svg')
    expect(await bench.hubs.workOrderPacketPage({ tenant: 'other', id, audience: 'agent', locale: 'en' })).toBeUndefined()
    await bench.close()
  })
})
