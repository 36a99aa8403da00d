/** Every fault of every type as a packet in both languages: Chinese without English words, and no name of a channel in either. */
import { describe, expect, it } from 'vitest'
import { type ApplianceType, type Fault, readingLayout, type Text } from '#catalogue/appliance-type.ts'
import { withHome } from '#catalogue/home-dangers.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { serviceTerms } from '#catalogue/service-terms.ts'
import { type AudiencePacket, PACKET_AUDIENCES } from '#kernel/audience-packet.ts'
import type { Diagnosis, Evidence } from '#kernel/diagnosis.ts'
import { UNITS } from '#kernel/units.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import { buildAlarm, buildDiagnosis } from '../../hubs/hub-builders.ts'
import { UNNAMED } from '../../hubs/intake/report-diagnosis.ts'
import { buildQuote } from '../../hubs/orders/quote.ts'
import { audiencePacket } from '../../hubs/packet/audience-packet.ts'
import { evidenceText } from '../../hubs/packet/evidence-words.ts'
import { buildPacket } from '../../hubs/packet.ts'
import { compileCondition } from '../../rules/compile-condition.ts'

/** Units, codes of models, refrigerants and parts, and what the trade in China writes in Latin letters. */
const ALLOWED = new Set([
  ...Object.values(UNITS).flatMap(({ label }) => label.match(/[A-Za-z]+/g) ?? []),
  ...['UTC', 'CNY', 'LED', 'PTC', 'EEV', 'NTC', 'Wi', 'Fi', 'WiFi', 'pH', 'min', 'cm'],
  // What displays show.
  ...applianceTypes.flatMap(({ intake }) => (intake?.codes ?? []).map(({ code }) => code)),
])
const CODE = /\b[A-Z]{1,4}-?[A-Z]?\d[\w-]*|\bwo_\w+/g

const englishIn = (text: string): string[] => (text.replace(CODE, '').match(/[A-Za-z]{2,}/g) ?? []).filter((word) => !ALLOWED.has(word))
const channelsIn = (type: ApplianceType, text: string): string[] =>
  // A name of one word is a word of the language as well.
  type.channels
    .map(({ name }) => name)
    .filter((name) => name.includes('_'))
    .filter((name) => new RegExp(`(?<![\\w])${name}(?![\\w])`).test(text))

const sign = (feature: string, text: string): Evidence => ({ feature, text, observed: 2, expected: 1, unit: 'k', z_score: 4 })

/** All that models, rules and people leave as evidence of a fault, as they write it. */
function evidenceOf(type: ApplianceType, fault: Fault): Evidence[] {
  const layout = readingLayout(type)
  const rules = type.rules.filter((rule) => rule.fault === fault.code)
  const conditions = rules.flatMap((rule) => {
    const compiled = compileCondition(rule.when, layout, { gapMs: 60_000, isWorstCase: false })
    const numbers = new Float64Array(layout.columns.length)
    return compiled.evidence(numbers, 0, compiled.createMemory()).map(({ condition }) => sign(rule.id, condition))
  })
  const intake = withHome(type.intake)
  const first = type.channels[0]?.name ?? ''
  return [
    ...fault.signs.map(({ feature, text }) => sign(feature, text.en)),
    ...(type.recipe?.features ?? []).map(({ name, description }) => sign(name, `${description.en} is above what a unit without fault shows`)),
    ...type.channels.map(({ name }) => sign(name, 'the sensor is in a bad state and was not used')),
    ...conditions,
    ...['value', 'tolerance', 'bound_s', 'live_share', 'refused'].map((detail) => sign(`channel-state:stuck:${first}`, `${first} ${detail}`)),
    ...intake.symptoms.map(({ text }) => sign('said_symptom', text.en)),
    ...intake.codes.map(({ code, text }) => sign('said_code', `${code} ${text.en}`)),
    ...intake.questions.flatMap(({ id, text, answers }) => answers.map((answer) => sign(`said_${id}`, `${text.en} ${answer.text.en}`))),
    ...(type.activeTests ?? []).flatMap(({ id, answers }) => answers.map(({ text }) => sign(`test_${id}`, text.en))),
    ...(type.remoteSteps ?? []).map(({ id }) => sign(`step_${id}`, 'the residual stayed')),
  ]
}

function orderOf(type: ApplianceType, fault: Fault, locale: keyof Text): WorkOrder {
  const rivals: Diagnosis['rivals'] = [
    ...type.faults.filter(({ code }) => code !== fault.code).map(({ code, name }) => ({ fault: code, fault_name: name.en, probability: 0.05 })),
    { fault: 'no_fault', fault_name: 'No fault', probability: 0.05 },
  ]
  const diagnosis = buildDiagnosis({ type: type.id, fault: fault.code, fault_name: fault.name.en, evidence_for: evidenceOf(type, fault), rivals })
  const packet = buildPacket({ type, fault: fault.code, diagnosis, alarm: undefined, locale })
  const terms = serviceTerms[type.id]
  const alarm = buildAlarm()
  return {
    ...{ work_order_id: 'wo_1', case_id: 'case_1', tenant: 'home', device: 'u-1', type: type.id, state: 'opened', revision: 1 },
    ...{ safety_class: fault.safetyClass, fault: fault.code, diagnosis_id: diagnosis.diagnosis_id, alarm_id: alarm.alarm_id },
    ...{ opened_at_ms: 0, created_at_ms: 0, updated_at_ms: 0, packet, outcome: null, repeat_of: 'wo_0' },
    promised_from_ms: 0,
    promised_to_ms: 7_200_000,
    quote:
      terms === undefined
        ? null
        : buildQuote({ type, packet, terms: { version: 1, terms } as never, installedAtMs: 0, openedAtMs: 1e11, isRepeat: false }),
  }
}

const textsOf = ({ title, sections }: AudiencePacket): string[] => [
  title,
  ...sections.flatMap(({ heading, items }) => [heading, ...items.flatMap(({ text, notes }) => [text, ...notes])]),
]

const cases = applianceTypes.flatMap((type) => type.faults.map((fault) => [type.id, fault.code, type, fault] as const))

describe('the packet of every fault of every type', () => {
  it.each(cases)('%s %s is Chinese in Chinese, for every audience, whatever language it was stored in', (_type, _code, type, fault) => {
    const rule = type.rules.find((each) => each.fault === fault.code)
    for (const stored of ['en', 'zh-CN'] as const) {
      for (const audience of PACKET_AUDIENCES) {
        const texts = textsOf(audiencePacket({ order: orderOf(type, fault, stored), type, rule, audience, locale: 'zh-CN' }))
        for (const text of texts) expect(englishIn(text), `${audience}: ${text}`).toEqual([])
      }
    }
  })

  it.each(cases)('%s %s names no channel as on the wire, in either language', (_type, _code, type, fault) => {
    for (const locale of ['en', 'zh-CN'] as const) {
      const texts = textsOf(audiencePacket({ order: orderOf(type, fault, 'en'), type, rule: undefined, audience: 'engineer', locale }))
      for (const text of texts) expect(channelsIn(type, text), text).toEqual([])
    }
  })

  it.each(applianceTypes.map((type) => [type.id, type] as const))('%s without a named fault is Chinese, too', (_type, type) => {
    const [fault] = type.faults
    if (fault === undefined) throw new Error('the type has no fault')
    const order = orderOf(type, fault, 'en')
    const unnamed = { ...order, fault: null, packet: { ...order.packet, fault: null, fault_name: UNNAMED.en, customer_sees: '', questions: [] } }
    const texts = textsOf(audiencePacket({ order: unnamed, type, rule: undefined, audience: 'agent', locale: 'zh-CN' }))
    for (const text of texts) expect(englishIn(text), text).toEqual([])
  })

  it('keeps a sentence that the catalogue did not write', () => {
    const [type] = applianceTypes
    expect(evidenceText({ feature: 'x', text: 'seen by an engineer' }, { type, fault: undefined, locale: 'zh-CN' })).toBe('seen by an engineer')
  })
})
