import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { Artefact } from './artefact.ts'
import { createDiagnoser, type DiagnoserOptions } from './diagnose.ts'
import type { ModelRuntime } from './model-runtime.ts'
import { createMemoryRuntime } from './runtimes/memory-runtime.ts'
import { artefact, aWindow, types } from './test-builders.ts'
import type { ClosedWindow } from './windows.ts'

/** A model that believes in K-01 by the z-score of lift and in K-02 by that of power. */
const score = (row: Float32Array): number[] => {
  const powers = [Math.exp(2), Math.exp(Math.min(row[0] ?? 0, 8)), Math.exp(Math.min(row[1] ?? 0, 8))]
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
const memory = createMemoryRuntime({ featureCount: 2, classCount: 3, score })
await memory.start()

const aDiagnoser = (runtime: ModelRuntime = memory, artefacts: ReadonlyMap<string, Artefact> = new Map([['pump', artefact]])) =>
  createDiagnoser({ types, artefacts, runtime: () => runtime, log: silentLog, limits })

const normal = { ambient_c: 20, lift_k: 10, power_w: 500, running_ratio: 0.5, idle_offset_k: 0 }
const leaking = { ...normal, lift_k: 14 }
const worse = { ...normal, lift_k: 18 }
const series = (from: number, ...values: Array<Record<string, number>>): ClosedWindow[] => values.map((value, index) => aWindow(from + index, value))

describe('diagnoser', () => {
  it('names a fault when two windows agree, with evidence, rivals, question, parts and versions', async () => {
    const diagnoser = aDiagnoser()
    expect(await diagnoser.diagnose(series(0, leaking))).toEqual([])
    const [diagnosis, ...more] = await diagnoser.diagnose(series(1, leaking))
    expect(more).toEqual([])
    expect(diagnosis).toMatchObject({
      answer: 'fault',
      fault: 'K-01',
      fault_name: 'fault K-01',
      safety_class: 'E3',
      window_from_ms: 0,
      evidence_for: [
        { feature: 'lift_k', text: 'lift_k moves', observed: 14, expected: 10, unit: 'k', z_score: 4 },
        { feature: 'idle_offset_k', text: 'sensors agree when off', z_score: 0 },
      ],
      evidence_against: [],
      rivals: [{ fault: 'no_fault' }],
      next_question: 'general question of K-01',
      skills: ['BAS'],
      versions: { model: 'test-1', catalogue: '1.0.0', schema: 1, firmware: '1.0', rule: null },
    })
    expect(diagnosis?.probability).toBeCloseTo(Math.exp(4) / (Math.exp(4) + Math.exp(2) + 1), 3)
    expect(diagnosis?.parts[0]).toMatchObject({ part: 'P-K-01', name: 'seal', quantity: 1 })
    expect(diagnosis?.parts.find(({ part }) => part === 'P-COMMON')).toMatchObject({ quantity: 2, probability: 0.5 })
  })

  it('tells a fault again when it passes a probability at which somebody acts, also by data that came late', async () => {
    const decidedAt = (type: ApplianceType, code: string) => (type.id === 'pump' && code === 'K-01' ? [0.75] : [])
    const slight = { ...normal, lift_k: 13.2 }
    const surer = { ...normal, lift_k: 13.7 }
    const make = (given: Partial<DiagnoserOptions>) =>
      createDiagnoser({ types, artefacts: new Map([['pump', artefact]]), runtime: () => memory, log: silentLog, limits, ...given })
    const run = async (given: Partial<DiagnoserOptions>) =>
      (await make(given).diagnose(series(0, ...Array(4).fill(slight), ...Array(6).fill(surer)))).map(({ fault, probability }) => [
        fault,
        probability >= 0.75,
      ])
    expect(await run({})).toEqual([['K-01', false]])
    expect(await run({ decidedAt })).toEqual([
      ['K-01', false],
      ['K-01', true],
    ])
    const early = series(0, ...Array(4).fill(slight))
    const late = series(2, ...Array(2).fill({ ...normal, lift_k: 13.9 }))
    const history = async function* () {
      yield* early.slice(0, 2)
    }
    const amended = async (given: Partial<DiagnoserOptions>) => {
      const diagnoser = make({ history, ...given })
      await diagnoser.diagnose(early)
      return (await diagnoser.amend(late)).map(({ probability }) => probability >= 0.75)
    }
    expect(await amended({})).toEqual([])
    expect(await amended({ decidedAt })).toEqual([true])
  })

  it('tells a fault again when it has become clearly stronger or another one, not per window', async () => {
    const diagnoses = await aDiagnoser().diagnose(series(0, ...Array(6).fill(leaking), ...Array(6).fill(worse), ...Array(6).fill(normal)))
    expect(diagnoses.map(({ answer, made_at_ms, probability }) => [answer, made_at_ms / 3_600_000, probability >= 0.97])).toEqual([
      ['fault', 2, false],
      ['fault', 8, true],
      ['fault', 9, true],
      ['no_fault', 16, false],
    ])
  })

  it('says nothing of a unit that is well, and nothing after one odd window', async () => {
    expect(await aDiagnoser().diagnose(series(0, ...Array(20).fill(normal)))).toEqual([])
    expect(await aDiagnoser().diagnose(series(0, normal, normal, { ...normal, lift_k: 13.5 }, normal, normal, normal))).toEqual([])
  })

  it('asks the question that parts the fault from its strongest rival', async () => {
    const both = { ...normal, lift_k: 15, power_w: 504 }
    const [diagnosis] = await aDiagnoser().diagnose(series(0, both, both))
    expect(diagnosis?.rivals[0]).toMatchObject({ fault: 'K-02' })
    expect(diagnosis?.next_question).toBe('question of K-01 against its rival')
    expect(diagnosis?.parts.map(({ part }) => part)).toContain('P-K-02')
  })

  it('says unknown fault when the unit is far from normal and no class explains it', async () => {
    const odd = { ...normal, idle_offset_k: 24, lift_k: 12.4, power_w: 502.4 }
    const [diagnosis] = await aDiagnoser().diagnose(series(0, odd, odd))
    expect(diagnosis).toMatchObject({ answer: 'unknown_fault', fault: null, safety_class: 'E3', next_question: null })
    expect(diagnosis?.evidence_for[0]).toMatchObject({ feature: 'idle_offset_k', z_score: 24 })
  })

  it('says once that a running unit has not enough data', async () => {
    const windows = Array.from({ length: 40 }, (_, index) => aWindow(index, normal, { isDiagnosable: false }))
    const diagnoses = await aDiagnoser().diagnose(windows)
    expect(diagnoses.map(({ answer }) => answer)).toEqual(['not_enough_data'])
    const idle = windows.map((window) => ({ ...window, running: 0 }))
    expect(await aDiagnoser().diagnose(idle)).toEqual([])
  })

  it('has nothing to say of a type without artefact', async () => {
    expect(await aDiagnoser(memory, new Map()).diagnose(series(0, worse, worse))).toEqual([])
  })

  it('tries a batch again, then sets it aside and goes on', async () => {
    let failures = 3
    const flaky: ModelRuntime = {
      ...memory,
      run: async (rows, count) => {
        if (failures-- > 0) throw new MendlineError('MDL_MODEL_TIMEOUT', 'hung', { retryable: true })
        return memory.run(rows, count)
      },
    }
    const diagnoser = aDiagnoser(flaky)
    expect(await diagnoser.diagnose(series(0, worse))).toEqual([])
    expect(diagnoser.statistics()).toMatchObject({ setAside: 1, judged: 0 })
    expect(await diagnoser.diagnose(series(1, worse, worse))).toHaveLength(1)
  })

  it('gives the same diagnoses wherever the run is split by a snapshot', async () => {
    const value = fc.constantFrom(normal, leaking, worse, { ...normal, power_w: 505 }, { ...normal, idle_offset_k: Number.NaN })
    const step = fc.record({ device: fc.constantFrom('d1', 'd2', 'd3'), value, isDiagnosable: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(60), async (steps, at) => {
        const windows = steps.map(({ device, value: values, isDiagnosable }, index) => aWindow(index, values, { device, isDiagnosable }))
        const [first, second] = [aDiagnoser(), aDiagnoser()]
        const expected = await aDiagnoser().diagnose(windows)
        const told = await first.diagnose(windows.slice(0, at))
        second.restore(JSON.parse(JSON.stringify(first.snapshot())))
        told.push(...(await second.diagnose(windows.slice(at))))
        expect(told).toEqual(expected)
      }),
      { numRuns: 100 },
    )
  })

  describe('amend', () => {
    const told = (...values: Array<Record<string, number>>) => series(0, ...values)
    const withHistory = (stored: readonly ClosedWindow[]) =>
      createDiagnoser({
        types,
        artefacts: new Map([['pump', artefact]]),
        runtime: () => memory,
        log: silentLog,
        limits,
        history: async function* ({ until_ms }) {
          yield* stored.filter(({ to_ms }) => to_ms <= until_ms)
        },
      })
    /** State without what only a record could tell. */
    const stateOf = (diagnoser: ReturnType<typeof aDiagnoser>) => diagnoser.snapshot()

    it('comes to the state of a run in which the late data had come in time', async () => {
      const early = told(normal, normal, normal, leaking, leaking, leaking)
      const late = [...early.slice(0, 2), ...series(2, leaking, leaking, leaking, leaking)]
      const inOrder = withHistory(late)
      await inOrder.diagnose(late)
      const amended = withHistory(late)
      await amended.diagnose(early)
      await amended.amend(late.slice(2))
      expect(stateOf(amended)).toEqual(stateOf(inOrder))
    })

    it('takes what was made anew twice as the later time made it', async () => {
      const early = told(normal, normal, normal, normal, normal)
      const once = [...early.slice(0, 2), ...series(2, leaking, normal, normal)]
      const twice = [...early.slice(0, 2), ...series(2, leaking, leaking, leaking)]
      const inOrder = withHistory(twice)
      await inOrder.diagnose(twice)
      const amended = withHistory(twice)
      await amended.diagnose(early)
      await amended.amend([...once.slice(2), ...twice.slice(3)])
      expect(stateOf(amended)).toEqual(stateOf(inOrder))
    })

    it('tells nobody while the same answer stands', async () => {
      const windows = told(normal, leaking, leaking, leaking)
      const diagnoser = withHistory(windows)
      await diagnoser.diagnose(windows)
      expect(await diagnoser.amend(windows.slice(2))).toEqual([])
    })

    it('takes back a fault that the whole data never showed, and tells one that only it shows', async () => {
      const sound = told(normal, normal, normal, normal)
      const ill = told(normal, leaking, leaking, leaking)
      const first = withHistory(sound)
      await first.diagnose(ill)
      expect(await first.amend(sound.slice(1))).toMatchObject([{ answer: 'no_fault', fault: null }])
      const second = withHistory(ill)
      await second.diagnose(sound)
      expect(await second.amend(ill.slice(1))).toMatchObject([{ answer: 'fault', fault: 'K-01' }])
    })

    it('counts a window once that waited while late data made it anew', async () => {
      const windows = told(normal, leaking, leaking, leaking)
      const diagnoser = withHistory(windows)
      await diagnoser.amend(windows)
      const before = JSON.stringify(stateOf(diagnoser))
      expect(await diagnoser.diagnose(windows.slice(2))).toEqual([])
      expect(JSON.stringify(stateOf(diagnoser))).toBe(before)
    })

    it('takes history that follows on what is known without reading the store', async () => {
      const windows = told(normal, leaking, leaking, leaking)
      const diagnoser = createDiagnoser({
        types,
        artefacts: new Map([['pump', artefact]]),
        runtime: () => memory,
        log: silentLog,
        limits,
        history: () => {
          throw new Error('read')
        },
      })
      await diagnoser.diagnose(windows.slice(0, 2))
      expect(await diagnoser.amend(windows.slice(2))).toMatchObject([{ fault: 'K-01' }])
    })
  })
})
