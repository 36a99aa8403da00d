/** A session of onnxruntime over the bytes of one model, on the processor with one thread; what runs in a worker. Touches no files and no network. */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { GraphEnd, WorkerReply, WorkerRequest } from './onnx-protocol.ts'

/** Loads a model. @throws Error in onnxruntime's words */
export const openSession = (model: Uint8Array): Promise<InferenceSession> =>
  InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3, executionProviders: ['cpu'] })

/** Ends of the graph, as the session names them; what is no tensor has the type `other`. */
export const endsOf = (values: InferenceSession['inputMetadata']): GraphEnd[] =>
  values.map((value) =>
    value.isTensor ? { name: value.name, type: value.type, shape: [...value.shape] } : { name: value.name, type: 'other', shape: [] },
  )

/** Makes the function that answers requests of the runtime, one model at a time; what fails is in its answer. */
export function createAnswer(): (request: WorkerRequest) => Promise<WorkerReply> {
  let session: InferenceSession | undefined
  let contract: Extract<WorkerRequest, { kind: 'load' }>['contract'] | undefined
  const answer = async (request: WorkerRequest): Promise<Float32Array> => {
    if (request.kind === 'load') {
      contract = request.contract
      session = await openSession(request.model)
      return new Float32Array(0)
    }
    if (session === undefined || contract === undefined) throw new Error('the model is not loaded')
    const { inputName, outputName, featureCount, classCount } = contract
    const input = new Tensor('float32', request.rows, [request.rowCount, featureCount])
    const output = (await session.run({ [inputName]: input }, [outputName]))[outputName]
    if (output === undefined || !(output.data instanceof Float32Array)) throw new Error(`the output ${outputName} is not float32`)
    if (output.data.length !== request.rowCount * classCount)
      throw new Error(`the output has ${output.data.length} numbers for ${request.rowCount} rows`)
    return Float32Array.from(output.data)
  }
  return async (request) => {
    try {
      return { id: request.id, scores: await answer(request) }
    } catch (error) {
      return { id: request.id, error: error instanceof Error ? error.message : String(error) }
    }
  }
}
