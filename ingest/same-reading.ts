/** What makes two readings one: the key; and what makes them the same: what the device said, not how or when it arrived. */
import type { Reading } from '#kernel/reading.ts'

/** Key of a reading as the store's `lookup` gives it; ids have no slash. */
export const readingKey = (reading: Pick<Reading, 'tenant' | 'device' | 'boot' | 'seq'>): string =>
  `${reading.tenant}/${reading.device}/${reading.boot}/${reading.seq}`

/** Tells whether two readings of one key say the same. `hist` may differ: a device that got no answer sends its live reading again from its store. */
export function hasSameContent(a: Reading, b: Reading): boolean {
  if (a.observed_at_ms !== b.observed_at_ms || a.fw !== b.fw || a.texts.length !== b.texts.length) return false
  // A type that gained columns in between leaves the older row shorter; what it lacks is absent.
  const width = Math.max(a.numbers.length, b.numbers.length)
  for (let column = 0; column < width; column++) {
    if (!isSameNumber(a.numbers[column] ?? Number.NaN, b.numbers[column] ?? Number.NaN)) return false
  }
  const texts = new Map(a.texts)
  return b.texts.every(([channel, text]) => texts.get(channel) === text)
}

/** NaN is the absent value; 0 and -0 are one. */
const isSameNumber = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b))
