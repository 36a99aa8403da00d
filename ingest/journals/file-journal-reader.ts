/**
 * Reader of the file journal, for the process that writes it and for the worker that tails it. It reads only what `committedEnd` says
 * is durable, holds no file open between calls, and skips what fails its checksum, counting it.
 */
import { join } from 'node:path'
import type { Limits } from '#kernel/limits.ts'
import type { JournalBatch, JournalReader, Position } from '../journal.ts'
import { diskFiles, type ReadableFiles } from './files.ts'
import { FRAME_BYTES } from './framed-records.ts'
import { decodeHeader, HEADER_BYTES, parseRecords, segmentBases, segmentName } from './segment.ts'

export interface FileJournalReaderOptions {
  readonly directory: string
  readonly limits: Pick<Limits, 'journalRecordBytes_MAX'>
  /** End of what is durable, asked before each read; the reader never passes it. */
  readonly committedEnd: () => Position
  readonly files?: ReadableFiles
}

interface Stretch {
  readonly base: Position
  /** Where the segment's committed bytes end. */
  readonly limit: Position
  readonly isLast: boolean
}

/** Creates a reader; it needs no start and no stop. */
export function createFileJournalReader({ directory, limits, committedEnd, files = diskFiles }: FileJournalReaderOptions): JournalReader {
  let knownSalt = 0

  const findStretch = async (from: Position, end: Position): Promise<Stretch | undefined> => {
    const bases = segmentBases(await files.list(directory))
    const after = bases.findIndex((base) => base > from)
    const index = after === -1 ? bases.length - 1 : Math.max(0, after - 1)
    const base = bases[index]
    if (base === undefined) return undefined
    const following = bases[index + 1]
    return { base, limit: Math.min(end, following ?? end), isLast: following === undefined }
  }

  const readStretch = async (stretch: Stretch, from: Position, maxBytes: number) => {
    const file = await files.open(join(directory, segmentName(stretch.base)), 'read')
    try {
      const header = Buffer.alloc(HEADER_BYTES)
      knownSalt = decodeHeader(header.subarray(0, await file.read(header, 0))) ?? knownSalt
      const begin = Math.max(from, stretch.base + HEADER_BYTES)
      // Room for one largest record beyond the asked bytes, so that each call gets on.
      const wanted = Math.min(stretch.limit - begin, maxBytes + FRAME_BYTES + limits.journalRecordBytes_MAX)
      if (wanted <= 0) return { records: [], next: stretch.limit, corrupt: 0, begin }
      const bytes = Buffer.allocUnsafeSlow(wanted)
      const count = await file.read(bytes, begin - stretch.base)
      const isFinal = begin + wanted === stretch.limit
      const options = { position: begin, salt: knownSalt, recordBytes_MAX: limits.journalRecordBytes_MAX, isFinal }
      const parsed = parseRecords(bytes.subarray(0, count), options)
      // What cannot be read up to the limit was durable once: it is lost and counted, and reading goes on behind it.
      if (isFinal && parsed.next < stretch.limit) return { ...parsed, next: stretch.limit, corrupt: parsed.corrupt + 1, begin }
      if (parsed.records.length === 0 && !isFinal) return { ...parsed, next: begin + maxBytes, corrupt: parsed.corrupt + 1, begin }
      return { ...parsed, begin }
    } finally {
      await file.close()
    }
  }

  return {
    async read(from, maxBytes) {
      let records: JournalBatch['records'] = []
      let next = from
      let corrupt = 0
      let begin = from
      // Asked before the directory is listed: every segment that begins before it is in the list.
      const end = committedEnd()
      while (next < end && records.length === 0) {
        const stretch = await findStretch(next, end)
        if (stretch === undefined) break
        const part = await readStretch(stretch, Math.max(next, stretch.base), maxBytes)
        records = part.records
        corrupt += part.corrupt
        begin = part.begin
        if (part.next <= next) break
        next = part.next
      }
      return { records, next, corrupt, begin }
    },
  }
}
