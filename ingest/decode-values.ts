/** The values of a reading into columns. Hot: one Map lookup a value, one Float64Array a reading, no copy. */
import type { Channel } from '#catalogue/appliance-type.ts'
import { isRepeated } from '#kernel/json-text.ts'
import { type ChannelPlan, emptyRow, type PlannedChannel, widened } from './decode-channels.ts'
import type { Complain, DecodeLimits } from './decode-complaints.ts'
import { isRecord, type JsonRecord, ownField } from './decode-json.ts'

export interface ValuesOptions {
  readonly plan: ChannelPlan
  readonly limits: Pick<DecodeLimits, 'textLength_MAX'>
  readonly complain: Complain
  readonly observedAtMs: number
}

export interface DecodedValues {
  readonly numbers: Float64Array
  readonly texts: ReadonlyArray<readonly [channel: string, text: string]>
}

const NO_TEXTS: Array<readonly [string, string]> = []

/** Decodes `v`; what is wrong in it is complained about and left out, null is absent. */
export function decodeValues(values: JsonRecord, path: string, { plan, limits, complain, observedAtMs }: ValuesOptions): DecodedValues {
  let numbers = emptyRow(plan.layout)
  let texts: Array<readonly [string, string]> = NO_TEXTS
  for (const name of Object.keys(values)) {
    const value = values[name]
    const planned = plan.byName.get(name)
    if (planned === undefined) {
      complain('MDL_INGEST_CHANNEL_UNKNOWN', `${path}.${shorten(name)}`, `the type ${plan.layout.type} has no channel of this name`, observedAtMs)
      continue
    }
    if (value === null) continue
    if (isRepeated(value)) {
      complain(
        'MDL_INGEST_CONFLICT',
        `${path}.${name}`,
        `the channel stands there ${value.length} times: ${shorten(value.map(said).join(', '))}`,
        observedAtMs,
      )
      continue
    }
    const { channel, column } = planned
    if (channel.kind === 'text') {
      const refused = textRefusal(value, limits.textLength_MAX)
      if (refused !== undefined) complain('MDL_INGEST_VALUE_TYPE', `${path}.${name}`, refused, observedAtMs)
      else texts = [...texts, [name, String(value)]]
      continue
    }
    if (channel.isAggregated && isRecord(value)) numbers = widened(plan.layout, numbers)
    const refusal = channel.kind === 'boolean' ? setClaim(numbers, column, value) : setNumber(numbers, planned, value)
    if (refusal !== undefined) complain(refusal.code, `${path}.${name}${refusal.field ?? ''}`, refusal.reason, observedAtMs)
  }
  return { numbers, texts }
}

const textRefusal = (value: unknown, length_MAX: number): string | undefined =>
  typeof value === 'string' && value.length <= length_MAX ? undefined : `${describe(value)} is no text of at most ${length_MAX} characters`

interface Refusal {
  readonly code: 'MDL_INGEST_VALUE_TYPE' | 'MDL_INGEST_VALUE_RANGE'
  readonly reason: string
  readonly field?: string
}

function setClaim(numbers: Float64Array, column: number, value: unknown): Refusal | undefined {
  if (typeof value !== 'boolean') return { code: 'MDL_INGEST_VALUE_TYPE', reason: `${describe(value)} is neither true nor false` }
  numbers[column] = value ? 1 : 0
  return undefined
}

function setNumber(numbers: Float64Array, planned: PlannedChannel, value: unknown): Refusal | undefined {
  const { channel, column } = planned
  if (typeof value === 'number') {
    if (!(value >= channel.min && value <= channel.max)) return outOfRange(value, channel)
    numbers[column] = value
    return undefined
  }
  if (!isRecord(value)) return { code: 'MDL_INGEST_VALUE_TYPE', reason: `${describe(value)} is no number` }
  if (!channel.isAggregated) return { code: 'MDL_INGEST_VALUE_TYPE', reason: 'the channel is not aggregated, its value is one number' }
  return setAggregate(numbers, planned, value)
}

function setAggregate(numbers: Float64Array, { channel, column, minimum }: PlannedChannel, value: JsonRecord): Refusal | undefined {
  const [min, mean, max] = [ownField(value, 'min'), ownField(value, 'mean'), ownField(value, 'max')]
  if (typeof min !== 'number' || typeof mean !== 'number' || typeof max !== 'number') {
    return { code: 'MDL_INGEST_VALUE_TYPE', reason: 'an aggregate is {min, mean, max} of numbers' }
  }
  if (!(min >= channel.min && min <= channel.max)) return outOfRange(min, channel, '.min')
  if (!(max >= channel.min && max <= channel.max)) return outOfRange(max, channel, '.max')
  // Each of the three may have been rounded to the sensor's step on its own.
  if (!(mean >= min - channel.step && mean <= max + channel.step && mean >= channel.min && mean <= channel.max)) {
    return { code: 'MDL_INGEST_VALUE_RANGE', reason: `mean ${mean} does not lie between min ${min} and max ${max}`, field: '.mean' }
  }
  numbers[column] = mean
  numbers[minimum] = min
  numbers[minimum + 1] = max
  return undefined
}

const outOfRange = (value: number, channel: Channel, field = ''): Refusal => ({
  code: 'MDL_INGEST_VALUE_RANGE',
  reason: Number.isFinite(value) ? `${value} lies outside ${channel.min} to ${channel.max} ${channel.unit}` : 'the number is not finite',
  field,
})

/** Values and names of strangers stand in reasons shortened. */
const describe = (value: unknown): string =>
  typeof value === 'string' ? `the text "${shorten(value)}"` : Array.isArray(value) ? 'a list' : `a ${typeof value}`

const said = (value: unknown): string => JSON.stringify(value)

const shorten = (text: string): string => (text.length <= 64 ? text : `${text.slice(0, 64)}…`)
