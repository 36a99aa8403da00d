/**
 * Sparkplug B as readings: metrics of one time become one reading, historical ones apart with `hist`. Names and datatypes that a payload
 * leaves to its birth stand in the record, put there by the door, so that decoding needs no other record. A value must be of the declared
 * type and in the field of the wire that this type has; it is never converted. The channel is the metric's name, or its part behind the last `/`; when two metrics of one time claim a
 * channel, the one that has its very name stands, or else the first, and the other is kept out; the safety rules see both.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { isOfTheNode, readSparkplug, SPARKPLUG_TYPES, type SparkplugMetric, type SparkplugValue } from '#kernel/sparkplug-payload.ts'
import { channelPlan } from '../decode-channels.ts'
import type { FormItem, FormOptions } from './form-items.ts'

const QUALITY_GOOD = 192

/** What a birth said of a metric, as the door writes it into a record. */
type Declared = readonly [alias: number | null, name: string, datatype: number]

/** Readings of a payload in order of their first metric; undefined when it is none. */
export function readSparkplugForm(message: AcceptedMessage, options: FormOptions): readonly FormItem[] | undefined {
  const payload = readSparkplug(message.payload)
  if (payload === undefined) {
    options.complain('MDL_INGEST_UNREADABLE', '', 'the payload is not Sparkplug B')
    return undefined
  }
  const births = readContext(message.context)
  const drafts = new Map<string, Draft>()
  for (const [index, metric] of payload.metrics.entries()) {
    const ts = metric.timestamp ?? payload.timestamp ?? message.received_at_ms
    const found = metricValue(metric, `metrics[${index}]`, { births, options, ts })
    if (found === undefined) continue
    const key = `${ts}/${metric.isHistorical}`
    const draft: Draft = drafts.get(key) ?? { ts, hist: metric.isHistorical, values: new Map(), losers: [] }
    drafts.set(key, draft)
    const loser = claim(draft, found)
    if (loser === undefined) continue
    const winner = draft.values.get(found.channel)?.name ?? ''
    const reason = `${shorten(loser.name)} claims channel ${shorten(loser.channel)} at the time of ${shorten(winner)}, which stands`
    options.complain('MDL_INGEST_CONFLICT', loser.path, reason, ts)
    draft.losers.push(loser)
  }
  return [...drafts.values()].flatMap((draft) => (options.isForSafety === true ? [...besides(draft), itemOf(draft)] : [itemOf(draft)]))
}

interface Found {
  readonly channel: string
  /** The metric's whole name. */
  readonly name: string
  readonly path: string
  readonly value: unknown
}

/** A reading in the making. */
interface Draft {
  readonly ts: number
  readonly hist: boolean
  readonly values: Map<string, Found>
  readonly losers: Found[]
}

/** The reading once more with each value that stays out of it: rules compare it with its neighbours. What stands comes last. */
const besides = (draft: Draft): readonly FormItem[] =>
  draft.losers.map((loser) => itemOf({ ...draft, values: new Map([...draft.values, [loser.channel, loser]]) }))

/** Puts a value into its reading; gives the one that has to stay out of it, if there were two. */
function claim({ values }: Draft, found: Found): Found | undefined {
  const first = values.get(found.channel)
  if (first !== undefined && (first.name === first.channel || found.name !== found.channel)) return found
  values.set(found.channel, found)
  return first
}

function itemOf({ ts, hist, values }: Draft): FormItem {
  const v = Object.create(null) as Record<string, unknown>
  for (const [channel, { value }] of values) v[channel] = value
  return { item: { ts, hist, v }, path: '', fieldOf: (channel) => values.get(channel)?.path ?? channel }
}

interface Births {
  readonly byAlias: ReadonlyMap<number, Declared>
  readonly byName: ReadonlyMap<string, Declared>
}

function readContext(context: string | undefined): Births {
  const list = context === undefined ? [] : (JSON.parse(context) as readonly Declared[])
  const withAlias = list.flatMap((declared) => (declared[0] === null ? [] : [[declared[0], declared] as const]))
  return { byAlias: new Map(withAlias), byName: new Map(list.map((declared) => [declared[1], declared])) }
}

interface MetricContext {
  readonly births: Births
  readonly options: FormOptions
  readonly ts: number
}

function metricValue(metric: SparkplugMetric, path: string, { births, options, ts }: MetricContext): Found | undefined {
  const { type, complain } = options
  const declared = metric.name === undefined ? births.byAlias.get(metric.alias ?? -1) : births.byName.get(metric.name)
  const name = metric.name ?? declared?.[1]
  const datatype = declared?.[2] ?? metric.datatype
  const refuse = (code: Parameters<typeof complain>[0], reason: string): undefined => {
    complain(code, path, reason, ts)
    return undefined
  }
  if (name !== undefined && isOfTheNode(name)) return undefined
  if (name === undefined || datatype === undefined) {
    const what = name === undefined ? `alias ${metric.alias ?? 'none'}` : shorten(name)
    return refuse('MDL_INGEST_BIRTH_UNKNOWN', `no birth tells name and datatype of ${what}; a rebirth was asked for`)
  }
  if (declared !== undefined && metric.datatype !== undefined && metric.datatype !== datatype)
    return refuse('MDL_INGEST_VALUE_TYPE', `${shorten(name)} is ${typeName(metric.datatype)}, its birth said ${typeName(datatype)}`)
  if (metric.isNull) return undefined
  if (metric.quality !== undefined && metric.quality !== QUALITY_GOOD)
    return refuse('MDL_INGEST_VALUE_QUALITY', `the edge node marks ${shorten(name)} with quality ${metric.quality}, good is ${QUALITY_GOOD}`)
  const value = metric.value === undefined ? undefined : typed(datatype, metric.value)
  if (value === undefined)
    return refuse('MDL_INGEST_VALUE_TYPE', `${shorten(name)} has ${metric.value?.kind ?? 'no value'} where ${typeName(datatype)} belongs`)
  const { byName } = channelPlan(type)
  return { channel: byName.has(name) ? name : name.slice(name.lastIndexOf('/') + 1), name, path, value }
}

const typeName = (datatype: number): string => SPARKPLUG_TYPES[datatype] ?? `datatype ${datatype}`

/** Bits and sign of the whole numbers. */
const WHOLE: Readonly<Record<number, readonly [bits: number, isSigned: boolean]>> = {
  1: [8, true],
  2: [16, true],
  3: [32, true],
  4: [64, true],
  5: [8, false],
  6: [16, false],
  7: [32, false],
  8: [64, false],
}

/** The value of a datatype, undefined when the wire's field or its size is not that of the type. */
function typed(datatype: number, given: SparkplugValue): number | boolean | string | undefined {
  const whole = WHOLE[datatype]
  if (whole !== undefined) return given.kind === 'int' ? wholeNumber(given.value, whole) : undefined
  if (datatype === 9) return given.kind === 'float' ? given.value : undefined
  if (datatype === 10) return given.kind === 'double' ? given.value : undefined
  if (datatype === 11) return given.kind === 'boolean' ? given.value : undefined
  return (datatype === 12 || datatype === 14 || datatype === 15) && given.kind === 'string' ? given.value : undefined
}

/** Negative numbers come in two's complement of their own size, of 32 or of 64 bits, by the sender's library. */
function wholeNumber(raw: bigint, [bits, isSigned]: readonly [number, boolean]): number | undefined {
  const size = raw < 1n << BigInt(bits) ? bits : raw < 1n << 32n ? 32 : 64
  const value = isSigned ? BigInt.asIntN(size, raw) : raw
  const isInside = isSigned ? value === BigInt.asIntN(bits, value) : value === BigInt.asUintN(bits, value)
  return isInside && Number.isSafeInteger(Number(value)) ? Number(value) : undefined
}

const shorten = (text: string): string => (text.length <= 64 ? text : `${text.slice(0, 64)}…`)
