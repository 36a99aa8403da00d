/**
 * Puts the reading store into a folder as it is at one moment, for backups: the database with its log by copy, the files of the archive by
 * link, since they never change, or by copy where the folder lies on another disk. Runs in a turn of the writer: batches wait for it, and
 * the journal holds them meanwhile.
 */
import { constants } from 'node:fs'
import { copyFile, link, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { sizeOf } from './duckdb-open.ts'
import { LAYOUT_VERSION, type Registers } from './duckdb-schema.ts'

export interface Captured {
  readonly position: number
  readonly layout: number
}

/** Gives what is left to copy once the turn is over: files held by links in `staging`. */
export interface CaptureTurn extends Captured {
  readonly finish: () => Promise<void>
}

export async function captureInTurn(
  writer: DuckDBConnection,
  registers: Registers,
  { file, directory }: { readonly file: string; readonly directory: string },
): Promise<CaptureTurn> {
  // Where a query holds it back the log is copied along.
  await writer.run('CHECKPOINT').catch(() => {})
  await copyFile(file, join(directory, 'hot.duckdb'), constants.COPYFILE_FICLONE)
  if ((await sizeOf(`${file}.wal`)) > 0) await copyFile(`${file}.wal`, join(directory, 'hot.duckdb.wal'))
  const paths = registers.view.parts.flatMap((part) => Object.values(part.files).map(({ path }) => path))
  const staging = `${registers.coldDirectory}.capture`
  await rm(staging, { recursive: true, force: true })
  const held: string[] = []
  for (const path of paths) {
    const source = join(registers.coldDirectory, path)
    if (await isLinked(source, join(directory, 'cold', path))) continue
    // Links on the own disk keep the files for the copy that follows the turn.
    if (await isLinked(source, join(staging, path))) held.push(path)
    else await copyInto(source, join(directory, 'cold', path))
  }
  return {
    position: registers.progress.position,
    layout: LAYOUT_VERSION,
    async finish() {
      try {
        for (const path of held) await copyInto(join(staging, path), join(directory, 'cold', path))
      } finally {
        await rm(staging, { recursive: true, force: true })
      }
    },
  }
}

async function isLinked(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  return link(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw error
      return false
    },
  )
}

async function copyInto(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await copyFile(from, to)
}
