/**
 * The mapping that a user writes, in YAML: which messages it is for, where time, key and device stand, and which field becomes which
 * channel. One language for payloads (`fields`) and for recordings in columns (`columns`). It is checked whole, and every fault is named.
 */
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { MendlineError } from '#kernel/errors.ts'
import { ID_PATTERN } from '#kernel/ids.ts'
import { parsePath } from './mapping-path.ts'
import { timeParser } from './mapping-time.ts'

const Path = Type.String({ minLength: 1, maxLength: 256 })
const Scalar = Type.Union([Type.String({ maxLength: 64 }), Type.Number(), Type.Boolean()])
const ColumnSchema = Type.Union([Type.Integer({ minimum: 1 }), Type.String({ minLength: 1 })])
const closed = { additionalProperties: false } as const

const rules = {
  channel: Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$' }),
  number: Type.Optional(Type.Enum(['point', 'comma', 'hex'])),
  suffix: Type.Optional(Type.String({ minLength: 1, maxLength: 16 })),
  unit: Type.Optional(Type.String({ minLength: 1, maxLength: 16 })),
  scale: Type.Optional(Type.Number()),
  offset: Type.Optional(Type.Number()),
  values: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Scalar, { maxProperties: 256 })),
  absent: Type.Optional(Type.Array(Scalar, { maxItems: 16 })),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number()),
  description: Type.Optional(Type.String({ maxLength: 200 })),
}

const MappingSchema = Type.Object(
  {
    mapping: Type.Optional(Type.String({ pattern: ID_PATTERN })),
    match: Type.Optional(
      Type.Union([
        Type.Object({ topic: Type.String({ minLength: 1, maxLength: 256 }) }, closed),
        Type.Object({ devices: Type.Array(Type.String({ pattern: ID_PATTERN }), { minItems: 1, maxItems: 1000 }) }, closed),
        Type.Object({ type: Type.String({ pattern: ID_PATTERN }) }, closed),
      ]),
    ),
    device: Type.Optional(
      Type.Union([Type.Object({ level: Type.Integer({ minimum: 1, maximum: 16 }) }, closed), Type.Object({ field: Path }, closed)]),
    ),
    items: Type.Optional(Path),
    delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1 })),
    header: Type.Optional(Type.Boolean()),
    time: Type.Optional(
      Type.Object(
        {
          field: Type.Optional(Path),
          column: Type.Optional(ColumnSchema),
          format: Type.String({ minLength: 1, maxLength: 64 }),
          time_zone: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
        },
        closed,
      ),
    ),
    seq: Type.Optional(Path),
    boot: Type.Optional(Path),
    firmware: Type.Optional(Path),
    fields: Type.Optional(Type.Array(Type.Object({ field: Path, ...rules }, closed), { minItems: 1, maxItems: 512 })),
    columns: Type.Optional(Type.Array(Type.Object({ column: ColumnSchema, ...rules }, closed), { minItems: 1, maxItems: 512 })),
    ignore: Type.Optional(Type.Array(Path, { maxItems: 256 })),
  },
  closed,
)

export type MappingDocument = Static<typeof MappingSchema>
/** How one field or column becomes a channel. */
export type FieldRule = Omit<NonNullable<MappingDocument['fields']>[number], 'field'>

/** Bytes of a mapping's text. */
const TEXT_MAX = 64 * 1024

/**
 * Reads and checks a mapping.
 * @param isKept it was taken before, perhaps by a version that looked at less: what only makes no sense is let pass
 * @throws MendlineError MDL_MAPPING_INVALID with every fault
 */
export function readMappingText(text: string, source: string, { isKept = false } = {}): MappingDocument {
  const document = parseYaml(text, source)
  if (!Value.Check(MappingSchema, document)) {
    const faults = Value.Errors(MappingSchema, document)
      .filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'boolean')
      .map((error) => `${error.instancePath.slice(1).replaceAll('/', '.') || 'mapping'}: ${nameExtra(error)}`)
    throw invalid(source, faults.length > 0 ? faults : ['match or device: has none of the forms that are known'])
  }
  const faults = [...faultsOf(document), ...(isKept ? [] : senselessIn(document))]
  if (faults.length > 0) throw invalid(source, faults)
  return document
}

function parseYaml(text: string, source: string): unknown {
  if (text.length > TEXT_MAX) throw invalid(source, [`is longer than ${TEXT_MAX} characters`])
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MendlineError('MDL_MAPPING_INVALID', `${source}: ${reason}`, { cause, details: { faults: [`mapping: ${reason}`] } })
  }
}

function nameExtra({ message, params }: { readonly message: string; readonly params: object }): string {
  const extra = (params as { additionalProperties?: unknown }).additionalProperties
  return Array.isArray(extra) ? `has no field ${extra.join(', ')}` : message
}

const invalid = (source: string, faults: readonly string[]): MendlineError =>
  new MendlineError('MDL_MAPPING_INVALID', `${source}\n${[...new Set(faults)].join('\n')}`, { details: { faults } })

/** What the schema cannot say. */
function faultsOf(document: MappingDocument): string[] {
  const { fields, columns, time, match, device } = document
  const faults: string[] = []
  if ((fields === undefined) === (columns === undefined)) faults.push('mapping: has either fields (of a payload) or columns (of a recording)')
  if (columns !== undefined) faults.push(...columnFaults(document))
  if (fields !== undefined && time !== undefined && (time.field === undefined || time.column !== undefined)) faults.push('time: names its field')
  for (const [name, path] of pathsOf(document)) if (parsePath(path) === undefined) faults.push(`${name}: ${path} is no path, like a.b[0]["c d"]`)
  if (time !== undefined) faults.push(...timeFaults(time))
  if (device !== undefined && 'level' in device && (match === undefined || !('topic' in match))) faults.push('device.level: needs match.topic')
  if (match !== undefined && 'topic' in match) faults.push(...topicFaults(match.topic))
  for (const pattern of document.ignore ?? []) if (pattern.split('*').length > 3) faults.push(`ignore: ${pattern} has more than two *`)
  const channels = new Set<string>()
  for (const { channel } of [...(fields ?? []), ...(columns ?? [])]) {
    if (channels.has(channel)) faults.push(`fields: two become the channel ${channel}`)
    channels.add(channel)
  }
  return faults
}

/** What can be read and never does what it says. */
function senselessIn({ match, device, fields, columns }: MappingDocument): string[] {
  const faults: string[] = []
  if (match !== undefined && 'topic' in match && device !== undefined && 'level' in device) {
    const levels = match.topic.split('/')
    if (levels.at(-1) !== '#' && device.level > levels.length)
      faults.push(`device.level: match.topic has ${levels.length} levels, so no topic of it has a level ${device.level}`)
  }
  for (const [index, { min, max }] of (fields ?? columns ?? []).entries()) {
    const at = `${fields === undefined ? 'columns' : 'fields'}.${index}.min`
    if (min !== undefined && max !== undefined && min > max) faults.push(`${at}: ${min} is above max, ${max}, so no value is between them`)
  }
  return faults
}

function columnFaults({ columns = [], time, header }: MappingDocument): string[] {
  if (time?.column === undefined) return ['time: names its column']
  const byName = header !== true && [time.column, ...columns.map(({ column }) => column)].some((column) => typeof column === 'string')
  return byName ? ['columns by name need `header: true`'] : []
}

function timeFaults({ format, time_zone }: NonNullable<MappingDocument['time']>): string[] {
  try {
    timeParser(format, time_zone ?? 'UTC')
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** Topics of other forms keep their own meaning. */
function topicFaults(topic: string): string[] {
  const levels = topic.split('/')
  const isFilter = levels.every((level, index) => level === '+' || (level === '#' && index === levels.length - 1) || !/[+#\0]/.test(level))
  if (!isFilter) return ['match.topic: is no MQTT filter']
  const first = levels[0] ?? ''
  return ['mend', 'v1', 'spBv1.0', '+', '#'].includes(first) || first.startsWith('$')
    ? ['match.topic: begins with a fixed level other than mend, v1, spBv1.0 and $...']
    : []
}

function pathsOf({ items, time, seq, boot, firmware, device, fields = [] }: MappingDocument): ReadonlyArray<readonly [string, string]> {
  const named = {
    items,
    'time.field': time?.field,
    seq,
    boot,
    firmware,
    'device.field': device !== undefined && 'field' in device ? device.field : undefined,
  }
  const own = Object.entries(named).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return [...own, ...fields.map(({ field }, index) => [`fields.${index}.field`, field] as const)]
}
