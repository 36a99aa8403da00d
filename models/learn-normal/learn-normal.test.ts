import { describe, expect, it } from 'vitest'
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import type { LearnNormal } from '#catalogue/learn-normal.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { createLearnedNormal, type LearnedNormal, type LearnedNormalOutput } from './learn-normal.ts'

const text = (en: string) => ({ en, 'zh-CN': en })
const channel = (name: string): Channel => ({
  name,
  kind: 'number',
  unit: 'w',
  min: -1e9,
  max: 1e9,
  step: 0,
  isAggregated: false,
  isSafety: false,
  description: text(name),
})

const typeWith = (names: readonly string[], learnNormal?: LearnNormal): ApplianceType => ({
  id: 'home.pump',
  version: '1',
  name: text('Pump'),
  channels: names.map(channel),
  faults: [],
  parts: [],
  steps: [],
  rules: [],
  recipe: undefined,
  ...(learnNormal === undefined ? {} : { learnNormal }),
})

const NAMES = ['speed_hz', 'power_w', 'warmth_c']
const normalOf = (type: ApplianceType, steps = 100): LearnedNormal =>
  createLearnedNormal({ types: () => type, limits: { ...limits, normalSteps: steps } })

/** A reading each minute; from `brokenFrom` on the pump draws less power than its speed says. */
function readings(minutes: number, brokenFrom = Number.POSITIVE_INFINITY, brokenTo = Number.POSITIVE_INFINITY): Reading[] {
  const random = createRandom('pump')
  return Array.from({ length: minutes }, (_, minute) => {
    const speed = 40 + 8 * Math.sin(minute / 37) + random.normal(0, 1)
    const isBroken = minute >= brokenFrom && minute < brokenTo
    const numbers = Float64Array.from([speed, (isBroken ? 6 : 12) * speed + random.normal(0, 10), 20 + speed / 4 + random.normal(0, 0.5)])
    const atMs = epochMs(Date.UTC(2026, 0, 1) + minute * 60_000)
    const key = { tenant: 'home', device: 'p-1', type: 'home.pump', boot: 1, seq: minute, hist: false, fw: '1', texts: [] }
    return { ...key, observed_at_ms: atMs, received_at_ms: atMs, numbers }
  })
}

function run(normal: LearnedNormal, from: readonly Reading[]): LearnedNormalOutput {
  const rows: LearnedNormalOutput['rows'][number][] = []
  const alarms: LearnedNormalOutput['alarms'][number][] = []
  for (const reading of from) {
    const output = normal.observe(reading, [])
    rows.push(...output.rows)
    alarms.push(...output.alarms)
  }
  return { rows, alarms }
}

describe('the learned normal of a device', () => {
  it('says nothing while it learns, then a row an hour with a score below one', () => {
    const { rows, alarms } = run(normalOf(typeWith(NAMES)), readings(2_200))
    expect(alarms).toEqual([])
    expect(rows.length).toBe(19)
    expect(Math.max(...rows.map(({ score }) => score))).toBeLessThan(1)
  })

  it('flags a fault from its first whole step, raises one alarm of the lowest class and clears it', () => {
    const { rows, alarms } = run(normalOf(typeWith(NAMES)), readings(3_000, 2_000, 2_300))
    const flagged = rows.filter((row) => row.flagged)
    expect(flagged[0]?.t).toBe(Date.UTC(2026, 0, 1) + 2_000 * 60_000)
    // Every step of the fault, and behind it while the stretch holds more of it than is usual.
    expect(flagged.filter(({ t }) => t < Date.UTC(2026, 0, 1) + 2_300 * 60_000).length).toBe(30)
    expect(flagged.length).toBeLessThan(30 + 16)
    expect(flagged[0]?.contributions.map((one) => one.channel)).toContain('power_w')
    expect(alarms.map(({ kind }) => kind)).toEqual(['alarm_raised', 'alarm_cleared'])
    expect(alarms[0]?.alarm).toMatchObject({ rule: 'learned-normal', safety_class: 'E4', fault: null, began_at_ms: flagged[0]?.t })
    expect(alarms[1]?.alarm.alarm_id).toBe(alarms[0]?.alarm.alarm_id)
  })

  it.each([['several', NAMES] as const, ['a single', ['power_w']] as const])(
    'gives the same with %s channels, wherever the run is split',
    (_, names) => {
      const type = typeWith(names)
      const all = readings(3_000, 2_400, 2_700).map((reading) =>
        names.length === 1 ? { ...reading, numbers: reading.numbers.slice(1, 2) } : reading,
      )
      const whole = run(normalOf(type), all)
      expect(whole.rows.length).toBeGreaterThan(10)
      for (const cut of [5, 705, 1_400, 2_433, 2_600]) {
        const first = normalOf(type)
        const head = run(first, all.slice(0, cut))
        const byDevice = normalOf(type)
        byDevice.loadDevice('home', 'p-1', structuredClone(first.saveDevice('home', 'p-1')))
        const bySnapshot = normalOf(type)
        bySnapshot.restore(structuredClone(first.snapshot()))
        for (const second of [byDevice, bySnapshot]) {
          const tail = run(second, all.slice(cut))
          expect({ rows: [...head.rows, ...tail.rows], alarms: [...head.alarms, ...tail.alarms] }).toEqual(whole)
        }
      }
    },
  )

  /** A reading each minute, but for one in `missing` minutes when that is given, with the same values until `changedFrom`. */
  const constant = (values: readonly number[], { changedFrom = 2_500, to = values, missing = Number.POSITIVE_INFINITY } = {}) =>
    readings(2_500)
      .map((reading, minute) => ({ ...reading, numbers: Float64Array.from(minute < changedFrom ? values : to) }))
      .filter((_, minute) => minute < 1_100 || minute % missing !== 0)

  it('flags that a channel moves on a device of which nothing moved while it learned', () => {
    const { rows, alarms } = run(normalOf(typeWith(NAMES)), constant([5, 5, 5], { changedFrom: 2_000, to: [5, 5, 25] }))
    expect(rows.find(({ flagged }) => flagged)).toMatchObject({
      t: Date.UTC(2026, 0, 1) + 2_000 * 60_000,
      contributions: [{ channel: 'warmth_c', share: 1 }],
    })
    expect(alarms.map(({ kind }) => kind)).toEqual(['alarm_raised'])
    expect(rows[0]).toMatchObject({ score: 0, flagged: false })
  })

  it('does not take the rounding of a mean for a change of a channel that does not move', () => {
    const { rows } = run(normalOf(typeWith(NAMES)), constant([0.1, 1e9 + 0.1, 0.3], { missing: 7 }))
    expect(rows.length).toBeGreaterThan(10)
    expect(rows.filter(({ flagged }) => flagged)).toEqual([])
  })

  it('learns from the readings that the user names', () => {
    const named = run(normalOf(typeWith(NAMES, { learnReadings: 600 }), 1_000_000), readings(2_000))
    expect(named.rows.length).toBeGreaterThan(15)
    expect(run(normalOf(typeWith(NAMES), 1_000_000), readings(2_000)).rows).toEqual([])
  })

  it('raises no alarm of a described type without a recipe, whose rules do, and gives its rows', () => {
    const fault = { code: 'PU-01' } as ApplianceType['faults'][number]
    const described = { ...typeWith(NAMES), faults: [fault] }
    const { rows, alarms } = run(normalOf(described), readings(3_000, 2_000, 2_300))
    expect(rows.filter(({ flagged }) => flagged).length).toBeGreaterThan(29)
    expect(alarms).toEqual([])
  })

  it('ends the alarm that stands when faults of the type are described', () => {
    const fault = { code: 'PU-01' } as ApplianceType['faults'][number]
    const all = readings(3_000, 2_000)
    let type = typeWith(NAMES)
    const normal = createLearnedNormal({ types: () => type, limits: { ...limits, normalSteps: 100 } })
    expect(run(normal, all.slice(0, 2_300)).alarms.map(({ kind }) => kind)).toEqual(['alarm_raised'])
    type = { ...type, faults: [fault] }
    expect(run(normal, all.slice(2_300)).alarms.map(({ kind }) => kind)).toEqual(['alarm_cleared'])
  })

  it('raises no alarm where one channel alone moves with the weather, further than it did while it was learned', () => {
    const warm = readings(6_000).map((reading, minute) => {
      const numbers = [...reading.numbers, 22 + Math.sin(minute / 229) + (5 * Math.max(0, minute - 2_500)) / 3_500]
      return { ...reading, numbers: Float64Array.from(numbers) }
    })
    expect(run(normalOf(typeWith([...NAMES, 'room_temperature_c'])), warm).alarms).toEqual([])
  })

  it('raises no alarm before something is known of the weeks behind what was learned', () => {
    const early = run(normalOf(typeWith(NAMES)), readings(1_600, 1_050))
    expect(early.rows.filter(({ flagged }) => flagged).length).toBeGreaterThan(40)
    expect(early.alarms).toEqual([])
  })

  it('is off where the type or the limit says so', () => {
    expect(run(normalOf(typeWith(NAMES, { isEnabled: false })), readings(2_500, 2_000)).rows).toEqual([])
    expect(run(normalOf(typeWith(NAMES), 0), readings(2_500, 2_000)).rows).toEqual([])
  })

  it('does not learn a type with more channels than the limit', () => {
    const narrow = createLearnedNormal({ types: () => typeWith(NAMES), limits: { ...limits, normalSteps: 100, normalChannels_MAX: 2 } })
    expect(run(narrow, readings(2_500, 2_000)).rows).toEqual([])
    const wide = createLearnedNormal({ types: () => typeWith(NAMES), limits: { ...limits, normalSteps: 100, normalChannels_MAX: 3 } })
    expect(run(wide, readings(2_500, 2_000)).rows).not.toEqual([])
  })

  it('learns no further device when the memory of the site is used up, says so, and takes it when there is room again', () => {
    const oneDevice = 3 * 100 * 8
    const normal = createLearnedNormal({ types: () => typeWith(NAMES), limits: { ...limits, normalSteps: 100, normalBytes_MAX: oneDevice } })
    const second = readings(2_500, 2_000).map((reading) => ({ ...reading, device: 'p-2' }))
    run(normal, readings(10))
    expect(run(normal, second).rows).toEqual([])
    expect(normal.statistics()).toEqual({ bytes: oneDevice, refusedDevices: 1 })
    expect(run(normal, readings(2_500, 2_000).slice(10)).rows).not.toEqual([])
    normal.loadDevice('home', 'p-1', undefined)
    expect(run(normal, second).rows).not.toEqual([])
    expect(normal.statistics()).toEqual({ bytes: oneDevice, refusedDevices: 0 })
    const saved = normal.snapshot()
    normal.restore(saved)
    expect(normal.statistics().bytes).toBe(oneDevice)
  })

  it('learns anew when the type has another channel', () => {
    let type = typeWith(NAMES)
    const normal = createLearnedNormal({ types: () => type, limits: { ...limits, normalSteps: 100 } })
    run(normal, readings(1_500))
    type = typeWith([...NAMES, 'level_m'])
    const wider = readings(2_000)
      .slice(1_500)
      .map((reading) => ({ ...reading, numbers: Float64Array.from([...reading.numbers, Number.NaN]) }))
    expect(run(normal, wider).rows).toEqual([])
  })
})

describe('the learned normal of a single channel', () => {
  it('raises an alarm when a motor that came and went stays on, and none before', () => {
    const random = createRandom('motor')
    const normal = normalOf(typeWith(['power_w']), 144)
    const all = readings(4 * 1_440).map((reading, minute) => {
      const isOn = minute % 90 < 30 || minute >= 5_000
      return { ...reading, numbers: Float64Array.of((isOn ? 120 : 0) + random.between(0, 3)) }
    })
    expect(run(normal, all.slice(0, 5_000)).alarms).toEqual([])
    expect(run(normal, all.slice(5_000)).alarms.map(({ kind }) => kind)).toContain('alarm_raised')
  })
})
