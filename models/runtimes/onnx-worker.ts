/**
 * The worker that runs one ONNX model: it is sent the bytes once and then batches of rows, and answers each message by its id.
 * `session.run` blocks this thread, which is why it is a thread of its own. Nothing here touches files or the network.
 */
import { parentPort } from 'node:worker_threads'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import type { WorkerReply, WorkerRequest } from './onnx-protocol.ts'

let session: InferenceSession | undefined
let contract: Extract<WorkerRequest, { kind: 'load' }>['contract'] | undefined

parentPort?.on('message', (request: WorkerRequest) => {
  answer(request).then(
    (scores) => reply({ id: request.id, scores }),
    (error: unknown) => reply({ id: request.id, error: error instanceof Error ? error.message : String(error) }),
  )
})

const reply = (message: WorkerReply): void => parentPort?.postMessage(message)

async function answer(request: WorkerRequest): Promise<Float32Array> {
  if (request.kind === 'load') {
    contract = request.contract
    session = await InferenceSession.create(request.model, {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
      executionProviders: ['cpu'],
    })
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
