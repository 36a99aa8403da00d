/**
 * Makes a backup of a data folder. The order of capture makes a restore consistent: first the saved states, then the operational store, then
 * what was derived, then the readings, at last the journal up to its end at that moment. So every store is as far as the journal or behind it
 * and nothing that a state counts as told is missing behind it; what is behind is done again from the journal at the start. Closed segments
 * and files of the archive never change and are linked where the backup lies on the same disk. It runs in a thread of its own while the
 * server serves; for a stopped folder it runs by itself.
 */
import { constants, existsSync } from 'node:fs'
import { copyFile, link, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MendlineError } from '#kernel/errors.ts'
import { segmentBases, segmentName } from '../ingest/journals/segment.ts'
import { makeFolder } from '../operations/make-folder.ts'
import { type BackupFile, type BackupManifest, digestFile, filesBelow, MANIFEST_FORMAT, writeManifest } from './manifest.ts'

export interface BackupOptions {
  readonly dataDir: string
  /** Folder of the backup; must not exist or be empty. */
  readonly target: string
  readonly program: string
  readonly keepMs: number
  readonly nowMs: () => number
  /** Puts the reading store into a folder (`hot.duckdb`, `cold/`) as it is at one moment, and says how far it is. */
  readonly captureReadings: (directory: string) => Promise<{ readonly position?: number; readonly layout?: number }>
  /** End of what is durable. */
  readonly journalEnd: () => Promise<number>
  readonly note: (step: string) => Promise<void>
}

/** What has its own way into the backup, or no business there: files on their way in or out may be cut at the moment of the copy. */
const NOT_COPIED = /^(lock[.]sqlite.*|operations[.]sqlite.*|emergency[.]sqlite.*|journal|readings|state|imports|exports|before-.*)$/

/** @throws MendlineError MDL_BACKUP_TARGET */
export async function runBackup(options: BackupOptions): Promise<BackupManifest> {
  const { dataDir, program, keepMs, nowMs, note, captureReadings, journalEnd } = options
  const target = await makeTarget(options)
  const begunMs = nowMs()
  try {
    await note('state')
    await copyBeside(dataDir, target)
    await copyFolder(join(dataDir, 'state'), join(target, 'state'), (name) => name.endsWith('.snapshot'))
    await note('operations')
    // The book of emergencies before the operational store: an emergency that is linked to an order is never without it.
    if (existsSync(join(dataDir, 'emergency.sqlite'))) copySqlite(join(dataDir, 'emergency.sqlite'), join(target, 'emergency.sqlite'))
    copySqlite(join(dataDir, 'operations.sqlite'), join(target, 'operations.sqlite'))
    await note('derived')
    await mkdir(join(target, 'readings'), { mode: 0o700 })
    copySqlite(join(dataDir, 'readings', 'derived.sqlite'), join(target, 'readings', 'derived.sqlite'))
    await note('readings')
    const readings = await captureReadings(join(target, 'readings'))
    await note('journal')
    const horizonMs = nowMs()
    const end = await journalEnd()
    const begin = await copyJournal(join(dataDir, 'journal'), join(target, 'journal'), end)
    await note('digests')
    const files: BackupFile[] = []
    for (const path of await filesBelow(target)) files.push({ path, ...(await digestFile(join(target, path), { isSynced: true })) })
    const madeMs = nowMs()
    const manifest: BackupManifest = {
      format: MANIFEST_FORMAT,
      program,
      begun_at_ms: begunMs,
      made_at_ms: madeMs,
      horizon_ms: horizonMs,
      keep_until_ms: madeMs + keepMs,
      positions: { journal_begin: begin, journal_end: end, ...(readings.position === undefined ? {} : { readings: readings.position }) },
      layouts: await layoutsOf(target, readings.layout),
      files,
    }
    await writeManifest(target, manifest)
    return manifest
  } catch (error) {
    // Half a backup is none; what is removed here was made here.
    await rm(target, { recursive: true, force: true })
    throw error
  }
}

async function makeTarget({ dataDir, target: given }: BackupOptions): Promise<string> {
  const target = resolve(given)
  const own = resolve(dataDir)
  if (target === own || target.startsWith(own + sep) || own.startsWith(target + sep)) {
    throw new MendlineError('MDL_BACKUP_TARGET', 'a backup lies outside of the data folder', { details: { target } })
  }
  const names = await readdir(target).catch(() => [])
  if (names.length > 0) throw new MendlineError('MDL_BACKUP_TARGET', 'the folder of the backup is not empty', { details: { target } })
  try {
    makeFolder(target)
  } catch (cause) {
    throw new MendlineError('MDL_BACKUP_TARGET', 'the folder of the backup cannot be made', { cause, details: { target } })
  }
  return target
}

/** Marker, certificate authority and whatever else lies in the folder. */
async function copyBeside(dataDir: string, target: string): Promise<void> {
  for (const entry of await readdir(dataDir, { withFileTypes: true })) {
    if (NOT_COPIED.test(entry.name)) continue
    if (entry.isFile()) await copyFile(join(dataDir, entry.name), join(target, entry.name))
    else if (entry.isDirectory()) await copyFolder(join(dataDir, entry.name), join(target, entry.name), () => true)
  }
}

async function copyFolder(from: string, to: string, isWanted: (name: string) => boolean): Promise<void> {
  const entries = await readdir(from, { withFileTypes: true }).catch(() => [])
  await mkdir(to, { recursive: true, mode: 0o700 })
  for (const entry of entries) {
    if (entry.isDirectory()) await copyFolder(join(from, entry.name), join(to, entry.name), isWanted)
    else if (entry.isFile() && isWanted(entry.name)) {
      // A snapshot is replaced by renaming: between list and copy the name may be away for a moment.
      await copyFile(join(from, entry.name), join(to, entry.name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
    }
  }
}

/** One moment of a database that somebody else writes; a reader of a WAL holds nobody up. */
function copySqlite(from: string, to: string): void {
  const source = new DatabaseSync(from, { timeout: 5_000 })
  try {
    source.prepare('VACUUM INTO ?').run(to)
  } finally {
    source.close()
  }
}

/** Segments up to `end`; the one in which it lies is cut there. Gives where the first begins. */
async function copyJournal(from: string, to: string, end: number): Promise<number> {
  await mkdir(to, { mode: 0o700 })
  const bases = segmentBases(await readdir(from)).filter((base) => base < end)
  for (const [index, base] of bases.entries()) {
    const [source, copy] = [join(from, segmentName(base)), join(to, segmentName(base))]
    if (index < bases.length - 1) await linkOrCopy(source, copy)
    else await copyUpTo(source, copy, end - base)
  }
  return bases[0] ?? 0
}

/** Links an immutable file, or copies it to another disk. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await link(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EXDEV' || error.code === 'EPERM' || error.code === 'EMLINK') return copyFile(from, to, constants.COPYFILE_EXCL)
    throw error
  })
}

async function copyUpTo(from: string, to: string, bytes: number): Promise<void> {
  await copyFile(from, to)
  if ((await stat(to)).size < bytes) throw new MendlineError('MDL_JOURNAL_CORRUPT', `${from} is shorter than its durable end`)
  const handle = await open(to, 'r+')
  try {
    await handle.truncate(bytes)
  } finally {
    await handle.close()
  }
}

async function layoutsOf(target: string, readings: number | undefined): Promise<Record<string, number | string>> {
  const operations = new DatabaseSync(join(target, 'operations.sqlite'), { readOnly: true })
  const derived = new DatabaseSync(join(target, 'readings', 'derived.sqlite'), { readOnly: true })
  try {
    const last = operations.prepare('SELECT max(id) AS id FROM schema_migrations').get()
    const version = derived.prepare('PRAGMA user_version').get()
    return {
      journal: 1,
      snapshots: 1,
      operations: String(last?.id ?? ''),
      ...emergencyLayout(join(target, 'emergency.sqlite')),
      derived: Number(version?.user_version ?? 0),
      ...(readings === undefined ? {} : { readings }),
    }
  } finally {
    operations.close()
    derived.close()
  }
}

function emergencyLayout(file: string): Readonly<Record<string, string>> {
  if (!existsSync(file)) return {}
  const store = new DatabaseSync(file, { readOnly: true })
  try {
    return { emergency: String(store.prepare('SELECT max(id) AS id FROM schema_migrations').get()?.id ?? '') }
  } finally {
    store.close()
  }
}
