/**
 * A checked mapping as a function of a payload: it finds the readings in it, their time and key, and fills the channels. A field that no
 * line of the mapping reads is complained about, so that nothing that a device says is lost without a word; `ignore` takes it off.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { EpochMs } from '#kernel/clock.ts'
import { channelPlan } from '../decode-channels.ts'
import { isRecord } from '../decode-json.ts'
import type { CompiledMapping, FormItem, FormOptions } from '../forms/form-items.ts'
import type { FieldRule, MappingDocument } from './mapping-document.ts'
import { follow, leavesOf, type PathStep, parsePath, showPath } from './mapping-path.ts'
import { timeParser } from './mapping-time.ts'
import { mapValue } from './mapping-value.ts'

interface CompiledField {
  readonly steps: readonly PathStep[]
  readonly rule: FieldRule
}

interface Compiled {
  readonly items: readonly PathStep[] | undefined
  readonly time: ((value: unknown) => number | undefined) | undefined
  readonly timeSteps: readonly PathStep[]
  readonly timeFormat: string
  readonly key: ReadonlyArray<readonly [name: 'seq' | 'boot' | 'fw', steps: readonly PathStep[]]>
  readonly fields: readonly CompiledField[]
  readonly isRead: (path: string) => boolean
}

/** Leaves of one reading that are looked at for fields that nobody reads. */
const LEAVES_MAX = 2_000

/** Characters of a path that a pattern is tried on; a longer one is read by nobody. */
const PATH_MAX = 512

/** Compiles a mapping with `fields`. */
export function compileMapping(document: MappingDocument): CompiledMapping {
  const compiled = compile(document)
  return {
    read(value, message, options) {
      const { items } = compiled
      const list = items === undefined ? value : follow(value, items)
      const root = items === undefined ? '' : showPath(items)
      if (items !== undefined && !Array.isArray(list)) {
        options.complain('MDL_INGEST_UNREADABLE', root, 'there is no list of readings here')
        return undefined
      }
      if (!Array.isArray(list)) return [readItem(compiled, { entry: list, path: root }, message, options)]
      return list.map((entry, index) => readItem(compiled, { entry, path: `${root}[${index}]` }, message, options))
    },
  }
}

function compile({ items, time, seq, boot, firmware, device, fields = [], ignore = [] }: MappingDocument): Compiled {
  const steps = (path: string): readonly PathStep[] => parsePath(path) ?? []
  const named = [
    ['seq', seq],
    ['boot', boot],
    ['fw', firmware],
  ] as const
  const parse = time === undefined ? undefined : timeParser(time.format, time.time_zone ?? 'UTC')
  const own = [time?.field, seq, boot, firmware, device !== undefined && 'field' in device ? device.field : undefined]
  const read = [...own.filter((path) => path !== undefined), ...fields.map(({ field }) => field)].map((path) => showPath(steps(path)))
  return {
    items: items === undefined ? undefined : steps(items),
    time: parse === undefined ? undefined : (value) => (typeof value === 'string' || typeof value === 'number' ? parse(String(value)) : undefined),
    timeSteps: steps(time?.field ?? ''),
    timeFormat: time?.format ?? '',
    key: named.flatMap(([name, path]) => (path === undefined ? [] : [[name, steps(path)] as const])),
    fields: fields.map(({ field, ...rule }) => ({ steps: steps(field), rule })),
    isRead: matcher([...read, ...ignore.map(plainPattern)]),
  }
}

/** A pattern in the spelling of `showPath`: quotes only where a key needs them. */
const plainPattern = (pattern: string): string => pattern.replaceAll(/\["([^".[\]]+)"\]/g, '.$1').replace(/^\./, '')

/**
 * Matches a path, everything below it, and `*` for any characters. By hand: a regular expression takes the square of the path's length
 * for two `*`, and a payload brings thousands of paths.
 */
function matcher(patterns: readonly string[]): (path: string) => boolean {
  const split = patterns.map((pattern) => pattern.split('*'))
  return (path) => path.length <= PATH_MAX && split.some((pieces) => isMatch(pieces, path))
}

/** The pieces between the `*` each at their first place, the last one at any place where a step of the path ends. */
function isMatch(pieces: readonly string[], path: string): boolean {
  const endsStep = (at: number): boolean => at === path.length || path[at] === '.' || path[at] === '['
  const [head = '', ...rest] = pieces
  if (!path.startsWith(head)) return false
  let from = head.length
  if (rest.length === 0) return endsStep(from)
  for (const piece of rest.slice(0, -1)) {
    const at = path.indexOf(piece, from)
    if (at < 0) return false
    from = at + piece.length
  }
  const last = rest.at(-1) ?? ''
  for (let at = path.indexOf(last, from); at >= 0; at = path.indexOf(last, at + 1)) {
    if (endsStep(at + last.length)) return true
    if (at === path.length) return false
  }
  return false
}

interface Entry {
  readonly entry: unknown
  readonly path: string
}

function readItem(mapping: Compiled, { entry, path }: Entry, message: AcceptedMessage, options: FormOptions): FormItem {
  if (!isRecord(entry) && !Array.isArray(entry)) return { item: entry, path }
  const { type, complain } = options
  const ts = mapping.time === undefined ? message.received_at_ms : mapping.time(follow(entry, mapping.timeSteps))
  const place = (steps: readonly PathStep[]): string =>
    path === '' ? showPath(steps) : `${path}${typeof steps[0] === 'number' ? '' : '.'}${showPath(steps)}`
  const v: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  const places = new Map<string, string>()
  for (const { steps, rule } of mapping.fields) {
    const mapped = mapValue(follow(entry, steps), rule, channelPlan(type).byName.get(rule.channel)?.channel.unit)
    if (mapped.kind === 'wrong') complain(mapped.code, place(steps), mapped.reason, ts)
    if (mapped.kind !== 'value') continue
    v[rule.channel] = mapped.value
    places.set(rule.channel, place(steps))
  }
  for (const steps of leavesOf(entry, LEAVES_MAX)) {
    const leaf = showPath(steps)
    if (leaf !== '' && !mapping.isRead(leaf))
      complain('MDL_INGEST_CHANNEL_UNKNOWN', place(steps), 'no field of the mapping reads this, nor does ignore name it', ts)
  }
  const key = Object.fromEntries(mapping.key.map(([name, steps]) => [name, keyValue(name, follow(entry, steps))]))
  return {
    item: { ts: ts as EpochMs | undefined, ...key, v },
    path,
    fieldOf: (channel) => places.get(channel) ?? channel,
    time: { field: place(mapping.timeSteps), reason: `the time is not ${mapping.timeFormat}` },
  }
}

/** A firmware version may be written as a number; a count may be a text of digits. */
function keyValue(name: 'seq' | 'boot' | 'fw', value: unknown): unknown {
  if (name === 'fw') return typeof value === 'number' ? String(value) : value
  return typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
}
