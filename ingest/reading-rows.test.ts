import { describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { ReadingRows } from './reading-rows.ts'

const AT_MS = epochMs(1_780_000_000_000)

const reading = (given: Partial<Reading> = {}): Reading => ({
  ...{ tenant: 'home', device: 'kettle-1', type: 'kettle', boot: 3, seq: 7, hist: false, fw: '1.0' },
  ...{ observed_at_ms: AT_MS, received_at_ms: epochMs(AT_MS + 200), numbers: Float64Array.of(1.5, Number.NaN), texts: [] },
  ...given,
})

describe('rows of readings', () => {
  it('give back each reading as it came, type by type', () => {
    const readings = [
      reading(),
      reading({ device: 'kettle-2', boot: -1, seq: 2 ** 40, hist: true, fw: undefined }),
      reading({ type: 'oven', numbers: Float64Array.of(200), texts: [['mode', 'grill']] }),
      reading({ seq: 8, fw: '1.1', tenant: 'other' }),
    ]
    expect([...ReadingRows.of(readings)]).toEqual([readings[0], readings[1], readings[3], readings[2]])
  })

  it('keep the values of a row that its decoder uses again', () => {
    const numbers = Float64Array.of(1, 2)
    const rows = ReadingRows.of([reading({ numbers })])
    numbers.fill(9)
    expect([...rows][0]?.numbers).toEqual(Float64Array.of(1, 2))
  })

  it('widen for a reading with extremes, and what the rows before lack is absent', () => {
    const rows = ReadingRows.of([reading(), reading({ seq: 8, numbers: Float64Array.of(1, 2, 0.5, 3) })])
    expect([...rows].map(({ numbers }) => Array.from(numbers))).toEqual([
      [1.5, Number.NaN, Number.NaN, Number.NaN],
      [1, 2, 0.5, 3],
    ])
    expect(Array.from(rows.types.get('kettle')?.isUsed ?? [])).toEqual([1, 1, 1, 1])
  })

  it('tell what their values take, with all rows of a type as wide as its widest', () => {
    const rows = ReadingRows.of([reading(), reading({ seq: 8 }), reading({ type: 'oven', numbers: Float64Array.of(200) })])
    expect(rows.bytes).toBe(8 * (2 + 2 + 1))
    rows.push(reading({ seq: 9, numbers: Float64Array.of(1, 2, 0.5, 3) }))
    expect(rows.bytes).toBe(8 * (3 * 4 + 1))
    rows.clear()
    expect(rows.bytes).toBe(0)
  })

  it('give large room back behind a clear, and keep ordinary room', () => {
    const rows = new ReadingRows()
    for (let seq = 0; seq < 1_500; seq++) rows.push(reading({ seq, numbers: new Float64Array(1_500) }))
    rows.push(reading({ type: 'oven' }))
    const [large, ordinary] = [rows.types.get('kettle'), rows.types.get('oven')]
    expect(large?.numbers.byteLength).toBeGreaterThan(16 * 1024 * 1024)
    rows.clear()
    expect(rows.types.get('kettle')).toBeUndefined()
    expect(rows.types.get('oven')).toBe(ordinary)
  })

  it('grow beyond their first room and are empty behind a clear, with nothing left of what came before', () => {
    const rows = new ReadingRows()
    for (let seq = 0; seq < 1_000; seq++) rows.push(reading({ seq, device: `kettle-${seq % 7}`, numbers: Float64Array.of(seq, 1) }))
    expect(rows.length).toBe(1_000)
    expect([...rows].map(({ seq, numbers }) => [seq, numbers[0]])).toEqual(Array.from({ length: 1_000 }, (_, seq) => [seq, seq]))
    rows.clear()
    expect([...rows]).toEqual([])
    rows.push(reading())
    expect([...rows]).toEqual([reading()])
    expect(Array.from(rows.types.get('kettle')?.isUsed ?? [])).toEqual([1, 0])
  })
})
