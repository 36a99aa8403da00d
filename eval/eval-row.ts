/** One line of the table of an evaluation, as `npm run eval` gathers them; real and simulated data never stand in one table. */
export interface EvalRow {
  readonly measure: string
  readonly value: number
  /** 95 % interval; absent where the figure is of one fixed corpus. */
  readonly interval?: readonly [low: number, high: number]
  /** The naive figure beside it, with its name. */
  readonly baseline?: string
  readonly goal: string
  readonly isMet: boolean
  readonly data: 'real' | 'simulated'
}

/** What an evaluation gives where its public data is not there. */
export interface EvalSkipped {
  readonly skipped: string
}
