/** Messages between the ONNX runtime and its worker. */

/** What the model takes and gives, from its card. */
export interface ModelContract {
  readonly inputName: string
  readonly outputName: string
  readonly featureCount: number
  readonly classCount: number
}

export type WorkerRequest =
  | { readonly id: number; readonly kind: 'load'; readonly model: Uint8Array; readonly contract: ModelContract }
  | { readonly id: number; readonly kind: 'run'; readonly rows: Float32Array; readonly rowCount: number }

export type WorkerReply = { readonly id: number; readonly scores: Float32Array } | { readonly id: number; readonly error: string }
