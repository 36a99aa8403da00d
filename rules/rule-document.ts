/**
 * A rule as people write it and the API carries it: snake_case with units in the names, one object a rule. Reading one finds every fault at
 * once and names the field with the reason; what passes is checked against the channels, units and faults of the type as the
 * catalogue's own rules are. Two documents are compared field by field.
 */
import type { ApplianceType, Condition, Rule } from '#catalogue/appliance-type.ts'
import { SAFETY_CLASSES, type SafetyClass } from '#kernel/alarm.ts'
import { UNITS, type Unit } from '#kernel/units.ts'
import { checkRules, comparisonFaults } from './check-rules.ts'
import { isSafetyRule } from './compile-rules.ts'

export interface FieldFault {
  readonly field: string
  readonly reason: string
}

export type RuleDocument = Readonly<Record<string, unknown>>

/** Depth of a condition and parts of one list that are read. */
const DEPTH_MAX = 8
const PARTS_MAX = 32
const TEXT_MAX = 500

const FIELDS = [
  'type',
  'safety_class',
  'fault',
  'title',
  'title_zh',
  'advice',
  'advice_zh',
  'when',
  'hold_ms',
  'clear_hold_ms',
  'gap_ms_max',
] as const
const MORE_FIELDS = ['opens_work_order', 'judges_sensor', 'levels', 'source'] as const
const COMPARISON = {
  channel: 'channel',
  minus: 'minus',
  rate_over_ms: 'rateOverMs',
  mean_over_ms: 'meanOverMs',
  exposure_over_ms: 'exposureOverMs',
  op: 'op',
  value: 'value',
  unit: 'unit',
  clear_value: 'clearValue',
} as const
const OPERATORS = ['>', '>=', '<', '<=', '==', '!=']

/** Reads a document as version `version` of rule `id`; `before` is what holds now, whose kind (danger or not) a new version keeps. */
export function readRule(
  document: RuleDocument,
  of: { readonly id: string; readonly version: number; readonly type: ApplianceType; readonly before: Rule | undefined },
): { readonly rule: Rule } | { readonly faults: readonly FieldFault[] } {
  const faults: FieldFault[] = []
  const say = (field: string, reason: string): void => void faults.push({ field, reason })
  for (const name of Object.keys(document)) {
    if (![...FIELDS, ...MORE_FIELDS].includes(name as (typeof FIELDS)[number])) say(name, 'is no field of a rule')
  }
  const read = new Reader(document, say)
  const when = readCondition(document.when, 'when', { say, type: of.type, depth: 0 })
  const safetyClass = read.safetyClass('safety_class')
  const rule: Rule = {
    id: of.id,
    version: of.version,
    safetyClass,
    fault: document.fault === undefined || document.fault === null ? null : read.text('fault'),
    title: { en: read.text('title'), 'zh-CN': read.text('title_zh', '') },
    advice: { en: read.text('advice', ''), 'zh-CN': read.text('advice_zh', '') },
    when: when ?? { all: [] },
    holdMs: read.number('hold_ms', 0),
    clearHoldMs: read.number('clear_hold_ms', 0),
    gapMs_MAX: read.number('gap_ms_max', 900_000),
    opensWorkOrder: read.flag('opens_work_order'),
    judgesSensor: read.flag('judges_sensor'),
    source: read.text('source', 'tenant'),
    ...(document.levels === undefined ? {} : { levels: readLevels(document.levels, { say, type: of.type, base: safetyClass }) }),
  }
  if (isSafetyRule(rule) && rule.advice.en === '') say('advice', 'a rule of class E0 or E1 says what the household is to do')
  if (of.before !== undefined && isSafetyRule(of.before) !== isSafetyRule(rule)) {
    say('safety_class', `the rule is of class ${of.before.safetyClass}: a danger stays a danger (E0, E1), another rule does not become one`)
  }
  if (faults.length === 0) for (const sentence of checkRules({ ...of.type, rules: [rule] })) say(fieldOf(sentence), sentence)
  return faults.length > 0 ? { faults } : { rule }
}

/** The field that a sentence of the check is about. */
const fieldOf = (sentence: string): string =>
  (['fault', 'holdMs', 'clearHoldMs', 'gapMs_MAX'] as const)
    .filter((name) => sentence.includes(`: ${name} `))
    .map((name) => ({ fault: 'fault', holdMs: 'hold_ms', clearHoldMs: 'clear_hold_ms', gapMs_MAX: 'gap_ms_max' })[name])[0] ?? 'when'

type Say = (field: string, reason: string) => void

class Reader {
  readonly #document: RuleDocument
  readonly #say: Say

  constructor(document: RuleDocument, say: Say) {
    this.#document = document
    this.#say = say
  }

  text(name: string, otherwise?: string): string {
    const value = this.#document[name]
    if (value === undefined && otherwise !== undefined) return otherwise
    if (typeof value === 'string' && value.length > 0 && value.length <= TEXT_MAX) return value
    if (value === '' && otherwise !== undefined) return otherwise
    this.#say(name, `must be a text of 1 to ${TEXT_MAX} characters`)
    return ''
  }

  number(name: string, otherwise: number): number {
    const value = this.#document[name] ?? otherwise
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value
    this.#say(name, 'must be a number of milliseconds, zero or more')
    return otherwise
  }

  flag(name: string): boolean {
    const value = this.#document[name] ?? false
    if (typeof value !== 'boolean') this.#say(name, 'must be true or false')
    return value === true
  }

  safetyClass(name: string): SafetyClass {
    const value = this.#document[name]
    if (SAFETY_CLASSES.includes(value as SafetyClass)) return value as SafetyClass
    this.#say(name, `must be one of ${SAFETY_CLASSES.join(', ')}`)
    return 'E4'
  }
}

interface Place {
  readonly say: Say
  readonly type: ApplianceType
  readonly depth: number
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value)

function readCondition(value: unknown, field: string, { say, type, depth }: Place): Condition | undefined {
  const below = { say, type, depth: depth + 1 }
  if (!isObject(value)) say(field, 'must be an object: a comparison, or {all}, {any}, {not}, {held, for_ms}')
  else if (depth > DEPTH_MAX) say(field, `lies deeper than ${DEPTH_MAX} levels`)
  else if ('all' in value || 'any' in value) {
    const name = 'all' in value ? 'all' : 'any'
    const list = value[name]
    if (!Array.isArray(list) || list.length === 0 || list.length > PARTS_MAX)
      say(`${field}.${name}`, `must be a list of 1 to ${PARTS_MAX} conditions`)
    else {
      const parts = list.flatMap((part, index) => readCondition(part, `${field}.${name}[${index}]`, below) ?? [])
      return name === 'all' ? { all: parts } : { any: parts }
    }
  } else if ('not' in value) {
    const part = readCondition(value.not, `${field}.not`, below)
    return part && { not: part }
  } else if ('held' in value) {
    const part = readCondition(value.held, `${field}.held`, below)
    if (!(typeof value.for_ms === 'number' && value.for_ms > 0)) say(`${field}.for_ms`, 'must be above zero milliseconds')
    return part && { held: part, forMs: Number(value.for_ms) }
  } else return readComparison(value, field, { say, type })
  return undefined
}

function readComparison(value: Readonly<Record<string, unknown>>, field: string, { say, type }: Pick<Place, 'say' | 'type'>): Condition | undefined {
  let isRight = true
  const refuse = (name: string, reason: string): void => {
    isRight = false
    say(`${field}.${name}`, reason)
  }
  const comparison: Record<string, unknown> = {}
  for (const [name, own] of Object.entries(value)) {
    const target = COMPARISON[name as keyof typeof COMPARISON]
    if (target === undefined) refuse(name, 'is no field of a comparison')
    else comparison[target] = own
  }
  if (typeof value.channel !== 'string') refuse('channel', 'must name a channel')
  if (!OPERATORS.includes(value.op as string)) refuse('op', `must be one of ${OPERATORS.join(' ')}`)
  if (typeof value.value !== 'number') refuse('value', 'must be a number')
  if (typeof value.unit !== 'string' || !(value.unit in UNITS)) refuse('unit', `must be one of the units: ${Object.keys(UNITS).join(', ')}`)
  for (const name of ['minus', 'rate_over_ms', 'mean_over_ms', 'exposure_over_ms', 'clear_value'] as const) {
    const kind = name === 'minus' ? 'string' : 'number'
    if (value[name] !== undefined && typeof value[name] !== kind) refuse(name, `must be a ${kind}`)
  }
  if (!isRight) return undefined
  const read = comparison as unknown as Extract<Condition, { channel: string }> & { readonly unit: Unit }
  for (const reason of comparisonFaults(read, type)) say(field, reason)
  return read
}

function readLevels(value: unknown, { say, type, base }: { say: Say; type: ApplianceType; base: SafetyClass }): NonNullable<Rule['levels']> {
  if (!Array.isArray(value) || value.length === 0 || value.length > 4) {
    say('levels', 'must be a list of 1 to 4 levels, mildest first')
    return []
  }
  let before = base
  return value.flatMap((level, index) => {
    const field = `levels[${index}]`
    if (!isObject(level)) {
      say(field, 'must be an object')
      return []
    }
    const read = new Reader(level, (name, reason) => say(`${field}.${name}`, reason))
    const safetyClass = read.safetyClass('safety_class')
    if (safetyClass >= before) say(`${field}.safety_class`, `must be graver than ${before}`)
    before = safetyClass
    const afterMs = level.after_ms === undefined ? undefined : read.number('after_ms', 0)
    const when = level.when === undefined ? undefined : readCondition(level.when, `${field}.when`, { say, type, depth: 0 })
    if (afterMs === undefined && level.when === undefined) say(field, 'needs after_ms, or when, or both')
    return [
      {
        safetyClass,
        ...(afterMs === undefined ? {} : { afterMs }),
        ...(when === undefined ? {} : { when }),
        holdMs: read.number('hold_ms', 0),
        clearHoldMs: read.number('clear_hold_ms', 0),
        opensWorkOrder: read.flag('opens_work_order'),
      },
    ]
  })
}

/** A rule as a document; reading it gives the same rule. */
export function writeRule(rule: Rule, type: string): RuleDocument {
  const levels = rule.levels?.map(({ safetyClass, afterMs, when, holdMs, clearHoldMs, opensWorkOrder }) => ({
    safety_class: safetyClass,
    ...(afterMs === undefined ? {} : { after_ms: afterMs }),
    ...(when === undefined ? {} : { when: writeCondition(when) }),
    ...{ hold_ms: holdMs, clear_hold_ms: clearHoldMs, opens_work_order: opensWorkOrder },
  }))
  return {
    type,
    safety_class: rule.safetyClass,
    fault: rule.fault,
    ...{ title: rule.title.en, title_zh: rule.title['zh-CN'], advice: rule.advice.en, advice_zh: rule.advice['zh-CN'] },
    when: writeCondition(rule.when),
    ...{ hold_ms: rule.holdMs, clear_hold_ms: rule.clearHoldMs, gap_ms_max: rule.gapMs_MAX },
    ...{ opens_work_order: rule.opensWorkOrder, judges_sensor: rule.judgesSensor === true },
    ...(levels === undefined ? {} : { levels }),
    source: rule.source,
  }
}

function writeCondition(condition: Condition): RuleDocument {
  if ('all' in condition) return { all: condition.all.map(writeCondition) }
  if ('any' in condition) return { any: condition.any.map(writeCondition) }
  if ('not' in condition) return { not: writeCondition(condition.not) }
  if ('held' in condition) return { held: writeCondition(condition.held), for_ms: condition.forMs }
  const own = condition as unknown as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.entries(COMPARISON).flatMap(([name, field]) => (own[field] === undefined ? [] : [[name, own[field]]])))
}

/** Fields that differ, in order of their paths. */
export function diffRules(
  before: RuleDocument,
  after: RuleDocument,
): ReadonlyArray<{ readonly field: string; readonly before: unknown; readonly after: unknown }> {
  const [a, b] = [flatten(before, ''), flatten(after, '')]
  const fields = [...new Set([...a.keys(), ...b.keys()])].sort()
  return fields
    .filter((field) => a.get(field) !== b.get(field))
    .map((field) => ({ field, before: a.get(field) ?? null, after: b.get(field) ?? null }))
}

function flatten(value: unknown, path: string): Map<string, unknown> {
  if (typeof value !== 'object' || value === null) return new Map([[path, value]])
  const entries = Array.isArray(value)
    ? value.map((part, index) => [`${path}[${index}]`, part] as const)
    : Object.entries(value).map(([name, part]) => [path === '' ? name : `${path}.${name}`, part] as const)
  return new Map(entries.flatMap(([name, part]) => [...flatten(part, name)]))
}
