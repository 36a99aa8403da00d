/**
 * The thread that runs one ONNX model: it is sent the bytes once and then batches of rows, and answers each message by its id.
 * `session.run` blocks this thread, which is why it is a thread of its own. Nothing here touches files or the network.
 */
import { parentPort } from 'node:worker_threads'
import type { WorkerRequest } from './onnx-protocol.ts'
import { createAnswer } from './onnx-session.ts'

const answer = createAnswer()
parentPort?.on('message', (request: WorkerRequest) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply))
})
