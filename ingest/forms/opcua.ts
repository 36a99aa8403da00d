/**
 * Records of an OPC UA gateway as readings: values of one device and instant become one reading, those from the server's history apart with
 * `hist`. The key is made of time and values only, so that a value that came live and again from the history is one. A value of another
 * data type than declared, a bad status, a whole number beyond 2^53 and a unit that does not convert are kept out; an uncertain value counts,
 * and the quarantine says since when it is uncertain.
 */
import type { Channel } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { type OpcuaGap, type OpcuaRecord, type OpcuaValue, severityOf } from '#kernel/opcua-record.ts'
import { convertSenml, convertUnit } from '#kernel/unit-conversion.ts'
import { channelPlan } from '../decode-channels.ts'
import { isRecord } from '../decode-json.ts'
import { at, type FormItem, type FormOptions } from './form-items.ts'

interface Draft {
  readonly ts: number
  readonly hist: boolean
  readonly isForgotten: boolean
  readonly v: Record<string, unknown>
  readonly places: Map<string, string>
}

/** Readings in order of their first value; undefined when the payload is none of a gateway. */
export function readOpcua(payload: unknown, message: AcceptedMessage, options: FormOptions): readonly FormItem[] | undefined {
  if (!Array.isArray(payload) || !payload.every(isOpcuaRecord)) {
    options.complain('MDL_INGEST_UNREADABLE', '', 'the record is no list of OPC UA values')
    return undefined
  }
  const open = new Map<string, Draft>()
  const drafts: Draft[] = []
  for (const [index, record] of payload.entries()) {
    const path = at('', index)
    if ('gap' in record) {
      tellGap(record, path, options)
      continue
    }
    const ts = record.source_ms ?? record.server_ms ?? message.received_at_ms
    const value = valueIn(record, { path, options, ts })
    if (value === undefined) continue
    const hist = record.hist === true
    const isForgotten = record.forgotten === true
    // Apart from the others, which may come again from the history without them.
    const instant = `${ts}/${hist}/${isForgotten}`
    const known = open.get(instant)
    // Two values of one channel in one millisecond are two readings.
    const draft =
      known === undefined || Object.hasOwn(known.v, record.channel) ? { ts, hist, isForgotten, v: Object.create(null), places: new Map() } : known
    if (draft !== known) {
      open.set(instant, draft)
      drafts.push(draft)
    }
    draft.v[record.channel] = value
    draft.places.set(record.channel, at(path, 'value'))
    if (record.quality !== undefined) draft.v[record.quality] = record.status_name
  }
  return drafts.map(({ ts, hist, isForgotten, v, places }) => ({
    item: { ts, hist, v },
    path: '',
    fieldOf: (channel) => places.get(channel) ?? channel,
    key: {
      content: Object.keys(v)
        .sort()
        .map((channel) => [channel, v[channel]]),
      side: isForgotten ? 1 : 0,
    },
  }))
}

function isOpcuaRecord(record: unknown): record is OpcuaRecord {
  return isRecord(record) && typeof record.node === 'string' && typeof record.channel === 'string'
}

function tellGap({ node, gap }: OpcuaGap, path: string, { complain }: FormOptions): void {
  const reason = `${node}: values between ${gap.from_ms} and ${gap.to_ms} are missing: ${gap.reason}`
  complain('MDL_INGEST_GAP', path, reason, gap.from_ms)
}

interface ValueContext {
  readonly path: string
  readonly options: FormOptions
  readonly ts: number
}

/** The value for the channel; undefined when it is kept out, which is complained about. */
function valueIn(record: OpcuaValue, { path, options, ts }: ValueContext): unknown {
  const { node, status, status_name: statusName, declared, type, value, status_before: before } = record
  const refuse = (code: Parameters<typeof options.complain>[0], reason: string): undefined => {
    options.complain(code, path, `${node}: ${reason}`, ts)
    return undefined
  }
  const severity = severityOf(status)
  if (severity === 'bad') return refuse('MDL_INGEST_VALUE_QUALITY', `the server says ${statusName}`)
  if (type !== declared && declared !== undefined) return refuse('MDL_INGEST_VALUE_TYPE', `declared is ${declared}, it came as ${type}`)
  if (value === undefined || type.endsWith('[]'))
    return refuse(
      'MDL_INGEST_VALUE_TYPE',
      `${type} is neither a number, nor true or false, nor a text${declared === undefined ? '' : ` (declared ${declared})`}`,
    )
  const plain = plainValue(type, value)
  if (plain === undefined) return refuse('MDL_INGEST_VALUE_TYPE', `the ${type} ${value} is no finite number that a Double holds exactly`)
  const channel = channelPlan(options.type).byName.get(record.channel)?.channel
  const ready = typeof plain === 'number' && channel !== undefined ? inUnitOf(channel, plain, record) : plain
  if (ready === undefined) {
    const wanted = record.unit_wanted === undefined ? '' : `, the mapping says ${record.unit_wanted}`
    return refuse(
      'MDL_INGEST_UNIT',
      `the unit ${record.unit ?? ''}${wanted} is not the ${channel?.unit ?? ''} of ${record.channel} and does not convert to it`,
    )
  }
  if (before !== undefined)
    options.complain('MDL_INGEST_VALUE_UNCERTAIN', path, `${node}: ${statusName} from here on, before ${before}; the value counts`, ts)
  return ready
}

/** Numbers that JSON cannot carry exactly come as texts. */
function plainValue(type: string, value: number | boolean | string): number | boolean | string | undefined {
  if (type === 'String' || typeof value === 'boolean') return value
  const number = Number(value)
  const isExact = type === 'Int64' || type === 'UInt64' ? Number.isSafeInteger(number) : Number.isFinite(number)
  return isExact ? number : undefined
}

function inUnitOf(channel: Channel, value: number, { unit, unit_wanted: wanted }: OpcuaValue): number | undefined {
  if (wanted !== undefined) return undefined
  if (unit === undefined) return value
  // Kelvin is a difference to one table and an absolute temperature to the other; the channel decides.
  const conversion = [convertUnit(unit, channel.unit), convertSenml(unit, channel.unit)].find((found) => typeof found === 'object')
  return conversion?.apply(value)
}
