/**
 * Port of the model runtime: runs a batch of feature rows through one model artefact. Adapters stand in `runtimes/`; the one for
 * production runs onnxruntime-node in a worker of its own, since a session blocks the thread that calls it.
 */
export interface ModelRuntime {
  /** Loads the artefact's bytes. @throws MendlineError MDL_MODEL_INVALID */
  start(): Promise<void>
  /**
   * Scores of each class for each row.
   * @param rows shape [row, feature], row-major float32, at most `limits.inferenceBatch_MAX` rows
   * @returns shape [row, class], row-major
   * @throws MendlineError MDL_MODEL_TIMEOUT (the worker was ended and starts again by itself; retryable)
   */
  run(rows: Float32Array, rowCount: number): Promise<Float32Array>
  stop(): Promise<void>
}
