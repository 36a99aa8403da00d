/**
 * Looks through a data folder or a backup and says part by part what it found: the files of a backup against its manifest, the journal's
 * frames, the SQLite stores, the reading store with its archive, the saved states, and whether their positions fit each other. It changes
 * nothing. Of a folder in use it is told the journal's end and what the running reading store says of itself.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deserialize } from 'node:v8'
import type { Limits } from '#kernel/limits.ts'
import { verifyJournal } from '../ingest/journals/verify-journal.ts'
import type { StoreFindings } from '../ingest/reading-store.ts'
import { checkFiles, digestFile, readManifest } from './manifest.ts'

export interface PartFindings {
  readonly part: string
  readonly found: Readonly<Record<string, string | number>>
  readonly faults: readonly string[]
}

export interface VerifyReport {
  readonly is_whole: boolean
  readonly parts: readonly PartFindings[]
}

export interface VerifyOptions {
  readonly directory: string
  readonly limits: Pick<Limits, 'journalRecordBytes_MAX'>
  readonly readings: (file: string, coldDirectory: string) => Promise<StoreFindings | 'in use'>
  /** Of a running server. */
  readonly journalEnd?: () => Promise<number>
  readonly note?: (part: string) => Promise<void>
}

export async function verifyFolder(options: VerifyOptions): Promise<VerifyReport> {
  const { directory, limits, journalEnd, note = async () => {} } = options
  const parts: PartFindings[] = []
  const look = async (part: string, task: () => Promise<Omit<PartFindings, 'part'>>): Promise<void> => {
    await note(part)
    parts.push({ part, ...(await task().catch((error: unknown) => ({ found: {}, faults: [`${part}: ${String(error)}`] }))) })
  }
  const manifest = await readManifest(directory)
  const isRunning = journalEnd !== undefined
  const positions: Positions = { journalBegin: 0, journalEnd: 0, readings: undefined, states: [], twin: undefined }
  if (manifest !== undefined) {
    await look('files of the backup', async () => ({ found: { files: manifest.files.length }, faults: await checkFiles(directory, manifest) }))
  }
  // What a running server adds meanwhile: stores first, then the journal's end, as for a backup.
  await look('states', () => verifyStates(directory, positions))
  await look('operations', async () => verifyOperations(directory, positions))
  // A folder of a version before the book has none.
  if (existsSync(join(directory, 'emergency.sqlite'))) {
    await look('emergencies', async () =>
      verifySqlite(join(directory, 'emergency.sqlite'), ['emg_emergencies', 'emg_steps', 'emg_notices', 'outbox_events']),
    )
  }
  await look('derived', async () => verifySqlite(join(directory, 'readings', 'derived.sqlite'), ['derived', 'checkpoints', 'gaps']))
  await look('readings', () => verifyReadings(options, positions, isRunning))
  await look('journal', async () => {
    const end = manifest?.positions.journal_end ?? (await journalEnd?.())
    const { faults, byKind, ...found } = await verifyJournal(join(directory, 'journal'), { limits, ...(end === undefined ? {} : { end }) })
    positions.journalBegin = found.begin
    positions.journalEnd = found.end
    return { found: { ...found, ...byKind }, faults }
  })
  parts.push(checkPositions(positions))
  return { is_whole: parts.every(({ faults }) => faults.length === 0), parts }
}

interface Positions {
  journalBegin: number
  journalEnd: number
  readings: number | undefined
  states: Array<readonly [name: string, position: number]>
  twin: number | undefined
}

async function verifyStates(directory: string, positions: Positions): Promise<Omit<PartFindings, 'part'>> {
  const found: Record<string, number> = {}
  const faults: string[] = []
  for (const name of ['pipeline', 'pipeline.previous', 'safety', 'safety.previous']) {
    const bytes = await readFile(join(directory, 'state', `${name}.snapshot`)).catch(() => undefined)
    if (bytes === undefined) continue
    try {
      const { position } = deserialize(bytes) as { position: number }
      found[name] = position
      positions.states.push([name, position])
    } catch (error) {
      faults.push(`state/${name}.snapshot: cannot be read: ${String(error)}`)
    }
  }
  return { found, faults }
}

function verifyOperations(directory: string, positions: Positions): Omit<PartFindings, 'part'> {
  const file = join(directory, 'operations.sqlite')
  const { found, faults } = verifySqlite(file, ['devices', 'gateways', 'hub_cases', 'hub_work_orders', 'outbox_events', 'jobs'])
  if (found.faults === undefined && existsSync(file)) {
    const store = new DatabaseSync(file, { readOnly: true })
    try {
      const row = store.prepare("SELECT value AS position FROM twin_marks WHERE name = 'journal'").get()
      if (typeof row?.position === 'number') positions.twin = row.position
    } catch {
      // A store that no server has started on yet has no such table.
    } finally {
      store.close()
    }
  }
  return { found, faults }
}

function verifySqlite(file: string, tables: readonly string[]): Omit<PartFindings, 'part'> {
  if (!existsSync(file)) return { found: {}, faults: [`${file}: is missing`] }
  const store = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
  try {
    const faults = [...store.prepare('PRAGMA integrity_check').all(), ...store.prepare('PRAGMA foreign_key_check').all()]
      .map((row) => Object.values(row).join(' '))
      .filter((text) => text !== 'ok')
    const there = new Set(
      store
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .all()
        .map(({ name }) => String(name)),
    )
    const count = (table: string): number => Number(store.prepare(`SELECT count(*) AS n FROM "${table}"`).get()?.n)
    return { found: Object.fromEntries(tables.filter((table) => there.has(table)).map((table) => [table, count(table)])), faults }
  } catch (error) {
    return { found: {}, faults: [`${file}: ${String(error)}`] }
  } finally {
    store.close()
  }
}

async function verifyReadings({ directory, readings }: VerifyOptions, positions: Positions, isRunning: boolean): Promise<Omit<PartFindings, 'part'>> {
  const cold = join(directory, 'readings', 'cold')
  const answer = await readings(join(directory, 'readings', 'hot.duckdb'), cold)
  if (answer === 'in use') return { found: { skipped: 'a running server holds it; ask the server (--url, --key)' }, faults: [] }
  const { files, faults, position, ...found } = answer
  positions.readings = position
  const changed: string[] = []
  for (const { path, checksum } of files) {
    const digest = await digestFile(join(cold, path)).catch(() => undefined)
    // A running server replaces files; then the new ones are in its lists, whose sizes were looked at.
    if (digest === undefined && isRunning) continue
    if (digest?.sha256 !== checksum) changed.push(`readings/cold/${path}: its bytes were changed (SHA-256)`)
  }
  return { found: { ...found, position, cold_files: files.length }, faults: [...faults, ...changed] }
}

/** A store behind the journal catches up; one ahead of it, or behind its begin, cannot. */
function checkPositions({ journalBegin, journalEnd, readings, states, twin }: Positions): PartFindings {
  const all: ReadonlyArray<readonly [string, number | undefined]> = [['readings', readings], ['twin', twin], ...states]
  const known = all.filter((entry): entry is readonly [string, number] => entry[1] !== undefined)
  const ahead = known.filter(([, position]) => position > journalEnd)
  const behind = known.filter(([name, position]) => position > 0 && position < journalBegin && !name.endsWith('.previous'))
  return {
    part: 'positions',
    found: { journal_begin: journalBegin, journal_end: journalEnd, ...Object.fromEntries(known) },
    faults: [
      ...ahead.map(([name, position]) => `${name}: is at ${position}, ahead of the journal's end ${journalEnd}`),
      ...behind.map(([name, position]) => `${name}: is at ${position}, before the journal's begin ${journalBegin}`),
    ],
  }
}
