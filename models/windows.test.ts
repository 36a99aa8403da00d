import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Derivation } from '#catalogue/appliance-type.ts'
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

  describe('over records that a device tells at the end of a cycle', () => {
    const cyclic = {
      ...pump,
      recipe: {
        ...(pump.recipe ?? expect.unreachable()),
        runningReadings_MIN: 0,
        records_MIN: { channel: 'outlet_c', count: 2 },
        features: Object.entries<Derivation>({
          mean_c: { recordMean: 'outlet_c' },
          largest_c: { recordMaximum: 'outlet_c' },
          last_c: { recordLast: 'outlet_c' },
          total_c: { recordSum: 'outlet_c' },
          cycles_count: { recordCount: 'outlet_c' },
          above_ratio: { recordShareAbove: ['outlet_c', 15] },
          lift_k: { recordDifference: ['outlet_c', 'inlet_c'] },
          per_inlet_ratio: { recordRatio: ['outlet_c', 'inlet_c'] },
          overall_c: { overallMean: 'ambient_c' },
          overall_k: { overallDifference: ['inlet_c', 'ambient_c'] },
          idle_c: { idleMean: 'ambient_c' },
        }).map(([name, derive]) => ({ name, unit: 'c' as const, role: 'raw' as const, description: { en: name, 'zh-CN': name }, derive })),
      },
    }
    const at = (entries: ReadonlyArray<readonly [minute: number, values: Record<string, number>]>) => {
      const windows = createWindows({ types: () => cyclic })
      for (const [minute, values] of entries) windows.observe(aReading(minute, values))
      const [window] = windows.closeAll()
      return { ...window, values: Object.fromEntries(cyclic.recipe.features.map(({ name }, index) => [name, window?.features[index]])) }
    }
    const still = { speed_hz: 0, ambient_c: 4 }

    it('derives mean, largest, last, total, number, share, difference and ratio of the records', () => {
      const { values, isDiagnosable } = at([
        [1, { ...still, inlet_c: 8 }],
        [5, { outlet_c: 30, inlet_c: 10 }],
        [9, { outlet_c: 12, inlet_c: 10 }],
        [7, { outlet_c: 18 }],
        [20, { ...still, ambient_c: 6 }],
      ])
      expect(values).toMatchObject({ mean_c: 20, largest_c: 30, last_c: 12, total_c: 60, cycles_count: 3, above_ratio: 2 / 3 })
      expect(values).toMatchObject({ lift_k: 11, per_inlet_ratio: 42 / 20, overall_c: 5, overall_k: 4 })
      expect(isDiagnosable).toBe(true)
    })

    it('does not diagnose a window with fewer records than the recipe asks for', () => {
      const { values, isDiagnosable } = at([
        [5, { outlet_c: 30 }],
        [6, still],
      ])
      expect(isDiagnosable).toBe(false)
      expect(values).toMatchObject({ cycles_count: 1, last_c: 30 })
    })

    it('knows nothing of the mean of no record, and that its total is 0', () => {
      expect(at([[5, still]]).values).toMatchObject({ mean_c: Number.NaN, last_c: Number.NaN, total_c: 0, cycles_count: 0, above_ratio: Number.NaN })
    })

    it('takes the mean of long rest only', () => {
      expect(
        at([
          [1, { ...still, ambient_c: 9 }],
          [10, still],
          [15, still],
        ]).values.idle_c,
      ).toBe(4)
    })

    it('gives the same last record in whatever order two of one time come', () => {
      const [a, b] = [
        at([
          [5, { outlet_c: 1 }],
          [5, { outlet_c: 2 }],
        ]),
        at([
          [5, { outlet_c: 2 }],
          [5, { outlet_c: 1 }],
        ]),
      ]
      expect([a.values.last_c, b.values.last_c]).toEqual([2, 2])
    })
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
