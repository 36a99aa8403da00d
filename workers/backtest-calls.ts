/** What a worker of backtests is asked for, and the names of the calls between it and the main thread. */
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { RuleActivation } from '../rules/rule-book.ts'
import type { BacktestSpan, BacktestUnit, Fire } from './backtest.ts'

export interface BacktestTask {
  readonly units: readonly BacktestUnit[]
  readonly types: readonly ApplianceType[]
  readonly activations: readonly RuleActivation[]
  readonly span: BacktestSpan
  readonly rule: Rule | undefined
  /** Device time before the span at which the fold begins at the latest. */
  readonly warm_ms: number
  /** Whether what happened live is fetched, too. */
  readonly isCompared: boolean
}

export interface BacktestPart {
  readonly readings: number
  readonly fires: readonly Fire[]
  readonly live: readonly Fire[]
}

/** What is asked of a thread that tries a model. */
export interface ModelTask {
  readonly units: readonly BacktestUnit[]
  readonly type: ApplianceType
  /** Folder of its artefact. */
  readonly directory: string
  /** Brought or trained by a tenant: it runs in a process of its own, and what it answers is checked, as in the pipeline. */
  readonly isOwn: boolean
  readonly span: BacktestSpan
}

export interface ModelPart {
  readonly readings: number
  readonly windows: number
  readonly diagnoses: readonly Diagnosis[]
}

export const BACKTEST_CALLS = {
  run: 'run',
  runModel: 'run-model',
  checkpoint: 'checkpoint',
  history: 'history',
  windows: 'windows',
  live: 'live',
  note: 'note',
} as const
