/**
 * How far each variable of a server is in the journal: time, status and identity of its last value, in one small file that is written beside
 * and renamed. A gateway that starts again asks the server's history from there. It may lag behind the journal by a moment when the
 * process was killed; what is then read again is known by its key.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'

export interface LastValue {
  readonly ms: number
  readonly statusName: string
  /** Identities of the values at that instant. */
  readonly prints: readonly string[]
}

export interface OpcuaProgress {
  last(node: string): LastValue | undefined
  moved(node: string, value: LastValue): void
  /** Writes what is not written. */
  save(): void
}

/** Between what is durable and the file: a millisecond a variable, since the file is written whole. */
const SAVE_MS_MIN = 10
const SAVE_MS_MAX = 1_000
const VERSION = 1

export function createOpcuaProgress(file: string, { clock, log }: { readonly clock: Clock; readonly log: Log }): OpcuaProgress {
  const values = new Map<string, LastValue>(readProgress(file, log))
  let cancel: (() => void) | undefined
  const save = (): void => {
    cancel?.()
    cancel = undefined
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
      writeFileSync(`${file}.new`, JSON.stringify({ version: VERSION, nodes: [...values] }), { flush: true })
      renameSync(`${file}.new`, file)
    } catch (error) {
      log.warn('progress of an OPC UA server could not be written', { file, cause: String(error) })
    }
  }
  return {
    last: (node) => values.get(node),
    moved(node, value) {
      values.set(node, value)
      cancel ??= clock.after(Math.min(SAVE_MS_MAX, Math.max(SAVE_MS_MIN, values.size)), save)
    },
    save() {
      if (cancel !== undefined) save()
    },
  }
}

function readProgress(file: string, log: Log): ReadonlyArray<readonly [string, LastValue]> {
  try {
    const { version, nodes } = JSON.parse(readFileSync(file, 'utf8')) as { version: number; nodes: Array<[string, LastValue]> }
    if (version === VERSION) return nodes
    log.warn('progress of an OPC UA server is of another version and begins anew', { file })
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isAbsent) log.warn('progress of an OPC UA server cannot be read and begins anew', { file, cause: String(error) })
  }
  return []
}
