/**
 * The columns of a recording by a mapping (`ingest/mapping/`): turns one line of CSV into an instant and values, or into the reason why
 * it cannot.
 */
import { readFileSync } from 'node:fs'
import { MendlineError } from '#kernel/errors.ts'
import { unitOfName } from '#kernel/units.ts'
import { type MappingDocument, readMappingText } from '../ingest/mapping/mapping-document.ts'
import { timeParser } from '../ingest/mapping/mapping-time.ts'
import { mapValue } from '../ingest/mapping/mapping-value.ts'

/** A mapping of columns. */
export type Mapping = MappingDocument & Required<Pick<MappingDocument, 'columns' | 'time'>>

/** One sample of a recording. */
export interface Sample {
  readonly timeMs: number
  readonly values: Readonly<Record<string, number | boolean | string>>
}

export type Parsed =
  | { readonly kind: 'sample'; readonly sample: Sample }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'skipped' }

/** Reads the text of a mapping from its file and checks it. @throws MendlineError MDL_MAPPING_INVALID with every fault */
export function readMappingFile(file: string): { readonly text: string; readonly document: MappingDocument } {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new MendlineError('MDL_MAPPING_INVALID', `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  return { text, document: readMappingText(text, file) }
}

/** Reads a mapping of columns. @throws MendlineError MDL_MAPPING_INVALID with every fault */
export function readMapping(file: string): Mapping {
  const { document } = readMappingFile(file)
  if (!isColumnMapping(document)) throw new MendlineError('MDL_MAPPING_INVALID', `${file}: a recording needs time and columns`)
  return document
}

/** Tells whether a mapping is for recordings. */
export const isColumnMapping = (document: MappingDocument): document is Mapping => document.columns !== undefined && document.time !== undefined

/** Makes the parser of one file's lines, in order; the first line is its header when the mapping says so. */
export function lineParser(mapping: Mapping): (line: string) => Parsed {
  const parseTime = timeParser(mapping.time.format, mapping.time.time_zone ?? 'UTC')
  const delimiter = mapping.delimiter ?? ','
  let names: readonly string[] | undefined
  const indexOf = (column: string | number | undefined): number => {
    if (typeof column === 'number') return column - 1
    const index = names?.indexOf(column ?? '') ?? -1
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
    const values: Record<string, number | boolean | string> = {}
    for (const { column, ...rule } of mapping.columns) {
      const text = cells[indexOf(column)]?.trim() ?? ''
      if (text === '') continue
      // Cells are texts; a number with a decimal point is what they hold when nothing else is said.
      const mapped = mapValue(text, { number: 'point', ...rule }, unitOfName(rule.channel))
      if (mapped.kind === 'wrong') return { kind: 'bad', reason: `${rule.channel}: ${mapped.reason}` }
      if (mapped.kind === 'value') values[rule.channel] = mapped.value as number | boolean | string
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
