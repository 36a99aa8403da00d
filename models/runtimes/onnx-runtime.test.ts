import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ManualClock, systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { describeModelRuntime, SOFTMAX_CONTRACT, SOFTMAX_ONNX, softmaxOf } from '../model-runtime.contract.ts'
import { createOnnxRuntime, type OnnxRuntimeOptions } from './onnx-runtime.ts'

const create = (options: Partial<OnnxRuntimeOptions> = {}) =>
  createOnnxRuntime({ model: SOFTMAX_ONNX, contract: SOFTMAX_CONTRACT, clock: systemClock, log: silentLog, limits, ...options })

describeModelRuntime('onnxruntime-node in a worker', () => create())

/** Worker that loads and then behaves as the first feature of a row says: 1 = hang, 2 = die, else answers. */
const unruly = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads'
    parentPort.on('message', ({ id, kind, rows }) => {
      if (kind === 'run' && rows[0] === 1) return
      if (kind === 'run' && rows[0] === 2) process.exit(3)
      parentPort.postMessage({ id, scores: new Float32Array(3) })
    })`)}`,
)

describe('onnx runtime when the worker misbehaves', () => {
  it('refuses a batch that is not answered in time, and answers the next with a new worker', async () => {
    const clock = new ManualClock(0)
    const runtime = create({ clock, workerUrl: unruly })
    await runtime.start()
    const hung = runtime.run(Float32Array.of(1, 0, 0), 1)
    const refused = expect(hung).rejects.toMatchObject({ code: 'MDL_MODEL_TIMEOUT', retryable: true })
    // The batch is handed over in a microtask; its timer stands then.
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(limits.inferenceTimeoutMs)
    await refused
    expect(await runtime.run(Float32Array.of(0, 0, 0), 1)).toHaveLength(3)
    await runtime.stop()
  })

  it('has more time to load a model than to run one', async () => {
    const clock = new ManualClock(0)
    const silent = new URL('data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => {})')
    const runtime = create({ clock, workerUrl: silent })
    let refusal: unknown
    const started = runtime.start().catch((error: unknown) => {
      refusal = error
    })
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(limits.modelLoadTimeoutMs - 1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(refusal).toBeUndefined()
    clock.advance(1)
    await started
    expect(refusal).toMatchObject({ code: 'MDL_MODEL_TIMEOUT' })
    await runtime.stop()
  })

  it('refuses a batch whose worker dies, and answers the next with a new worker', async () => {
    const runtime = create({ workerUrl: unruly })
    await runtime.start()
    await expect(runtime.run(Float32Array.of(2, 0, 0), 1)).rejects.toMatchObject({ code: 'MDL_MODEL_TIMEOUT', retryable: true })
    expect(await runtime.run(Float32Array.of(0, 0, 0), 1)).toHaveLength(3)
    await runtime.stop()
  })

  it('waits with its stop until a load in hand is answered, and refuses that load at once', async () => {
    const slow = new URL(
      `data:text/javascript,${encodeURIComponent(`
        import { parentPort } from 'node:worker_threads'
        parentPort.on('message', ({ id }) => setTimeout(() => parentPort.postMessage({ id, scores: new Float32Array(0) }), 400))`)}`,
    )
    const runtime = create({ workerUrl: slow })
    const order: string[] = []
    const refused = runtime.start().catch(({ message }: Error) => order.push(message))
    const beganMs = systemClock.monotonicMs()
    await runtime.stop().then(() => order.push('stopped'))
    await refused
    expect(order).toEqual(['the runtime was stopped', 'stopped'])
    expect(systemClock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(399)
  })

  it('waits for it no longer than a load may take', async () => {
    const clock = new ManualClock(0)
    const silent = new URL('data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => {})')
    const runtime = create({ clock, workerUrl: silent })
    runtime.start().catch(() => {})
    let isStopped = false
    const stopped = runtime.stop().then(() => {
      isStopped = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(limits.modelLoadTimeoutMs - 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(isStopped).toBe(false)
    clock.advance(1)
    await stopped
  })

  it('refuses bytes that are no model, and again when asked again', async () => {
    const runtime = create({ model: Uint8Array.of(1, 2, 3) })
    await expect(runtime.start()).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
    await expect(runtime.start()).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
    await runtime.stop()
  })

  it('refuses a model whose output is not the one of the contract', async () => {
    const runtime = create({ contract: { ...SOFTMAX_CONTRACT, classCount: 4 } })
    await runtime.start()
    await expect(runtime.run(Float32Array.of(1, 2, 3), 1)).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
    await runtime.stop()
    expect(softmaxOf([0, 0])).toEqual([0.5, 0.5])
  })
})

describe('a process that stops its models while they load', () => {
  const from = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
  /** Runtimes stopped at moments from the start of the thread to the end of the load, one after the other. */
  const program = `
    import { readFileSync } from 'node:fs'
    import { createOnnxRuntime } from ${from('./onnx-runtime.ts')}
    import { systemClock } from ${from('../../kernel/clock.ts')}
    import { limits } from ${from('../../kernel/limits.ts')}
    import { silentLog } from ${from('../../kernel/log.ts')}
    const model = readFileSync(new URL(${from('../artefacts/gas_water_heater/model.onnx')}))
    const contract = ${JSON.stringify(SOFTMAX_CONTRACT)}
    for (let delayMs = 20; delayMs <= 600; delayMs += 20) {
      const runtime = createOnnxRuntime({ model, contract, clock: systemClock, log: silentLog, limits })
      const started = runtime.start().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, delayMs))
      await runtime.stop()
      await started
    }
    console.log('stopped')
    process.exit(0)`

  it('ends with code 0 and says nothing', async () => {
    // Rejects when the process ends with another code.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--no-warnings', '--input-type=module', '-e', program])
    expect([stdout, stderr]).toEqual(['stopped\n', ''])
  }, 60_000)
})
