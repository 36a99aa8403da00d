/** Opens the database. A WAL that cannot be read is moved aside, never deleted: the journal holds what was in it. */
import { rename, stat } from 'node:fs/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'

export interface DatabaseOptions {
  readonly file: string
  readonly settings: Readonly<Record<string, string>>
  readonly log: Log
}

/** @throws MendlineError MDL_STORE_UNAVAILABLE */
export async function openDatabase({ file, settings, log }: DatabaseOptions): Promise<DuckDBInstance> {
  try {
    return await DuckDBInstance.create(file, settings)
  } catch (cause) {
    const wal = `${file}.wal`
    if (isLocked(cause) || (await sizeOf(wal)) === 0) throw unavailable('the reading store cannot be opened', cause)
    const aside = await freeName(`${wal}.unreadable`)
    await rename(wal, aside)
    log.error('log of the reading store cannot be read and was moved aside; the journal fills the store again', { aside, cause })
    return DuckDBInstance.create(file, settings).catch((second: unknown) => {
      throw unavailable('the reading store cannot be opened, not even without its log', second)
    })
  }
}

export const unavailable = (message: string, cause?: unknown): MendlineError =>
  new MendlineError('MDL_STORE_UNAVAILABLE', message, { retryable: true, ...(cause === undefined ? {} : { cause }) })

/** Another process holds the file; its log is none of ours. */
const isLocked = (cause: unknown): boolean => cause instanceof Error && /lock/i.test(cause.message)

export const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

async function freeName(path: string): Promise<string> {
  for (let copy = 1; ; copy++) {
    const name = `${path}-${copy}`
    if (
      !(await stat(name).then(
        () => true,
        () => false,
      ))
    )
      return name
  }
}
