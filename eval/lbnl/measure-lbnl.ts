/**
 * Two air handlers of one kind, by day: learned on the simulated one and judged on the laboratory's, then the other way round (detection only). The baseline knows the
 * outdoor temperature alone. Beside it the product's own learned normal on each system by itself, every day left out once, which is
 * how it is used: it learns from the machine that it judges.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { learnNormal, scoreNormal } from '../../models/learn-normal/normal-model.ts'
import type { EvalRow, EvalSkipped } from '../eval-row.ts'
import { type Day, OUTDOOR, readLbnl } from './read-lbnl.ts'
import { dayScore, learnRelations, nameOf } from './relations.ts'

export interface DayVerdict {
  readonly date: string
  readonly label: Day['label']
  readonly isFaultyInFile: boolean
  /** 1 = at the threshold; NaN = nothing can be said, which is no alarm. */
  readonly score: number
}

export interface Judged {
  readonly verdicts: readonly DayVerdict[]
  readonly missed: number
  readonly faulty: number
  readonly falseAlarms: number
  readonly clean: number
  /** Mean of the share missed and the share of false alarms. */
  readonly balancedError: number
}

export interface LbnlReport {
  readonly forth: Judged
  readonly back: Judged
  readonly relations: readonly string[]
  readonly outdoorForth: Judged
  readonly alone: ReadonlyMap<string, Judged>
}

/** @returns undefined where there is no data */
export function measureLbnl(data: string): LbnlReport | undefined {
  const folder = join(data, 'lbnl-ahu')
  if (!existsSync(folder)) return undefined
  const simulated = readLbnl(folder, 'MZVAV-2-2')
  const real = readLbnl(folder, 'MZVAV-2-1')
  const isLeak = ({ label }: Day): boolean => label === 'leak'
  const relations = learnRelations(simulated, isLeak)
  const backward = learnRelations(real, isLeak)
  return {
    relations: relations.map(nameOf),
    forth: judge(real, (day) => dayScore(relations, day)),
    back: judge(simulated, (day) => dayScore(backward, day)),
    outdoorForth: judge(real, outdoorRule(simulated, isLeak)),
    alone: new Map([['MZVAV-2-1', leaveDaysOut(real)] as const, ['MZVAV-2-2', leaveDaysOut(simulated)] as const]),
  }
}

function judge(days: readonly Day[], scoreOf: (day: Day) => number): Judged {
  const verdicts = days.map((day) => ({ date: day.date, label: day.label, isFaultyInFile: day.isFaultyInFile, score: scoreOf(day) }))
  const faults = verdicts.filter(({ label }) => label === 'leak' || label === 'other')
  const cleans = verdicts.filter(({ label }) => label === 'clean')
  const missed = faults.filter(({ score }) => !(score >= 1)).length
  const falseAlarms = cleans.filter(({ score }) => score >= 1).length
  const balancedError = (missed / Math.max(1, faults.length) + falseAlarms / Math.max(1, cleans.length)) / 2
  return { verdicts, missed, faulty: faults.length, falseAlarms, clean: cleans.length, balancedError }
}

const outdoorOf = ({ steps }: Day): number => steps.reduce((sum, { values }) => sum + (values[OUTDOOR] ?? 0), 0) / steps.length

/** The best threshold on the outdoor temperature of the learned system's days: above it a day is called faulty. */
function outdoorRule(days: readonly Day[], isFault: (day: Day) => boolean): (day: Day) => number {
  const known = days.filter((day) => day.label === 'clean' || isFault(day))
  const rules = known.flatMap((day) => [1, -1].map((direction) => ({ direction, threshold: outdoorOf(day) })))
  const errorOf = ({ direction, threshold }: (typeof rules)[number]): number => {
    const isFlagged = (day: Day): boolean => direction * (outdoorOf(day) - threshold) >= 0
    const [faulty, clean] = [known.filter(isFault), known.filter((day) => !isFault(day))]
    return faulty.filter((day) => !isFlagged(day)).length / faulty.length + clean.filter(isFlagged).length / clean.length
  }
  const best = rules.reduce((a, b) => (errorOf(b) < errorOf(a) ? b : a))
  return (day) => (best.direction * (outdoorOf(day) - best.threshold) >= 0 ? 1 : 0)
}

/** Part of a day's steps that must be beyond the threshold for the day to be. */
const DAY_SHARE = 0.25

/** The learned normal of the system's other clean days, with the product's budget. */
function leaveDaysOut(days: readonly Day[]): Judged {
  const budget = { per1000UnitWeeks: 5, stepMs: 600_000 }
  return judge(days, (day) => {
    const model = learnNormal(
      days.filter((other) => other !== day && other.label === 'clean').flatMap(({ steps }) => steps),
      budget,
    )
    const scores = day.steps.map((step) => scoreNormal(model, step).score).sort((a, b) => b - a)
    return scores[Math.floor(DAY_SHARE * scores.length)] ?? Number.NaN
  })
}

const GOAL = 0.2

/** For the table of all evaluations. */
export function lbnlRows(report: LbnlReport | undefined): readonly EvalRow[] | EvalSkipped {
  if (report === undefined) return { skipped: 'the air handlers of LBNL are not there' }
  const { forth, back, outdoorForth } = report
  const baseline = `outdoor temperature alone ${outdoorForth.balancedError.toFixed(2)}, ${outdoorForth.falseAlarms} of ${outdoorForth.clean} clean days`
  return [
    {
      measure: 'LBNL air handler, learned simulated, judged in the laboratory by day: balanced error of the leaking heating valve',
      value: forth.balancedError,
      baseline,
      goal: `<= ${GOAL}`,
      isMet: forth.balancedError <= GOAL,
      data: 'real',
    },
    { measure: 'the same: alarms on clean days', value: forth.falseAlarms, baseline, goal: '0', isMet: forth.falseAlarms === 0, data: 'real' },
    {
      measure: 'the other way round, any fault: balanced error (detection only)',
      value: back.balancedError,
      goal: 'none set',
      isMet: true,
      data: 'simulated',
    },
  ]
}
