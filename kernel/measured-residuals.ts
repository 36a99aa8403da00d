/**
 * The residuals of one closed window of a unit: what each feature was, what a unit without fault would have shown, and how far off that is.
 * The pipeline tells them of units whose repair is being verified, so that the hubs can see whether it held.
 */

export interface MeasuredResidual {
  /** Feature of the type's recipe, unit last. */
  readonly feature: string
  readonly observed: number | null
  readonly expected: number | null
  /** (observed - expected) / spread of units without fault; null = not known. */
  readonly z_score: number | null
}

export interface MeasuredWindow {
  readonly tenant: string
  readonly device: string
  readonly type: string
  /** Device time. */
  readonly window_from_ms: number
  readonly window_to_ms: number
  readonly residuals: readonly MeasuredResidual[]
}
