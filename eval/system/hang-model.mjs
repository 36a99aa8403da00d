/** Loaded before anything else (`node --import`): the thread that runs a model blocks for good a second after it began. */
import { isMainThread } from 'node:worker_threads'

if (!isMainThread && process.argv[1]?.includes('onnx-worker')) {
  setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 1_000)
}
