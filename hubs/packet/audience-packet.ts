/**
 * The packet of an order for household, engineer and call-centre agent, in zh-CN or en: a table says which audience reads which section, and
 * each section is made once from the order, the catalogue and the rule of its alarm. What the catalogue knows is said in the language asked
 * for, tools and evidence among it; what nobody in the catalogue wrote stays as it was made. The household reads no codes, numbers of evidence or names of staff.
 */

import type { ApplianceType, Fault, Rule, Text } from '#catalogue/appliance-type.ts'
import { adviceAbout } from '#catalogue/home-dangers.ts'
import { toolWords } from '#catalogue/tools.ts'
import type { AudiencePacket, PacketAudience, PacketItem } from '#kernel/audience-packet.ts'
import type { Evidence } from '#kernel/diagnosis.ts'
import type { Outcome, WorkOrder } from '#kernel/work-order.ts'
import { isDanger } from '../quiet-alarms.ts'
import { evidenceText, knownText, unitLabel } from './evidence-words.ts'
import {
  ADVICE,
  CAUSES,
  fill,
  HEADINGS,
  type PacketSection,
  PREPARE,
  PREPARE_AT_EASE,
  REASONS,
  SAFETY_CLASSES_SAID,
  SAID,
  SKILLS,
} from './packet-words.ts'

export interface AudienceSources {
  readonly order: WorkOrder
  readonly type: ApplianceType | undefined
  /** Rule of the alarm that opened the order. */
  readonly rule: Rule | undefined
  /** Danger of the home that the order is about; absent for all others. */
  readonly hazard?: string | undefined
  /** What the repair that it repeats came to; absent = it repeats none, or nobody said. */
  readonly earlier?: Outcome | undefined
  readonly audience: PacketAudience
  readonly locale: keyof Text
}

interface Making extends AudienceSources {
  readonly fault: Fault | undefined
  readonly say: (text: Text, values?: Readonly<Record<string, string | number>>) => string
  readonly share: (ratio: number) => string
}

const ALL: readonly PacketAudience[] = ['household', 'engineer', 'agent']
const STAFF: readonly PacketAudience[] = ['engineer', 'agent']

/** Sections in reading order, with who reads them. */
const SECTIONS: ReadonlyArray<readonly [PacketSection, readonly PacketAudience[], (making: Making) => PacketItem[]]> = [
  ['safety', ALL, safety],
  ['fault', ALL, faultItems],
  ['self_help', ['household', 'agent'], selfHelp],
  ['appointment', ALL, appointment],
  ['need', STAFF, need],
  ['evidence', STAFF, evidence],
  ['rivals', STAFF, rivals],
  ['repeat', STAFF, repeat],
  ['questions', STAFF, questions],
  ['parts', STAFF, parts],
  ['skills', STAFF, skills],
  ['steps', ['engineer'], steps],
  ['cost', ALL, cost],
  ['advice', ['household', 'agent'], advice],
  ['prepare', ['household'], ({ say, order }) => (isDanger(order) ? PREPARE : PREPARE_AT_EASE).map((text) => item(say(text)))],
]

/** The packet of an order as its audience reads it. */
export function audiencePacket(sources: AudienceSources): AudiencePacket {
  const { order, type, audience, locale } = sources
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 })
  const making: Making = {
    ...sources,
    fault: faultOf(type, order.packet.fault),
    say: (text, values) => fill(text, locale, values),
    share: (ratio) => percent.format(ratio),
  }
  const { work_order_id, device, state, safety_class } = order
  const sections = SECTIONS.flatMap(([id, audiences, make]) => {
    const items = audiences.includes(audience) ? make(making) : []
    const read = audience === 'household' ? items.map(({ code: _code, ...rest }) => rest) : items
    return read.length === 0 ? [] : [{ id, heading: making.say(HEADINGS[id]), items: read }]
  })
  const title = making.say(SAID.title, { type: type?.name[locale] ?? order.type, fault: faultName(making) })
  return { work_order_id, device, audience, locale, state, safety_class, title, sections }
}

const item = (text: string, notes: readonly string[] = [], more: Pick<PacketItem, 'code' | 'values'> = {}): PacketItem => ({
  text,
  notes: notes.filter((note) => note !== ''),
  ...more,
})

/** Nobody can name the trouble, or it is a danger of the home and none of the appliance. */
const isNameless = ({ packet, alarm_id }: WorkOrder): boolean => packet.fault === null && alarm_id === null

const faultOf = (type: ApplianceType | undefined, code: string | null): Fault | undefined => type?.faults.find((fault) => fault.code === code)

function faultName({ fault, order, type, rule, locale, say }: Making): string {
  const { fault_name } = order.packet
  return fault?.name[locale] ?? knownText(type, fault_name)?.[locale] ?? rule?.title[locale] ?? (fault_name || say(SAID.unknown))
}

function safety({ order, type, rule, hazard, audience, locale, say }: Making): PacketItem[] {
  const classSaid = SAFETY_CLASSES_SAID[order.safety_class]
  const care = audience === 'engineer' ? order.packet.skills.flatMap((skill) => SKILLS[skill]?.care ?? []) : []
  const advised = classSaid === undefined ? undefined : (rule?.advice ?? adviceAbout(type?.intake, { fault: order.packet.fault, hazard }))
  return [
    ...(advised === undefined || advised[locale] === '' ? [] : [item(advised[locale])]),
    ...(classSaid === undefined ? [] : [item(say(classSaid))]),
    ...care.map((text) => item(say(text))),
  ]
}

function faultItems(making: Making): PacketItem[] {
  const { order, fault, audience, locale, say, share } = making
  const { probability, customer_sees, fault: code } = order.packet
  const sees = fault?.customerSees[locale] ?? customer_sees
  const seen = sees === '' ? '' : say(SAID.sees, { text: sees })
  if (audience === 'household') return [item(faultName(making), [seen])]
  // Of a cause that nobody knows there is no probability to tell.
  if (isNameless(order)) return [item(faultName(making), [seen])]
  return [
    item(faultName(making), [say(SAID.probability, { share: share(probability) }), seen], {
      ...(code !== null && { code }),
      values: { probability },
    }),
  ]
}

function selfHelp({ order, fault, type, locale, say }: Making): PacketItem[] {
  // What is a danger is not for the household to repair.
  if (isDanger(order)) return []
  const ids = isNameless(order) ? type?.intake?.checks : fault?.remoteSteps
  return (ids ?? []).flatMap((id) => {
    const step = type?.remoteSteps?.find((entry) => entry.id === id)
    if (step === undefined) return []
    const notes = [
      say(SAID.minutes, { minutes: step.minutes }),
      step.wantsPhoto ? say(SAID.photo) : '',
      say(SAID.otherwise, { text: step.otherwise[locale] }),
    ]
    return [item(step.action[locale], notes, { code: id, values: { minutes: step.minutes } })]
  })
}

const ENDED: ReadonlySet<WorkOrder['state']> = new Set(['done', 'verified', 'closed', 'cancelled'])

function appointment({ order, say }: Making): PacketItem[] {
  const { promised_from_ms: from_ms, promised_to_ms: to_ms, packet } = order
  const duration = packet.minutes > 0 ? say(SAID.minutes, { minutes: packet.minutes }) : ''
  // Behind its end an order promises nothing any more.
  if (ENDED.has(order.state)) return [item(say(order.outcome === null ? SAID.noVisit : SAID.visited))]
  if (typeof from_ms !== 'number' || typeof to_ms !== 'number') return [item(say(SAID.noPromise), [duration])]
  const at = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
  return [item(say(SAID.promised, { from: at(from_ms), to: at(to_ms) }), [duration], { values: { from_ms, to_ms, minutes: packet.minutes } })]
}

function need({ order, say }: Making): PacketItem[] {
  const said = order.verified_need
  if (said === undefined || said === null) return []
  return [
    ...(said.symptom === undefined ? [] : [item(said.symptom)]),
    ...(said.access === undefined ? [] : [item(say(SAID.access, { text: said.access }))]),
  ]
}

function evidence({ order, type, fault, audience, locale, say }: Making): PacketItem[] {
  const textOf = (sign: Evidence): string => evidenceText(sign, { type, fault, locale })
  const { evidence_for, evidence_against } = order.packet
  if (audience === 'agent') return evidence_for.map((sign) => item(textOf(sign)))
  const make = (sign: Evidence, text: string): PacketItem => {
    const { observed, expected, unit, z_score } = sign
    const notes =
      observed === null || expected === null
        ? []
        : [say(SAID.observed, { observed: rounded(observed), expected: rounded(expected), unit: unitLabel(unit) }).trimEnd()]
    return item(text, notes, { code: sign.feature, values: { observed, expected, z_score } })
  }
  return [
    ...evidence_for.map((sign) => make(sign, textOf(sign))),
    ...evidence_against.map((sign) => make(sign, say(SAID.against, { text: textOf(sign) }))),
  ]
}

const listed = (parts: readonly string[], locale: keyof Text): string => parts.join(locale === 'en' ? ', ' : '、')

const rounded = (value: number): number => Number(value.toPrecision(4))

function rivals({ order, type, locale, say, share }: Making): PacketItem[] {
  return order.packet.rivals.map(({ fault: code, fault_name, probability }) =>
    item(
      faultOf(type, code)?.name[locale] ?? knownText(type, fault_name)?.[locale] ?? fault_name,
      [say(SAID.probability, { share: share(probability) })],
      { code, values: { probability } },
    ),
  )
}

function repeat({ order, earlier, type, locale, say }: Making): PacketItem[] {
  if (typeof order.repeat_of !== 'string') return []
  const { cause, parts_used, note = '' } = earlier ?? { cause: '', parts_used: [] }
  const parts = parts_used.map(({ part }) => type?.parts.find((known) => known.part === part)?.name[locale] ?? part)
  const notes = [
    cause === '' ? '' : say(SAID.repeatFound, { cause: faultOf(type, cause)?.name[locale] ?? say(CAUSES[cause] ?? { en: cause, 'zh-CN': cause }) }),
    parts.length === 0 ? '' : say(SAID.repeatParts, { parts: listed(parts, locale) }),
    note === '' ? '' : say(SAID.repeatNote, { text: note }),
  ]
  return [item(say(SAID.repeatOf, { order: order.repeat_of }), notes, { code: order.repeat_of })]
}

function questions({ order, type, fault, locale, say }: Making): PacketItem[] {
  const named = new Set(order.packet.rivals.map((rival) => rival.fault))
  const known = fault?.questions ?? []
  if (known.length === 0) return order.packet.questions.map((text) => item(knownText(type, text)?.[locale] ?? text))
  const nameOf = (code: string): string => faultOf(type, code)?.name[locale] ?? code
  const tells = ({ rivals: own }: (typeof known)[number]): boolean => own.some((rival) => named.has(rival))
  const sorted = [...known.filter(tells), ...known.filter((question) => !tells(question))]
  return sorted.map(({ rivals: own, text }) =>
    item(text[locale], [own.length === 0 ? '' : say(SAID.tells, { rivals: listed(own.map(nameOf), locale) })]),
  )
}

function parts({ order, type, locale, say, share }: Making): PacketItem[] {
  return order.packet.parts.map(({ part, name, quantity, probability }) =>
    item(type?.parts.find((entry) => entry.part === part)?.name[locale] ?? name, [say(SAID.quantity, { quantity, share: share(probability) })], {
      code: part,
      values: { quantity, probability },
    }),
  )
}

function skills({ order, say }: Making): PacketItem[] {
  return order.packet.skills.map((skill) => {
    const known = SKILLS[skill]
    return item(known === undefined ? skill : say(known.name), [], { code: skill })
  })
}

function steps({ order, type, locale, say }: Making): PacketItem[] {
  return order.packet.steps.map((step) => {
    const known = type?.steps.find(({ id }) => id === step.id)
    const tools = (known?.tools ?? step.tools).map((tool) => toolWords(type, tool)?.[locale] ?? tool)
    const notes = [
      say(SAID.minutes, { minutes: step.minutes }),
      step.tools.length === 0 ? '' : say(SAID.tools, { tools: listed(tools, locale) }),
      say(SAID.proof, { proof: known?.proof[locale] ?? step.proof }),
    ]
    return item(known?.text[locale] ?? step.text, notes, { ...(step.id !== undefined && { code: step.id }), values: { minutes: step.minutes } })
  })
}

function cost({ order, locale, say }: Making): PacketItem[] {
  const { quote, charges, earlier_charges: earlier = [] } = order
  if (quote === undefined || quote === null) return []
  const { is_covered } = quote.warranty
  const { min_minor, max_minor, currency } = quote.price
  const money = moneyOf(locale, currency)
  return [
    item(say(is_covered === null ? SAID.coverUnknown : is_covered ? SAID.covered : SAID.notCovered)),
    item(say(SAID.price, { min: money(min_minor), max: money(max_minor) }), [], { values: { min_minor, max_minor } }),
    ...earlier.map(({ total_minor, currency: of }) =>
      item(say(SAID.chargedBefore, { total: moneyOf(locale, of)(total_minor) }), [], { values: { total_minor } }),
    ),
    ...(charges === undefined || charges === null
      ? []
      : [
          item(say(SAID.charged, { total: moneyOf(locale, charges.currency)(charges.total_minor) }), [], {
            values: { total_minor: charges.total_minor },
          }),
        ]),
  ]
}

/** Shows minor units of a currency; those without a smaller unit have none. */
function moneyOf(locale: keyof Text, currency: string): (minor: number) => string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'code' })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return (minor) => format.format(minor / 10 ** digits)
}

function advice({ order, locale, say, share }: Making): PacketItem[] {
  const given = order.quote?.advice
  const named = given === undefined ? undefined : ADVICE[given.advice]
  // Whether a repair is worth it says nobody who does not know what is to be repaired.
  if (given === undefined || named === undefined || isNameless(order)) return []
  const money = moneyOf(locale, order.quote?.price.currency ?? 'CNY')
  const shown = (values: Readonly<Record<string, number>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        name.endsWith('_ratio') ? share(value) : name.endsWith('_minor') ? money(value) : String(value),
      ]),
    )
  const reasons = given.reasons.flatMap(({ code, values }) => {
    const text = REASONS[code]
    return text === undefined ? [] : [say(text, shown(values))]
  })
  return [item(say(named), reasons, { code: given.advice })]
}
