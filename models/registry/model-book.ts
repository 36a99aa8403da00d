/** Which model of a tenant is in force when, and which ones look on: plain data, as the registry gives it to the pipeline's worker. */

/** Models of one tenant for one type. */
export interface ModelSeats {
  readonly tenant: string
  readonly type: string
  /** In order of time of receipt; before the first, and where `version` is null, the model that comes with the program. */
  readonly reigns: ReadonlyArray<{ readonly from_ms: number; readonly version: string | null }>
  readonly shadows: ReadonlyArray<{ readonly from_ms: number; readonly version: string }>
}

/** Version in force for a window that was closed by a reading received at `atMs`; null: the one that comes with the program. */
export function versionAt({ reigns }: Pick<ModelSeats, 'reigns'>, atMs: number): string | null {
  let version: string | null = null
  for (const reign of reigns) {
    if (reign.from_ms > atMs) break
    version = reign.version
  }
  return version
}
