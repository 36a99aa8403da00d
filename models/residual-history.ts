/**
 * Residuals of a unit over its kept windows: what each feature was, what a unit without fault would have shown under the same conditions,
 * and how far off that is. The unit's own normal is learned again from the oldest kept window on, as the diagnoser learned it; windows
 * that were not judged have no residuals. A pure fold, for people who look.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Artefact } from './artefact.ts'
import { createReference } from './reference.ts'
import { createUnitNormal } from './unit-normal.ts'

/** A closed window as it is kept. */
export interface KeptWindow {
  readonly from_ms: number
  readonly to_ms: number
  readonly recipe_version: number
  readonly is_diagnosable: boolean
  /** In the order of the recipe; null = not known. */
  readonly features: ReadonlyArray<number | null>
}

/** One feature of one window. */
export interface ResidualRow {
  /** End of the window: from then on it was known. */
  readonly t: number
  readonly from_ms: number
  readonly feature: string
  readonly unit: string
  readonly observed: number
  readonly expected: number
  /** Between these, units without fault are in about 99 of 100 windows. */
  readonly low: number
  readonly high: number
  readonly z_score: number
}

/** Half width of the band in spreads of units without fault. */
const BAND_SPREADS = 2.6

/**
 * Rows of the windows that end behind `fromMs`, oldest first, features in the order of the reference.
 * @param windows all kept windows of the unit, oldest first
 */
export function residualHistory(
  { reference }: Pick<Artefact, 'reference'>,
  type: ApplianceType,
  { windows, fromMs, feature }: { readonly windows: readonly KeptWindow[]; readonly fromMs: number; readonly feature?: string | undefined },
): ResidualRow[] {
  const { recipe } = type
  if (recipe === undefined) return []
  const compare = createReference(reference, recipe.features)
  const normal = reference.unit === undefined ? undefined : createUnitNormal(reference.unit)
  const units = new Map(recipe.features.map(({ name, unit }) => [name, unit]))
  const rows: ResidualRow[] = []
  for (const window of windows) {
    if (!window.is_diagnosable || window.recipe_version !== recipe.version) continue
    const residuals = compare(
      Float64Array.from(window.features, (value) => value ?? Number.NaN),
      normal,
    )
    if (residuals === undefined || window.to_ms <= fromMs) continue
    reference.responses.forEach((response, index) => {
      const observed = residuals.observed[index] ?? Number.NaN
      const expected = residuals.expected[index] ?? Number.NaN
      if ((feature !== undefined && response.feature !== feature) || Number.isNaN(observed) || Number.isNaN(expected)) return
      const half = BAND_SPREADS * response.spread * (reference.unit?.responses[index]?.noise ?? 1)
      rows.push({
        t: window.to_ms,
        from_ms: window.from_ms,
        feature: response.feature,
        unit: units.get(response.feature) ?? '',
        observed,
        expected,
        low: expected - half,
        high: expected + half,
        z_score: residuals.zScores[index] ?? 0,
      })
    })
  }
  return rows
}

/** Thins rows to so many windows a feature: of each stretch the window that is farthest from normal stays. */
export function thinResiduals(rows: readonly ResidualRow[], windowsMax: number): ResidualRow[] {
  const ends = [...new Set(rows.map(({ t }) => t))]
  if (ends.length <= windowsMax) return [...rows]
  const stretchOf = new Map(ends.map((t, index) => [t, Math.floor((index * windowsMax) / ends.length)]))
  const kept = new Map<string, ResidualRow>()
  for (const row of rows) {
    const place = `${stretchOf.get(row.t)}/${row.feature}`
    const other = kept.get(place)
    if (other === undefined || Math.abs(row.z_score) > Math.abs(other.z_score)) kept.set(place, row)
  }
  return [...kept.values()].sort((a, b) => a.t - b.t)
}
