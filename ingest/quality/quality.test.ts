import { describe, expect, it } from 'vitest'
import type { ApplianceType, Channel, Recipe } from '#catalogue/appliance-type.ts'
import type { ChannelQuality } from '#catalogue/channel-quality.ts'
import type { ChannelState } from '#kernel/channel-state.ts'
import { epochMs } from '#kernel/clock.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { channels, kettle, NOW_MS, quarantineOf, readingOf } from '../builders.ts'
import { createQuality, type Quality } from './quality.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const named = (name: string, quality?: ChannelQuality, changes: Partial<Channel> = {}): Channel => ({
  ...channels.inlet,
  ...changes,
  name,
  ...(quality === undefined ? {} : { quality }),
})

const recipe: Recipe = {
  version: 1,
  windowMs: HOUR_MS,
  allowedLatenessMs: 0,
  running: { channel: 'motor_frequency_hz', above: 0.5 },
  idleSettleMs: HOUR_MS,
  runningReadings_MIN: 1,
  settleMs: 0,
  steady: [],
  features: [],
}

/** A machine with a motor and four pipes that are equal when it rests. */
const machine: ApplianceType = {
  ...kettle,
  id: 'machine',
  recipe,
  channels: [
    named('motor_frequency_hz', { isComparedAfterUpdate: false }, { unit: 'hz', min: 0, step: 1 }),
    named('pipe_temperature_c', {
      stuck: { afterMs: 2 * HOUR_MS, drivers: [{ channel: 'motor_frequency_hz', moves: 15 }] },
      ratePerMin_MAX: 20,
      spike_MAX: 15,
    }),
    named('case_temperature_c', {}),
    named('return_temperature_c', {}),
    named('air_temperature_c'),
    named('power_w', {}, { unit: 'w', min: 0, max: 6_000, step: 1 }),
  ],
  identities: [
    {
      id: 'equal-at-rest',
      description: { en: 'equal at rest', 'zh-CN': '静止时相等' },
      relation: { equal: ['pipe', 'case', 'return', 'air'].map((name) => ({ channel: `${name}_temperature_c`, tolerance: 1 })) },
      when: { channel: 'motor_frequency_hz', op: '<=', value: 0, settleMs: HOUR_MS },
      spread: 0.25,
      source: 'EJ',
    },
  ],
}

const lonely: ApplianceType = { ...machine, identities: [] }
const withoutIdentities = (): Quality => createQuality({ types: () => lonely })

type Values = Record<string, number>

/** The machine on a day: runs in every second stretch of three hours; values with noise of the sensor's size. */
function soundValues(minute: number, noise: () => number): Values {
  const isRunning = Math.floor(minute / 180) % 2 === 1
  const air = 20 + 4 * Math.sin((2 * Math.PI * minute) / 1_440)
  const into = minute % 180
  const heat = isRunning ? 1 - Math.exp(-into / 10) : minute < 180 ? 0 : Math.exp(-into / 10)
  const at = (value: number): number => Math.round((value + noise()) * 10) / 10
  return {
    motor_frequency_hz: isRunning ? 40 + (minute % 25) : 0,
    pipe_temperature_c: at(air + 50 * heat),
    case_temperature_c: at(air + 10 * heat),
    return_temperature_c: at(air + 5 * heat),
    air_temperature_c: at(air),
    power_w: isRunning ? Math.round(800 + 20 * noise()) : 5,
  }
}

interface Run {
  readonly quality: Quality
  readonly changes: ChannelState[]
  readonly trusted: Float64Array[]
}

interface RunOptions {
  readonly minutes: number
  readonly fromMinute?: number
  readonly quality?: Quality
  readonly everyMinutes?: number
  readonly change?: (values: Values, minute: number) => Values
  readonly firmware?: (minute: number) => string
}

const timeOf = (minute: number) => epochMs(NOW_MS + minute * MINUTE_MS)

function readingAt(minute: number, values: Values, fw: string | undefined): Reading {
  return readingOf(values, { device: 'machine-1', type: 'machine', observed_at_ms: timeOf(minute), fw }, machine)
}

function run({ minutes, fromMinute = 0, everyMinutes = 1, change = (values) => values, firmware, ...given }: RunOptions): Run {
  const quality = given.quality ?? createQuality({ types: () => machine })
  const changes: ChannelState[] = []
  const trusted: Float64Array[] = []
  for (let minute = fromMinute; minute < minutes; minute += everyMinutes) {
    const random = createRandom(`minute/${minute}`)
    const values = change(
      soundValues(minute, () => random.normal(0, 0.15)),
      minute,
    )
    const output = quality.observe(readingAt(minute, values, firmware?.(minute)))
    changes.push(...output.changes)
    trusted.push(output.trusted)
  }
  return { quality, changes, trusted }
}

const without = (values: Values, name: string): Values => Object.fromEntries(Object.entries(values).filter(([key]) => key !== name))
const told = (changes: readonly ChannelState[]) =>
  changes.map(({ channel, state, end_ms }) => `${state} ${channel} ${end_ms === null ? 'begins' : 'ends'}`)

describe('quality of channels', () => {
  it('says nothing of a sound machine in three days', () => {
    const { changes, quality } = run({ minutes: 3 * 1_440 })
    expect(told(changes)).toEqual([])
    expect(quality.statistics()).toMatchObject({ readings: 3 * 1_440, late: 0 })
  })

  it('hands on the very values of a reading while every channel is sound', () => {
    const quality = createQuality({ types: () => machine })
    const reading = readingAt(
      0,
      soundValues(0, () => 0),
      undefined,
    )
    expect(quality.observe(reading).trusted).toBe(reading.numbers)
  })

  it('passes a reading of a type that nobody knows', () => {
    const reading = readingAt(
      0,
      soundValues(0, () => 0),
      undefined,
    )
    expect(createQuality({ types: () => undefined }).observe(reading)).toEqual({ changes: [], trusted: reading.numbers })
  })

  describe('stuck', () => {
    const freeze =
      (value: number, until = Number.POSITIVE_INFINITY) =>
      (values: Values, minute: number) =>
        minute >= 100 && minute < until ? { ...values, pipe_temperature_c: value } : values

    it('begins where the value stood still while the motor changed, and ends when it moves', () => {
      const { changes, trusted } = run({ minutes: 600, quality: withoutIdentities(), change: freeze(33.3, 500) })
      expect(told(changes)).toEqual(['stuck pipe_temperature_c begins', 'stuck pipe_temperature_c ends'])
      expect(changes[0]).toMatchObject({ begin_ms: timeOf(100), detail: { value: 33.3, tolerance: 0.1 } })
      expect(changes[0]?.found_ms).toBeGreaterThanOrEqual(timeOf(220))
      expect(changes[0]?.found_ms).toBeLessThanOrEqual(timeOf(260))
      expect(changes[1]).toMatchObject({ begin_ms: timeOf(100), end_ms: timeOf(500) })
      const column = machine.channels.findIndex(({ name }) => name === 'pipe_temperature_c')
      expect(trusted[400]?.[column]).toBeNaN()
      expect(trusted[400]?.[column + 1]).not.toBeNaN()
      expect(trusted[500]?.[column]).not.toBeNaN()
    })

    it('is not said of a value that stands still while nothing drives it', () => {
      const still = (values: Values): Values => ({ ...values, motor_frequency_hz: 0, pipe_temperature_c: 20 })
      expect(told(run({ minutes: 170, quality: withoutIdentities(), change: still }).changes)).toEqual([])
    })

    it('is said by default after a day, of a channel that lived before while others live on', () => {
      const stand = (values: Values, minute: number): Values => (minute >= 1_440 ? { ...values, air_temperature_c: 21.2 } : values)
      const own: ApplianceType = {
        ...machine,
        identities: [],
        channels: machine.channels.map((channel) => ({ ...channel, quality: undefined }) as never),
      }
      const quality = createQuality({ types: () => own })
      const { changes } = run({ minutes: 2 * 1_440 + 60, quality, change: stand })
      expect(changes.map(({ state, channel, begin_ms }) => [state, channel, begin_ms])).toEqual([['stuck', 'air_temperature_c', timeOf(1_440)]])
      const zero = run({
        minutes: 2 * 1_440 + 60,
        quality: createQuality({ types: () => own }),
        change: (values, minute) => (minute >= 1_440 ? { ...values, power_w: 0 } : values),
      })
      expect(told(zero.changes)).toEqual([])
    })
  })

  describe('missing', () => {
    it('begins at the last value of a channel that came at its period and stays away, and ends when it comes', () => {
      const lose = (values: Values, minute: number): Values => (minute >= 300 && minute < 400 ? without(values, 'air_temperature_c') : values)
      const { changes } = run({ minutes: 500, change: lose })
      expect(told(changes)).toEqual(['missing air_temperature_c begins', 'missing air_temperature_c ends'])
      expect(changes[0]).toMatchObject({ begin_ms: timeOf(299), found_ms: timeOf(330 + 0), end_ms: null })
      expect(changes[1]).toMatchObject({ begin_ms: timeOf(299), end_ms: timeOf(400) })
    })

    it('is not said when the whole device is silent, nor of a channel that comes as it likes', () => {
      const quality = createQuality({ types: () => machine })
      run({ minutes: 300, quality })
      expect(told(run({ fromMinute: 1_500, minutes: 1_600, quality }).changes)).toEqual([])
      const now = (values: Values, minute: number): Values =>
        createRandom(`some/${Math.floor(minute / 7)}`).chance(0.06) ? values : without(values, 'air_temperature_c')
      expect(told(run({ minutes: 3 * 1_440, change: now }).changes).filter((text) => text.includes('missing'))).toEqual([])
    })
  })

  describe('implausible', () => {
    it('is said at once of a change that physics does not allow, and is over after a quiet quarter of an hour', () => {
      const jump = (values: Values, minute: number): Values => (minute === 200 ? { ...values, pipe_temperature_c: 120 } : values)
      const { changes } = run({ minutes: 260, change: jump })
      expect(told(changes)).toEqual(['implausible pipe_temperature_c begins', 'implausible pipe_temperature_c ends'])
      expect(changes[0]).toMatchObject({ begin_ms: timeOf(200), detail: { value: 120, bound: 20 } })
      expect((changes[1]?.end_ms ?? 0) - timeOf(201)).toBeLessThanOrEqual(20 * MINUTE_MS)
    })

    it('is said of the third spike within six hours, not of the second', () => {
      const spikes = (at: readonly number[]) => (values: Values, minute: number) =>
        at.includes(minute) ? { ...values, pipe_temperature_c: (values.pipe_temperature_c ?? 0) + 18 } : values
      expect(told(run({ minutes: 300, change: spikes([40, 80]) }).changes)).toEqual([])
      expect(told(run({ minutes: 130, change: spikes([40, 80, 120]) }).changes)).toEqual(['implausible pipe_temperature_c begins'])
    })

    it('is said of the third value that was refused for its range, not of the second', () => {
      const { quality } = run({ minutes: 60 })
      const refused = (minute: number, field: string) =>
        quality.refuse(
          quarantineOf({ device: 'machine-1', code: 'MDL_INGEST_VALUE_RANGE', field, observed_at_ms: timeOf(minute), reason: '900 lies outside' }),
          'machine',
        )
      expect(refused(60, '[0].v.air_temperature_c')).toEqual([])
      expect(refused(61, '.v.nobody_knows_c')).toEqual([])
      expect(refused(61, '[0].v.air_temperature_c')).toEqual([])
      expect(refused(62, '.v.air_temperature_c.max')).toMatchObject([
        { state: 'implausible', channel: 'air_temperature_c', begin_ms: timeOf(60), found_ms: timeOf(62), detail: { refused: 3 } },
      ])
    })
  })

  describe('drift', () => {
    const drift = (kelvin: number) => (values: Values, minute: number) =>
      minute >= 400 && minute < 1_500 ? { ...values, case_temperature_c: (values.case_temperature_c ?? 0) + kelvin } : values

    it('is said of the sensor that departs from the others at rest, names the identity, and ends when it agrees again', () => {
      const { changes } = run({ minutes: 3_000, change: drift(3) })
      expect(told(changes)).toEqual(['drift case_temperature_c begins', 'drift case_temperature_c ends'])
      expect(changes[0]?.detail).toMatchObject({ identity: 'equal-at-rest', tolerance: 1 })
      expect(Number(changes[0]?.detail.residual)).toBeCloseTo(3, 0)
      expect(changes[1]?.end_ms).toBeGreaterThan(timeOf(1_500))
    })

    it('is not said of an offset within the tolerance', () => {
      expect(told(run({ minutes: 1_500, change: drift(0.7) }).changes)).toEqual([])
    })
  })

  it('ignores a reading that is older than the last of its device', () => {
    const { quality } = run({ minutes: 60 })
    expect(quality.observe(readingAt(30, { pipe_temperature_c: 150 }, undefined)).changes).toEqual([])
    expect(quality.statistics().late).toBe(1)
  })

  it('comes to the same states when it is saved and loaded between any two readings', () => {
    const change = (values: Values, minute: number): Values =>
      minute >= 1_500 ? { ...without(values, 'air_temperature_c'), pipe_temperature_c: 31, power_w: (values.power_w ?? 0) / 1_000 } : values
    const firmware = (minute: number): string => (minute < 1_500 ? '1' : '2')
    const whole = run({ minutes: 2_000, change, firmware })
    expect(new Set(whole.changes.map(({ state }) => state))).toEqual(new Set(['drift', 'stuck', 'missing', 'unit_jump']))
    const changes: ChannelState[] = []
    let saved: unknown
    for (let fromMinute = 0; fromMinute < 2_000; fromMinute += 37) {
      const quality = createQuality({ types: () => machine })
      if (fromMinute % 2 === 0) quality.loadDevice('home', 'machine-1', saved)
      else if (saved !== undefined) quality.restore({ version: 1, devices: [['home', 'machine-1', saved]] })
      changes.push(...run({ fromMinute, minutes: Math.min(2_000, fromMinute + 37), quality, change, firmware }).changes)
      saved = structuredClone(quality.saveDevice('home', 'machine-1'))
    }
    expect(changes).toEqual(whole.changes)
  })

  it('forgets a device on request, and state of a type whose channels changed', () => {
    const { quality } = run({ minutes: 60 })
    const saved = quality.saveDevice('home', 'machine-1')
    const other = createQuality({ types: () => ({ ...machine, channels: machine.channels.slice(1), identities: [] }) })
    other.loadDevice('home', 'machine-1', saved)
    expect(other.saveDevice('home', 'machine-1')).toBeUndefined()
    quality.loadDevice('home', 'machine-1', undefined)
    expect(quality.saveDevice('home', 'machine-1')).toBeUndefined()
    expect(() => quality.restore({ version: 2 })).toThrow(/made by it/)
  })
})
