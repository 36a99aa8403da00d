/**
 * Opening and making segments: finds the last one, tells its torn tail from broken records in its middle, keeps the tail beside under
 * `torn/` and cuts it off. A torn tail was never acknowledged; it is kept all the same, since nothing is thrown away unseen.
 */
import { join } from 'node:path'
import type { Position } from '../journal.ts'
import { type Files, type JournalFile, writeDurably } from './files.ts'
import { decodeHeader, encodeHeader, HEADER_BYTES, parseRecords, segmentBases, segmentName, withoutZeros } from './segment.ts'

export interface OpenSegment {
  readonly base: Position
  readonly file: JournalFile
}

export interface OpenedLog {
  readonly segment: OpenSegment
  readonly salt: number
  readonly end: Position
  readonly segments: number
  readonly tornBytes: number
  readonly corruptRecords: number
}

export interface OpenOptions {
  readonly directory: string
  readonly files: Files
  readonly recordBytes_MAX: number
  /** Salt of a new journal; an old one keeps its own. */
  readonly freshSalt: number
}

/** Makes the segment that begins at `base`; when it returns, file, header and name are durable. */
export async function createSegment(options: Pick<OpenOptions, 'directory' | 'files'>, base: Position, salt: number): Promise<OpenSegment> {
  const { directory, files } = options
  const path = join(directory, segmentName(base))
  await files.remove(path)
  const file = await files.open(path, 'create')
  try {
    await writeDurably(file, encodeHeader(salt), 0)
    await files.syncDirectory(directory)
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
  return { base, file }
}

/** Opens the log of a directory, or begins one. What it returns as the end is durable. */
export async function openLog(options: OpenOptions): Promise<OpenedLog> {
  const { directory, files } = options
  await files.makeDirectory(directory)
  const bases = segmentBases(await files.list(directory))
  const base = bases.at(-1)
  if (base === undefined) {
    const segment = await createSegment(options, 0, options.freshSalt)
    return { segment, salt: options.freshSalt, end: HEADER_BYTES, segments: 1, tornBytes: 0, corruptRecords: 0 }
  }
  const bytes = await readWhole(options, base)
  const ownSalt = decodeHeader(bytes)
  if (ownSalt === undefined) return replaceHeadless(options, bases, bytes)
  const records = bytes.subarray(HEADER_BYTES)
  const position = base + HEADER_BYTES
  const parsed = parseRecords(records, { position, salt: ownSalt, recordBytes_MAX: options.recordBytes_MAX, isFinal: true })
  const torn = withoutZeros(records.subarray(parsed.next - position))
  if (torn.length > 0) await keepTorn(options, parsed.next, torn)
  const file = await files.open(join(directory, segmentName(base)), 'change')
  await file.truncate(parsed.next - base)
  // A process that was killed between write and sync leaves valid records that no power loss would spare; now they are durable.
  await new Promise<void>((resolve, reject) => file.sync((error) => (error === null ? resolve() : reject(error))))
  await files.syncDirectory(directory)
  const counts = { segments: bases.length, tornBytes: torn.length, corruptRecords: parsed.corrupt }
  return { segment: { base, file }, salt: ownSalt, end: parsed.next, ...counts }
}

/** The last segment has no header that can be read: the crash came while it was made, or the disk broke both copies. */
async function replaceHeadless(options: OpenOptions, bases: readonly Position[], bytes: Uint8Array): Promise<OpenedLog> {
  const base = bases.at(-1) ?? 0
  const previous = bases.at(-2)
  const previousSalt = previous === undefined ? undefined : decodeHeader(await readWhole(options, previous))
  const hasRecords = bytes.length > HEADER_BYTES
  if (hasRecords) await keepTorn(options, base, bytes)
  const salt = previousSalt ?? options.freshSalt
  const segment = await createSegment(options, base, salt)
  const tornBytes = hasRecords ? bytes.length : 0
  return { segment, salt, end: base + HEADER_BYTES, segments: bases.length, tornBytes, corruptRecords: 0 }
}

async function readWhole({ directory, files }: OpenOptions, base: Position): Promise<Uint8Array> {
  const file = await files.open(join(directory, segmentName(base)), 'read')
  try {
    const bytes = Buffer.allocUnsafeSlow(await file.size())
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

async function keepTorn({ directory, files }: OpenOptions, position: Position, bytes: Uint8Array): Promise<void> {
  const folder = join(directory, 'torn')
  await files.makeDirectory(folder)
  const taken = new Set(await files.list(folder))
  let name = `${position}.bin`
  for (let copy = 1; taken.has(name); copy++) name = `${position}-${copy}.bin`
  const file = await files.open(join(folder, name), 'create')
  try {
    await writeDurably(file, bytes, 0)
  } finally {
    await file.close()
  }
  await files.syncDirectory(folder)
}
