/**
 * What the diagnoser remembers of each device: the residuals of its last windows and the opinion told, and how they go into and come
 * out of a snapshot (plain JSON, null for what is not known).
 */
import { assert } from '#kernel/errors.ts'
import type { TimedResiduals } from './evidence.ts'
import { createOpinion, type Opinion } from './opinion.ts'
import { packTrend, type TrendState, unpackTrend } from './trend.ts'
import { packUnitNormal, type UnitNormalState, unpackUnitNormal } from './unit-normal.ts'

export interface UnitState {
  readonly tenant: string
  readonly device: string
  readonly type: string
  /** Version of the model that the state belongs to. */
  readonly model: string
  recent: TimedResiduals[]
  readonly opinion: Opinion
  /** What is normal for this unit; undefined until its first window. */
  normal?: UnitNormalState
  /** Slow means of its residuals; undefined until its first judged window. */
  trend?: TrendState
  /** What is believed of the unit after its last judged window, and when that ended; undefined before it. */
  belief?: { readonly atMs: number; readonly classes: readonly number[] }
  /** The next judged window is the first of a unit that begins anew. */
  isFresh?: boolean
  /** Windows in which the unit ran and that could not be judged, since the last one that could. */
  unjudged: number
  /** Firmware of its last window that told one. */
  firmware?: string
  /** End of the newest window that was taken. */
  lastMs: number
}

export interface UnitStates {
  of(window: { readonly tenant: string; readonly device: string; readonly type: string }, model: string): UnitState
  /** The unit begins anew. */
  forget(unit: { readonly tenant: string; readonly device: string }): void
  snapshot(): unknown
  /** Takes the state of the units for which `isCurrent` holds. */
  restore(snapshot: unknown, isCurrent: (state: { readonly type: string; readonly model: string }) => boolean): void
}

export function createUnitStates(): UnitStates {
  const states = new Map<string, UnitState>()
  const keyOf = ({ tenant, device }: { readonly tenant: string; readonly device: string }): string => `${tenant}/${device}`
  return {
    of(window, model) {
      const { tenant, device, type } = window
      const found = states.get(keyOf(window))
      if (found !== undefined && found.type === type && found.model === model) return found
      const state: UnitState = { tenant, device, type, model, recent: [], opinion: createOpinion(), unjudged: 0, lastMs: 0 }
      states.set(keyOf(window), state)
      return state
    },
    forget: (unit) => {
      states.delete(keyOf(unit))
    },
    snapshot: () => ({ version: 1, devices: [...states.values()].map(toPlain) }),
    restore(snapshot, isCurrent) {
      assert(isSnapshot(snapshot), 'a snapshot of the diagnoser was made by it')
      states.clear()
      for (const plain of snapshot.devices) {
        if (isCurrent(plain)) states.set(keyOf(plain), fromPlain(plain))
      }
    },
  }
}

type PlainNumbers = ReadonlyArray<number | null>

type PlainState = Omit<UnitState, 'recent' | 'normal' | 'trend'> & {
  readonly normal?: ReturnType<typeof packUnitNormal>
  readonly trend?: ReturnType<typeof packTrend>
  readonly recent: ReadonlyArray<{
    readonly fromMs: number
    readonly toMs: number
    readonly observed: PlainNumbers
    readonly expected: PlainNumbers
    readonly zScores: PlainNumbers
    readonly doubt?: number
  }>
}

const toNulls = (values: Float64Array): PlainNumbers => Array.from(values, (value) => (Number.isNaN(value) ? null : value))
const fromNulls = (values: PlainNumbers): Float64Array => Float64Array.from(values, (value) => value ?? Number.NaN)

const toPlain = ({ normal, trend, ...state }: UnitState): PlainState => ({
  ...state,
  ...(normal !== undefined && { normal: packUnitNormal(normal) }),
  ...(trend !== undefined && { trend: packTrend(trend) }),
  opinion: structuredClone(state.opinion),
  recent: state.recent.map(({ fromMs, toMs, observed, expected, zScores, doubt }) => ({
    fromMs,
    toMs,
    observed: toNulls(observed),
    expected: toNulls(expected),
    zScores: toNulls(zScores),
    ...(doubt !== undefined && { doubt }),
  })),
})

const fromPlain = ({ normal, trend, ...plain }: PlainState): UnitState => ({
  ...plain,
  lastMs: plain.lastMs ?? plain.recent.at(-1)?.toMs ?? 0,
  ...(normal !== undefined && { normal: unpackUnitNormal(normal) }),
  ...(trend !== undefined && { trend: unpackTrend(trend) }),
  opinion: structuredClone(plain.opinion),
  recent: plain.recent.map(({ fromMs, toMs, observed, expected, zScores, doubt }) => ({
    fromMs,
    toMs,
    observed: fromNulls(observed),
    expected: fromNulls(expected),
    zScores: fromNulls(zScores),
    ...(doubt !== undefined && { doubt }),
  })),
})

const isSnapshot = (value: unknown): value is { readonly devices: readonly PlainState[] } =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === 1 && 'devices' in value && Array.isArray(value.devices)
