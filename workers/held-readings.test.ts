import { describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { channels, kettle } from '../ingest/builders.ts'
import { DeviceLine } from './device-line.ts'
import { packReadings, unpackReadings } from './held-readings.ts'

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

describe('held readings', () => {
  it('are the same again, with and without firmware, texts and values', () => {
    const given = [
      reading(1),
      reading(2, { fw: '1.0', hist: true, texts: [['mode', 'boil']] }),
      reading(4_294_967_295, { fw: '2.0', boot: -1, numbers: new Float64Array(4).fill(Number.NaN) }),
      reading(3, { fw: '1.0', numbers: Float64Array.of(1, 2) }),
    ]
    const again = unpackReadings(packReadings(given), { tenant: 'home', device: 'k-1', type: 'kettle' })
    expect(again).toStrictEqual(given)
    expect(Object.is(again[0]?.numbers[1], -0)).toBe(true)
  })

  it('are none of none', () => {
    expect(unpackReadings(packReadings([]), { tenant: 'home', device: 'k-1', type: 'kettle' })).toEqual([])
  })

  it('of a version that had min and max behind their channel are put in the order of now', () => {
    const line = new DeviceLine('home', 'k-1', 'kettle')
    line.held.push(reading(1, { numbers: Float64Array.of(1, 0, 2, 7) }))
    const { order: _, ...held } = packReadings(line.held)
    const types = () => ({ ...kettle, channels: [channels.outlet, channels.inlet] })
    const heldOf = (state: Parameters<typeof DeviceLine.of>[0]) => DeviceLine.of(state, types).held.map(({ numbers }) => [...numbers])
    expect(heldOf({ ...line.state(), held })).toEqual([[1, 7, 0, 2]])
    expect(heldOf({ ...line.state(), held: line.held })).toEqual([[1, 7, 0, 2]])
    expect(heldOf(line.state())).toEqual([[1, 0, 2, 7]])
  })
})
