/**
 * Takes devices out of a journal that nobody writes: their records, and those of others that name them, become fillers of the same length at
 * the same position, so that no position moves. A filler says that somebody without a name was on-line, which no consumer takes.
 */
import { open, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Limits } from '#kernel/limits.ts'
import { FRAME_BYTES } from '../ingest/journals/framed-records.ts'
import { checksum, decodeHeader, HEADER_BYTES, parseRecords, segmentBases, segmentName } from '../ingest/journals/segment.ts'
import { decodeRecord } from '../ingest/record.ts'
import { syncFolder } from './manifest.ts'

export interface JournalSearch {
  readonly tenant: string
  readonly devices: ReadonlySet<string>
  /** Devices that stay, with the time from which their records go: a record may hold readings of long before. */
  readonly since: ReadonlyMap<string, number>
  readonly mentions: (bytes: Uint8Array) => boolean
}

const VERSION_1 = 1
const KIND_STATE = 2
/** Version, kind and time of receipt stay. */
const KEPT_BYTES = 10

/** Gives how many records were replaced. */
export async function eraseJournal(directory: string, search: JournalSearch, limits: Pick<Limits, 'journalRecordBytes_MAX'>): Promise<number> {
  let replaced = 0
  for (const base of segmentBases(await readdir(directory).catch(() => []))) {
    const path = join(directory, segmentName(base))
    const bytes = await readFile(path)
    const salt = decodeHeader(bytes)
    if (salt === undefined) continue
    const options = { position: base + HEADER_BYTES, salt, recordBytes_MAX: limits.journalRecordBytes_MAX, isFinal: true }
    const before = replaced
    for (const { position, body } of parseRecords(bytes.subarray(HEADER_BYTES), options).records) {
      if (!isToErase(body, search)) continue
      replaced++
      fill(bytes.subarray(position - base, position - base + FRAME_BYTES + body.length), position, salt)
    }
    if (replaced > before) await replaceFile(directory, path, bytes)
  }
  return replaced
}

function isToErase(body: Uint8Array, { tenant, devices, since, mentions }: JournalSearch): boolean {
  try {
    const message = decodeRecord(body)
    if (message.tenant !== tenant) return false
    return devices.has(message.device) || message.received_at_ms >= (since.get(message.device) ?? Number.POSITIVE_INFINITY) || mentions(body)
  } catch {
    return mentions(body)
  }
}

function fill(frame: Buffer, position: number, salt: number): void {
  const body = frame.subarray(FRAME_BYTES)
  body[0] = VERSION_1
  body[1] = KIND_STATE
  body.fill(0, KEPT_BYTES)
  frame.writeUInt32LE(checksum(body, position, salt), 4)
}

async function replaceFile(directory: string, path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(`${path}.tmp`, 'w', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${path}.tmp`, path)
  await syncFolder(directory)
}
