/**
 * How the columns of a recording become channels: a small YAML, checked whole before anything is read. Turns one line into an
 * instant and values, or into the reason why it cannot.
 */
import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'
import { MendlineError } from '#kernel/errors.ts'
import { timeParser } from './replay-time.ts'

const ColumnSchema = Type.Union([Type.Integer({ minimum: 1 }), Type.String({ minLength: 1 })])

const MappingSchema = Type.Object(
  {
    delimiter: Type.Optional(Type.String({ minLength: 1, maxLength: 1 })),
    header: Type.Optional(Type.Boolean()),
    time: Type.Object(
      { column: ColumnSchema, format: Type.String({ minLength: 1 }), time_zone: Type.Optional(Type.String({ minLength: 1 })) },
      { additionalProperties: false },
    ),
    columns: Type.Array(
      Type.Object(
        {
          column: ColumnSchema,
          channel: Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$' }),
          scale: Type.Optional(Type.Number()),
          offset: Type.Optional(Type.Number()),
          min: Type.Optional(Type.Number()),
          max: Type.Optional(Type.Number()),
          description: Type.Optional(Type.String()),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false },
)

export type Mapping = Static<typeof MappingSchema>

/** One sample of a recording. */
export interface Sample {
  readonly timeMs: number
  readonly values: Readonly<Record<string, number>>
}

export type Parsed =
  | { readonly kind: 'sample'; readonly sample: Sample }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'skipped' }

/** Reads and checks a mapping. @throws MendlineError MDL_REPLAY_INVALID with every fault */
export function readMapping(file: string): Mapping {
  let document: unknown
  try {
    document = parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 })
  } catch (cause) {
    throw new MendlineError('MDL_REPLAY_INVALID', `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (!Value.Check(MappingSchema, document)) {
    const faults = Value.Errors(MappingSchema, document).map(
      (error) => `${error.instancePath.slice(1).replaceAll('/', '.') || 'mapping'}: ${error.message}`,
    )
    throw new MendlineError('MDL_REPLAY_INVALID', `${file}\n${faults.join('\n')}`)
  }
  const { columns, time, header } = document
  if (header !== true && [time.column, ...columns.map(({ column }) => column)].some((column) => typeof column === 'string')) {
    throw new MendlineError('MDL_REPLAY_INVALID', `${file}: columns by name need \`header: true\``)
  }
  return document
}

/** Makes the parser of one file's lines, in order; the first line is its header when the mapping says so. */
export function lineParser(mapping: Mapping): (line: string) => Parsed {
  const parseTime = timeParser(mapping.time.format, mapping.time.time_zone ?? 'UTC')
  const delimiter = mapping.delimiter ?? ','
  let names: readonly string[] | undefined
  const indexOf = (column: string | number): number => {
    if (typeof column === 'number') return column - 1
    const index = names?.indexOf(column) ?? -1
    if (index < 0) throw new MendlineError('MDL_REPLAY_INVALID', `the header has no column ${column}`)
    return index
  }
  return (line) => {
    if (line.trim() === '') return { kind: 'skipped' }
    const cells = splitLine(line, delimiter)
    if (mapping.header === true && names === undefined) {
      names = cells
      for (const { column } of [mapping.time, ...mapping.columns]) indexOf(column)
      return { kind: 'skipped' }
    }
    const timeMs = parseTime(cells[indexOf(mapping.time.column)] ?? '')
    if (timeMs === undefined) return { kind: 'bad', reason: `the time is not ${mapping.time.format}` }
    const values: Record<string, number> = {}
    for (const { column, channel, scale, offset } of mapping.columns) {
      const text = cells[indexOf(column)]?.trim() ?? ''
      if (text === '') continue
      const value = Number(text)
      if (!Number.isFinite(value)) return { kind: 'bad', reason: `${channel} is not a number` }
      values[channel] = value * (scale ?? 1) + (offset ?? 0)
    }
    return { kind: 'sample', sample: { timeMs, values } }
  }
}

/** Cells of a CSV line; quotes hold delimiters, doubled quotes are one. */
function splitLine(line: string, delimiter: string): string[] {
  if (!line.includes('"')) return line.split(delimiter)
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (let index = 0; index < line.length; index++) {
    const character = line.charAt(index)
    if (character === '"') {
      if (isQuoted && line.charAt(index + 1) === '"') cell += line.charAt(++index)
      else isQuoted = !isQuoted
    } else if (character === delimiter && !isQuoted) {
      cells.push(cell)
      cell = ''
    } else cell += character
  }
  return [...cells, cell]
}
