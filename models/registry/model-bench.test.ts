import { describe, expect, it } from 'vitest'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { Artefact } from '../artefact.ts'
import type { ModelRuntime } from '../model-runtime.ts'
import { createMemoryRuntime } from '../runtimes/memory-runtime.ts'
import { artefact, aWindow, card, HOUR, pump, types } from '../test-builders.ts'
import { ModelBench } from './model-bench.ts'
import type { ModelSeats } from './model-book.ts'

/** A model that names K-01 when the lift is above `limit` spreads. */
const named = (version: string): Artefact => ({ ...artefact, card: { ...card, version } })
const above = (limit: number): ModelRuntime =>
  createMemoryRuntime({ featureCount: 2, classCount: 3, score: ([lift = 0]) => (lift > limit ? [0.05, 0.9, 0.05] : [0.9, 0.05, 0.05]) })
const hung: ModelRuntime = { start: async () => {}, stop: async () => {}, run: () => new Promise(() => {}) }
const broken: ModelRuntime = {
  start: async () => {},
  stop: async () => {},
  run: () => Promise.reject(new MendlineError('MDL_MODEL_INVALID', 'broken')),
}

async function aBench(models: Readonly<Record<string, ModelRuntime>> = {}) {
  const builtIn = above(100)
  await builtIn.start()
  const kept: Diagnosis[] = []
  const create = () =>
    new ModelBench({
      types,
      builtIn: new Map([['pump', named('program-1')]]),
      runtime: () => builtIn,
      async load({ version }) {
        const runtime = models[version]
        if (runtime === undefined) throw new MendlineError('MDL_MODEL_INVALID', 'its files are gone')
        return { artefact: named(version), runtime }
      },
      keepShadow: async (diagnoses) => void kept.push(...diagnoses),
      onDrift: () => {},
      log: silentLog,
      limits,
    })
  return { bench: create(), create, kept }
}

const seats = (more: Partial<ModelSeats>): ModelSeats[] => [{ tenant: 'home', type: 'pump', reigns: [], shadows: [], ...more }]
/** Windows number `from` to `to` (hours, received at their ends) with a lift of 5 spreads above normal. */
const lifted = (from: number, to: number, device = 'd1') =>
  Array.from({ length: to - from + 1 }, (_, index) =>
    aWindow(from + index, { ambient_c: 20, lift_k: 15, power_w: 500, running_ratio: 0.5, idle_offset_k: 0 }, { device }),
  )
const answers = (diagnoses: readonly Diagnosis[]) => diagnoses.map(({ versions, fault, answer }) => `${versions.model} ${fault ?? answer}`)

describe('ModelBench', () => {
  it('diagnoses by the model of the program until another reigns, and names the version', async () => {
    const { bench } = await aBench({ 'mine-1': above(3) })
    bench.replace(seats({ reigns: [{ from_ms: 4 * HOUR, version: 'mine-1' }] }))
    expect(answers(await bench.diagnose(lifted(0, 2)))).toEqual([])
    expect(answers(await bench.diagnose(lifted(3, 5)))).toEqual(['mine-1 K-01'])
  })

  it('goes by the time of receipt, so that a replay gives the same diagnoses', async () => {
    const reigns = [
      { from_ms: 4 * HOUR, version: 'mine-1' },
      { from_ms: 8 * HOUR, version: null },
    ]
    const live = await aBench({ 'mine-1': above(3) })
    live.bench.replace(seats({ reigns }))
    const inSteps = [...(await live.bench.diagnose(lifted(0, 3))), ...(await live.bench.diagnose(lifted(4, 9)))]
    const replay = await aBench({ 'mine-1': above(3) })
    replay.bench.replace(seats({ reigns }))
    const atOnce = await replay.bench.diagnose(lifted(0, 9))
    expect(atOnce.map(({ diagnosis_id }) => diagnosis_id)).toEqual(inSteps.map(({ diagnosis_id }) => diagnosis_id))
  })

  it('takes along what was told: the new model does not tell it again, and takes back what it does not see', async () => {
    const { bench } = await aBench({ 'mine-1': above(3), 'mine-2': above(4), 'mine-3': above(50) })
    const reigns = [{ from_ms: 0, version: 'mine-1' }]
    bench.replace(seats({ reigns }))
    expect(answers(await bench.diagnose(lifted(0, 3)))).toEqual(['mine-1 K-01'])
    bench.replace(seats({ reigns: [...reigns, { from_ms: 5 * HOUR, version: 'mine-2' }] }))
    expect(answers(await bench.diagnose(lifted(4, 7)))).toEqual([])
    bench.replace(seats({ reigns: [...reigns, { from_ms: 5 * HOUR, version: 'mine-2' }, { from_ms: 9 * HOUR, version: 'mine-3' }] }))
    expect(answers(await bench.diagnose(lifted(8, 11)))).toEqual(['mine-3 no_fault'])
  })

  it('lets a shadow see the same windows, keeps what it would have told, and tells nobody', async () => {
    const { bench, kept } = await aBench({ 'mine-1': above(3) })
    bench.replace(seats({ shadows: [{ from_ms: 0, version: 'mine-1' }] }))
    expect(await bench.diagnose(lifted(0, 3))).toEqual([])
    await bench.settled()
    expect(answers(kept)).toEqual(['mine-1 K-01'])
    expect(bench.comparison('home', 'pump', 'mine-1')).toMatchObject({ windows: 4, agreed: 1, units: 1, pairs: { 'no_fault -> K-01': 3 } })
  })

  it('does not show a shadow what was received before it began', async () => {
    const { bench } = await aBench({ 'mine-1': above(3) })
    bench.replace(seats({ shadows: [{ from_ms: 3 * HOUR, version: 'mine-1' }] }))
    await bench.diagnose(lifted(0, 3))
    await bench.settled()
    expect(bench.comparison('home', 'pump', 'mine-1')?.windows).toBe(2)
  })

  it('goes on with what a shadow learned when it is promoted', async () => {
    const { bench } = await aBench({ 'mine-1': above(3) })
    bench.replace(seats({ shadows: [{ from_ms: 0, version: 'mine-1' }] }))
    await bench.diagnose(lifted(0, 3))
    bench.replace(seats({ reigns: [{ from_ms: 5 * HOUR, version: 'mine-1' }] }))
    // What it would have told nobody heard; it is told with the first window.
    expect(answers(await bench.diagnose(lifted(4, 4)))).toEqual(['mine-1 K-01'])
  })

  it('goes on diagnosing while a shadow hangs', async () => {
    const { bench } = await aBench({ 'mine-1': hung, 'mine-2': above(3) })
    bench.replace(seats({ reigns: [{ from_ms: 0, version: 'mine-2' }], shadows: [{ from_ms: 0, version: 'mine-1' }] }))
    expect(answers(await bench.diagnose(lifted(0, 3)))).toEqual(['mine-2 K-01'])
    expect(answers(await bench.diagnose(lifted(0, 3, 'd2')))).toEqual(['mine-2 K-01'])
    expect(bench.comparison('home', 'pump', 'mine-1')).toMatchObject({ windows: 0, pending: 4 })
  })

  it('counts the windows that a shadow failed on and does not compare them', async () => {
    const { bench } = await aBench({ 'mine-1': broken })
    bench.replace(seats({ shadows: [{ from_ms: 0, version: 'mine-1' }] }))
    await bench.diagnose(lifted(0, 3))
    await bench.settled()
    expect(bench.comparison('home', 'pump', 'mine-1')).toMatchObject({ windows: 0, failed: 4 })
  })

  it('compares nothing with windows that the live model failed on, and counts them', async () => {
    const { bench } = await aBench({ 'mine-1': broken, 'mine-2': above(3) })
    bench.replace(seats({ reigns: [{ from_ms: 2 * HOUR, version: 'mine-1' }], shadows: [{ from_ms: 0, version: 'mine-2' }] }))
    await bench.diagnose(lifted(0, 3))
    await bench.settled()
    expect(bench.comparison('home', 'pump', 'mine-2')).toMatchObject({ windows: 1, failed: 0, live_failed: 3 })
    expect(bench.statistics().windowsSetAside).toBe(3)
  })

  it('leaves the windows of a model that cannot be loaded without diagnosis, and those of another tenant alone', async () => {
    const { bench } = await aBench({ 'mine-2': above(3) })
    bench.replace([
      ...seats({ reigns: [{ from_ms: 0, version: 'gone' }] }),
      { tenant: 'other', type: 'pump', reigns: [{ from_ms: 0, version: 'mine-2' }], shadows: [] },
    ])
    const others = lifted(0, 3).map((window) => ({ ...window, tenant: 'other' }))
    expect(answers(await bench.diagnose([...lifted(0, 3), ...others]))).toEqual(['mine-2 K-01'])
    expect(bench.statistics().windowsWithoutModel).toBe(4)
  })

  it('goes on exactly where a snapshot was taken', async () => {
    const models = { 'mine-1': above(3), 'mine-2': above(4) }
    const book = seats({ reigns: [{ from_ms: 0, version: 'mine-1' }], shadows: [{ from_ms: 0, version: 'mine-2' }] })
    const { bench, create } = await aBench(models)
    bench.replace(book)
    await bench.diagnose(lifted(0, 1))
    await bench.settled()
    const again = create()
    again.replace(book)
    again.restore(structuredClone(bench.snapshot()))
    expect(answers(await again.diagnose(lifted(2, 4)))).toEqual(answers(await bench.diagnose(lifted(2, 4))))
    await again.settled()
    await bench.settled()
    expect(again.comparison('home', 'pump', 'mine-2')).toEqual(bench.comparison('home', 'pump', 'mine-2'))
  })

  it('takes the state that a version without a registry wrote', async () => {
    const { bench } = await aBench()
    expect(() => bench.restore({ version: 1, devices: [] })).not.toThrow()
    expect(pump.id).toBe('pump')
  })
})
