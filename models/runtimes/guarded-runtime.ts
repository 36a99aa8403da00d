/**
 * Holds a model of somebody else to what a diagnosis can bear: one that hangs or crashes again and again is left alone for a while, each time
 * for longer, so that the windows of other models do not wait for it; scores that are no probabilities are refused. A single score
 * becomes the two probabilities of its fault.
 */
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { ModelRuntime } from '../model-runtime.ts'

export interface GuardOptions {
  readonly version: string
  /** The model gives one score a row, the probability of its fault. */
  readonly isScore: boolean
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'modelPauseMs' | 'modelPauseMs_MAX' | 'inferenceAttempts_MAX'>
}

export interface GuardedRuntime extends ModelRuntime {
  /** Whether it is left alone now. */
  isPaused(): boolean
}

/** Rounding of a softmax in float32, and some more. */
const SLACK = 1e-3
/** What many small roundings of one row may come to. */
const SUM_SLACK = 0.01

export function createGuardedRuntime(inner: ModelRuntime, options: GuardOptions): GuardedRuntime {
  const { version, isScore, clock, log, limits } = options
  let failures = 0
  let pauseMs = limits.modelPauseMs
  let untilMs = Number.NEGATIVE_INFINITY
  const note = (error: unknown): void => {
    failures++
    if (failures < limits.inferenceAttempts_MAX) return
    untilMs = clock.monotonicMs() + pauseMs
    log.error('model is left alone for a while, it failed again and again', { version, pause_ms: pauseMs, cause: String(error) })
    pauseMs = Math.min(pauseMs * 2, limits.modelPauseMs_MAX)
    // One try when the pause is over.
    failures = limits.inferenceAttempts_MAX - 1
  }
  return {
    start: () => inner.start(),
    stop: () => inner.stop(),
    isPaused: () => clock.monotonicMs() < untilMs,
    async run(rows, rowCount) {
      if (clock.monotonicMs() < untilMs) throw new MendlineError('MDL_MODEL_PAUSED', `the model ${version} failed again and again and is left alone`)
      try {
        const scores = await inner.run(rows, rowCount)
        const probabilities = isScore ? Float32Array.from({ length: scores.length * 2 }, (_, at) => share(scores[at >> 1] ?? Number.NaN, at)) : scores
        const objection = objectionToRows(probabilities, probabilities.length / rowCount)
        if (objection !== undefined) throw new MendlineError('MDL_MODEL_INVALID', `the model ${version} ${objection}`)
        failures = 0
        pauseMs = limits.modelPauseMs
        return probabilities
      } catch (error) {
        note(error)
        throw error
      }
    },
  }
}

/** Why rows of scores are no probabilities of classes that shut each other out; undefined when they are. Not a number is none. */
export function objectionToRows(scores: Float32Array, width: number): string | undefined {
  for (let from = 0; from < scores.length; from += width) {
    const row = scores.subarray(from, from + width)
    if (!row.every((value) => value >= -SLACK && value <= 1 + SLACK)) return 'gave a score that is no probability'
    const sum = row.reduce((total, value) => total + value, 0)
    if (Math.abs(sum - 1) > SUM_SLACK) return `gave probabilities that sum to ${sum.toFixed(3)}, not to 1`
  }
  return undefined
}

const share = (score: number, at: number): number => (at % 2 === 0 ? 1 - score : score)
