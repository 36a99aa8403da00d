/**
 * The versions of what lies in a data folder, looked at before anything is opened for writing. What is newer than this program is refused with
 * what to do; where something is older, the parts that will be changed are copied to `before-<version>/` first, then the stages bring them
 * forward by themselves. `layouts.json` says what the folder has; release 0.1.0 wrote none. The journal is never rewritten by an upgrade.
 */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import { syncFolder } from './manifest.ts'

/** What this program writes. */
export const LAYOUTS = { folder: 1, journal: 1, snapshots: 1, readings: 2, derived: 1 } as const

/** Layouts of the release that wrote no `layouts.json`. */
const FIRST_RELEASE = { program: '0.1.0', folder: 1, journal: 1, snapshots: 1, readings: 1, derived: 0 }

const NAME = 'layouts.json'
/** "MDLJ" little-endian, then the version of the segment. */
const JOURNAL_MAGIC = 0x4a4c_444d

type Layouts = Readonly<Record<string, number | string>>

export interface LayoutOptions {
  readonly dataDir: string
  readonly program: string
  /** The migrations of the operational store that this program knows. */
  readonly migrations: ReadonlyArray<{ readonly id: string }>
  /** The same of the emergency book. */
  readonly emergencyMigrations: ReadonlyArray<{ readonly id: string }>
  readonly log: Log
}

/**
 * Looks, copies what will be changed, and gives what notes the folder as brought forward once it was opened.
 * @throws MendlineError MDL_STORE_SCHEMA
 */
export async function prepareLayouts(options: LayoutOptions): Promise<{ readonly settled: () => Promise<void> }> {
  const { dataDir, program, migrations, emergencyMigrations, log } = options
  const settled = (): Promise<void> => writeLayouts(dataDir, { program, ...LAYOUTS })
  const file = join(dataDir, 'operations.sqlite')
  await refuseMarker(dataDir)
  await refuseJournal(join(dataDir, 'journal'))
  const found = await readLayouts(dataDir)
  for (const [part, known] of Object.entries(LAYOUTS)) {
    const version = Number(found[part] ?? 0)
    if (version > known) throw newer(`${part} has layout ${version}, this program knows ${known}`, found.program)
  }
  const applied = existsSync(file) ? appliedMigrations(file) : []
  const book = join(dataDir, 'emergency.sqlite')
  const inBook = existsSync(book) ? appliedMigrations(book) : []
  const foreign = [...foreignOf(applied, migrations), ...foreignOf(inBook, emergencyMigrations)]
  if (foreign.length > 0) throw newer(`a store has ${foreign[0]}, which this program does not know`, found.program)
  // A folder that no server has run on yet has nothing to keep.
  const isUsed = existsSync(join(dataDir, 'journal'))
  const isOlder =
    Object.entries(LAYOUTS).some(([part, known]) => Number(found[part] ?? 0) < known) ||
    applied.length < migrations.length ||
    // A folder without the book gives its emergencies to it.
    inBook.length < emergencyMigrations.length
  if (isUsed && isOlder) {
    const kept = await keepCopy(dataDir, String(found.program))
    log.info('the data folder is brought forward; what it was is kept', { from: found.program, to: program, kept })
  }
  return { settled }
}

const foreignOf = (applied: readonly string[], known: LayoutOptions['migrations']): string[] =>
  applied.filter((id) => !known.some((migration) => migration.id === id))

const newer = (what: string, writer: unknown): MendlineError =>
  new MendlineError(
    'MDL_STORE_SCHEMA',
    `${what}: the data folder was written by a newer program (${String(writer)}). Nothing was changed.
Start that program again, or restore a backup that was made before the upgrade (docs/operating/upgrade.md)`,
  )

async function refuseMarker(dataDir: string): Promise<void> {
  const text = await readFile(join(dataDir, 'mendline.json'), 'utf8').catch(() => '{}')
  const { format = 1 } = JSON.parse(text) as { format?: number }
  if (format > LAYOUTS.folder) throw newer(`the folder has format ${format}, this program knows ${LAYOUTS.folder}`, 'unknown')
}

/** A segment of a version that is not known would pass for one whose header is broken. */
async function refuseJournal(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.endsWith('.journal')) continue
    const handle = await open(join(directory, name), 'r')
    try {
      const header = Buffer.alloc(5)
      const { bytesRead } = await handle.read(header, 0, 5, 0)
      const version = header[4] ?? 0
      if (bytesRead === 5 && header.readUInt32LE(0) === JOURNAL_MAGIC && version > LAYOUTS.journal) {
        throw newer(`journal/${name} has version ${version}, this program knows ${LAYOUTS.journal}`, 'unknown')
      }
    } finally {
      await handle.close()
    }
  }
}

async function readLayouts(dataDir: string): Promise<Layouts> {
  const text = await readFile(join(dataDir, NAME), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return FIRST_RELEASE
  try {
    return JSON.parse(text) as Layouts
  } catch (cause) {
    throw new MendlineError('MDL_STORE_SCHEMA', `${NAME} cannot be read: restore it from a backup`, { cause })
  }
}

function appliedMigrations(file: string): string[] {
  const store = new DatabaseSync(file, { readOnly: true })
  try {
    return store
      .prepare('SELECT id FROM schema_migrations')
      .all()
      .map(({ id }) => String(id))
  } catch {
    // No server has made its tables yet.
    return []
  } finally {
    store.close()
  }
}

/** Copies stores and states beside; readings of layout 1 are kept by their own migration, and the journal stays as it is. */
async function keepCopy(dataDir: string, from: string): Promise<string> {
  const kept = join(dataDir, `before-${from.replaceAll(/[^\w.-]/g, '_')}`)
  // A copy that is whole is never replaced: an upgrade that broke off may have changed what it would copy now.
  if (existsSync(kept)) return kept
  const side = `${kept}.tmp`
  await rm(side, { recursive: true, force: true })
  await mkdir(join(side, 'state'), { recursive: true, mode: 0o700 })
  for (const [name, copy] of [
    ['operations.sqlite', 'operations.sqlite'],
    ['emergency.sqlite', 'emergency.sqlite'],
    [join('readings', 'derived.sqlite'), 'derived.sqlite'],
  ] as const) {
    if (!existsSync(join(dataDir, name))) continue
    const store = new DatabaseSync(join(dataDir, name))
    try {
      store.prepare('VACUUM INTO ?').run(join(side, copy))
    } finally {
      store.close()
    }
  }
  for (const name of await readdir(join(dataDir, 'state')).catch(() => [])) {
    await copyFile(join(dataDir, 'state', name), join(side, 'state', name))
  }
  await syncFolder(side)
  await rename(side, kept)
  await syncFolder(dataDir)
  return kept
}

async function writeLayouts(dataDir: string, layouts: Layouts): Promise<void> {
  const text = `${JSON.stringify(layouts)}\n`
  const path = join(dataDir, NAME)
  if ((await readFile(path, 'utf8').catch(() => '')) === text) return
  const handle = await open(`${path}.tmp`, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.tmp`, path)
  await syncFolder(dataDir)
}
