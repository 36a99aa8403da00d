/**
 * Runs the detector of single signals over the series of the benchmark and scores it: with the settings of the product, and with threshold
 * and rest chosen anew without each category in turn, which shows how much of the score is tuning on these very series. The
 * settings (lengths, quantiles, weights, threshold, rest) were chosen on the 41 series; the benchmark has no other ones to choose on.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AlarmRest } from '../../models/learn-normal/alarm-rest.ts'
import { SIGNAL_SETTINGS, SignalDetector } from '../../models/learn-normal/signal-detector.ts'
import type { EvalRow, EvalSkipped } from '../eval-row.ts'
import { nullDetector, randomDetector, windowedGaussian } from './baselines.ts'
import { readNab } from './read-nab.ts'
import { type NabResult, type NabSeries, probationOf, scoreNab } from './score.ts'

/** Part of the probation that the detector only learns from; the quantiles are usable from there on. */
const LEARNED_OF_PROBATION = 0.4

const THRESHOLDS = [-0.9, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, 0]
const RESTS = [0.15, 0.2, 0.25, 0.27, 0.3, 0.4]

export interface NabReport {
  readonly series: readonly NabSeries[]
  readonly own: NabResult
  /** Score with threshold and rest chosen on the other categories, by category; `all` over all of them. */
  readonly leftOut: ReadonlyMap<string, { readonly own: number; readonly leftOut: number }>
  readonly leftOutAll: number
  readonly baselines: ReadonlyMap<string, number>
}

/** @returns undefined where there is no data; `step` 2 takes every second series only */
export function measureNab(data: string, step = 1): NabReport | undefined {
  const folder = join(data, 'nab')
  if (!existsSync(folder)) return undefined
  const series = readNab(folder).filter((_, index) => index % step === 0)
  const levels = series.map(levelsOf)
  const own = scoreNab(series, flagsOf(series, levels, SIGNAL_SETTINGS), 1)
  const baselines = new Map([
    [
      'null',
      scoreNab(
        series,
        series.map(({ values }) => nullDetector(values)),
      ).score,
    ],
    [
      'random',
      scoreNab(
        series,
        series.map(({ values, name }) => randomDetector(values, name)),
      ).score,
    ],
    [
      'windowed Gaussian',
      scoreNab(
        series,
        series.map(({ values }) => windowedGaussian(values)),
      ).score,
    ],
  ])
  return { series, own, baselines, ...leaveOut(series, levels, own) }
}

/** Logarithm of the score of each reading; nothing while learning. */
function levelsOf({ values }: NabSeries): Float64Array {
  const learnReadings = Math.floor(LEARNED_OF_PROBATION * probationOf(values.length))
  const detector = new SignalDetector({ ...SIGNAL_SETTINGS, learnReadings })
  return values.map((value, row) => {
    const { score } = detector.observe(value)
    return row < learnReadings ? Number.NEGATIVE_INFINITY : Math.log(score) + SIGNAL_SETTINGS.threshold
  })
}

function flagsOf(
  series: readonly NabSeries[],
  levels: readonly Float64Array[],
  { threshold, rest }: { threshold: number; rest: number },
): Float64Array[] {
  return levels.map((level, index) => {
    const learned = LEARNED_OF_PROBATION * probationOf(series[index]?.values.length ?? 0)
    const alarms = new AlarmRest({ threshold, breaks: SIGNAL_SETTINGS.breaksRest, readings: Math.round(rest * Math.floor(learned)) })
    return level.map((one, row) => (alarms.flag(one, row + 1) ? 1 : 0))
  })
}

function leaveOut(series: readonly NabSeries[], levels: readonly Float64Array[], own: NabResult): Pick<NabReport, 'leftOut' | 'leftOutAll'> {
  const settings = THRESHOLDS.flatMap((threshold) => RESTS.map((rest) => ({ threshold, rest: rest / LEARNED_OF_PROBATION })))
  const results = settings.map((setting) => scoreNab(series, flagsOf(series, levels, setting), 1))
  const sumOf = (result: NabResult, isCounted: (category: string) => boolean): number =>
    series.reduce((sum, { name, category }) => sum + (isCounted(category) ? (result.bySeries.get(name) ?? 0) : 0), 0)
  const leftOut = new Map<string, { own: number; leftOut: number }>()
  let total = 0
  for (const category of new Set(series.map((entry) => entry.category))) {
    const best = results.reduce((a, b) => (sumOf(b, (other) => other !== category) > sumOf(a, (other) => other !== category) ? b : a))
    const windows = series.reduce((sum, entry) => sum + (entry.category === category ? entry.windows.length : 0), 0)
    const scaled = (sum: number): number => (windows === 0 ? sum : (50 * (sum + windows)) / windows)
    const sum = sumOf(best, (other) => other === category)
    total += sum
    leftOut.set(category, { own: scaled(sumOf(own, (other) => other === category)), leftOut: scaled(sum) })
  }
  return { leftOut, leftOutAll: (50 * (total + own.windows)) / own.windows }
}

/** Floor and goal of the issue: random cut forest and contextOSE on the same files. */
export const NAB_FLOOR = 56.1
const NAB_GOAL = 75.9

/** For the table of all evaluations. */
export function nabRows(report: NabReport | undefined): readonly EvalRow[] | EvalSkipped {
  if (report === undefined) return { skipped: 'the series of the Numenta benchmark are not there' }
  const gaussian = report.baselines.get('windowed Gaussian') ?? 0
  const baseline = `windowed Gaussian ${gaussian.toFixed(1)} here; published: random cut forest 56.1, ARTime 74.5, HTM 75.5, contextOSE 75.9`
  const common = { baseline, goal: `floor ${NAB_FLOOR}, goal > ${NAB_GOAL}`, data: 'real' } as const
  const { score } = report.own
  return [
    { measure: 'NAB, standard profile, one threshold for all series', value: score, ...common, isMet: score > NAB_GOAL },
    {
      measure: 'the same, threshold and rest chosen without the category judged',
      value: report.leftOutAll,
      ...common,
      isMet: report.leftOutAll > NAB_GOAL,
    },
  ]
}
