import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ManualClock, systemClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { kettle, readingOf } from '../ingest/builders.ts'
import { createDeduplicator } from '../ingest/deduplicate.ts'
import { createFileJournal } from '../ingest/journals/file-journal.ts'
import { createFileJournalReader } from '../ingest/journals/file-journal-reader.ts'
import type { ReadingStore } from '../ingest/reading-store.ts'
import { createReadingWriter } from '../ingest/reading-writer.ts'
import { createMemoryStore } from '../ingest/stores/memory-store.ts'
import { Audit } from './audit.ts'
import type { SourceBatch } from './pipeline-parts.ts'

/** Books of a writer over a store that can be made to lose. */
async function makeBooks(change: (store: ReadingStore) => ReadingStore = (store) => store) {
  const clock = new ManualClock(1_000)
  const plain = createMemoryStore()
  await plain.start()
  const store = change(plain)
  const types = () => kettle
  const writer = createReadingWriter({ store, dedup: createDeduplicator(limits), types, clock, log: silentLog, limits })
  const told: HubEvent[] = []
  const findings: string[] = []
  const audit = new Audit({
    writer,
    store,
    tell: async (event) => void told.push(event),
    onFinding: (finding) => findings.push(finding),
    clock,
    log: silentLog,
  })
  await audit.start(0)
  const take = async (seqs: readonly number[], next: number): Promise<void> => {
    const readings = seqs.map((seq) => readingOf({ board_temperature_c: seq }, { boot: 1, seq }))
    await writer.take({ readings, quarantine: [], refused: 1 }, next)
    audit.decoded(readings.length + 1, next)
  }
  return { audit, writer, told, findings, take, clock }
}

/** Batches of a journal whose segments hold a few records each. */
async function readJournal(): Promise<SourceBatch[]> {
  const directory = mkdtempSync(join(tmpdir(), 'mendline-audit-'))
  try {
    const small = { ...limits, journalSegmentBytes: 1_000 }
    const journal = createFileJournal({ directory, limits: small, log: silentLog, clock: systemClock })
    await journal.start()
    for (let count = 0; count < 40; count++) await journal.append(new Uint8Array(100))
    await journal.stop()
    const reader = createFileJournalReader({ directory, limits: small, committedEnd: () => journal.end() })
    const batches: SourceBatch[] = []
    for (let from = 0; from < journal.end(); ) {
      const batch = await reader.read(from, 300)
      batches.push(batch)
      from = batch.next
    }
    expect(readdirSync(directory).length).toBeGreaterThan(3)
    return batches
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

describe('self-audit', () => {
  it('takes the head of a new segment of the journal for no hole, and sees a record that is left out', async () => {
    const batches = await readJournal()
    expect(batches.reduce((sum, { records }) => sum + records.length, 0)).toBe(40)
    const sound = await makeBooks()
    for (const batch of batches) sound.audit.read(batch)
    expect(await sound.audit.check()).toMatchObject({ skippedBytes: 0 })
    for (const left of [0, 1]) {
      const broken = await makeBooks()
      for (const batch of batches) broken.audit.read({ ...batch, records: [...batch.records].filter((_, index) => index !== left) })
      expect((await broken.audit.check()).skippedBytes).toBeGreaterThan(100)
    }
  })

  it('finds the books right with stored, waiting, refused, doubled and repeated readings', async () => {
    const { audit, writer, told, take } = await makeBooks()
    await take([1, 2, 3], 1)
    await writer.flush(1)
    await take([3, 4], 2)
    await take([3, 4], 2)
    expect(await audit.check()).toEqual({ untaken: 0, unaccounted: 0, unstored: 0, skippedBytes: 0 })
    await writer.flush(2)
    expect(await audit.check()).toEqual({ untaken: 0, unaccounted: 0, unstored: 0, skippedBytes: 0 })
    expect(told).toEqual([])
  })

  it('alarms when the store loses a reading, once, and again when it loses more', async () => {
    const { audit, writer, told, findings, take } = await makeBooks((store) => ({
      ...store,
      write: (batch) => store.write({ ...batch, readings: [...batch.readings].filter(({ seq }) => seq % 10 !== 7) }),
    }))
    await take([6, 7, 8], 1)
    await writer.flush(1)
    expect(await audit.check()).toMatchObject({ unstored: 1 })
    await audit.check()
    expect(told).toMatchObject([{ kind: 'system_alarm', subject: 'audit', detail: { unstored_count: 1 } }])
    expect(findings).toEqual(['unstored_count 1'])
    await take([17], 2)
    await writer.flush(2)
    await audit.check()
    expect(told).toHaveLength(2)
    expect(new Set(told.map(({ key }) => key)).size).toBe(2)
  })

  it('alarms when readings were decoded and never taken, and when the journal has a hole', async () => {
    const { audit, told } = await makeBooks()
    audit.decoded(2, 5)
    const body = new Uint8Array()
    const record = (position: number, next: number) => ({ position, next, body })
    audit.read({ records: [record(10, 20), record(20, 30)], next: 30, corrupt: 0, begin: 10 })
    audit.read({ records: [record(30, 40), record(50, 60)], next: 60, corrupt: 0, begin: 30 })
    audit.read({ records: [record(60, 70), record(90, 99)], next: 99, corrupt: 1, begin: 60 })
    expect(await audit.check()).toMatchObject({ untaken: 2, skippedBytes: 10 })
    expect(told).toMatchObject([{ detail: { untaken_count: 2, skipped_bytes: 10 } }])
  })
})
