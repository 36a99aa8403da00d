/** A thread of a backtest: pulls the stored readings of its units from the pipeline by way of the main thread, and folds them. */
import { parentPort } from 'node:worker_threads'
import { assert } from '#kernel/errors.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedRow } from '../ingest/derived-store.ts'
import { createBacktestFold, type Fire, liveFire } from './backtest.ts'
import { BACKTEST_CALLS, type BacktestPart, type BacktestTask } from './backtest-calls.ts'
import { Rpc } from './rpc.ts'

assert(parentPort !== null, 'a backtest runs in a worker')
const main = new Rpc(parentPort)
main.handle(BACKTEST_CALLS.run, run)

async function run({ units, types, activations, span, rule, warm_ms, isCompared }: BacktestTask): Promise<BacktestPart> {
  const byId = new Map(types.map((type) => [type.id, type]))
  const fold = createBacktestFold({ types: (id) => byId.get(id), activations, span, rule })
  const fires: Fire[] = []
  const live: Fire[] = []
  let readings = 0
  for (const [index, unit] of units.entries()) {
    const at_ms = span.from_ms - warm_ms
    const found = await main.call<{ readonly at_ms: number; readonly state: Uint8Array } | undefined>(BACKTEST_CALLS.checkpoint, { ...unit, at_ms })
    fold.begin(unit, found?.state)
    const query = { ...unit, from_ms: found?.at_ms ?? 0, to_ms: span.to_ms - 1 }
    for await (const reading of main.stream<Reading>(BACKTEST_CALLS.history, query)) {
      readings++
      fold.take(reading)
    }
    fires.push(...fold.end())
    if (isCompared) {
      const rows = await main.call<readonly DerivedRow[]>(BACKTEST_CALLS.live, { ...unit, ...span })
      live.push(...rows.flatMap((row) => liveFire(row, span) ?? []))
    }
    main.notify(BACKTEST_CALLS.note, { units: index + 1, readings })
  }
  return { readings, fires, live }
}
