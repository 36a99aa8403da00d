/** What every adapter of the journal port promises; each adapter's test runs it. */
import { describe, expect, it } from 'vitest'
import type { Journal, JournalRecord, Position } from './journal.ts'

/** A journal whose bounds are small: records up to 1,000 bytes, 4,000 bytes waiting, segments of 2,000 bytes where there are any. */
export type JournalMaker = () => Promise<Journal>

export const contractLimits = {
  journalRecordBytes_MAX: 1_000,
  journalPendingBytes_MAX: 4_000,
  journalSegmentBytes: 2_000,
  journalRetryMs: 1_000,
  journalCommitPauseMs: 0,
  journalFullCommitRecords: 1,
  journalCommitBytes: 1_000,
  journalZeroedBytes: 400,
}

const body = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (record: JournalRecord): string => new TextDecoder().decode(record.body)

async function readAll(journal: Journal, from: Position = 0, maxBytes = 500): Promise<JournalRecord[]> {
  const records: JournalRecord[] = []
  for (let next = from; ; ) {
    const part = await journal.read(next, maxBytes)
    if (part.next === next) return records
    records.push(...part.records)
    next = part.next
  }
}

export function describeJournal(name: string, make: JournalMaker): void {
  describe(`${name} as a journal`, () => {
    it('gives back what was appended, in order, byte for byte', async () => {
      const journal = await make()
      await journal.start()
      const texts = Array.from({ length: 200 }, (_, index) => `record ${index} ${'x'.repeat(index % 90)}`)
      const positions: Position[] = []
      for (let index = 0; index < texts.length; index += 20) {
        positions.push(...(await Promise.all(texts.slice(index, index + 20).map((text) => journal.append(body(text))))))
      }
      const records = await readAll(journal)
      expect(records.map(textOf)).toEqual(texts)
      expect(records.map((record) => record.position)).toEqual(positions)
      await journal.stop()
    })

    it('gives positions that rise strictly and reads on from any next', async () => {
      const journal = await make()
      await journal.start()
      for (let index = 0; index < 100; index++) await journal.append(body(`record ${index} ${'y'.repeat(60)}`))
      const records = await readAll(journal)
      for (const [index, record] of records.entries()) {
        expect(record.next).toBeGreaterThan(record.position)
        expect((await readAll(journal, record.next)).map(textOf)[0]).toBe(
          records[index + 1] === undefined ? undefined : textOf(records[index + 1] as JournalRecord),
        )
      }
      await journal.stop()
    })

    it('reads at least one record however few bytes are asked for', async () => {
      const journal = await make()
      await journal.start()
      await journal.append(body('z'.repeat(900)))
      expect((await journal.read(0, 1)).records).toHaveLength(1)
      await journal.stop()
    })

    it('reads nothing at the end and stays there', async () => {
      const journal = await make()
      await journal.start()
      await journal.append(body('one'))
      const { next } = await journal.read(0, 1_000)
      expect(next).toBe(journal.end())
      expect(await journal.read(next, 1_000)).toMatchObject({ records: [], next, corrupt: 0 })
      await journal.stop()
    })

    it('shows a record to listeners and readers only once it is committed', async () => {
      const journal = await make()
      await journal.start()
      const seen: string[] = []
      const unsubscribe = journal.onCommit((records) => {
        expect(records.at(-1)?.next).toBeLessThanOrEqual(journal.end())
        seen.push(...[...records].map(textOf))
      })
      const appended = journal.append(body('first'))
      const endBefore = journal.end()
      expect(seen).toEqual([])
      await appended
      expect(journal.end()).toBeGreaterThan(endBefore)
      await new Promise((resolve) => setImmediate(resolve))
      expect(seen).toEqual(['first'])
      unsubscribe()
      await journal.append(body('second'))
      expect(seen).toEqual(['first'])
      await journal.stop()
    })

    it('counts the bytes that wait and lets callers wait for room', async () => {
      const journal = await make()
      await journal.start()
      const appends = Array.from({ length: 5 }, () => journal.append(body('w'.repeat(900))))
      expect(journal.pendingBytes()).toBeGreaterThanOrEqual(4_500)
      await journal.whenWritable()
      expect(journal.pendingBytes()).toBeLessThan(4_000)
      await Promise.all(appends)
      expect(journal.pendingBytes()).toBe(0)
      await journal.stop()
    })

    it('refuses a record above the limit and an empty one, and takes one at the limit', async () => {
      const journal = await make()
      await journal.start()
      await expect(journal.append(new Uint8Array(1_001))).rejects.toMatchObject({ code: 'MDL_JOURNAL_RECORD_TOO_LARGE' })
      await expect(journal.append(new Uint8Array(0))).rejects.toMatchObject({ code: 'MDL_JOURNAL_RECORD_TOO_LARGE' })
      await expect(journal.append(new Uint8Array(1_000))).resolves.toBeTypeOf('number')
      await journal.stop()
    })

    it('keeps everything from a released position on', async () => {
      const journal = await make()
      await journal.start()
      for (let index = 0; index < 100; index++) await journal.append(body(`record ${index} ${'r'.repeat(60)}`))
      const before = await readAll(journal)
      const kept = before[60]?.position ?? 0
      await journal.release(kept)
      expect((await readAll(journal, kept)).map(textOf)).toEqual(before.slice(60).map(textOf))
      expect((await readAll(journal)).length).toBeLessThan(100)
      await journal.stop()
    })

    it('commits what waits when it stops, refuses afterwards, and stops twice', async () => {
      const journal = await make()
      await journal.start()
      const appended = journal.append(body('last'))
      await journal.stop()
      await expect(appended).resolves.toBeTypeOf('number')
      await expect(journal.append(body('after'))).rejects.toMatchObject({ code: 'MDL_JOURNAL_UNAVAILABLE', retryable: true })
      await journal.stop()
    })
  })
}
