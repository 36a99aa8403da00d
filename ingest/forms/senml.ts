/**
 * SenML in JSON (RFC 8428): base fields, relative times, sums, units. Records of the same time become one reading. The last part of a
 * name, behind `:` or `/`, is the channel; the device comes from the topic. A unit must be the channel's, or one that converts to it by
 * the registries (RFC 8798); any other is kept out, never guessed. Without a unit the channel's own is meant.
 */
import type { Channel } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { type Conversion, convertSenml, convertSenmlSum } from '#kernel/unit-conversion.ts'
import { channelPlan } from '../decode-channels.ts'
import { isRecord, type JsonRecord, ownField } from '../decode-json.ts'
import { at, type FormItem, type FormOptions } from './form-items.ts'

/** Version of RFC 8428; a pack of a later one may mean something else by the same fields. */
const VERSION_MAX = 10
/** Times below count from now (RFC 8428 section 4.5.3). */
const RELATIVE_S_MAX = 2 ** 28
const KNOWN = new Set(['bn', 'bt', 'bu', 'bv', 'bs', 'bver', 'n', 'u', 'v', 'vs', 'vb', 'vd', 's', 't', 'ut'])

interface Base {
  bn: string
  bt: number
  bu: string | undefined
  bv: number | undefined
  bs: number | undefined
}

/** Readings of a pack in order of their first record; undefined when the pack is none. */
export function readSenml(value: unknown, message: AcceptedMessage, options: FormOptions): readonly FormItem[] | undefined {
  if (!Array.isArray(value)) {
    options.complain('MDL_INGEST_UNREADABLE', '', 'a SenML pack is a list of records')
    return undefined
  }
  const pack = new Pack(message, options)
  for (const [index, record] of value.entries()) if (!pack.add(record, at('', index))) return undefined
  return pack.items()
}

interface Draft {
  readonly ts: number
  readonly v: Record<string, unknown>
  readonly places: Map<string, string>
}

class Pack {
  readonly #message: AcceptedMessage
  readonly #options: FormOptions
  readonly #base: Base = { bn: '', bt: 0, bu: undefined, bv: undefined, bs: undefined }
  readonly #byTime = new Map<number, Draft>()
  readonly #drafts: Draft[] = []

  constructor(message: AcceptedMessage, options: FormOptions) {
    this.#message = message
    this.#options = options
  }

  /** Takes one record; false when the pack may not be read further. */
  add(record: unknown, path: string): boolean {
    const { complain } = this.#options
    if (!isRecord(record)) {
      complain('MDL_INGEST_FIELD_INVALID', path, 'a SenML record is an object')
      return true
    }
    const version = ownField(record, 'bver') ?? VERSION_MAX
    if (typeof version !== 'number' || version > VERSION_MAX) {
      complain('MDL_INGEST_UNREADABLE', at(path, 'bver'), `SenML of a version above ${VERSION_MAX} is not read`)
      return false
    }
    const binding = Object.keys(record).find((key) => key.endsWith('_') && !KNOWN.has(key))
    if (binding !== undefined) {
      complain('MDL_INGEST_UNREADABLE', path, 'a field that must be understood (its name ends in _) is unknown')
      return false
    }
    if (this.#rebase(record, path)) this.#addValues(record, path)
    return true
  }

  items(): readonly FormItem[] {
    return this.#drafts.map(({ ts, v, places }) => ({ item: { ts, v }, path: '', fieldOf: (channel) => places.get(channel) ?? `v.${channel}` }))
  }

  /** Base fields hold from their record on. */
  #rebase(record: JsonRecord, path: string): boolean {
    const wrong = [
      ['bn', 'string'],
      ['bu', 'string'],
      ['n', 'string'],
      ['u', 'string'],
      ['bt', 'number'],
      ['bv', 'number'],
      ['bs', 'number'],
      ['t', 'number'],
    ].find(([name = '', type]) => ownField(record, name) !== undefined && typeof ownField(record, name) !== type)
    if (wrong !== undefined) {
      this.#options.complain('MDL_INGEST_FIELD_INVALID', at(path, wrong[0] ?? ''), `${wrong[0]} is a ${wrong[1]}`)
      return false
    }
    Object.assign(
      this.#base,
      ...(['bn', 'bt', 'bu', 'bv', 'bs'] as const).filter((name) => Object.hasOwn(record, name)).map((name) => ({ [name]: record[name] })),
    )
    return true
  }

  #addValues(record: JsonRecord, path: string): void {
    const { bn, bt, bu, bv, bs } = this.#base
    const name = bn + ((ownField(record, 'n') as string | undefined) ?? '')
    const channel = name.slice(Math.max(name.lastIndexOf(':'), name.lastIndexOf('/')) + 1)
    const ts = this.#instant(bt + ((ownField(record, 't') as number | undefined) ?? 0))
    const unit = (ownField(record, 'u') as string | undefined) ?? bu
    const given = (['v', 'vs', 'vb', 'vd'] as const).filter((field) => Object.hasOwn(record, field))
    const hasSum = Object.hasOwn(record, 's') || bs !== undefined
    if (given.length > 1) return void this.#options.complain('MDL_INGEST_FIELD_INVALID', path, 'a record has one of v, vs, vb and vd', ts)
    const [field = bv === undefined ? undefined : 'v'] = given
    if (field !== undefined) {
      const raw = ownField(record, field) ?? 0
      const value = field === 'v' && typeof raw === 'number' ? raw + (bv ?? 0) : raw
      this.#put(channel, value, { ts, field, place: at(path, field), unit, convert: convertSenml })
    }
    if (!hasSum) return
    const sum = ownField(record, 's') ?? 0
    const value = typeof sum === 'number' ? sum + (bs ?? 0) : sum
    // Beside a value the sum is another quantity and has a channel of its own.
    this.#put(field === undefined ? channel : `${channel}_sum`, value, { ts, field: 's', place: at(path, 's'), unit, convert: convertSenmlSum })
  }

  #instant(seconds: number): number {
    const now = this.#message.received_at_ms
    return seconds < RELATIVE_S_MAX ? now + Math.round(seconds * 1000) : Math.round(seconds * 1000)
  }

  #put(name: string, value: unknown, { ts, field, place, unit, convert }: Entry): void {
    const { type, complain } = this.#options
    const channel = channelPlan(type).byName.get(name)?.channel
    const ready = channel === undefined ? value : this.#converted(channel, value, { ts, field, place, unit, convert })
    if (channel !== undefined && ready === undefined) return
    if (channel === undefined) return void complain('MDL_INGEST_CHANNEL_UNKNOWN', place, `the type ${type.id} has no channel ${shorten(name)}`, ts)
    const draft = this.#draftFor(ts, name)
    draft.v[name] = ready
    draft.places.set(name, place)
  }

  #converted(channel: Channel, value: unknown, { ts, field, place, unit, convert }: Entry): unknown {
    const { complain } = this.#options
    const wanted = field === 'vb' ? 'boolean' : field === 'vs' ? 'text' : field === 'vd' ? 'bytes' : 'number'
    if (wanted !== channel.kind) {
      complain('MDL_INGEST_VALUE_TYPE', place, `${field} holds a ${wanted}, the channel ${channel.name} a ${channel.kind}`, ts)
      return undefined
    }
    if (typeof value !== 'number' || (unit === undefined && field !== 's')) return value
    const conversion = convert(unit ?? '', channel.unit)
    if (typeof conversion === 'object') return conversion.apply(value)
    const how = field === 's' ? `a sum of ${shorten(unit ?? 'no unit')}` : `the unit ${shorten(unit ?? '')}`
    complain('MDL_INGEST_UNIT', place, `${how} is not the ${channel.unit} of ${channel.name} and does not convert to it`, ts)
    return undefined
  }

  /** The reading of an instant that has no value of the channel yet. */
  #draftFor(ts: number, channel: string): Draft {
    const open = this.#byTime.get(ts)
    if (open !== undefined && !Object.hasOwn(open.v, channel)) return open
    const draft: Draft = { ts, v: Object.create(null) as Record<string, unknown>, places: new Map() }
    this.#byTime.set(ts, draft)
    this.#drafts.push(draft)
    return draft
  }
}

interface Entry {
  readonly ts: number
  readonly field: string
  /** Where it stands in the payload. */
  readonly place: string
  readonly unit: string | undefined
  readonly convert: (from: string, to: Channel['unit']) => Conversion | 'unknown' | undefined
}

const shorten = (text: string): string => (text.length <= 64 ? text : `${text.slice(0, 64)}…`)
