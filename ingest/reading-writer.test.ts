import { describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { kettle, messageOf, NOW_MS, quarantineOf, readingOf } from './builders.ts'
import { createDeduplicator } from './deduplicate.ts'
import type { ReadingStore } from './reading-store.ts'
import { createReadingWriter, type ReadingWriter, type TakenRecord } from './reading-writer.ts'
import { createMemoryStore } from './stores/memory-store.ts'

const everything = { tenant: 'home', from_ms: epochMs(0), to_ms: epochMs(NOW_MS * 2) }
const record = (...readings: Reading[]): TakenRecord => ({ readings, quarantine: [], message: messageOf('{"raw":1}'), refused: 0 })
const reading = (seq: number, value = seq, changes: Partial<Reading> = {}): Reading => readingOf({ inlet_temperature_c: value }, { seq, ...changes })
const writerOn = (store: ReadingStore, changes: { storedPosition?: number; dedup?: ReturnType<typeof createDeduplicator> } = {}): ReadingWriter =>
  createReadingWriter({ store, dedup: createDeduplicator(), types: () => kettle, clock: new ManualClock(0), log: silentLog, limits, ...changes })
const storedSeqs = async (store: ReadingStore): Promise<number[]> => {
  const seqs: number[] = []
  for await (const row of store.raw(everything)) seqs.push(row.seq)
  return seqs
}

describe('reading writer', () => {
  it('gives fresh readings back and stores them at the flush', async () => {
    const store = createMemoryStore()
    const writer = writerOn(store)
    expect((await writer.take(record(reading(1), reading(2)), 10)).map(({ seq }) => seq)).toEqual([1, 2])
    expect(await storedSeqs(store)).toEqual([])
    expect(writer.pending()).toBe(2)
    await writer.flush(10)
    expect(await storedSeqs(store)).toEqual([1, 2])
    expect((await store.start()).position).toBe(10)
  })

  it('counts a resent reading as a duplicate, within a batch and after it', async () => {
    const store = createMemoryStore()
    const writer = writerOn(store)
    await writer.take(record(reading(1)), 1)
    expect(await writer.take(record(reading(1, 1, { hist: true, received_at_ms: epochMs(NOW_MS + 9_000) })), 2)).toEqual([])
    await writer.flush(2)
    expect(await writer.take(record(reading(1)), 3)).toEqual([])
    await writer.flush(3)
    expect(await storedSeqs(store)).toEqual([1])
    expect(writer.statistics()).toMatchObject({ in: 3, stored: 1, duplicates: 2, conflicts: 0, waiting: 0 })
  })

  it('stores what waits when its values take too many bytes, however few the readings', async () => {
    const store = createMemoryStore()
    const few = { ...limits, storeBatchBytes_MAX: 2 * 8 * reading(1).numbers.length }
    const writer = createReadingWriter({
      store,
      dedup: createDeduplicator(),
      types: () => kettle,
      clock: new ManualClock(0),
      log: silentLog,
      limits: few,
    })
    await writer.take(record(reading(1)), 1)
    expect(await storedSeqs(store)).toEqual([])
    await writer.take(record(reading(2)), 2)
    expect(await storedSeqs(store)).toEqual([1, 2])
    expect(writer.pending()).toBe(0)
  })

  it('stores new firmware versions of a device beyond the bound as absent, and says so once', async () => {
    const store = createMemoryStore()
    const bounded = { ...limits, firmwaresPerDevice_MAX: 2 }
    const make = (): ReadingWriter =>
      createReadingWriter({ store, dedup: createDeduplicator(), types: () => kettle, clock: new ManualClock(0), log: silentLog, limits: bounded })
    let writer = make()
    await writer.take(record(...['a', 'b', 'c', 'a'].map((fw, index) => reading(index, 1, { fw }))), 1)
    await writer.flush(1)
    const saved = structuredClone(writer.snapshot())
    writer = make()
    writer.restore(saved)
    await writer.take(record(reading(4, 1, { fw: 'd' }), reading(5, 1, { fw: 'b' })), 2)
    await writer.take(record(reading(6, 1, { fw: 'd', device: 'kettle-2' })), 3)
    expect(await writer.take(record(reading(2, 1, { fw: 'c' })), 4)).toEqual([])
    await writer.flush(4)
    const rows: Array<string | null> = []
    for await (const row of store.raw(everything)) rows.push(row.fw)
    expect(rows).toEqual(['a', 'b', null, 'a', null, 'b', 'd'])
    const kept = await store.quarantined({ tenant: 'home', after: 0, limit: 9 })
    expect(kept.map(({ code, field, device }) => [code, field, device])).toEqual([['MDL_INGEST_FIELD_INVALID', 'fw', 'kettle-1']])
    expect(writer.statistics()).toMatchObject({ duplicates: 1, conflicts: 0 })
  })

  it('keeps the same key with other content as a conflict with its bytes', async () => {
    const store = createMemoryStore()
    const writer = writerOn(store)
    await writer.take(record(reading(1, 20)), 1)
    await writer.take(record(reading(1, 21)), 2)
    await writer.flush(2)
    await writer.take(record(reading(1, 20, { texts: [['mode', 'boil']] })), 3)
    await writer.flush(3)
    expect(await store.quarantined({ tenant: 'home', after: 0, limit: 9 })).toMatchObject([
      { code: 'MDL_INGEST_CONFLICT', field: 'boot 1, seq 1', raw: messageOf('{"raw":1}').payload },
      { code: 'MDL_INGEST_CONFLICT' },
    ])
    expect(writer.statistics()).toMatchObject({ stored: 1, duplicates: 0, conflicts: 2 })
  })

  it('does not write again what lies before the position of the store, and gives it to the rules all the same', async () => {
    const store = createMemoryStore()
    const first = writerOn(store)
    await first.take({ ...record(reading(1)), quarantine: [quarantineOf()] }, 10)
    await first.flush(10)
    const second = writerOn(store, { storedPosition: 10 })
    expect((await second.take({ ...record(reading(1)), quarantine: [quarantineOf()] }, 10)).length).toBe(1)
    expect(await second.take(record(reading(1)), 20)).toEqual([])
    expect((await second.take(record(reading(2)), 30)).length).toBe(1)
    await second.flush(30)
    expect(await storedSeqs(store)).toEqual([1, 2])
    expect(await store.quarantined({ tenant: 'home', after: 0, limit: 9 })).toHaveLength(1)
    expect(second.statistics()).toMatchObject({ in: 2, stored: 1, duplicates: 1 })
  })

  it('gives a reading back to a store that was made anew', async () => {
    const old = createMemoryStore()
    const dedup = createDeduplicator()
    await writerOn(old, { dedup }).take(record(reading(1)), 1)
    const store = createMemoryStore()
    const writer = writerOn(store, { dedup })
    expect(await writer.take(record(reading(1), reading(1)), 1)).toEqual([])
    await writer.flush(1)
    expect(await storedSeqs(store)).toEqual([1])
    expect(writer.statistics()).toMatchObject({ stored: 1, duplicates: 1 })
  })

  it('keeps the batch when the store fails, and stores it once when it answers again', async () => {
    const store = createMemoryStore()
    const writer = writerOn(store)
    await writer.take(record(reading(1)), 1)
    const write = store.write
    store.write = () => Promise.reject(new MendlineError('MDL_STORE_UNAVAILABLE', 'full', { retryable: true }))
    await expect(writer.flush(1)).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
    expect(writer.pending()).toBe(1)
    store.write = write
    await writer.flush(1)
    expect(await storedSeqs(store)).toEqual([1])
  })

  it('gives the same answer when a record is taken again', async () => {
    const writer = writerOn(createMemoryStore())
    expect(await writer.take(record(reading(1)), 1)).toEqual(await writer.take(record(reading(1)), 1))
    expect(writer.pending()).toBe(1)
  })

  it('stores no resent reading again when its memory is lost and the journal begins later', async () => {
    const store = createMemoryStore()
    const first = writerOn(store)
    await first.take(record(reading(1), reading(2)), 10)
    await first.take(record(reading(1, 1, { boot: 2 })), 20)
    await first.flush(20)
    const second = writerOn(store, { storedPosition: 20 })
    await second.recall()
    const later = { received_at_ms: epochMs(NOW_MS + 9_000) }
    expect(await second.take(record(reading(2, 2, later), reading(1, 1, { boot: 2, ...later })), 30)).toEqual([])
    expect((await second.take(record(reading(1, 1, later), reading(3, 3, later)), 40)).map(({ seq }) => seq)).toEqual([3])
    await second.flush(40)
    expect(await storedSeqs(store)).toEqual([1, 2, 3, 1])
    expect(second.statistics()).toMatchObject({ in: 4, stored: 1, duplicates: 3 })
  })

  it('asks the store once a record for the readings that it is unsure of', async () => {
    const store = createMemoryStore()
    await store.prepareType(kettle)
    await store.write({ readings: Array.from({ length: 50 }, (_, index) => reading(index + 1)), quarantine: [], position: 1 })
    let lookups = 0
    const lookup = store.lookup
    store.lookup = (keys) => {
      lookups++
      return lookup(keys)
    }
    const writer = writerOn(store, { storedPosition: 1 })
    await writer.recall()
    const later = { received_at_ms: epochMs(NOW_MS + 9_000) }
    expect(await writer.take(record(...Array.from({ length: 50 }, (_, index) => reading(index + 1, index + 1, later))), 2)).toEqual([])
    expect(lookups).toBe(1)
  })

  it('counts readings set aside whole', async () => {
    const writer = writerOn(createMemoryStore())
    await writer.take({ ...record(reading(1)), quarantine: [quarantineOf()], refused: 2 }, 1)
    await writer.flush(1)
    expect(writer.statistics()).toMatchObject({ in: 3, stored: 1, quarantined: 2, quarantine_entries: 1 })
  })

  it('stores each key once and balances its books, however little dedup remembers and whenever it restarts (60 seeds)', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = createRandom(`writer/${seed}`)
      const small = { dedupStretches_MAX: 2, dedupBoots_MAX: 2 }
      const store = createMemoryStore()
      const log = Array.from({ length: 120 }, (_, index) => {
        const changes = { boot: random.integer(0, 3), received_at_ms: epochMs(NOW_MS + index) }
        return record(...Array.from({ length: random.integer(1, 3) }, () => reading(random.integer(0, 15), 1, changes)))
      })
      const fresh: string[][] = log.map(() => [])
      let saved: { readonly state: unknown; readonly index: number } | undefined
      for (let index = 0; index < log.length; ) {
        const dedup = createDeduplicator(small)
        const { position } = await store.start()
        const writer = writerOn(store, { dedup, storedPosition: position })
        if (saved !== undefined && random.chance(0.2)) saved = undefined
        if (saved !== undefined) writer.restore(JSON.parse(JSON.stringify(saved.state)))
        else await writer.recall()
        for (index = saved?.index ?? 0; index < log.length; index++) {
          const given = log[index] ?? record()
          const answer = (await writer.take(given, index + 1)).map(({ boot, seq }) => `${boot}/${seq}`)
          if (index + 1 <= position) expect(answer, `seed writer/${seed} replay of ${index}`).toEqual(fresh[index])
          fresh[index] = answer
          if (random.chance(0.1)) await writer.flush(index + 1)
          if (random.chance(0.03)) {
            await writer.flush(index + 1)
            saved = { state: writer.snapshot(), index: index + 1 }
          }
          if (random.chance(0.02)) break
        }
        if (index === log.length) await writer.flush(log.length)
        const counts = writer.statistics()
        expect(counts.stored + counts.waiting + counts.quarantined + counts.duplicates + counts.conflicts, `seed writer/${seed}`).toBe(counts.in)
      }
      const expected = new Set(log.flatMap(({ readings }) => readings.map(({ boot, seq }) => `${boot}/${seq}`)))
      const flat = fresh.flat()
      expect(flat.length, `seed writer/${seed}`).toBe(expected.size)
      expect(new Set(flat), `seed writer/${seed}`).toEqual(expected)
      expect((await storedSeqs(store)).length, `seed writer/${seed}`).toBe(expected.size)
    }
  })
})
