/**
 * Makes a data folder of a backup: copies every file (never links, for a server will write them) and checks its digest on the way. The
 * folder's marker comes last, so that a folder whose restore broke off does not start. The backup itself is only read.
 */
import { copyFile, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { MendlineError } from '#kernel/errors.ts'
import { makeFolder } from '../operations/make-folder.ts'
import { type BackupManifest, digestFile, readManifest, syncFolder } from './manifest.ts'

const MARKER = 'mendline.json'

/** @throws MendlineError MDL_BACKUP_INVALID, MDL_BACKUP_TARGET */
export async function restoreBackup(backup: string, dataDir: string): Promise<BackupManifest> {
  const manifest = await readManifest(backup)
  if (manifest === undefined) throw new MendlineError('MDL_BACKUP_INVALID', `${backup} has no manifest; it is no whole backup`)
  const names = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new MendlineError('MDL_BACKUP_TARGET', `${dataDir} is no folder`, { cause: error })
  })
  if (names.length > 0) throw new MendlineError('MDL_BACKUP_TARGET', `${dataDir} is not empty; a restore makes a new folder`)
  if (`${resolve(dataDir)}${sep}`.startsWith(`${resolve(backup)}${sep}`))
    throw new MendlineError('MDL_BACKUP_TARGET', 'the restored folder lies outside of the backup')
  if (!manifest.files.some(({ path }) => path === MARKER)) throw new MendlineError('MDL_BACKUP_INVALID', `the backup has no ${MARKER}`)
  try {
    makeFolder(dataDir)
  } catch (cause) {
    throw new MendlineError('MDL_BACKUP_TARGET', `${dataDir} cannot be made`, { cause })
  }
  const ordered = [...manifest.files].sort((a, b) => Number(a.path === MARKER) - Number(b.path === MARKER))
  try {
    for (const file of ordered) await copyChecked(join(backup, file.path), join(dataDir, file.path), file)
    for (const folder of new Set([dataDir, ...ordered.map(({ path }) => dirname(join(dataDir, path)))])) await syncFolder(folder)
  } catch (error) {
    for (const name of await readdir(dataDir)) await rm(join(dataDir, name), { recursive: true, force: true })
    throw error
  }
  return manifest
}

async function copyChecked(from: string, to: string, { path, sha256 }: BackupManifest['files'][number]): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await copyFile(from, to).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') throw new MendlineError('MDL_BACKUP_INVALID', `${path} is missing in the backup`, { cause })
    throw cause
  })
  // The copy is read again, so that what is checked is what a server will open.
  const digest = await digestFile(to, { isSynced: true })
  if (digest.sha256 !== sha256) throw new MendlineError('MDL_BACKUP_INVALID', `${path} was changed (SHA-256)`, { details: { path } })
  const handle = await open(to, 'r+')
  await handle.chmod(0o600).finally(() => handle.close())
}
