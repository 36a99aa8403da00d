/** Closed windows of a device from the derived store, for models that fold its past anew. */
import type { DerivedRow, DerivedStore } from '../ingest/derived-store.ts'
import type { WindowHistoryQuery } from '../models/amend.ts'
import type { ClosedWindow } from '../models/windows.ts'

const ROWS = 256

/** What the row of a window holds, as `derivation.ts` writes it. */
interface WindowData {
  readonly firmware: string | null
  readonly recipe_version: number
  readonly readings: number
  readonly running: number
  readonly settled: number
  readonly is_diagnosable: boolean
  readonly features: ReadonlyArray<number | null>
}

/** Makes the reader of windows that ended at or before a device time, oldest first. Sensors in a bad state are in them as values not known. */
export const storedWindows = (derived: Pick<DerivedStore, 'rows'>) =>
  async function* ({ tenant, device, type, until_ms }: WindowHistoryQuery): AsyncGenerator<ClosedWindow> {
    let after: { from_ms: number; key: string } | undefined
    for (;;) {
      const rows = await derived.rows({ tenant, device, kind: 'window', from_ms: 0, to_ms: until_ms, limit: ROWS, ...(after && { after }) })
      for (const row of rows) if (row.to_ms !== null && row.to_ms <= until_ms) yield toWindow(row, row.to_ms, type)
      const last = rows.at(-1)
      if (last === undefined || rows.length < ROWS) return
      after = { from_ms: last.from_ms, key: last.key }
    }
  }

/** A stored row of a window as it was closed. */
export function toWindow({ tenant, device, from_ms, data }: DerivedRow, to_ms: number, type: string): ClosedWindow {
  const { firmware, recipe_version, readings, running, settled, is_diagnosable, features } = data as unknown as WindowData
  return {
    tenant,
    device,
    type,
    firmware: firmware ?? undefined,
    recipe_version,
    from_ms,
    to_ms,
    // The time of receipt is not kept; the end of the window is the earliest that it can have been.
    received_at_ms: to_ms,
    readings,
    running,
    settled,
    isDiagnosable: is_diagnosable,
    features: Float64Array.from(features, (value) => value ?? Number.NaN),
  }
}
