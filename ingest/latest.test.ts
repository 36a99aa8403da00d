import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { kettle, NOW_MS, readingOf } from './builders.ts'
import { createLatestValues } from './latest.ts'

const types = () => kettle
const at = (second: number, values: Readonly<Record<string, number>>, more: Partial<Reading> = {}): Reading =>
  readingOf(values, { boot: 1, seq: second, observed_at_ms: (NOW_MS + second * 1_000) as Reading['observed_at_ms'], ...more })
const plain = (readings: readonly Reading[]) => {
  const latest = createLatestValues({ types })
  for (const reading of readings) latest.observe(reading)
  return latest.of('home', 'kettle-1').map(({ channel, value, observed_at_ms }) => `${channel} ${value} ${(observed_at_ms - NOW_MS) / 1_000}`)
}

describe('latest values', () => {
  it('are those of the latest device time, channel by channel, whatever came last', () => {
    const readings = [
      at(5, { board_temperature_c: 50, float_is_closed: 1 }),
      at(9, { board_temperature_c: 90 }, { texts: [['mode', 'boil']] }),
      at(7, { board_temperature_c: 70, float_is_closed: 0, inlet_temperature_c: 7 }, { texts: [['mode', 'keep']] }),
    ]
    expect(plain(readings)).toEqual(['inlet_temperature_c 7 7', 'board_temperature_c 90 9', 'float_is_closed false 7', 'mode boil 9'].sort(byLayout))
  })

  it('do not depend on the order of arrival, also among readings of one device time (50 seeds)', () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = createRandom(`latest ${seed}`)
      const readings = Array.from({ length: 30 }, (_, seq) =>
        at(Math.floor(random.uniform() * 8), random.chance(0.5) ? { board_temperature_c: seq } : { inlet_temperature_c: seq }, { seq }),
      )
      const shuffled = readings.map((reading) => ({ reading, place: random.uniform() })).sort((a, b) => a.place - b.place)
      expect(plain(shuffled.map(({ reading }) => reading)), `seed ${seed}`).toEqual(plain(readings))
    }
  })

  it('are taken over from what a version saved that kept min and max behind their channel', () => {
    const cells = Float64Array.from({ length: 4 * 8 }, (_, index) => index)
    const place = { atMs: NOW_MS, boot: 1, seq: 1, receivedMs: NOW_MS, texts: new Map() }
    const latest = createLatestValues({ types })
    latest.restore([{ tenant: 'home', device: 'kettle-1', type: 'kettle', columns: 8, cells, ...place }])
    const values = () => latest.of('home', 'kettle-1').map(({ channel, value }) => [channel, value])
    const before = [
      ['inlet_temperature_c', 0],
      ['outlet_temperature_c', 4],
      ['board_temperature_c', 16],
      ['float_is_closed', false],
    ]
    expect(values()).toEqual(before)
    latest.observe(at(9, { outlet_temperature_c: 90 }))
    expect(values()).toEqual(before.map(([channel, value]) => [channel, channel === 'outlet_temperature_c' ? 90 : value]))
  })

  it('go on after a restart, and count who is silent', () => {
    const first = createLatestValues({ types })
    first.observe(at(5, { board_temperature_c: 50 }))
    first.observe(at(6, { board_temperature_c: 60 }, { device: 'kettle-2' }))
    const second = createLatestValues({ types })
    second.restore(structuredClone(first.snapshot()))
    second.observe(at(4, { board_temperature_c: 40 }))
    expect(second.of('home', 'kettle-1')).toMatchObject([{ value: 50 }])
    expect(second.of('other', 'kettle-1')).toEqual([])
    const heard = second.heard(() => Number.POSITIVE_INFINITY)
    expect([...heard]).toEqual([[kettle.id, { devices: 2, silent: 2 }]])
    expect([...second.heard(() => 0)]).toEqual([[kettle.id, { devices: 2, silent: 0 }]])
  })
})

const layout = kettle.channels.map(({ name }) => name)
const byLayout = (a: string, b: string): number => layout.indexOf(a.split(' ')[0] ?? '') - layout.indexOf(b.split(' ')[0] ?? '')
