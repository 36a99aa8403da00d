import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock, systemClock } from '#kernel/clock.ts'
import { type Limits, limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { describeModelRuntime, SOFTMAX_CONTRACT, SOFTMAX_ONNX } from '../model-runtime.contract.ts'
import type { ModelRuntime } from '../model-runtime.ts'
import { createGuardedRuntime } from './guarded-runtime.ts'
import { createMemoryRuntime } from './memory-runtime.ts'
import { describeModel, startModelProcess } from './model-process.ts'
import { createOnnxRuntime } from './onnx-runtime.ts'
import { EXPAND_ONNX, LOOP_ONNX } from './unruly-models.ts'

const quick: Limits = { ...limits, inferenceTimeoutMs: 3_000 }
const create = (model: Uint8Array = SOFTMAX_ONNX, given: Limits = limits) =>
  createOnnxRuntime({
    model,
    contract: SOFTMAX_CONTRACT,
    clock: systemClock,
    log: silentLog,
    limits: given,
    startWorker: () => startModelProcess(given),
  })

describeModelRuntime('onnxruntime-node in a process', () => create())

const running = (): number => Number(spawnSync('pgrep', ['-c', '-P', String(process.pid), '-f', 'onnx-process'], { encoding: 'utf8' }).stdout)

describe('a model of somebody else that misbehaves, in its process', () => {
  const started: ModelRuntime[] = []
  const start = async (model: Uint8Array, given: Limits = limits) => {
    const runtime = create(model, given)
    started.push(runtime)
    await runtime.start()
    return runtime
  }
  afterEach(async () => {
    for (const runtime of started.splice(0)) await runtime.stop()
  })

  it('is killed when it never ends, while another model answers', async () => {
    const good = await start(SOFTMAX_ONNX)
    const hung = await start(LOOP_ONNX, quick)
    const refused = expect(hung.run(Float32Array.of(1, 2, 3), 1)).rejects.toMatchObject({ code: 'MDL_MODEL_TIMEOUT', retryable: true })
    const before = performance.now()
    expect(await good.run(Float32Array.of(1, 2, 3), 1)).toHaveLength(3)
    expect(performance.now() - before).toBeLessThan(quick.inferenceTimeoutMs)
    await refused
    await hung.stop()
    // A thread would turn on; the process is gone.
    await expect.poll(running, { timeout: 5_000 }).toBe(1)
  }, 30_000)

  it('fails alone when it asks for more memory than it may have, while another model answers', async () => {
    const good = await start(SOFTMAX_ONNX)
    const greedy = await start(EXPAND_ONNX)
    await expect(greedy.run(Float32Array.of(1, 2, 3), 1)).rejects.toThrow()
    expect(await good.run(Float32Array.of(1, 2, 3), 1)).toHaveLength(3)
  }, 30_000)

  it('is refused as retryable when its process dies, and answers with a new one', async () => {
    const runtime = await start(SOFTMAX_ONNX)
    const [pid] = spawnSync('pgrep', ['-P', String(process.pid), '-f', 'onnx-process'], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n')
    process.kill(Number(pid), 'SIGSEGV')
    await expect(runtime.run(Float32Array.of(1, 2, 3), 1)).rejects.toMatchObject({ code: 'MDL_MODEL_TIMEOUT', retryable: true })
    expect(await runtime.run(Float32Array.of(1, 2, 3), 1)).toHaveLength(3)
  }, 30_000)
})

describe('describeModel', () => {
  it('gives the ends of the real graph', async () => {
    const { inputs, outputs } = await describeModel(SOFTMAX_ONNX, { clock: systemClock, limits })
    expect(inputs).toEqual([{ name: 'features', type: 'float32', shape: ['N', 3] }])
    expect(outputs).toEqual([{ name: 'probabilities', type: 'float32', shape: ['N', 3] }])
  })

  it('does not load what its bytes already speak against', async () => {
    const { summary, inputs } = await describeModel(LOOP_ONNX, { clock: systemClock, limits })
    expect([...summary.operators]).toContain('Loop')
    expect(inputs).toBeUndefined()
  })

  it('refuses bytes that are no model', async () => {
    await expect(describeModel(Uint8Array.of(1, 2, 3), { clock: systemClock, limits })).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
  })
})

describe('guarded runtime', () => {
  const guarded = (score: (row: Float32Array) => readonly number[], isScore = false) => {
    const clock = new ManualClock(0)
    const inner = createMemoryRuntime({ featureCount: 1, classCount: isScore ? 1 : 2, score })
    return { clock, runtime: createGuardedRuntime(inner, { version: 'v', isScore, clock, log: silentLog, limits }) }
  }

  it('makes the probability of its fault of a single score', async () => {
    const { runtime } = guarded((row) => [row[0] ?? 0], true)
    await runtime.start()
    expect([...(await runtime.run(Float32Array.of(0.25, 1), 2))]).toEqual([0.75, 0.25, 0, 1])
  })

  it.each([Number.NaN, -0.5, 1.5])('refuses the score %s', async (score) => {
    const { runtime } = guarded(() => [score, 0])
    await runtime.start()
    await expect(runtime.run(Float32Array.of(0), 1)).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
  })

  it('leaves a model alone that fails twice, for longer each time, and tries it again', async () => {
    let isBroken = true
    let asked = 0
    const { runtime, clock } = guarded(() => {
      asked++
      return isBroken ? [Number.NaN, 0] : [1, 0]
    })
    await runtime.start()
    const run = () => runtime.run(Float32Array.of(0), 1)
    await expect(run()).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
    await expect(run()).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
    await expect(run()).rejects.toMatchObject({ code: 'MDL_MODEL_PAUSED', retryable: false })
    expect(asked).toBe(2)
    clock.advance(limits.modelPauseMs)
    await expect(run()).rejects.toMatchObject({ code: 'MDL_MODEL_INVALID' })
    clock.advance(limits.modelPauseMs)
    await expect(run()).rejects.toMatchObject({ code: 'MDL_MODEL_PAUSED' })
    clock.advance(limits.modelPauseMs)
    isBroken = false
    expect(await run()).toHaveLength(2)
    expect(runtime.isPaused()).toBe(false)
  })
})
