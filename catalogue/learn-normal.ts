/** How anomalies are found in a type that nobody described. */
export interface LearnNormal {
  readonly isEnabled?: boolean
  /** Readings that are learned from; absent: a fixed number of steps, of which the odd ones do not teach. */
  readonly learnReadings?: number
  /** Readings are averaged over this much device time. */
  readonly stepMs?: number
  readonly alertsPer1000UnitWeeks?: number
}
