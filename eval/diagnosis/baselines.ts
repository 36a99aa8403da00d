/**
 * What the diagnosis has to beat, on the same windows: fixed thresholds on the features as they are (no reference, no unit's own normal),
 * which name the fault whose signs fit best; and an isolation forest (Liu, Ting and Zhou 2008) that sees that something is odd and names
 * the commonest fault.
 */
import { mean, sampleStandardDeviation } from 'simple-statistics'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import { NO_FAULT } from '../../models/artefact.ts'
import { createInputs } from '../../models/inputs.ts'
import type { Told, ToldUnit } from './alerts.ts'
import type { LabelledUnit } from './dataset.ts'
import type { JudgedUnit } from './score.ts'

/** Ranked classes for the features of one window, best first, and how sure it is that there is a fault at all. */
export type Baseline = (features: Float64Array) => { readonly ranked: readonly string[]; readonly score: number }

/** Deviations from the mean of sound units at which a threshold is set, as by hand in the field. */
const THRESHOLD_Z = 3

/** @param sound features of windows without fault in training */
export function fixedThresholds(type: ApplianceType, sound: readonly Float64Array[], classes: readonly string[]): Baseline {
  const features = (type.recipe?.features ?? []).map(({ name }) => name)
  const scale = features.map((_, index) => {
    const known = sound.map((row) => row[index] ?? Number.NaN).filter((value) => !Number.isNaN(value))
    return known.length < 2 ? undefined : { mean: mean(known), deviation: sampleStandardDeviation(known) || 1 }
  })
  const codes = classes.filter((name) => name !== NO_FAULT)
  const signs = createInputs(
    codes.map((code) => `sign:${code}`),
    type,
    features,
  )
  return (row) => {
    const zScores = Float64Array.from(scale, (entry, index) =>
      entry === undefined ? Number.NaN : ((row[index] ?? Number.NaN) - entry.mean) / entry.deviation,
    )
    const largest = Math.max(0, ...zScores.filter((value) => !Number.isNaN(value)).map(Math.abs))
    const scores = typeof signs === 'function' ? signs({ observed: row, expected: row, zScores }) : new Float32Array(codes.length)
    const byScore = codes.map((code, index) => ({ code, score: scores[index] ?? 0 })).sort((a, b) => b.score - a.score)
    const named = byScore.map(({ code }) => code)
    return { ranked: largest >= THRESHOLD_Z ? [...named, NO_FAULT] : [NO_FAULT, ...named], score: largest }
  }
}

const TREES = 100
const SAMPLE = 256

interface Node {
  readonly feature: number
  readonly split: number
  readonly left: Node | number
  readonly right: Node | number
}

/** Average path length of an unsuccessful search among n. */
const pathOf = (n: number): number => (n <= 1 ? 0 : 2 * (Math.log(n - 1) + 0.5772156649) - (2 * (n - 1)) / n)

/** Isolation forest on the features as they are; odd windows get the commonest fault, with the rest in the order of how common they are. */
export function isolationForest(sound: readonly Float64Array[], commonest: readonly string[], seed: string): Baseline {
  const random = createRandom(seed)
  const size = sound[0]?.length ?? 0
  const means = Array.from({ length: size }, (_, index) => {
    const known = sound.map((row) => row[index] ?? Number.NaN).filter((value) => !Number.isNaN(value))
    return known.length === 0 ? 0 : mean(known)
  })
  const complete = (row: Float64Array): Float64Array => row.map((value, index) => (Number.isNaN(value) ? (means[index] ?? 0) : value))
  const rows = sound.map(complete)
  const trees = Array.from({ length: TREES }, () =>
    grow(
      Array.from({ length: Math.min(SAMPLE, rows.length) }, () => random.pick(rows)),
      random,
      Math.ceil(Math.log2(SAMPLE)),
    ),
  )
  const usual = pathOf(Math.min(SAMPLE, Math.max(2, rows.length)))
  const scoreOf = (row: Float64Array): number => {
    const known = complete(row)
    return 2 ** (-mean(trees.map((tree) => depth(tree, known))) / usual)
  }
  const bound = rows.map(scoreOf).sort((a, b) => a - b)[Math.floor(rows.length * 0.99)] ?? 1
  return (row) => {
    const score = scoreOf(row)
    return { ranked: score > bound ? [...commonest, NO_FAULT] : [NO_FAULT, ...commonest], score }
  }
}

function grow(rows: readonly Float64Array[], random: Random, left: number): Node | number {
  if (rows.length <= 1 || left === 0) return rows.length
  const feature = Math.floor(random.uniform() * (rows[0]?.length ?? 1))
  const values = rows.map((row) => row[feature] ?? 0)
  const low = Math.min(...values)
  const high = Math.max(...values)
  if (low === high) return rows.length
  const split = random.between(low, high)
  return {
    feature,
    split,
    left: grow(
      rows.filter((row) => (row[feature] ?? 0) < split),
      random,
      left - 1,
    ),
    right: grow(
      rows.filter((row) => (row[feature] ?? 0) >= split),
      random,
      left - 1,
    ),
  }
}

function depth(tree: Node | number, row: Float64Array): number {
  let steps = 0
  let at = tree
  while (typeof at !== 'number') {
    at = (row[at.feature] ?? 0) < at.split ? at.left : at.right
    steps++
  }
  return steps + pathOf(at)
}

/** What a baseline says of each window that the diagnosis may judge; ranks stand in for probabilities. */
export const judgeByBaseline = (units: readonly LabelledUnit[], baseline: Baseline, classes: readonly string[]): JudgedUnit[] =>
  units.map((unit) => ({
    unit,
    judgements: unit.windows
      .filter(({ isDiagnosable }) => isDiagnosable)
      .map((window) => {
        const { ranked } = baseline(window.features)
        return { window, probabilities: classes.map((name) => 1 / (1 + ranked.indexOf(name))) }
      }),
  }))

/** What a baseline tells: a fault that two windows in a row name, when it is another than the last told. */
export function tellByBaseline(units: readonly LabelledUnit[], baseline: Baseline): ToldUnit[] {
  return units.map((unit) => {
    let last: string | undefined
    let told: string | undefined
    const diagnoses = unit.windows
      .filter(({ isDiagnosable }) => isDiagnosable)
      .flatMap((window): Told[] => {
        const { ranked, score } = baseline(window.features)
        const first = ranked[0] ?? NO_FAULT
        const isTold = first !== NO_FAULT && first === last && first !== told
        last = first
        if (!isTold) return []
        told = first
        return [{ answer: 'fault', fault: first, probability: score, made_at_ms: window.to_ms }]
      })
    return { unit, diagnoses }
  })
}
