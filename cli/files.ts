/**
 * `import` sends a file of readings to a running server, follows the job with a progress bar and prints what was stored and what was not;
 * a broken upload goes on from the bytes that are there. `export` asks for a file, waits for it and fetches it. Exit code of an import: 0
 * all was good, 1 something was kept out or failed, 2 wrong use or a file that cannot be imported as a whole.
 */
import { createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { type ErrorCode, MendlineError } from '#kernel/errors.ts'
import { type Client, type ClientFlags, createClient } from './client.ts'
import { learnFile } from './learn-file.ts'
import { createProgress } from './progress.ts'
import { readMappingFile } from './replay-mapping.ts'

type ServerFlags = ClientFlags & { readonly tenant?: string }

interface ImportFlags extends ServerFlags {
  readonly mapping?: string
  readonly device?: string
  readonly type?: string
  readonly dryRun?: boolean
  readonly createDevices?: boolean
  readonly learnNormal?: string | true
  readonly report?: string
  readonly resume?: string
}

interface ExportFlags extends ServerFlags {
  readonly device?: string
  readonly type?: string
  readonly from?: string
  readonly to?: string
  readonly format?: string
  readonly tier?: string
}

interface ImportState {
  readonly import_id: string
  readonly state: string
  readonly bytes: number
  readonly received_bytes: number
  readonly dry_run: boolean
  readonly progress: { readonly rows: number; readonly done: number } | null
  readonly report: ImportReport | Failure | null
}

interface ImportReport {
  readonly rows: number
  readonly readings: number
  readonly bad_rows: number
  readonly bad_values: number
  readonly empty_rows: number
  /** Absent in reports of versions before. */
  readonly older_than_raw?: { readonly readings: number; readonly raw_days: number }
  readonly unused_columns: readonly string[]
  readonly report: { readonly entries: number; readonly dropped: number }
}

interface Failure {
  readonly code: ErrorCode
  readonly message: string
}

interface Bad {
  readonly line: number
  readonly column: string | null
  readonly value: string | null
  readonly reason: string
}

const ASK_EVERY_MS = 300
/** Bytes in one piece of an upload; below `importPieceBytes_MAX`. */
const PIECE_BYTES = 4 * 1024 * 1024
/** Tries of one piece, with a pause before each that grows. */
const TRIES_MAX = 8
/** Lines of the report that are printed; the whole goes into the file of --report. */
const LINES_SHOWN = 20

export function fileVerbs(program: Command): void {
  const server = (command: Command): Command =>
    command
      .option('--url <url>', 'server (default: MENDLINE_URL or http://127.0.0.1:8080)')
      .option('--key <key>', 'API key (default: MENDLINE_API_KEY)')
      .option('--tenant <id>', "another tenant than the key's own")
      .option('--json', 'print JSON')
  server(program.command('import').description('store readings of a file (CSV, also .gz, or Parquet), see docs/files.md'))
    .argument('<file>')
    .option('--mapping <file>', 'mapping of columns')
    .option('--device <id>', 'device of every row, where no column names it')
    .option('--type <type>', 'appliance type of devices that are created')
    .option('--dry-run', 'report everything, store nothing')
    .option('--create-devices', 'create devices that are not there')
    .option(
      '--learn-normal [readings]',
      'a file that nobody described: make a type of its columns and learn normal from so many readings, see docs/learn-normal.md',
    )
    .option('--report <file>', 'write every bad row to this file (NDJSON)')
    .option('--resume <id>', 'go on with an upload that broke off')
    .action(async (file: string, flags: ImportFlags) => {
      const isGood = await importFile(file, flags)
      if (!isGood) process.exitCode = 1
    })
  server(program.command('export').description('write stored readings into a file, see docs/files.md'))
    .argument('<out>')
    .option('--device <id>', 'one device')
    .option('--type <type>', 'all devices of a type')
    .option('--from <time>', 'epoch ms or ISO 8601; everything when absent')
    .option('--to <time>', 'epoch ms or ISO 8601, not included')
    .option('--format <format>', 'csv or parquet', 'csv')
    .option('--tier <tier>', 'raw, hourly or daily (local days of the device)', 'raw')
    .action(exportFile)
}

const suffix = ({ tenant }: ServerFlags): string => (tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`)

async function importFile(path: string, flags: ImportFlags): Promise<boolean> {
  const client = createClient(flags)
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new MendlineError('MDL_IMPORT_INVALID', cause instanceof Error ? cause.message : String(cause), { cause })
  })
  if (size === 0) throw new MendlineError('MDL_IMPORT_INVALID', `${path} is empty`)
  const wanted = { name: basename(path), bytes: size, tenant: flags.tenant, dry_run: flags.dryRun, ...(await described(path, client, flags)) }
  const begun =
    flags.resume === undefined
      ? ((await client.send('POST', '/imports', wanted)) as ImportState)
      : ((await client.send('GET', `/imports/${flags.resume}${suffix(flags)}`)) as ImportState)
  if (begun.bytes !== size) throw new MendlineError('MDL_IMPORT_INVALID', `the upload ${begun.import_id} is of a file of ${begun.bytes} bytes`)
  const progress = createProgress()
  const record = await upload(path, begun, { client, flags, progress })
    .then(() =>
      follow<ImportState>(`/imports/${begun.import_id}${suffix(flags)}`, { client, progress, step: begun.dry_run ? 'checking' : 'importing' }),
    )
    .finally(() => progress.end())
  if (record.state === 'failed') throw failureOf(record.report as Failure)
  return report(record, client, flags)
}

type Described = Readonly<Partial<Record<'device' | 'type' | 'mapping', string>>> & { readonly create_devices?: boolean | undefined }

/** What the file's rows are: as the user says, or with --learn-normal as the file shows. */
async function described(path: string, client: Client, flags: ImportFlags): Promise<Described> {
  const { device, type, createDevices: create_devices, learnNormal } = flags
  const given = { ...(device === undefined ? {} : { device }), ...(type === undefined ? {} : { type }), create_devices }
  if (learnNormal === undefined) return flags.mapping === undefined ? given : { ...given, mapping: readMappingFile(flags.mapping).text }
  const readings = learnNormal === true ? undefined : Number(learnNormal)
  if (readings !== undefined && !(Number.isInteger(readings) && readings > 0))
    throw new MendlineError('MDL_IMPORT_INVALID', '--learn-normal takes a number of readings above zero')
  if (flags.mapping !== undefined)
    throw new MendlineError('MDL_IMPORT_INVALID', '--learn-normal makes its own mapping of columns; leave one of them out')
  const file = await learnFile(path)
  const own = { type: type ?? file.name, device: device ?? file.name, mapping: file.mapping }
  const learn_normal = readings === undefined ? {} : { learn_readings: readings }
  await client.send('POST', `/types${suffix(flags)}`, { type: own.type, channels: file.channels.map((name) => ({ name })), learn_normal })
  process.stderr.write(`type ${own.type}, device ${own.device}: ${file.channels.join(', ')}\n`)
  return { ...own, create_devices: true }
}

interface Uploading {
  readonly client: Client
  readonly flags: ServerFlags
  readonly progress: ReturnType<typeof createProgress>
}

/** Sends the bytes that are not there yet; a piece that broke is sent again from where the server has it. */
async function upload(path: string, begun: ImportState, { client, flags, progress }: Uploading): Promise<void> {
  const { import_id: id, bytes } = begun
  const file = await open(path)
  try {
    let there = begun.received_bytes
    for (let tries = 0; there < bytes; ) {
      progress.show('uploading', there / bytes, id)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(PIECE_BYTES, bytes - there)), 0, undefined, there)
      if (bytesRead === 0) throw new MendlineError('MDL_IMPORT_INVALID', `${path} has become shorter`)
      try {
        const range = `bytes ${there}-${there + bytesRead - 1}/${bytes}`
        const target = `/imports/${id}/content${suffix(flags)}`
        there = ((await client.sendBytes(target, buffer.subarray(0, bytesRead), { 'content-range': range })) as ImportState).received_bytes
        tries = 0
      } catch (error) {
        if (!isBroken(error) || ++tries >= TRIES_MAX) throw withWay(error, id)
        await sleep(ASK_EVERY_MS * 2 ** tries)
        const now = (await client.send('GET', `/imports/${id}${suffix(flags)}`).catch(() => undefined)) as ImportState | undefined
        there = now?.received_bytes ?? there
      }
    }
  } finally {
    await file.close()
  }
}

const isBroken = (error: unknown): boolean => error instanceof MendlineError && (error.retryable || error.code === 'MDL_API_CONFLICT')

const withWay = (error: unknown, id: string): MendlineError =>
  error instanceof MendlineError
    ? new MendlineError(error.code, `${error.message}; go on with --resume ${id}`, { cause: error })
    : new MendlineError('MDL_API_INTERNAL', `the upload broke; go on with --resume ${id}`, { cause: error })

interface Following {
  readonly client: Client
  readonly progress: ReturnType<typeof createProgress>
  readonly step: string
}

/** Asks until the job has ended; a server that is away for a while is waited for. */
async function follow<Record extends { readonly state: string; readonly progress: { rows?: number; done?: number } | null }>(
  path: string,
  { client, progress, step }: Following,
): Promise<Record> {
  for (let misses = 0; ; ) {
    const record = await client.send('GET', path).then(
      (answer) => answer as Record,
      (error: unknown) => {
        if (!(error instanceof MendlineError) || !error.retryable || ++misses > 100) throw error
        return undefined
      },
    )
    if (record !== undefined) {
      misses = 0
      const { rows = 0, done = 0 } = record.progress ?? {}
      const hasEnded = record.state === 'done' || record.state === 'failed'
      progress.show(step, record.state === 'done' ? 1 : done, `${rows} rows`)
      if (hasEnded) return record
    }
    await sleep(ASK_EVERY_MS)
  }
}

const failureOf = ({ code, message }: Failure): MendlineError => new MendlineError(code, message)

/** Prints what came of it; true when nothing was kept out. */
async function report(record: ImportState, client: Client, flags: ImportFlags): Promise<boolean> {
  const found = record.report as ImportReport
  const path = `/imports/${record.import_id}/report${suffix(flags)}`
  if (flags.report !== undefined) await pipeline(Readable.fromWeb(await client.fetchBytes(path)), createWriteStream(flags.report))
  if (flags.json === true) {
    console.log(JSON.stringify(record, null, 2))
    return found.report.entries === 0
  }
  const shown = found.report.entries === 0 ? [] : await firstLines(await client.fetchBytes(path), LINES_SHOWN)
  for (const { line, column, value, reason } of shown) {
    console.log(`line ${line}${column === null ? '' : `, ${column}`}${value === null ? '' : ` = ${JSON.stringify(value)}`}: ${reason}`)
  }
  const more = found.report.entries + found.report.dropped - shown.length
  if (more > 0) console.log(`... ${more} more; --report FILE writes all`)
  if (found.unused_columns.length > 0) console.log(`not read: ${found.unused_columns.join(', ')}`)
  const verb = record.dry_run ? 'would be stored' : 'stored (each once, however often it is imported)'
  console.log(`${found.rows} rows: ${found.readings} readings ${verb}; kept out: ${found.bad_rows} rows, ${found.bad_values} values`)
  if (found.empty_rows > 0) console.log(`${found.empty_rows} rows have no value`)
  const { readings: older = 0, raw_days: days } = found.older_than_raw ?? {}
  if (older > 0)
    console.error(
      `${older} readings are older than retention.raw_days (${days}) or the type_days of their type: hours and days keep them, single readings go at the next step of the archive`,
    )
  return found.report.entries === 0
}

/** First records of NDJSON; the rest is not fetched. */
async function firstLines(body: ReadableStream<Uint8Array>, count: number): Promise<readonly Bad[]> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    if (text.split('\n').length > count) break
  }
  const lines = text.split('\n')
  return lines.slice(0, Math.min(count, lines.length - 1)).map((line) => JSON.parse(line) as Bad)
}

async function exportFile(out: string, flags: ExportFlags): Promise<void> {
  const { device, type, tenant, format = 'csv', tier = 'raw' } = flags
  if ((device === undefined) === (type === undefined)) throw new MendlineError('MDL_EXPORT_INVALID', 'either --device or --type')
  const client = createClient(flags)
  const progress = createProgress()
  const wanted = { device, type, tenant, format, tier, from_ms: instant('--from', flags.from), to_ms: instant('--to', flags.to) }
  const { export_id } = (await client.send('POST', '/exports', wanted)) as { export_id: string }
  type ExportState = { state: string; progress: { rows?: number; done?: number } | null; report: Failure | { rows: number; bytes: number } }
  const record = await follow<ExportState>(`/exports/${export_id}${suffix(flags)}`, { client, progress, step: 'exporting' }).finally(() =>
    progress.end(),
  )
  if (record.state === 'failed') throw failureOf(record.report as Failure)
  const part = `${out}.part`
  try {
    await pipeline(Readable.fromWeb(await client.fetchBytes(`/exports/${export_id}/file${suffix(flags)}`)), createWriteStream(part))
    await rename(part, out)
  } finally {
    await rm(part, { force: true })
  }
  await client.send('DELETE', `/exports/${export_id}${suffix(flags)}`)
  const { rows, bytes } = record.report as { rows: number; bytes: number }
  console.log(flags.json === true ? JSON.stringify({ rows, bytes, file: out }) : `${rows} rows, ${bytes} bytes in ${out}`)
}

function instant(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) : /(Z|[+-]\d{2}:?\d{2})$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isSafeInteger(ms) || ms < 0) throw new MendlineError('MDL_EXPORT_INVALID', `${name} is epoch ms, or ISO 8601 with Z or an offset`)
  return ms
}
