/**
 * The process that runs one ONNX model of somebody else: as the thread of `onnx-worker.ts`, and it can be killed, and takes nothing with it when it
 * crashes. It also looks at a model that is to be taken in. It ends when its parent is gone.
 */
import { inspectOnnx, objectionsTo } from '../onnx-inspect.ts'
import type { ModelDescription, WorkerRequest } from './onnx-protocol.ts'
import { createAnswer, endsOf, openSession } from './onnx-session.ts'

type Request = WorkerRequest | { readonly id: number; readonly kind: 'describe'; readonly model: Uint8Array }

const answer = createAnswer()
process.on('disconnect', () => process.exit(0))
process.on('message', (request: Request) => {
  const reply = request.kind === 'describe' ? describe(request.id, request.model) : answer(request)
  void reply.then((message) => process.send?.(message))
})

async function describe(id: number, model: Uint8Array): Promise<object> {
  try {
    const summary = inspectOnnx(model)
    if (objectionsTo(summary).length > 0) return { id, description: { summary } satisfies ModelDescription }
    const session = await openSession(model)
    const description: ModelDescription = { summary, inputs: endsOf(session.inputMetadata), outputs: endsOf(session.outputMetadata) }
    return { id, description }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}
