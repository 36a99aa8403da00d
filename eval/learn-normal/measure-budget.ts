/**
 * Whether the learned normal keeps its alert budget: sound simulated units of the catalogue's types go through the fold as units of types that
 * nobody described (channels and nothing else), so every alarm is a false one. Controls say whether it would speak at all: from a
 * day on, every third channel of the same units that moves is off by the range that it had, or by half of it. Seeds are of development only.
 */
import { type ApplianceType, readingLayout } from '#catalogue/appliance-type.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import { createLearnedNormal } from '../../models/learn-normal/learn-normal.ts'
import { createFleet } from '../../simulators/fleet.ts'

const DAY_MS = 86_400_000
const PERIOD_MS = 300_000
/** Days before the end on which the control begins. */
const CONTROL_DAYS = 4

export interface BudgetRow {
  readonly name: string
  readonly units: number
  readonly unitWeeks: number
  readonly alarms: number
  /** Share of the judged steps. */
  readonly flagged: number
  readonly whole: Control
  readonly half: Control
}

/** Units whose disturbance raised an alarm, and those whose rows flagged it. */
export interface Control {
  readonly alarms: number
  readonly flagged: number
}

export interface BudgetPlan {
  readonly seed: string
  readonly units: number
  readonly days: number
  readonly startMs: number
}

/** Views of the catalogue's types as types of one's own; a fridge also by the seven channels that a small logger would send. */
export const VIEWS: ReadonlyArray<{ readonly type: string; readonly channels?: readonly string[] }> = [
  ...applianceTypes.map(({ id }) => ({ type: id })),
  {
    type: 'fridge',
    channels: [
      'fresh_temperature_c',
      'freezer_temperature_c',
      'evaporator_temperature_c',
      'condenser_temperature_c',
      'ambient_temperature_c',
      'power_w',
      'compressor_frequency_hz',
    ],
  },
  { type: 'fridge', channels: ['power_w'] },
  { type: 'air_conditioner', channels: ['power_w'] },
]

export function measureBudget({ type: id, channels }: (typeof VIEWS)[number], plan: BudgetPlan): BudgetRow {
  const described = applianceTypes.find((type) => type.id === id)
  if (described === undefined) throw new RangeError(`there is no type ${id}`)
  const kept = described.channels.filter(({ name, kind }) => kind !== 'text' && (channels === undefined || channels.includes(name)))
  const { identities: _, ...own } = { ...described, channels: kept, faults: [], rules: [], recipe: undefined }
  const units = readingsOf(described, own, plan)
  const sound = units.map((readings) => judge(own, readings, Number.POSITIVE_INFINITY))
  const fromMs = plan.startMs + (plan.days - CONTROL_DAYS) * DAY_MS
  const control = (part: number): Control => {
    const found = units.map((readings) => judge(own, disturbed(readings, fromMs, part), fromMs))
    return {
      alarms: found.filter((one) => one.alarmsBehind > 0).length,
      flagged: found.filter((one) => one.flaggedBehind > 0).length,
    }
  }
  const steps = sum(sound.map((one) => one.steps))
  return {
    name: channels === undefined ? id : `${id}, ${channels.length === 1 ? channels[0] : `${channels.length} channels`}`,
    units: units.length,
    unitWeeks: (steps * limits.normalStepMs) / (7 * DAY_MS),
    alarms: sum(sound.map((one) => one.alarms)),
    flagged: sum(sound.map((one) => one.flagged)) / Math.max(1, steps),
    whole: control(1),
    half: control(0.5),
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** Readings of sound units in the columns of the undescribed type. */
function readingsOf(described: ApplianceType, own: ApplianceType, { seed, units, days, startMs }: BudgetPlan): Reading[][] {
  const fleet = createFleet({ type: described, units, seed, startMs, faultShare: 0, samplePeriodMs: PERIOD_MS, tenant: 'home' })
  const places = readingLayout(own).columns.map((column) => described.channels.findIndex(({ name }) => name === column))
  const byDevice = new Map<string, Reading[]>(fleet.devices.map((device) => [device, []]))
  for (const { device, boot, seq, observed_at_ms, fw, values } of fleet.readings(startMs + days * DAY_MS)) {
    const at = epochMs(observed_at_ms)
    const numbers = Float64Array.from(places, (place) => values[place] ?? Number.NaN)
    byDevice.get(device)?.push({
      ...{ tenant: 'home', device, type: own.id, boot, seq, hist: false, fw, texts: [] },
      ...{ observed_at_ms: at, received_at_ms: at, numbers },
    })
  }
  return [...byDevice.values()]
}

/** Every third of the channels that move, beginning with the first, is higher by a part of the range between its outer twentieths. */
function disturbed(readings: readonly Reading[], fromMs: number, part: number): Reading[] {
  const before = readings.filter(({ observed_at_ms }) => observed_at_ms < fromMs)
  const ranges = (before[0]?.numbers ?? new Float64Array()).map((_, channel) => {
    const sorted = before.flatMap(({ numbers }) => (Number.isNaN(numbers[channel]) ? [] : [numbers[channel] ?? 0])).sort((a, b) => a - b)
    return (sorted[Math.floor(0.95 * sorted.length)] ?? 0) - (sorted[Math.floor(0.05 * sorted.length)] ?? 0)
  })
  const moving = [...ranges.keys()].filter((channel) => (ranges[channel] ?? 0) > 0)
  const moved = new Set(moving.filter((_, index) => index % 3 === 0))
  return readings.map((reading) =>
    reading.observed_at_ms < fromMs
      ? reading
      : { ...reading, numbers: reading.numbers.map((value, channel) => (moved.has(channel) ? value + part * (ranges[channel] ?? 0) : value)) },
  )
}

/** Folds a unit's readings; behind `fromMs` alarms and flagged rows are counted apart. */
function judge(type: ApplianceType, readings: readonly Reading[], fromMs: number) {
  const normal = createLearnedNormal({ types: () => type, limits })
  const found = { steps: 0, alarms: 0, flagged: 0, alarmsBehind: 0, flaggedBehind: 0 }
  let firstRowMs: number | undefined
  for (const reading of readings) {
    const { rows, alarms } = normal.observe(reading, [])
    for (const row of rows) {
      firstRowMs ??= row.t
      if (!row.flagged) continue
      found.flagged++
      if (row.t >= fromMs) found.flaggedBehind++
    }
    for (const { kind, alarm } of alarms) {
      if (kind !== 'alarm_raised') continue
      found.alarms++
      if (alarm.raised_at_ms >= fromMs) found.alarmsBehind++
    }
  }
  const lastMs = readings.at(-1)?.observed_at_ms ?? 0
  found.steps = firstRowMs === undefined ? 0 : (lastMs - firstRowMs) / limits.normalStepMs
  return found
}
