/**
 * One process per data folder: an exclusive transaction on a small SQLite file of its own, held until the process ends. The operating system
 * lets go of it however the process ends, so nothing stale is left behind.
 */
import { DatabaseSync } from 'node:sqlite'
import { MendlineError } from '#kernel/errors.ts'

export interface ProcessLock {
  release(): void
}

/**
 * Takes the folder's lock.
 * @throws MendlineError MDL_STORE_UNAVAILABLE when another process has it
 */
export function takeProcessLock(file: string): ProcessLock {
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new MendlineError('MDL_STORE_UNAVAILABLE', 'another process uses this data folder', { cause, details: { file } })
  }
  return {
    release: () => {
      if (database.isOpen) database.close()
    },
  }
}
