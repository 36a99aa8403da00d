/** Answers what is asked of the pipeline's worker about rules: why one fired or not, and what a backtest folds. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { DerivedStore } from '../ingest/derived-store.ts'
import type { HistoriesQuery, ReadingStore } from '../ingest/reading-store.ts'
import type { RuleActivation, RuleBook } from '../rules/rule-book.ts'
import type { Rpc } from './rpc.ts'
import { storedWindows } from './stored-windows.ts'
import { explainRule, type WhyQuery } from './why.ts'
import { PIPELINE_CALLS } from './worker-settings.ts'

export interface RuleQueryParts {
  readonly store: Pick<ReadingStore, 'history' | 'histories'>
  readonly derived: DerivedStore
  readonly types: (type: string) => ApplianceType | undefined
  readonly book: RuleBook
  readonly activations: readonly RuleActivation[]
  readonly see: () => Promise<void>
}

/** Alarms of one unit in one answer to a backtest. */
const ALARMS_MAX = 10_000

export function answerRules(main: Pick<Rpc, 'handle' | 'handleStream'>, { store, derived, types, book, activations, see }: RuleQueryParts): void {
  let known = activations
  book.replace(known)
  main.handle(PIPELINE_CALLS.ruleBook, (changed: readonly RuleActivation[]) => {
    known = changed
    book.replace(changed)
  })
  main.handle(PIPELINE_CALLS.why, async (query: WhyQuery) => {
    await see()
    return explainRule(query, { types, activations: known, derived, history: (of) => store.history(of) })
  })
  main.handleStream(PIPELINE_CALLS.history, async function* (query: HistoriesQuery) {
    await see()
    if (store.histories !== undefined) yield* store.histories(query)
    else for (const device of query.devices) yield* store.history({ ...query, device })
  })
  main.handleStream(PIPELINE_CALLS.windows, storedWindows(derived))
  main.handle(PIPELINE_CALLS.checkpoint, (query: Parameters<DerivedStore['checkpoint']>[0]) => derived.checkpoint(query))
  main.handle(
    PIPELINE_CALLS.alarmRows,
    (query: { readonly tenant: string; readonly device: string; readonly from_ms: number; readonly to_ms: number }) =>
      derived.rows({ ...query, kind: 'alarm', limit: ALARMS_MAX }),
  )
}
