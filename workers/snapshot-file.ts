/**
 * Keeps the state of a consumer with its position in the journal: the newest snapshot and the one before it. Written whole to a
 * side file, synced, then renamed, so a crash leaves the old or the new one. A snapshot that cannot be read is set aside and
 * reported, and the one before it is used; the journal is only released up to the older one, so a replay from it is always possible.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Log } from '#kernel/log.ts'

/** Version of the snapshot's layout; another one on disk counts as unreadable. */
const SNAPSHOT_VERSION = 1

export interface Snapshot<State> {
  readonly position: number
  readonly state: State
}

export interface SnapshotFile<State> {
  /** Newest readable snapshot, or undefined. */
  load(): Promise<Snapshot<State> | undefined>
  /** Saves and gives the position up to which the journal is no longer needed for this consumer. */
  save(snapshot: Snapshot<State>): Promise<number>
}

/** Creates the pair `<name>.snapshot` and `<name>.previous.snapshot` in `directory`. */
export function createSnapshotFile<State>(options: { readonly directory: string; readonly name: string; readonly log: Log }): SnapshotFile<State> {
  const { directory, name, log } = options
  const newest = join(directory, `${name}.snapshot`)
  const previous = join(directory, `${name}.previous.snapshot`)
  let previousPosition = 0

  async function read(file: string): Promise<Snapshot<State> | undefined> {
    try {
      const content = deserialize(await readFile(file)) as Snapshot<State> & { version: number }
      if (content.version !== SNAPSHOT_VERSION) throw new Error(`layout ${content.version} is not ${SNAPSHOT_VERSION}`)
      return { position: content.position, state: content.state }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      log.warn('snapshot cannot be read, the one before it is used', { file, cause: String(error) })
      await rename(file, `${file}.unreadable`)
      return undefined
    }
  }

  return {
    async load() {
      await mkdir(directory, { recursive: true })
      const found = (await read(newest)) ?? (await read(previous))
      // Whichever was found is the older of the two after the next save.
      previousPosition = found?.position ?? 0
      return found
    },
    async save(snapshot) {
      const side = `${newest}.tmp`
      const handle = await open(side, 'w')
      try {
        await handle.writeFile(serialize({ version: SNAPSHOT_VERSION, ...snapshot }))
        await handle.datasync()
      } finally {
        await handle.close()
      }
      await rename(newest, previous).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
      await rename(side, newest)
      await syncDirectory(directory)
      const releasable = previousPosition
      previousPosition = snapshot.position
      return releasable
    },
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
