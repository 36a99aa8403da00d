/**
 * The manifest of a backup, `backup.json`: which files belong to it with their sizes and SHA-256, how far each store is, and the versions of
 * their layouts. It is written last, so a folder without it is no backup. The digest of a file is made from what lies in the backup, after it
 * was synced.
 */
import { createHash } from 'node:crypto'
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { MendlineError } from '#kernel/errors.ts'

export const MANIFEST_NAME = 'backup.json'
export const MANIFEST_FORMAT = 1

export interface BackupFile {
  /** Relative to the folder, with slashes. */
  readonly path: string
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

export interface BackupManifest {
  readonly format: number
  /** Version of the program that made it. */
  readonly program: string
  readonly begun_at_ms: number
  readonly made_at_ms: number
  /** Nothing that was acknowledged at this time or later is promised to be in it; what was acknowledged before `begun_at_ms` is. */
  readonly horizon_ms: number
  /** Until when it is to be kept; then whoever keeps it deletes it. What is erased after `made_at_ms` lives in it until then. */
  readonly keep_until_ms: number
  readonly positions: {
    /** The backup's position: the end of its journal. */
    readonly journal_end: number
    readonly journal_begin: number
    /** What the reading store holds, undefined where a stopped folder was copied as it lay. */
    readonly readings?: number
  }
  readonly layouts: Readonly<Record<string, number | string>>
  readonly files: readonly BackupFile[]
}

const CHUNK_BYTES = 1024 * 1024

/** Files below `directory`, without the manifest, with slashes, in order. */
export async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(directory.length + 1)
        .split(sep)
        .join('/'),
    )
    .filter((path) => path !== MANIFEST_NAME)
    .sort()
}

/** Syncs a file where `isSynced` is asked for, and gives its size and digest; `take` gets the bytes on the way. */
export async function digestFile(
  path: string,
  { isSynced = false, take }: { readonly isSynced?: boolean; readonly take?: (bytes: Uint8Array) => Promise<void> } = {},
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const handle = await open(path, isSynced ? 'r+' : 'r')
  try {
    if (isSynced) await handle.sync()
    return await digestHandle(handle, take)
  } finally {
    await handle.close()
  }
}

async function digestHandle(handle: FileHandle, take?: (bytes: Uint8Array) => Promise<void>): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let bytes = 0
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, bytes)
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') }
    bytes += bytesRead
    hash.update(chunk.subarray(0, bytesRead))
    await take?.(chunk.subarray(0, bytesRead))
  }
}

/** Writes the manifest durably, with the folders of its files. */
export async function writeManifest(directory: string, manifest: BackupManifest): Promise<void> {
  const folders = new Set([directory, ...manifest.files.map(({ path }) => dirname(join(directory, path)))])
  const handle = await open(join(directory, MANIFEST_NAME), 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(manifest, null, 1)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  for (const folder of folders) await syncFolder(folder)
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Reads a backup's manifest; undefined where the folder has none. @throws MendlineError MDL_BACKUP_INVALID */
export async function readManifest(directory: string): Promise<BackupManifest | undefined> {
  const text = await readFile(join(directory, MANIFEST_NAME), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw new MendlineError('MDL_BACKUP_INVALID', `${MANIFEST_NAME} cannot be read`, { cause: error })
  })
  if (text === undefined) return undefined
  let manifest: BackupManifest
  try {
    manifest = JSON.parse(text) as BackupManifest
  } catch (cause) {
    throw new MendlineError('MDL_BACKUP_INVALID', `${MANIFEST_NAME} is no JSON`, { cause })
  }
  if (manifest.format !== MANIFEST_FORMAT) {
    throw new MendlineError(
      'MDL_BACKUP_INVALID',
      `the backup has format ${manifest.format}, this program reads ${MANIFEST_FORMAT}; use the program that made it`,
    )
  }
  const foreign = manifest.files.find(({ path }) => path.startsWith('/') || path.split('/').includes('..'))
  if (foreign !== undefined) throw new MendlineError('MDL_BACKUP_INVALID', `${foreign.path} lies outside of the backup`)
  return manifest
}

/** What is wrong with the files of a backup: missing, foreign, of another size or other bytes. */
export async function checkFiles(directory: string, manifest: BackupManifest): Promise<string[]> {
  const faults: string[] = []
  const known = new Set(manifest.files.map(({ path }) => path))
  for (const path of await filesBelow(directory)) if (!known.has(path)) faults.push(`${path}: is not in the manifest`)
  for (const { path, bytes, sha256 } of manifest.files) {
    const found = await digestFile(join(directory, path)).catch(() => undefined)
    if (found === undefined) faults.push(`${path}: is missing`)
    else if (found.bytes !== bytes) faults.push(`${path}: has ${found.bytes} bytes, not ${bytes}`)
    else if (found.sha256 !== sha256) faults.push(`${path}: its bytes were changed (SHA-256)`)
  }
  return faults
}
