/** The reading of a simulated fleet, as training and the wire make use of it. */

/** One reading before it is put on the wire; `values` is reused by the next reading of the fleet. */
export interface FleetReading {
  readonly device: string
  readonly boot: number
  readonly seq: number
  readonly observed_at_ms: number
  readonly fw: string
  /** In the order of the type's channels, NaN = absent. */
  readonly values: Float64Array
  readonly texts: ReadonlyMap<string, string>
}
