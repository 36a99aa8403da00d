/**
 * Says the evidence of a packet in the language asked for. What a diagnosis, rule or person left as a stored sentence is known again by the
 * catalogue (a sign, a feature, what was said, the answer of a test), and channels are called by their descriptions instead of their names on
 * the wire. A sentence that nobody in the catalogue wrote stays as it is.
 */
import type { ApplianceType, Channel, Fault, Text } from '#catalogue/appliance-type.ts'
import { withHome } from '#catalogue/home-dangers.ts'
import type { Evidence } from '#kernel/diagnosis.ts'
import { UNITS } from '#kernel/units.ts'
import { UNNAMED } from '../intake/report-diagnosis.ts'
import { fill } from './packet-words.ts'

type Locale = keyof Text

const words = (en: string, zh: string): Text => ({ en, 'zh-CN': zh })

const SAID = {
  above: words('{what} is above what a unit without fault shows', '{what}高于无故障设备'),
  below: words('{what} is below what a unit without fault shows', '{what}低于无故障设备'),
  distrusted: words('{what}: the sensor is in a bad state and was not used', '{what}：传感器状态异常，未采用'),
  minus: words('{a} less {b}', '{a} 减 {b}'),
  rate: words('{what} changes by {bound} within {minutes} min', '{what}在 {minutes} 分钟内变化 {bound}'),
  mean: words('{what}, mean of {minutes} min, {bound}', '{what} {minutes} 分钟均值 {bound}'),
  exposure: words('{what}, summed over {minutes} min, {bound}', '{what} {minutes} 分钟累积 {bound}'),
  claim: words('{what}: yes', '{what}：是'),
  denial: words('{what}: no', '{what}：否'),
  late: words('{what} has not come', '{what}长时间未上报'),
  share: words('Share of "{what}" in the distance from its normal', '“{what}”在偏离自身常态中的占比'),
  detail: words('{what}: {detail}', '{what}：{detail}'),
  noHelp: words('Did not help: {what}', '未见效：{what}'),
} as const

/** What the quality of channels leaves of why a channel is not trusted. */
const DETAILS: Readonly<Record<string, Text>> = {
  value: words('value', '读数'),
  last_value: words('last value', '最后读数'),
  tolerance: words('tolerance', '容差'),
  bound: words('bound', '限值'),
  bound_s: words('bound in seconds', '时限（秒）'),
  usual_gap_s: words('usual gap in seconds', '通常间隔（秒）'),
  absent_s: words('absent for seconds', '缺失时长（秒）'),
  live_share: words('share of time in which it moved before', '此前变化时间占比'),
  refused: words('refused readings', '拒收读数次数'),
  scale: words('scale', '比例'),
  firmware_before: words('firmware before', '此前固件'),
}
const OTHER_DETAIL = words('what showed it', '判据')

const FIXED: readonly Text[] = [
  UNNAMED,
  words('silent units of its area', '所在区域的失联设备'),
  words('known units of its area', '所在区域的已知设备'),
  words('Unknown fault', '未知故障'),
  words('No fault', '无故障'),
  words('Not enough data', '数据不足'),
]

/** Names of channels inside a sentence: the longest that fits, with the aggregates of it. */
const NAME = /[a-z][a-z0-9]*(?:_[a-z0-9]+)+/g
const COMPARISON = /^(?:(rate of|mean of|exposure to) )?(.+?)(?: over ([\d.]+) min)? (>=|<=|>|<|==|!=) (\S+)(?: (.+))?$/
const ODD = /^.+ is (above|below) what a unit without fault shows$/

/** The text of one piece of evidence. */
export function evidenceText(
  { feature, text }: Pick<Evidence, 'feature' | 'text'>,
  { type, fault, locale }: { readonly type: ApplianceType | undefined; readonly fault: Fault | undefined; readonly locale: Locale },
): string {
  const sign = fault?.signs.find((each) => each.feature === feature)?.text[locale]
  if (sign !== undefined) return sign
  if (type === undefined) return text
  const odd = ODD.exec(text)?.[1]
  const described = type.recipe?.features.find(({ name }) => name === feature)?.description[locale]
  if (odd !== undefined && described !== undefined) return fill(odd === 'above' ? SAID.above : SAID.below, locale, { what: described })
  const tried = type.remoteSteps?.find(({ id }) => feature === `step_${id}`)
  if (tried !== undefined) return fill(SAID.noHelp, locale, { what: tried.action[locale] })
  const channel = channelOf(type, feature)
  if (channel !== undefined && text.startsWith('the sensor is in a bad state')) return fill(SAID.distrusted, locale, { what: channel[locale] })
  return knownText(type, text)?.[locale] ?? conditionText(type, text, locale) ?? text.replace(NAME, (name) => channelOf(type, name)?.[locale] ?? name)
}

/** A sentence that the catalogue has in the other language or in this. */
export function knownText(type: ApplianceType | undefined, text: string): Text | undefined {
  const intake = withHome(type?.intake)
  const texts: Text[] = [
    ...FIXED,
    ...(type?.faults ?? []).flatMap((fault) => [
      fault.name,
      ...fault.signs.map((sign) => sign.text),
      ...fault.questions.map((question) => question.text),
    ]),
    ...(type?.activeTests ?? []).flatMap(({ name, answers }) => [name, ...answers.map((answer) => answer.text)]),
    ...(type?.remoteSteps ?? []).flatMap(({ action, otherwise }) => [action, otherwise]),
    ...(type?.rules ?? []).map(({ title }) => title),
    ...intake.symptoms.map((symptom) => symptom.text),
    ...intake.codes.map(({ code, text: shown }) => words(`${code} ${shown.en}`, `${code} ${shown['zh-CN']}`)),
    ...intake.questions.flatMap((question) =>
      question.answers.map((answer) => words(`${question.text.en} ${answer.text.en}`, `${question.text['zh-CN']} ${answer.text['zh-CN']}`)),
    ),
  ]
  return texts.find((known) => known.en === text || known['zh-CN'] === text)
}

/** The condition of a rule, which rules write with the names of channels. */
function conditionText(type: ApplianceType, text: string, locale: Locale): string | undefined {
  const [first = '', ...rest] = text.split(' ')
  const described = channelOf(type, first)?.[locale]
  const tail = rest.join(' ')
  if (described !== undefined && tail === 'has not come for') return fill(SAID.late, locale, { what: described })
  if (described !== undefined && /^[a-z_]+$/.test(tail))
    return fill(SAID.detail, locale, { what: described, detail: (DETAILS[tail] ?? OTHER_DETAIL)[locale] })
  const shared = /^share of (\S+) in the distance from its normal$/.exec(text)?.[1]
  if (shared !== undefined) return fill(SAID.share, locale, { what: channelOf(type, shared)?.[locale] ?? shared })
  return comparisonText(type, text, locale)
}

function comparisonText(type: ApplianceType, text: string, locale: Locale): string | undefined {
  const [, span, left = '', minutes = '', op = '', value = '', unit = ''] = COMPARISON.exec(text) ?? []
  const sides = left.split(' - ').map((name) => channelOf(type, name)?.[locale])
  const [a, b] = sides
  if (a === undefined || sides.includes(undefined)) return undefined
  const what = b === undefined ? a : fill(SAID.minus, locale, { a, b })
  const isClaim = type.channels.find(({ name }) => name === left)?.kind === 'boolean' && (op === '==' || op === '!=')
  if (isClaim) return fill((value === '1') === (op === '==') ? SAID.claim : SAID.denial, locale, { what })
  const bound = `${SIGNS[op] ?? op} ${value} ${unit}`.trim()
  if (span === undefined) return `${what} ${bound}`
  return fill(span === 'rate of' ? SAID.rate : span === 'mean of' ? SAID.mean : SAID.exposure, locale, { what, minutes, bound })
}

const SIGNS: Readonly<Record<string, string>> = { '>=': '≥', '<=': '≤', '==': '=', '!=': '≠' }

const channelOf = (type: ApplianceType, name: string): Text | undefined => {
  const isOf = (channel: Channel): boolean => channel.name === name || name === `${channel.name}_min` || name === `${channel.name}_max`
  return type.channels.find(isOf)?.description
}

/** How a unit is written behind a number; nothing where there is none. */
export const unitLabel = (unit: string): string => Object.entries(UNITS).find(([name]) => name === unit)?.[1].label ?? unit
