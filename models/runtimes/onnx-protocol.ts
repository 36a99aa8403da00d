/** Messages between the ONNX runtime and its worker. */
import type { OnnxSummary } from '../onnx-inspect.ts'

/** What the model takes and gives, from its card. */
export interface ModelContract {
  readonly inputName: string
  readonly outputName: string
  readonly featureCount: number
  readonly classCount: number
}

/** One end of the graph as the session of onnxruntime sees it; a number in `shape` is fixed, a name is any. */
export interface GraphEnd {
  readonly name: string
  readonly type: string
  readonly shape: ReadonlyArray<number | string>
}

/** What a look at a model finds: what is in its bytes, and the ends of the graph that came of them. */
export interface ModelDescription {
  readonly summary: OnnxSummary
  /** Absent when it was not loaded, since the summary has something that is refused. */
  readonly inputs?: readonly GraphEnd[]
  readonly outputs?: readonly GraphEnd[]
}

export type WorkerRequest =
  | { readonly id: number; readonly kind: 'load'; readonly model: Uint8Array; readonly contract: ModelContract }
  | { readonly id: number; readonly kind: 'run'; readonly rows: Float32Array; readonly rowCount: number }

export type WorkerReply = { readonly id: number; readonly scores: Float32Array } | { readonly id: number; readonly error: string }
