import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aReading, features, HOUR, MIN, pump, types } from './test-builders.ts'
import { type ClosedWindow, createWindows } from './windows.ts'

const featureOf = (window: ClosedWindow | undefined, name: string) => window?.features[features.findIndex((feature) => feature.name === name)]

/** Feeds one reading a minute; values by minute. */
function feed(minutes: number, values: (minute: number) => Record<string, number>, windows = createWindows({ types })) {
  return Array.from({ length: minutes }, (_, minute) => windows.observe(aReading(minute, values(minute)))).flat()
}
const running = { speed_hz: 50, power_w: 100, inlet_c: 20, outlet_c: 30, ambient_c: 15 }

describe('windows of event time', () => {
  it('closes a window when the device passes its end by the allowed lateness, and not before', () => {
    expect(feed(70, () => running)).toHaveLength(0)
    const [window, ...more] = feed(71, () => running)
    expect(more).toHaveLength(0)
    expect(window).toMatchObject({
      from_ms: 0,
      to_ms: HOUR,
      received_at_ms: 70 * MIN,
      readings: 60,
      running: 60,
      settled: 55,
      firmware: '1.0',
      isDiagnosable: true,
    })
  })

  it.each([
    ['mean', 'power_w', 100 + 30],
    ['difference of two channels', 'lift_k', 10],
    ['ratio of totals', 'power_per_speed_ratio', 130 / 50],
    ['largest value', 'power_peak_w', 155],
    ['share of readings above', 'running_ratio', 1],
  ])('derives the %s over settled running readings', (_, name, expected) => {
    // Power rises from 100 W by 1 W a minute; the first 5 minutes are transients, so minutes 5 to 59 count, or 5 to 55 for a mean of 130.
    const [window] = feed(71, (minute) => ({ ...running, power_w: minute < 5 ? 900 : minute > 55 ? Number.NaN : 100 + minute }))
    expect(featureOf(window, name)).toBeCloseTo(expected, 6)
  })

  it('takes the peak from the largest of an aggregated reading', () => {
    const [window] = feed(71, (minute) => ({ ...running, power_w_max: minute === 30 ? 777 : 110 }))
    expect(featureOf(window, 'power_peak_w')).toBe(777)
  })

  it.each<[string, (minute: number) => Record<string, number>, boolean]>([
    ['runs all the time', () => running, true],
    ['runs for fewer settled readings than needed', (minute) => ({ ...running, speed_hz: minute < 9 ? 50 : 0 }), false],
    ['runs for just enough', (minute) => ({ ...running, speed_hz: minute < 10 ? 50 : 0 }), true],
    ['hunts', (minute) => ({ ...running, speed_hz: minute % 2 === 0 ? 40 : 60 }), false],
    ['never settles', (minute) => ({ ...running, speed_hz: minute % 6 === 0 ? 0 : 50 }), false],
  ])('says whether a window can be diagnosed: a unit that %s', (_, values, expected) => {
    expect(feed(71, values)[0]?.isDiagnosable).toBe(expected)
  })

  it('begins to settle anew after a gap, since nobody knows what was in between', () => {
    const windows = createWindows({ types })
    for (const minute of [0, 1, 2, 3, 4, 5, 30, 31]) windows.observe(aReading(minute, running))
    expect(windows.closeAll()[0]).toMatchObject({ readings: 8, settled: 1 })
  })

  it('takes idle features from long idle readings and keeps them for later windows', () => {
    const closed = feed(140, (minute) => ({ ...running, speed_hz: minute < 60 ? 0 : 50, inlet_c: minute < 60 ? 18 : 40 }))
    expect(closed.map((window) => featureOf(window, 'idle_offset_k'))).toEqual([3, 3])
    expect(closed.map(({ isDiagnosable }) => isDiagnosable)).toEqual([false, true])
  })

  it('adds a late reading to an open window and counts one for a closed window', () => {
    const windows = createWindows({ types })
    for (const minute of [10, 40, 62]) windows.observe(aReading(minute, running))
    windows.observe(aReading(20, running))
    const [window] = windows.observe(aReading(75, running))
    expect(window?.readings).toBe(3)
    expect(windows.observe(aReading(59, running))).toEqual([])
    expect(windows.statistics()).toMatchObject({ tooLate: 1, closed: 1 })
  })

  it('gives nothing for a type without recipe', () => {
    const windows = createWindows({ types: () => ({ ...pump, recipe: undefined }) })
    expect([...Array(100).keys()].flatMap((minute) => windows.observe(aReading(minute, running)))).toEqual([])
  })

  it('gives the same windows wherever the run is split by a snapshot', () => {
    const value = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(Number.NaN))
    const step = fc.record({
      device: fc.constantFrom('d1', 'd2'),
      after: fc.integer({ min: -5, max: 20 }),
      speed_hz: value,
      power_w: value,
      inlet_c: value,
      ambient_c: value,
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(80), (steps, at) => {
        let minute = 100
        const readings = steps.map(({ device, after, ...values }) => {
          minute += after
          return aReading(minute, values, { device })
        })
        const [whole, first, second] = [createWindows({ types }), createWindows({ types }), createWindows({ types })]
        const expected = [...readings.flatMap((reading) => whole.observe(reading)), ...whole.closeAll()]
        const closed = readings.slice(0, at).flatMap((reading) => first.observe(reading))
        second.restore(JSON.parse(JSON.stringify(first.snapshot())))
        closed.push(...readings.slice(at).flatMap((reading) => second.observe(reading)), ...second.closeAll())
        expect(closed).toEqual(expected)
      }),
      { numRuns: 200 },
    )
  })
})
