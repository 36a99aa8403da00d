import { describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { unpackReadings } from './held-readings.ts'
import { WaitingRows } from './waiting-rows.ts'

const owner = { tenant: 'home', device: 'k-1', type: 'kettle' }

const reading = (atMs: number, changes: Partial<Reading> = {}): Reading => ({
  ...owner,
  boot: 1,
  seq: atMs,
  observed_at_ms: epochMs(1_780_000_000_000 + atMs),
  received_at_ms: epochMs(1_780_000_000_900 + atMs),
  hist: false,
  fw: undefined,
  numbers: Float64Array.of(atMs, Number.NaN, -0),
  texts: [],
  ...changes,
})

const orderOf = (a: Reading, b: Reading): number => a.observed_at_ms - b.observed_at_ms || a.boot - b.boot || a.seq - b.seq

describe('readings that wait', () => {
  it('leave as they came, with firmware, texts and rows of other widths', () => {
    const rows = new WaitingRows()
    const given = [
      reading(1, { fw: '1.0', texts: [['mode', 'boil']] }),
      reading(2, { numbers: Float64Array.of(1, 2, 3, 4, 5, Number.NaN), hist: true }),
      reading(3, { numbers: new Float64Array(0), fw: '2.0', boot: -1, seq: 4_294_967_295 }),
      reading(4, { fw: '1.0' }),
    ]
    for (const one of given) expect(rows.put(one)).toBe(true)
    expect(unpackReadings(rows.pack(), owner)).toStrictEqual(given)
    expect(given.map(() => rows.shift(owner))).toStrictEqual(given)
    expect(rows.length).toBe(0)
  })

  it('refuse a second one with the same time, boot and number, and take one that differs in any of them', () => {
    const rows = new WaitingRows()
    expect(rows.put(reading(5))).toBe(true)
    expect(rows.put(reading(5, { numbers: Float64Array.of(9) }))).toBe(false)
    for (const other of [{ boot: 0 }, { seq: 4 }, { observed_at_ms: epochMs(1) }]) expect(rows.put(reading(5, other))).toBe(true)
    expect(rows.length).toBe(4)
  })

  it('has none to give when none waits', () => {
    expect(() => new WaitingRows().shift(owner)).toThrow(RangeError)
    expect(new WaitingRows().observedAtMs(0)).toBe(Number.POSITIVE_INFINITY)
  })

  it('do not change what left before when others come', () => {
    const rows = new WaitingRows()
    rows.put(reading(1))
    const first = rows.shift(owner)
    for (let atMs = 2; atMs < 300; atMs++) rows.put(reading(atMs))
    while (rows.length > 0) rows.shift(owner)
    expect(first).toStrictEqual(reading(1))
  })

  it('are what a sorted list is, over puts in any order and shifts (200 seeds)', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = createRandom(`rows/${seed}`)
      const rows = new WaitingRows()
      const list: Reading[] = []
      for (let step = 0; step < 120; step++) {
        if (random.chance(0.4) && list.length > 0) {
          expect(rows.shift(owner), `rows/${seed}`).toStrictEqual(list.shift())
          continue
        }
        const numbers = Float64Array.from({ length: random.integer(0, random.chance(0.1) ? 9 : 3) }, () => random.integer(0, 5))
        const texts: Reading['texts'] = random.chance(0.1) ? [['mode', String(step)]] : []
        const next = reading(random.integer(0, 40), { boot: random.integer(1, 2), numbers, texts, fw: [undefined, 'a', 'b'][random.integer(0, 2)] })
        const isNew = !list.some((other) => orderOf(other, next) === 0)
        expect(rows.put(next)).toBe(isNew)
        if (isNew) list.push(next)
        list.sort(orderOf)
        expect([rows.length, rows.observedAtMs(0), rows.observedAtMs(list.length - 1)]).toEqual([
          list.length,
          list[0]?.observed_at_ms,
          list.at(-1)?.observed_at_ms,
        ])
      }
      expect(unpackReadings(rows.pack(), owner), `rows/${seed}`).toStrictEqual(list)
    }
  })
})
