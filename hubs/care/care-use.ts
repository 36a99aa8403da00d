/**
 * Use and signs of a unit from its stored windows: how many hours, cycles and litres they hold, and whether the last of them ask for a task. Pure
 * functions; a gap within a window counts as the rest of it, a window that was never stored counts nothing.
 */
import { CARE_COUNTS, type Care, type CareCount, type CareSign, type CareTask } from '#catalogue/care.ts'
import type { Care as CareRecord } from '#kernel/care.ts'

/** A closed window as the pipeline stored it, with what the features were and how far from normal. */
export interface CareWindow {
  readonly from_ms: number
  readonly to_ms: number
  readonly readings: number
  readonly running: number
  /** By name; what was not known is not among them. */
  readonly features: Readonly<Record<string, number>>
  /** By feature; empty where the window was not judged. */
  readonly z_scores: Readonly<Record<string, number>>
}

export type Counts = Readonly<Record<CareCount, number>>

const HOUR_MS = 3_600_000
export const NO_USE: Counts = { running_h: 0, cycles: 0, litres: 0 }

export const plus = (a: Counts, b: Counts): Counts => ({
  running_h: a.running_h + b.running_h,
  cycles: a.cycles + b.cycles,
  litres: a.litres + b.litres,
})

/** What one window counts. */
export function countsOf({ counts }: Care, window: CareWindow): Counts {
  const runningHours = window.readings === 0 ? 0 : (window.running / window.readings) * ((window.to_ms - window.from_ms) / HOUR_MS)
  const of = (count: CareCount): number => {
    const counter = counts[count]
    if (counter === undefined) return 0
    const start = counter.isOverRunningHours ? runningHours : 1
    const product = counter.features.reduce((sum, name) => sum * (window.features[name] ?? 0), start * counter.factor)
    return Math.max(0, product)
  }
  return Object.fromEntries(CARE_COUNTS.map((count) => [count, of(count)])) as unknown as Counts
}

/** Average of the last windows that speak of the sign, undefined when fewer than it wants do. */
export function signValue({ feature, as, windows: wanted }: CareSign, windows: readonly CareWindow[]): number | undefined {
  const values = windows.flatMap(({ features, z_scores }) => (as === 'z_score' ? z_scores[feature] : features[feature]) ?? []).slice(-wanted)
  return values.length < wanted ? undefined : values.reduce((sum, value) => sum + value, 0) / wanted
}

export const holds = ({ op, value }: CareSign, measured: number): boolean => (op === '>=' ? measured >= value : measured <= value)

/** Why a task is due by what was used and how long it is since, or undefined: the count that is furthest over its limit. */
export function dueByUse({ every = {} }: Pick<CareTask, 'every'>, use: CareRecord['use']): NonNullable<CareRecord['reason']> | undefined {
  const over = (Object.entries(every) as Array<[keyof CareRecord['use'], number]>)
    .map(([by, limit]) => ({ by, limit, value: use[by] }))
    .filter(({ value, limit }) => value >= limit)
    .sort((a, b) => b.value / b.limit - a.value / a.limit)
  return over[0]
}

/** Why a task is called for by its sign, or undefined. */
export function calledBySign({ sign }: Pick<CareTask, 'sign'>, windows: readonly CareWindow[]): NonNullable<CareRecord['reason']> | undefined {
  const value = sign === undefined ? undefined : signValue(sign, windows)
  return sign === undefined || value === undefined || !holds(sign, value)
    ? undefined
    : { by: 'sign', value, limit: sign.value, feature: sign.feature }
}
