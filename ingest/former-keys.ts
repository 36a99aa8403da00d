/**
 * Readings without `seq` that a version before has stored: their key was made of the payload's own spelling. The same payload sent again has another
 * key now, so that it is looked for under the former one, too, and counts as the same only when it says the same.
 */
import type { Reading } from '#kernel/reading.ts'
import type { Deduplicator } from './deduplicate.ts'
import type { ReadingStore } from './reading-store.ts'
import { hasSameContent, readingKey } from './same-reading.ts'

/** Whether something may be stored under the reading's former key. Hot: a reading with `seq` has none. */
export const mayHaveFormerKey = (reading: Reading, dedup: Pick<Deduplicator, 'peek'>): boolean =>
  reading.former_seq !== undefined && reading.former_seq !== reading.seq && dedup.peek({ ...reading, seq: reading.former_seq }) !== 'fresh'

/** What is stored under the readings' keys, or the same content under their former ones; by the keys of now. */
export async function lookupUnderBoth(store: Pick<ReadingStore, 'lookup'>, readings: readonly Reading[]): Promise<Map<string, Reading>> {
  const found = new Map(await store.lookup(readings))
  const missing = readings.flatMap((reading) =>
    reading.former_seq === undefined || found.has(readingKey(reading)) ? [] : [{ reading, former: { ...reading, seq: reading.former_seq } }],
  )
  if (missing.length === 0) return found
  const former = await store.lookup(missing.map((one) => one.former))
  for (const { reading, former: key } of missing) {
    const first = former.get(readingKey(key))
    if (first !== undefined && hasSameContent(first, reading)) found.set(readingKey(reading), first)
  }
  return found
}
