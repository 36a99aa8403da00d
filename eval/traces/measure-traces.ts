/**
 * Healthy appliances of real households through the fold of the pipeline: a plug's power as a type that nobody described, whose normal is
 * learned from a device's first day. Every alarm is a false one. Cycles are counted from minutes by `mendline cycles`'s own
 * function with its defaults and held against counts by hand.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { type Bucket, cyclesOf } from '../../cli/cycles.ts'
import { type DerivedOutput, deriveAll } from '../../workers/derivation.ts'
import type { EvalRow, EvalSkipped } from '../eval-row.ts'
import { type DeviceDay, listTraces, readTrace } from './read-traces.ts'

/**
 * Counted by hand on 22 Nov 2026, before the program counted: each day was drawn as a line of minute means over 24 hours, and the stretches
 * in which the compressor runs, or a wash with its heating, rinses and spin, were counted by eye. One that runs at midnight
 * counts; needles of a minute (the lamp behind the door, a start that failed) do not.
 */
const BY_HAND: ReadonlyArray<readonly [device: string, day: string, what: string, cycles: number]> = [
  ['dev_98C08A', '2011-08-11', 'compressor runs of a refrigerator', 8],
  ['dev_D36601', '2011-12-17', 'compressor runs of a freezer', 22],
  ['dev_D338C9', '2012-05-16', 'washes', 1],
  ['dev_D338C9', '2012-05-20', 'washes', 1],
  ['dev_D338C9', '2012-05-21', 'washes', 1],
]

/** Defaults of `mendline cycles`. */
const BOUNDS = { above: 20, pauseMs: 600_000, runMs: 180_000 }
const MINUTE_MS = 60_000
/** One day of steps. */
const LEARNED_STEPS = 144

const text = (en: string) => ({ en, 'zh-CN': en })
const plug: ApplianceType = {
  id: 'eval.plug_power',
  version: '1',
  name: text('Plug'),
  channels: [
    {
      name: 'power_w',
      kind: 'number',
      unit: 'w',
      min: 0,
      max: 4_000,
      step: 0,
      isAggregated: false,
      isSafety: false,
      description: text('Power'),
    },
  ],
  faults: [],
  parts: [],
  steps: [],
  rules: [],
  recipe: undefined,
}

export interface TracesReport {
  readonly days: ReadonlyArray<{
    readonly device: string
    readonly day: string
    readonly kind: string
    readonly alarms: number
    readonly flagged: number
  }>
  readonly alarms: number
  /** Devices, and those whose injected fault raised an alarm. */
  readonly devices: number
  readonly controlFound: number
  /** Days behind the one that each device learns from. */
  readonly judgedDays: number
  readonly counts: ReadonlyArray<{
    readonly device: string
    readonly day: string
    readonly what: string
    readonly byHand: number
    readonly counted: number
  }>
}

/** From noon of a device's last day on for six hours: half as much again as the appliance ever drew on that day, as of a motor that is stuck. */
const FAULT = { fromMs: 12 * 3_600_000, toMs: 18 * 3_600_000, factor: 1.5 }

/** Devices on whose last day such a fault is flagged: a detector that never speaks would have no false alarm either. */
function controlOf(traces: ReadonlyMap<string, readonly DeviceDay[]>): number {
  let found = 0
  for (const days of traces.values()) {
    const derivation = deriveAll((id) => (id === plug.id ? plug : undefined), { limits: { ...limits, normalSteps: LEARNED_STEPS } })
    const output: DerivedOutput<unknown> = { changes: [], windows: [], alarms: [] }
    days.forEach((trace, index) => {
      const watts = trace.watts.slice()
      const most = watts.reduce((max, watt) => Math.max(max, watt), 0)
      const isLast = index === days.length - 1
      trace.timesMs.forEach((time, row) => {
        const inDay = time % 86_400_000
        if (isLast && inDay >= FAULT.fromMs && inDay < FAULT.toMs) watts[row] = FAULT.factor * most
      })
      fold(derivation, { ...trace, watts }, output)
    })
    if (output.alarms.some(({ kind }) => kind === 'alarm_raised')) found++
  }
  return found
}

/** @returns undefined where there is no data */
export function measureTraces(data: string): TracesReport | undefined {
  const folder = join(data, 'appliance-power-tracebase')
  if (!existsSync(folder)) return undefined
  const counts: TracesReport['counts'][number][] = []
  const days: TracesReport['days'][number][] = []
  const derivation = deriveAll((id) => (id === plug.id ? plug : undefined), { limits: { ...limits, normalSteps: LEARNED_STEPS } })
  const traces = new Map<string, DeviceDay[]>()
  let judgedDays = 0
  for (const entry of listTraces(folder)) {
    const trace = readTrace(entry)
    const output: DerivedOutput<unknown> = { changes: [], windows: [], alarms: [] }
    fold(derivation, trace, output)
    const alarms = output.alarms.filter(({ kind }) => kind === 'alarm_raised').length
    const flagged = output.changes.filter((change) => change.op === 'put' && change.kind === 'anomaly' && change.data.flagged === true).length
    days.push({ device: trace.device, day: trace.day, kind: trace.kind, alarms, flagged })
    const before = traces.get(trace.device) ?? []
    if (before.length > 0) judgedDays++
    traces.set(trace.device, [...before, trace])
    for (const [device, day, what, byHand] of BY_HAND) {
      if (device === trace.device && day === trace.day)
        counts.push({ device, day, what, byHand, counted: cyclesOf(minutesOf(trace), MINUTE_MS, BOUNDS).length })
    }
  }
  const alarms = days.reduce((sum, day) => sum + day.alarms, 0)
  return { days, alarms, judgedDays, counts, devices: traces.size, controlFound: controlOf(traces) }
}

function fold(derivation: ReturnType<typeof deriveAll>, { device, timesMs, watts }: DeviceDay, output: DerivedOutput<unknown>): void {
  timesMs.forEach((time, seq) => {
    const at = epochMs(time)
    const key = { tenant: 'eval', device, type: plug.id, boot: 1, seq, hist: false, fw: '1', texts: [] }
    derivation.observe(
      { ...key, observed_at_ms: at, received_at_ms: at, numbers: Float64Array.of(watts[seq] ?? 0) },
      output as Parameters<typeof derivation.observe>[1],
    )
  })
}

function minutesOf({ timesMs, watts }: DeviceDay): Bucket[] {
  const sums = new Map<number, { sum: number; count: number }>()
  timesMs.forEach((time, index) => {
    const t = time - (time % MINUTE_MS)
    const minute = sums.get(t) ?? { sum: 0, count: 0 }
    sums.set(t, { sum: minute.sum + (watts[index] ?? 0), count: minute.count + 1 })
  })
  return [...sums].map(([t, { sum, count }]) => ({ t, mean: sum / count }))
}

/** Exact 95 % interval of a share (Clopper and Pearson), by bisection of the binomial tails. */
export function exactInterval(hits: number, trials: number): readonly [low: number, high: number] {
  const atMost = (count: number, share: number): number => {
    let [term, sum] = [(1 - share) ** trials, 0]
    for (let k = 0; k <= count; k++) {
      sum += term
      term *= ((trials - k) / (k + 1)) * (share / (1 - share))
    }
    return sum
  }
  const bisect = (isAbove: (share: number) => boolean): number => {
    let [low, high] = [0, 1]
    for (let turn = 0; turn < 60; turn++) {
      const middle = (low + high) / 2
      if (isAbove(middle)) high = middle
      else low = middle
    }
    return (low + high) / 2
  }
  const low = hits === 0 ? 0 : bisect((share) => 1 - atMost(hits - 1, share) > 0.025)
  return [low, hits === trials ? 1 : bisect((share) => atMost(hits, share) < 0.025)]
}

/** For the table of all evaluations. */
export function tracesRows(report: TracesReport | undefined): readonly EvalRow[] | EvalSkipped {
  if (report === undefined) return { skipped: 'the traces of real appliances are not there' }
  const { days, alarms, judgedDays, counts } = report
  const withAlarm = days.filter((day) => day.alarms > 0).length
  const right = counts.filter(({ byHand, counted }) => byHand === counted).length
  return [
    {
      measure: `real household traces, ${days.length} healthy device-days (${judgedDays} behind the day learned from): alarms; interval of the share of days with one`,
      value: alarms,
      interval: exactInterval(withAlarm, days.length),
      goal: '0',
      isMet: alarms === 0,
      data: 'real',
    },
    {
      measure: 'days whose compressor or wash cycles are counted as by hand',
      value: right,
      goal: `${counts.length} of ${counts.length}`,
      isMet: right === counts.length,
      data: 'real',
    },
  ]
}
