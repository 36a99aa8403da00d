/**
 * How long it takes from a right diagnosis until the customer notices: a Weibull life from the telling on, whose scale falls with the level
 * of the residuals. Made from simulated training fleets (`node scripts/train-life.ts`) and kept in `models/artefacts/condition-life.json`;
 * each fault leans on all faults of its type together.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { WeibullLaw } from './weibull-fit.ts'

const LawSchema = Type.Object({ parameters: Type.Array(Type.Number()), covariance: Type.Array(Type.Array(Type.Number())), lives: Type.Integer() })
export const ConditionLawsSchema = Type.Object({
  source: Type.String(),
  /** By type: level that counts as 0, the law of all faults together, and those of single faults. */
  types: Type.Record(Type.String(), Type.Object({ mean_level: Type.Number(), all: LawSchema, faults: Type.Record(Type.String(), LawSchema) })),
})

export type ConditionLaws = Static<typeof ConditionLawsSchema>

/** Before anything was seen: three weeks, give or take a factor of two; a level higher by 1 nearly halves them (design values). */
export const CONDITION_PRIOR: WeibullLaw = {
  parameters: [Math.log(1.3), Math.log(21), 0.6],
  covariance: [
    [0.09, 0, 0],
    [0, 0.5, 0],
    [0, 0, 0.25],
  ],
}

const Z_MAX = 20

/** Level of the residuals behind a diagnosis: log(1 + mean |z| of the evidence for it); undefined where it names none. */
export function levelOf({ evidence_for }: Pick<Diagnosis, 'evidence_for'>): number | undefined {
  const scores = evidence_for.flatMap(({ z_score }) => (z_score === null ? [] : [Math.min(Z_MAX, Math.abs(z_score))]))
  return scores.length === 0 ? undefined : Math.log1p(scores.reduce((sum, score) => sum + score, 0) / scores.length)
}

/** Law of a fault with the covariate that the level gives; ages in days since the telling. */
export function conditionLawOf(laws: ConditionLaws, type: string, fault: string): { readonly law: WeibullLaw; readonly meanLevel: number } {
  const known = laws.types[type]
  return { law: known?.faults[fault] ?? known?.all ?? CONDITION_PRIOR, meanLevel: known?.mean_level ?? Math.log1p(3) }
}

/** Reads the committed laws; none when the file is absent. Throws when it is not what it should be. */
export function readConditionLaws(folder = join(import.meta.dirname, '..', 'artefacts')): ConditionLaws {
  try {
    return Value.Parse(ConditionLawsSchema, JSON.parse(readFileSync(join(folder, 'condition-life.json'), 'utf8')))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { source: 'none', types: {} }
    throw cause
  }
}
