import { describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { channels, kettle } from '../ingest/builders.ts'
import { DeviceLine } from './device-line.ts'
import { type PackedReadings, unpackReadings } from './held-readings.ts'
import { WaitingRows } from './waiting-rows.ts'

const reading = (seq: number, changes: Partial<Reading> = {}): Reading => ({
  tenant: 'home',
  device: 'k-1',
  type: 'kettle',
  boot: 2,
  seq,
  observed_at_ms: epochMs(1_780_000_000_000 + seq),
  received_at_ms: epochMs(1_780_000_000_500 + seq),
  hist: false,
  fw: undefined,
  numbers: Float64Array.of(Number.NaN, -0, 20.25, Number.NaN),
  texts: [],
  ...changes,
})

const owner = { tenant: 'home', device: 'k-1', type: 'kettle' }

function packReadings(readings: readonly Reading[]): PackedReadings {
  const rows = new WaitingRows()
  for (const one of readings) rows.put(one)
  return rows.pack()
}

describe('held readings', () => {
  it('are the same again, with and without firmware, texts and values', () => {
    const given = [
      reading(1),
      reading(2, { fw: '1.0', hist: true, texts: [['mode', 'boil']] }),
      reading(3, { fw: '1.0', numbers: Float64Array.of(1, 2) }),
      reading(4_294_967_295, { fw: '2.0', boot: -1, numbers: new Float64Array(4).fill(Number.NaN) }),
    ]
    const again = unpackReadings(packReadings(given), owner)
    expect(again).toStrictEqual(given)
    expect(Object.is(again[0]?.numbers[1], -0)).toBe(true)
  })

  it('are none of none', () => {
    expect(unpackReadings(packReadings([]), owner)).toEqual([])
  })

  it('of a version that had min and max behind their channel are put in the order of now', () => {
    const line = new DeviceLine('home', 'k-1', 'kettle')
    line.held.put(reading(1, { numbers: Float64Array.of(1, 0, 2, 7) }))
    const { order: _, ...held } = line.held.pack()
    const types = () => ({ ...kettle, channels: [channels.outlet, channels.inlet] })
    const heldOf = (state: Parameters<typeof DeviceLine.of>[0]) =>
      unpackReadings(DeviceLine.of(state, types).held.pack(), owner).map(({ numbers }) => [...numbers])
    expect(heldOf({ ...line.state(), held })).toEqual([[1, 7, 0, 2]])
    expect(heldOf({ ...line.state(), held: unpackReadings(line.held.pack(), owner) })).toEqual([[1, 7, 0, 2]])
    expect(heldOf(line.state())).toEqual([[1, 0, 2, 7]])
  })
})
