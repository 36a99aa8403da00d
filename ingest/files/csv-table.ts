/** A CSV file, packed by gzip or not, as a table of texts. Skipped rows are cut into lines only. */
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { MendlineError } from '#kernel/errors.ts'
import { csvRecords } from './csv-records.ts'
import type { FileRow, TableFile } from './table-file.ts'

export interface CsvTableOptions {
  readonly path: string
  readonly bytes: number
  readonly isGzip: boolean
  readonly delimiter: string | undefined
  /** Whether the first record names the columns. */
  readonly hasHeader: boolean
  readonly recordBytes_MAX: number
}

/** Opens the file and reads its header. @throws MendlineError MDL_IMPORT_INVALID */
export async function openCsvTable(options: CsvTableOptions): Promise<TableFile> {
  const read = { bytes: 0 }
  const records = readable(options, read)
  const streams = new Set([records.stream])
  const first = await firstOf(records.records)
  if (first === undefined) throw new MendlineError('MDL_IMPORT_INVALID', 'the file is empty')
  if (options.hasHeader && first.fault !== undefined) throw new MendlineError('MDL_IMPORT_INVALID', `the header cannot be read: ${first.fault}`)
  records.stream.destroy()
  return {
    format: 'csv',
    columns: options.hasHeader ? first.cells.map((cell) => String(cell).trim()) : [],
    unreadable: [],
    async *rows(skip) {
      const { records: all, stream } = readable(options, read)
      streams.add(stream)
      let left = skip + (options.hasHeader ? 1 : 0)
      for await (const some of guard(all)) {
        if (left >= some.length) left -= some.length
        else {
          yield left === 0 ? some : some.slice(left)
          left = 0
        }
      }
    },
    done: () => (options.bytes === 0 ? 1 : Math.min(1, read.bytes / options.bytes)),
    close: () => {
      for (const stream of streams) stream.destroy()
    },
  }
}

function readable({ path, isGzip, delimiter, recordBytes_MAX }: CsvTableOptions, read: { bytes: number }) {
  read.bytes = 0
  const stream = createReadStream(path, { highWaterMark: 256 * 1024 })
  stream.on('data', (chunk) => {
    read.bytes += chunk.length
  })
  const unpacked = isGzip ? stream.pipe(createGunzip()) : stream
  stream.on('error', (error) => unpacked.destroy(error))
  return { stream, records: csvRecords(unpacked, { recordBytes_MAX, ...(delimiter === undefined ? {} : { delimiter }) }) }
}

async function firstOf(records: AsyncGenerator<readonly FileRow[]>): Promise<FileRow | undefined> {
  for await (const [first] of guard(records)) return first
  return undefined
}

/** Errors of the disk or of unpacking become ours. */
async function* guard<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  try {
    yield* items
  } catch (cause) {
    if (cause instanceof MendlineError) throw cause
    throw new MendlineError('MDL_IMPORT_INVALID', `the file cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
