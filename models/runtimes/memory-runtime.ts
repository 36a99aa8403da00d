/** Model runtime in memory: scores rows by a function that is handed in. For tests; keeps the port's bounds and order. */
import { assert, MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import type { ModelRuntime } from '../model-runtime.ts'

export interface MemoryRuntimeOptions {
  readonly featureCount: number
  readonly classCount: number
  readonly score: (row: Float32Array) => readonly number[]
}

/** Creates a runtime that calls `score` for each row. */
export function createMemoryRuntime({ featureCount, classCount, score }: MemoryRuntimeOptions): ModelRuntime {
  let isStarted = false
  return {
    async start() {
      isStarted = true
    },
    async run(rows, rowCount) {
      assert(rowCount > 0 && rowCount <= limits.inferenceBatch_MAX, 'a batch has 1 to inferenceBatch_MAX rows')
      assert(rows.length === rowCount * featureCount, 'a batch has its features for each row')
      if (!isStarted) throw new MendlineError('MDL_MODEL_TIMEOUT', 'the runtime is stopped')
      const scores = new Float32Array(rowCount * classCount)
      for (let row = 0; row < rowCount; row++) scores.set(score(rows.subarray(row * featureCount, (row + 1) * featureCount)), row * classCount)
      return scores
    },
    async stop() {
      isStarted = false
    },
  }
}
