/**
 * Looks through a journal without changing it: every record's checksum and frame, and whether the segments lie one behind the other. Records
 * that do not decode are counted apart; the pipeline sets such ones aside.
 */
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Limits } from '#kernel/limits.ts'
import type { Position } from '../journal.ts'
import { decodeRecord } from '../record.ts'
import { createFileJournalReader } from './file-journal-reader.ts'
import { decodeHeader, HEADER_BYTES, parseRecords, segmentBases, segmentName, withoutZeros } from './segment.ts'

export interface JournalFindings {
  readonly segments: number
  readonly begin: Position
  readonly end: Position
  readonly records: number
  /** Bytes behind the last whole record; never acknowledged, cut off at the next start. */
  readonly tornBytes: number
  readonly undecodable: number
  /** Device and times of the records by kind. */
  readonly byKind: Readonly<Record<string, number>>
  readonly faults: readonly string[]
}

const READ_BYTES = 1024 * 1024

/** `end` is what a running server says; without it the last whole record ends the journal. */
export async function verifyJournal(
  directory: string,
  { limits, end: given }: { readonly limits: Pick<Limits, 'journalRecordBytes_MAX'>; readonly end?: Position },
): Promise<JournalFindings> {
  const bases = segmentBases(await readdir(directory).catch(() => []))
  const [first, last] = [bases[0], bases.at(-1)]
  if (first === undefined || last === undefined) {
    return { segments: 0, begin: 0, end: 0, records: 0, tornBytes: 0, undecodable: 0, byKind: {}, faults: ['journal: there is none'] }
  }
  const faults = await checkHeaders(directory, bases)
  const { end, tornBytes } = given === undefined ? await findEnd(join(directory, segmentName(last)), last, limits) : { end: given, tornBytes: 0 }
  const reader = createFileJournalReader({ directory, limits, committedEnd: () => end })
  const byKind: Record<string, number> = {}
  let [records, undecodable, next] = [0, 0, first]
  while (next < end) {
    const part = await reader.read(next, READ_BYTES)
    for (const { body, position } of part.records) {
      if (position < next) faults.push(`journal: position ${position} stands behind ${next}`)
      records++
      try {
        const { kind } = decodeRecord(body)
        byKind[kind] = (byKind[kind] ?? 0) + 1
      } catch {
        undecodable++
      }
    }
    if (part.corrupt > 0) faults.push(`journal: ${part.corrupt} broken stretches between ${next} and ${part.next}`)
    if (part.next <= next) break
    next = part.next
  }
  if (next < end) faults.push(`journal: nothing can be read from ${next} to ${end}`)
  return { segments: bases.length, begin: first, end, records, tornBytes, undecodable, byKind, faults }
}

async function checkHeaders(directory: string, bases: readonly Position[]): Promise<string[]> {
  const faults: string[] = []
  for (const [index, base] of bases.entries()) {
    const handle = await open(join(directory, segmentName(base)), 'r')
    try {
      const header = Buffer.alloc(HEADER_BYTES)
      await handle.read(header, 0, HEADER_BYTES, 0)
      if (decodeHeader(header) === undefined) faults.push(`journal: ${segmentName(base)} has no header that can be read`)
      const { size } = await handle.stat()
      const next = bases[index + 1]
      if (next !== undefined && base + size < next) faults.push(`journal: ${next - base - size} bytes lack between ${segmentName(base)} and the next`)
    } finally {
      await handle.close()
    }
  }
  return faults
}

async function findEnd(path: string, base: Position, limits: Pick<Limits, 'journalRecordBytes_MAX'>): Promise<{ end: Position; tornBytes: number }> {
  const bytes = await readFile(path)
  const salt = decodeHeader(bytes)
  if (salt === undefined) return { end: base, tornBytes: bytes.length }
  const position = base + HEADER_BYTES
  const recordBytes_MAX = limits.journalRecordBytes_MAX
  const { next } = parseRecords(bytes.subarray(HEADER_BYTES), { position, salt, recordBytes_MAX, isFinal: true })
  return { end: next, tornBytes: withoutZeros(bytes.subarray(next - base)).length }
}
