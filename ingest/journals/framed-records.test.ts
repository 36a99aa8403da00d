import { describe, expect, it } from 'vitest'
import { FRAME_BYTES, FramedRecords } from './framed-records.ts'

const bytes = Uint8Array.from({ length: 64 }, (_, index) => index)

describe('framed records', () => {
  it('tell position, next position and body of each record from the base on', () => {
    const records = new FramedRecords(bytes.subarray(4), 1_000)
    records.add(FRAME_BYTES, 3)
    records.add(2 * FRAME_BYTES + 3, 2)
    expect([...records].map(({ position, next, body }) => [position, next, [...body]])).toEqual([
      [1_000, 1_011, [12, 13, 14]],
      [1_011, 1_021, [23, 24]],
    ])
    expect(records.at(-1)?.position).toBe(1_011)
    expect(records.at(2)).toBeUndefined()
    expect(records.at(-3)).toBeUndefined()
  })

  it('read from where their bytes were moved to, and forget them at a clear', () => {
    const records = new FramedRecords(bytes, 0)
    for (let count = 0; count < 200; count++) records.add(FRAME_BYTES, 1)
    records.moveTo(Uint8Array.from(bytes, (byte) => byte + 100))
    expect(records.length).toBe(200)
    expect(records.at(199)?.body[0]).toBe(108)
    records.clear(50)
    expect([...records]).toEqual([])
    records.add(FRAME_BYTES, 1)
    expect(records.at(0)?.position).toBe(50)
  })
})
