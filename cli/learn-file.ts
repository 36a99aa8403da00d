/**
 * What `mendline import FILE --learn-normal` finds out about a CSV file that nobody described: which column is the time and in which form, and
 * which columns are numbers. Of that it makes a type of one's own with just these channels and a mapping of columns.
 */
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { MendlineError } from '#kernel/errors.ts'

export interface LearnedFile {
  /** For the type and the device, where the user names none. */
  readonly name: string
  /** Mapping of columns, YAML (JSON is YAML). */
  readonly mapping: string
  readonly channels: readonly string[]
}

/** Lines that are looked at. */
const SAMPLE = 50
const DELIMITERS = [',', ';', '\t']
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const FORMATS: ReadonlyArray<readonly [format: string, pattern: RegExp]> = [
  ['epoch_ms', /^\d{12,13}$/],
  ['epoch_s', /^\d{9,10}$/],
  ['iso8601', /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(\s*(Z|[+-]\d{2}:?\d{2}))?)?$/],
  ['DD.MM.YYYY HH:mm:ss', /^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}$/],
  ['DD/MM/YYYY HH:mm:ss', /^\d{2}\/\d{2}\/\d{4} \d{2}:\d{2}:\d{2}$/],
]
/** What programs write where there is no value; such a cell is left out and reported, its column is one of numbers all the same. */
const NO_VALUE = /^(nan|null|none|n\/?a|-+|\?)$/i
/** Columns that say whose or which reading it is. */
const NO_CHANNELS: ReadonlySet<string> = new Set(['device', 'boot', 'seq', 'received_at_ms', 'hist', 'tenant'])

/** @throws MendlineError MDL_IMPORT_INVALID when there is no column of times or none of numbers */
export async function learnFile(path: string): Promise<LearnedFile> {
  const [head, ...lines] = await firstLines(path)
  if (head === undefined || lines.length === 0) throw new MendlineError('MDL_IMPORT_INVALID', `${path} has no line behind its header`)
  const delimiter = DELIMITERS.reduce((best, one) => (head.split(one).length > head.split(best).length ? one : best))
  const columns = head.split(delimiter).map(plain)
  const rows = lines.map((line) => line.split(delimiter).map(plain))
  const cellsOf = (index: number): string[] => rows.map((row) => row[index] ?? '').filter((cell) => cell !== '')
  const time = columns.flatMap((column, index) => {
    const cells = cellsOf(index)
    const format = FORMATS.find(([, pattern]) => cells.length > 0 && cells.every((cell) => pattern.test(cell)))?.[0]
    return format === undefined ? [] : [{ column, index, format }]
  })[0]
  if (time === undefined) {
    const known = FORMATS.map(([format]) => format).join(', ')
    throw new MendlineError('MDL_IMPORT_INVALID', `no column of ${path} holds times as ${known}; name them by a mapping (docs/files.md)`)
  }
  const numbers = columns.filter((column, index) => {
    const cells = cellsOf(index).filter((cell) => !NO_VALUE.test(cell))
    return index !== time.index && column !== '' && !NO_CHANNELS.has(column) && cells.length > 0 && cells.every((cell) => NUMBER.test(cell))
  })
  const twice = columns.find((column, index) => columns.indexOf(column) < index && (column === time.column || numbers.includes(column)))
  if (twice !== undefined) throw new MendlineError('MDL_IMPORT_INVALID', `${path} has two columns of the name ${twice}; nothing was registered`)
  if (numbers.length === 0) throw new MendlineError('MDL_IMPORT_INVALID', `no column of ${path} holds numbers only`)
  const channels = uniqueNames(numbers)
  const mapping = {
    header: true,
    delimiter,
    time: { column: time.column, format: time.format, ...(time.format.startsWith('epoch') ? {} : { time_zone: 'UTC' }) },
    columns: numbers.map((column, index) => ({ column, channel: channels[index] })),
  }
  const name = basename(path)
    .replace(/(\.csv|\.tsv|\.txt)?(\.gz)?$/i, '')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 60)
  return { name: name === '' ? 'file' : name, mapping: JSON.stringify(mapping), channels }
}

async function firstLines(path: string): Promise<string[]> {
  const file = createReadStream(path)
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file
  const lines: string[] = []
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() !== '') lines.push(lines.length === 0 ? line.replace(/^\uFEFF/, '') : line)
      if (lines.length > SAMPLE) break
    }
  } catch (cause) {
    throw new MendlineError('MDL_IMPORT_INVALID', `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  } finally {
    file.destroy()
  }
  return lines
}

const plain = (cell: string): string => cell.trim().replace(/^"(.*)"$/, '$1')

/** Snake case, each once. */
function uniqueNames(columns: readonly string[]): string[] {
  const names: string[] = []
  for (const column of columns) {
    const words = column
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '')
    const base = (/^[a-z]/.test(words) ? words : `c_${words}`).slice(0, 56)
    let name = base
    for (let again = 2; names.includes(name); again++) name = `${base}_${again}`
    names.push(name)
  }
  return names
}
