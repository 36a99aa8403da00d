/** The backtest of the rules in force over stored days, and the alarms that were raised live in them, as hashes: for tests that hold them against each other. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { DerivedStore } from '../../ingest/derived-store.ts'
import type { ReadingStore } from '../../ingest/reading-store.ts'
import { type BacktestSpan, type BacktestUnit, createBacktestFold, type Fire, hashFires, liveFire } from '../../workers/backtest.ts'

export async function backtestOf(
  {
    store,
    derived,
    types,
  }: { readonly store: ReadingStore; readonly derived: DerivedStore; readonly types: (type: string) => ApplianceType | undefined },
  units: readonly BacktestUnit[],
  span: BacktestSpan,
): Promise<{ readonly tried: string; readonly live: string; readonly fires: number }> {
  const fold = createBacktestFold({ types, activations: [], span, rule: undefined })
  const fires: Fire[] = []
  const live: Fire[] = []
  for (const unit of units) {
    const found = await derived.checkpoint({ ...unit, at_ms: span.from_ms })
    fold.begin(unit, found?.state)
    for await (const reading of store.history({ ...unit, from_ms: found?.at_ms ?? 0, to_ms: span.to_ms - 1 })) fold.take(reading)
    fires.push(...fold.end())
    const rows = await derived.rows({ ...unit, kind: 'alarm', ...span, limit: 10_000 })
    live.push(...rows.flatMap((row) => liveFire(row, span) ?? []))
  }
  return { tried: hashFires(fires), live: hashFires(live), fires: fires.length }
}
