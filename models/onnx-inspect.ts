/**
 * Reads what a check needs out of an ONNX file without running it: operators, names of inputs and outputs, and whether it points at
 * data outside itself or holds sparse tensors. It walks the protobuf wire format by the field numbers of onnx.proto (IR version 10).
 */
import { MendlineError } from '#kernel/errors.ts'

/** Operators that a model may use: trees, linear models, kernels and small networks, without loops and without shapes made of data. */
const OPERATORS: ReadonlySet<string> = new Set(
  (
    'TreeEnsembleClassifier TreeEnsembleRegressor TreeEnsemble LinearClassifier LinearRegressor SVMClassifier SVMRegressor Scaler Normalizer Imputer ' +
    'Binarizer ArrayFeatureExtractor Cast Identity Constant Reshape Flatten Squeeze Unsqueeze Transpose Concat Slice Gather Softmax MatMul Gemm Add Sub ' +
    'Mul Div Abs Neg Exp Log Sqrt Pow Reciprocal Erf Clip Max Min Relu LeakyRelu Elu Sigmoid Tanh Softplus BatchNormalization LayerNormalization ' +
    'ReduceSum ReduceMean ReduceMax ReduceMin ReduceSumSquare ReduceL2 ArgMax ArgMin Where Less LessOrEqual Greater GreaterOrEqual Equal Not And Or'
  ).split(' '),
)
/** Sets of operators of ONNX itself; '' is the standard one. */
const DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx', 'ai.onnx.ml'])

export interface OnnxSummary {
  readonly operators: ReadonlySet<string>
  /** Sets of operators that its nodes name. */
  readonly domains: ReadonlySet<string>
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly hasExternalData: boolean
  readonly hasSparseTensors: boolean
}

interface Found {
  readonly operators: Set<string>
  readonly domains: Set<string>
  readonly inputs: string[]
  readonly outputs: string[]
  hasExternalData: boolean
  hasSparseTensors: boolean
}

/** Kinds of messages that are walked, and which of their fields lead where. */
type Kind = 'model' | 'graph' | 'node' | 'attribute' | 'tensor' | 'input' | 'output' | 'sparse' | 'function'
const FIELDS: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: 'graph', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 11: 'input', 12: 'output', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  function: { 7: 'node' },
  tensor: {},
  input: {},
  output: {},
  sparse: {},
}

/** A model of ours nests two graphs at most; deeper is refused before the stack is at risk. */
const DEPTH_MAX = 16

/**
 * Summarises the bytes of a model.
 * @throws MendlineError MDL_MODEL_INVALID when they are not ONNX
 */
export function inspectOnnx(bytes: Uint8Array): OnnxSummary {
  const found: Found = { operators: new Set(), domains: new Set(), inputs: [], outputs: [], hasExternalData: false, hasSparseTensors: false }
  try {
    walk(bytes, 'model', found, 0)
  } catch (cause) {
    throw new MendlineError('MDL_MODEL_INVALID', 'the bytes of the model are not ONNX', { cause })
  }
  return found
}

function walk(bytes: Uint8Array, kind: Kind, found: Found, depth: number): void {
  if (depth > DEPTH_MAX) throw new RangeError('nested too deeply')
  if (kind === 'sparse') found.hasSparseTensors = true
  for (const { field, payload } of readFields(bytes)) {
    const text = (): string => new TextDecoder().decode(payload)
    if (kind === 'node' && field === 4) found.operators.add(text())
    if (kind === 'node' && field === 7) found.domains.add(text())
    if (kind === 'input' && field === 1) found.inputs.push(text())
    if (kind === 'output' && field === 1) found.outputs.push(text())
    if (kind === 'tensor' && field === 13) found.hasExternalData = true
    const next = FIELDS[kind][field]
    // Inputs and outputs of an inner graph are not those of the model.
    const isInner = (next === 'input' || next === 'output') && depth > 1
    if (next !== undefined && payload !== undefined && !isInner) walk(payload, next, found, depth + 1)
  }
}

/** What speaks against running a model, whatever its card says. */
export function objectionsTo(summary: OnnxSummary): string[] {
  const faults: string[] = []
  const foreign = [...summary.operators].filter((operator) => !OPERATORS.has(operator))
  if (foreign.length > 0) faults.push(`operators ${foreign.join(', ')} are not allowed`)
  const domains = [...summary.domains].filter((domain) => !DOMAINS.has(domain))
  if (domains.length > 0) faults.push(`sets of operators ${domains.join(', ')} are not allowed`)
  if (summary.hasExternalData) faults.push('the model points at data outside itself')
  if (summary.hasSparseTensors) faults.push('the model holds sparse tensors')
  return faults
}

/** Fields of one message in order; the payload is there for length-delimited fields only. */
function* readFields(bytes: Uint8Array): Generator<{ readonly field: number; readonly payload: Uint8Array | undefined }> {
  let at = 0
  const readVarint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) throw new RangeError('ends inside a number')
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new RangeError('number is too long')
  }
  const skip = (count: number): void => {
    at += count
    if (at > bytes.length) throw new RangeError('ends inside a field')
  }
  while (at < bytes.length) {
    const tag = readVarint()
    const field = Math.floor(tag / 8)
    const wire = tag % 8
    let payload: Uint8Array | undefined
    if (wire === 0) readVarint()
    else if (wire === 1) skip(8)
    else if (wire === 5) skip(4)
    else if (wire === 2) {
      const length = readVarint()
      payload = bytes.subarray(at, at + length)
      skip(length)
    } else throw new RangeError(`wire type ${wire}`)
    yield { field, payload }
  }
}
