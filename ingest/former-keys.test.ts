import { describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { type Limits, limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import { kettle, messageOf, NOW_MS } from './builders.ts'
import { decodeMessage } from './decode.ts'
import { createDeduplicator } from './deduplicate.ts'
import { checkLimits } from './files/check-readings.ts'
import type { ReadingStore } from './reading-store.ts'
import { createReadingWriter } from './reading-writer.ts'
import { createMemoryStore } from './stores/memory-store.ts'

const ts = NOW_MS - 5_000
const decoded = (payload: unknown, form?: 'thingsboard' | 'senml', options: Limits = limits): Reading => {
  const { readings, quarantine } = decodeMessage(messageOf(payload, form === undefined ? {} : { form }), kettle, options)
  expect(quarantine).toEqual([])
  const [reading] = readings
  if (reading === undefined) throw new Error('nothing was decoded')
  return reading
}
const writerOn = (store: ReadingStore, dedup = createDeduplicator()) =>
  createReadingWriter({ store, dedup, types: () => kettle, clock: new ManualClock(0), log: silentLog, limits })
const take = async (writer: ReturnType<typeof writerOn>, reading: Reading, next: number) => {
  const fresh = await writer.take({ readings: [reading], quarantine: [], message: messageOf('{}'), refused: 0 }, next)
  await writer.flush(next)
  return fresh
}
/** As a version before has stored it. */
const asBefore = ({ former_seq: seq = -1, ...reading }: Reading): Reading => ({ ...reading, seq })

describe('the key of a reading without seq', () => {
  const v = { inlet_temperature_c: 5, board_temperature_c: { min: 1, mean: 2.5, max: 3 }, float_is_closed: true, mode: 'ü"' }
  const swapped = { mode: 'ü"', float_is_closed: true, board_temperature_c: { max: 3, mean: 2.5, min: 1 }, inlet_temperature_c: 5 }
  const first = decoded({ ts, v })

  it.each([
    ['other order', () => decoded({ v: swapped, ts })],
    [
      'another spelling of numbers',
      () =>
        decoded(
          `{"ts":${ts},"v":{"inlet_temperature_c":5.0,"board_temperature_c":{"min":1e0,"mean":2.50,"max":3},"float_is_closed":true,"mode":"\\u00fc\\""}}`,
        ),
    ],
    ['hist', () => decoded({ ts, hist: true, v })],
    ['an absent value as null', () => decoded({ ts, v: { ...v, outlet_temperature_c: null } })],
    ['the form of another platform', () => decoded({ ts, values: swapped }, 'thingsboard')],
    ['an import, by the byte scanner', () => decoded(JSON.stringify([{ ts, hist: true, v: swapped }]), undefined, checkLimits(limits))],
  ])('is the same by %s', (_, make) => {
    const { boot, seq } = make()
    expect({ boot, seq }).toEqual({ boot: -1, seq: first.seq })
  })

  it('is the same of SenML records in any order', () => {
    const records = [
      { n: 'inlet_temperature_c', t: ts / 1000, v: 5 },
      { n: 'float_is_closed', t: ts / 1000, vb: true },
    ]
    const plain = decoded({ ts, v: { inlet_temperature_c: 5, float_is_closed: true } })
    for (const pack of [records, records.toReversed()]) expect(decoded(pack, 'senml').seq).toBe(plain.seq)
  })

  it('is another of other values, another firmware and another time', () => {
    const others = [decoded({ ts, v: { ...v, inlet_temperature_c: 6 } }), decoded({ ts, fw: '1.2', v }), decoded({ ts: ts + 1, v })]
    expect(new Set([first, ...others].map(({ seq }) => seq)).size).toBe(4)
  })
})

describe('a reading that a version before has stored', () => {
  const payload = { ts, v: { outlet_temperature_c: 7, inlet_temperature_c: 5 } }

  it.each([
    ['with its saved state', true],
    ['without it', false],
  ])('is a duplicate when it is sent again byte for byte, and ever after (%s)', async (_, isSaved) => {
    const store = createMemoryStore()
    const reading = decoded(payload)
    expect(reading.former_seq).not.toBe(reading.seq)
    const before = writerOn(store)
    await take(before, asBefore(reading), 1)
    const writer = writerOn(store)
    if (isSaved) writer.restore(structuredClone(before.snapshot()))
    else await writer.recall()
    expect(await take(writer, reading, 2)).toEqual([])
    expect(await take(writer, reading, 3)).toEqual([])
    expect(writer.statistics()).toMatchObject({ duplicates: 2, stored: 0, conflicts: 0 })
    // Another one of the same instant is no duplicate.
    expect(await take(writer, decoded({ ts, v: { inlet_temperature_c: 6 } }), 4)).toHaveLength(1)
    const rows: number[] = []
    for await (const { observed_at_ms } of store.raw({ tenant: 'home', from_ms: epochMs(0), to_ms: epochMs(NOW_MS * 2) })) rows.push(observed_at_ms)
    expect(rows).toEqual([ts, ts])
  })
})
