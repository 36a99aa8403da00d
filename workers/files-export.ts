/**
 * The worker's side of an export: pulls readings or buckets device by device and writes them into one file, which gets its name only when
 * it is whole. Parquet is made of the CSV, by an engine that streams.
 */
import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { epochMs } from '#kernel/clock.ts'
import { bucketRows, type RowWriter, readingRows } from '../ingest/files/export-rows.ts'
import type { RawReading, ReadingBucket } from '../ingest/reading-store.ts'
import { writeParquet } from '../ingest/stores/duckdb-files.ts'
import { type ExportResult, type ExportTask, FILES_CALLS } from './files-calls.ts'
import type { Rpc } from './rpc.ts'

const HOUR_MS = 3_600_000
/** Characters gathered into one write. */
const WRITE_CHARACTERS = 256 * 1024
/** A local day has at least this many hours. */
const DAY_HOURS_MIN = 23

type Main = Pick<Rpc, 'call' | 'stream'>

export async function runExport(task: ExportTask, main: Main): Promise<ExportResult> {
  const { directory, format, tier, type } = task
  const [csv, part] = [join(directory, 'rows.csv'), join(directory, 'file.part')]
  const isGuarded = format === 'csv'
  const { rows, columns } =
    tier === 'raw'
      ? await writeCsv(csv, readingRows(type, { isGuarded }), { task, main, records: (device) => rawOf(task, device, main) })
      : await writeCsv(csv, bucketRows, { task, main, records: (device) => bucketsOf(task, device, main) })
  if (format === 'parquet') {
    const engine = { scratchDirectory: join(directory, 'scratch'), memoryMib: task.limits.filesMemoryMib }
    await writeParquet(csv, part, columns, engine)
    await rm(csv)
  } else await rename(csv, part)
  await rename(part, join(directory, 'file'))
  const { size } = await stat(join(directory, 'file'))
  return { rows, bytes: size, devices: task.devices.length }
}

interface Source<Record> {
  readonly task: ExportTask
  readonly main: Main
  readonly records: (device: string) => AsyncIterable<Record>
}

async function writeCsv<Record>(path: string, writer: RowWriter<Record>, { task, main, records }: Source<Record>) {
  const file = await open(path, 'w')
  try {
    let text = `${writer.columns.map(({ name }) => name).join(',')}\n`
    let rows = 0
    for (const [index, device] of task.devices.entries()) {
      for await (const record of records(device)) {
        text += writer.line(record)
        rows++
        if (text.length < WRITE_CHARACTERS) continue
        await file.appendFile(text)
        text = ''
        await main.call(FILES_CALLS.note, { rows, devices_done: index, done: index / task.devices.length })
      }
    }
    await file.appendFile(text)
    await file.datasync()
    return { rows, columns: writer.columns }
  } finally {
    await file.close()
  }
}

const rawOf = ({ from_ms, to_ms }: ExportTask, device: string, main: Main): AsyncIterable<RawReading> =>
  main.stream<RawReading>(FILES_CALLS.raw, { device, from_ms: epochMs(from_ms), to_ms: epochMs(to_ms) })

/** Hours or days in stretches that fit one answer of the store. */
async function* bucketsOf({ type, tier, from_ms, to_ms, limits }: ExportTask, device: string, main: Main): AsyncGenerator<ReadingBucket> {
  const channels = Math.max(1, type.channels.filter(({ kind }) => kind !== 'text').length)
  const points = Math.max(1, Math.min(limits.apiPoints_MAX, Math.floor(limits.apiBuckets_MAX / channels)) - 1)
  const stepMs = points * HOUR_MS * (tier === 'daily' ? DAY_HOURS_MIN : 1)
  for (let fromMs = Math.ceil(from_ms / HOUR_MS) * HOUR_MS; fromMs < to_ms; fromMs += stepMs) {
    const query = { device, tier, from_ms: epochMs(fromMs), to_ms: epochMs(Math.min(to_ms, fromMs + stepMs)) }
    yield* await main.call<readonly ReadingBucket[]>(FILES_CALLS.buckets, query)
  }
}
