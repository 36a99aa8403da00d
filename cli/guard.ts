/**
 * `backup`, `restore` and `verify`. A running server is asked over its API and goes on serving; a folder whose server is stopped is worked on
 * here. `restore` makes a new folder and never writes into one that holds anything.
 */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { DEFAULT_TENANT } from '#kernel/ids.ts'
import { limits } from '#kernel/limits.ts'
import type { EngineEraser } from '../ingest/stores/influx-erase.ts'
import { takeProcessLock } from '../operations/process-lock.ts'
import { version } from '../version.ts'
import { type ClientFlags, createClient } from './client.ts'
import { isInitialised } from './data-folder.ts'
import { readConfig } from './settings.ts'

const DAY_MS = 24 * 3_600_000
const ASK_EVERY_MS = 500

interface GuardFlags extends ClientFlags {
  readonly data?: string
  readonly keepDays?: string
}

export function guardVerbs(program: Command): void {
  remote(program.command('backup').description('make a backup, of a running server by its API or of a stopped folder (--data)').argument('<dir>'))
    .option('--keep-days <n>', `how long it will be kept; stands in it (default: ${limits.backupKeepDays})`)
    .action(backup)
  program
    .command('restore')
    .description('make a new data folder of a backup')
    .argument('<backup>')
    .requiredOption('--data <new>', 'the folder to make; must not exist or be empty')
    .option('--json', 'print JSON')
    .action(restore)
  remote(program.command('verify').description('look through all that is stored: of a running server, a folder or a backup (--data)')).action(verify)
}

function remote(command: Command): Command {
  return command
    .option('--data <dir>', 'folder of a stopped server, or a backup')
    .option('--url <url>', 'server (default: MENDLINE_URL or http://127.0.0.1:8080)')
    .option('--key <key>', 'API key of an admin (default: MENDLINE_API_KEY)')
    .option('--json', 'print JSON')
}

async function backup(directory: string, flags: GuardFlags): Promise<void> {
  const keepDays = Number(flags.keepDays ?? limits.backupKeepDays)
  if (!Number.isInteger(keepDays) || keepDays < 1) throw new MendlineError('MDL_CONFIG_INVALID', '--keep-days: must be a whole number above 0')
  const target = targetOf(directory, flags)
  const made =
    flags.data === undefined
      ? ((await runJob(flags, '/backups', { directory: target, keep_days: keepDays })) as BackupSummary)
      : await backupStopped(flags.data, target, keepDays)
  if (flags.json === true) console.log(JSON.stringify(made))
  else {
    console.log(`Backup of ${made.files} files, ${(made.bytes / 2 ** 20).toFixed(1)} MiB, in ${target}.`)
    console.log(
      `Everything acknowledged before ${new Date(made.begun_at_ms).toISOString()} is in it; its journal ends at ${made.positions.journal_end}.`,
    )
    console.log(`To be kept until ${new Date(made.keep_until_ms).toISOString()}.`)
  }
}

/**
 * Where a backup goes. A relative folder is one of this shell's folder, which a server on another machine does not have.
 * @throws MendlineError MDL_CONFIG_INVALID
 */
function targetOf(directory: string, flags: GuardFlags): string {
  if (isAbsolute(directory)) return directory
  const { hostname } = new URL(flags.data === undefined ? createClient(flags).url : 'http://localhost')
  if (!['localhost', '127.0.0.1', '[::1]'].includes(hostname))
    throw new MendlineError(
      'MDL_CONFIG_INVALID',
      `the backup lies on the machine of the server (${hostname}): give an absolute folder of it, not ${directory}`,
    )
  const target = resolve(directory)
  console.error(`${directory} is taken as ${target}`)
  return target
}

interface BackupSummary {
  readonly files: number
  readonly bytes: number
  readonly begun_at_ms: number
  readonly keep_until_ms: number
  readonly positions: { readonly journal_end: number }
}

async function backupStopped(dataDir: string, target: string, keepDays: number): Promise<BackupSummary> {
  const lock = lockOf(dataDir)
  try {
    const { runBackup } = await import('../guard/backup.ts')
    const { verifyJournal } = await import('../ingest/journals/verify-journal.ts')
    const { files, ...manifest } = await runBackup({
      ...{ dataDir, target, program: version, keepMs: keepDays * DAY_MS, nowMs: systemClock.now },
      captureReadings: async (directory) => {
        await copyStill(join(dataDir, 'readings'), directory)
        return {}
      },
      journalEnd: async () => (await verifyJournal(join(dataDir, 'journal'), { limits })).end,
      note: async () => {},
    })
    return { ...manifest, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
  } finally {
    lock.release()
  }
}

/** Copies the readings of a folder that nobody writes; what was derived has its own way. */
async function copyStill(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || entry.name.startsWith('derived.sqlite')) continue
    const copy = join(to, path.slice(from.length + 1))
    await mkdir(dirname(copy), { recursive: true, mode: 0o700 })
    await copyFile(path, copy)
  }
}

/** @throws MendlineError MDL_CONFIG_MISSING, MDL_STORE_UNAVAILABLE with advice when a server uses it */
function lockOf(dataDir: string): { release(): void } {
  if (!isInitialised(dataDir)) throw new MendlineError('MDL_CONFIG_MISSING', `${dataDir} is no initialised data folder`)
  try {
    return takeProcessLock(join(dataDir, 'lock.sqlite'))
  } catch (cause) {
    throw new MendlineError('MDL_STORE_UNAVAILABLE', `a server uses ${dataDir}; leave --data away and give its --url and --key`, { cause })
  }
}

async function restore(from: string, flags: { readonly data: string; readonly json?: boolean }): Promise<void> {
  const { restoreBackup } = await import('../guard/restore.ts')
  const { files, ...manifest } = await restoreBackup(resolve(from), resolve(flags.data))
  if (flags.json === true) console.log(JSON.stringify({ ...manifest, files: files.length }))
  else {
    console.log(`Restored ${files.length} files into ${flags.data}; every digest is right.`)
    console.log(`What was acknowledged after ${new Date(manifest.horizon_ms).toISOString()} is not in it.`)
    console.log(`Next: mendline serve --data ${flags.data}`)
  }
}

async function verify(flags: GuardFlags): Promise<void> {
  const report = (flags.data === undefined ? await runJob(flags, '/verifications') : await verifyHere(resolve(flags.data))) as VerifySummary
  if (flags.json === true) console.log(JSON.stringify(report))
  else for (const line of linesOf(report)) console.log(line)
  const count = report.parts.reduce((sum, { faults }) => sum + faults.length, 0)
  if (!report.is_whole) throw new MendlineError('MDL_VERIFY_FAILED', `${count} faults were found`)
}

interface VerifySummary {
  readonly is_whole: boolean
  readonly parts: ReadonlyArray<{ readonly part: string; readonly found: object; readonly faults: readonly string[] }>
}

const linesOf = ({ parts }: VerifySummary): string[] =>
  parts.flatMap(({ part, found, faults }) => [
    `${faults.length === 0 ? 'whole ' : 'FAULTY'}  ${part}: ${Object.entries(found)
      .map(([name, value]) => `${name}=${String(value)}`)
      .join(' ')}`,
    ...faults.slice(0, 20).map((fault) => `        ${fault}`),
  ])

async function verifyHere(directory: string): Promise<VerifySummary> {
  const isBackup = existsSync(join(directory, 'backup.json'))
  if (!isBackup && !isInitialised(directory)) throw new MendlineError('MDL_CONFIG_MISSING', `${directory} is neither a data folder nor a backup`)
  const { verifyFolder } = await import('../guard/verify.ts')
  const { verifyReadingsFile } = await import('../ingest/stores/duckdb-verify.ts')
  // The engine's file has one process; when a server holds it, everything else is looked at all the same, read-only.
  const isInUse = !isBackup && isLocked(join(directory, 'lock.sqlite'))
  return verifyFolder({ directory, limits, readings: async (file, cold) => (isInUse ? 'in use' : verifyReadingsFile(file, cold)) })
}

function isLocked(file: string): boolean {
  if (!existsSync(file)) return false
  try {
    takeProcessLock(file).release()
    return false
  } catch {
    return true
  }
}

/** Begins a job of the server and waits for its end, saying what it does. */
async function runJob(flags: GuardFlags, path: string, body?: object): Promise<unknown> {
  const server = createClient(flags)
  const { job_id } = (await server.send('POST', path, body)) as { job_id: string }
  let said = ''
  for (;;) {
    await new Promise((resolveWait) => setTimeout(resolveWait, ASK_EVERY_MS))
    const job = (await server.send('GET', `/jobs/${job_id}`)) as { state: string; progress: { step?: string } | null; report: unknown }
    const step = job.progress?.step ?? job.state
    if (step !== said && process.stderr.isTTY) console.error(`${job_id}: ${step}`)
    said = step
    if (job.state === 'done') return job.report
    if (job.state === 'failed') {
      const { code, message, details } = job.report as { code: MendlineError['code']; message: string; details?: object }
      throw new MendlineError(code, message, { details: { ...details } })
    }
  }
}

/** `erase`: a household leaves the folder of a stopped server. */
export function eraseVerb(program: Command): void {
  program
    .command('erase')
    .description('erase a household and its devices from the data folder of a stopped server')
    .requiredOption('--household <name>', 'the household')
    .requiredOption('--data <dir>', 'folder of a stopped server')
    .option('--tenant <id>', 'its tenant', DEFAULT_TENANT)
    .option('--config <file>', 'settings of the server, where a time-series engine holds the readings')
    .option('--leave-engine', 'erase here although the engine keeps readings; they are listed, and the exit code is 1')
    .option('--json', 'print JSON')
    .action(erase)
}

interface EraseFlags {
  readonly household: string
  readonly data: string
  readonly tenant: string
  readonly config?: string
  readonly leaveEngine?: boolean
  readonly json?: boolean
}

/** What deletes in the engine of the settings; undefined where readings are in the embedded store. */
async function engineOf({ config, data }: EraseFlags): Promise<EngineEraser | undefined> {
  const { store } = readConfig({ ...(config === undefined ? {} : { config }), data })
  if (store.kind === 'duckdb') return undefined
  const { createEngineEraser } = await import('../ingest/stores/influx-erase.ts')
  return createEngineEraser({ ...store, token: store.token.reveal(), timeoutMs: limits.influxTimeoutMs })
}

async function erase(flags: EraseFlags): Promise<void> {
  const lock = lockOf(flags.data)
  try {
    const { eraseHousehold } = await import('../guard/erase.ts')
    const report = await eraseHousehold(resolve(flags.data), {
      ...flags,
      engine: await engineOf(flags),
      isEngineLeft: flags.leaveEngine === true,
    })
    if (flags.json === true) console.log(JSON.stringify(report))
    else {
      console.log(
        `Erased ${report.devices} devices: ${report.readings} readings, ${report.journal_records} records of the journal, ${report.quarantined} of the quarantine.`,
      )
      for (const { device, spans, isTheirsNow } of report.staying) {
        const named = spans.map(({ from_ms, to_ms }) => `${instant(from_ms, 'the first reading')} to ${instant(to_ms, 'now')}`).join(', ')
        console.log(`${device} stays, erased from ${named}${isTheirsNow ? '; it is revoked and of nobody' : ''}.`)
      }
      if (report.unknown.length > 0)
        console.log(
          `Whose these were before their move is not known, and nothing of that time was erased: ${report.unknown.slice(0, 20).join(', ')}.`,
        )
      console.log(`Audits name the household ${report.pseudonym}.`)
      for (const { directory, keep_until_ms } of report.backups)
        console.log(`It lives on in ${directory} until ${new Date(keep_until_ms).toISOString()}.`)
    }
    if (report.kept_in_engine.length > 0) {
      const words = report.kept_in_engine.map(({ device, reason }) => `${device} (${reason})`).join(', ')
      throw new MendlineError('MDL_STORE_UNAVAILABLE', `not erased: the engine keeps readings of ${words}`)
    }
    if (report.still_found.length > 0) throw new MendlineError('MDL_VERIFY_FAILED', `a name is still found in ${report.still_found.join(', ')}`)
  } finally {
    lock.release()
  }
}

/** An instant as text; the ends of all time have a word. */
const instant = (ms: number, word: string): string => (Math.abs(ms) === Number.MAX_SAFE_INTEGER ? word : new Date(ms).toISOString())
