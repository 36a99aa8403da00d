import { describe, expect, it } from 'vitest'
import { airConditioner as type } from '#catalogue/air-conditioner/air-conditioner.ts'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type Artefact, loadArtefacts } from '../../models/artefact.ts'
import type { ModelRuntime } from '../../models/model-runtime.ts'
import { createMemoryRuntime } from '../../models/runtimes/memory-runtime.ts'
import { createOnnxRuntime } from '../../models/runtimes/onnx-runtime.ts'
import { ABSENT_SEVERITY, DAY_MS, labelAt, PRESENT_SEVERITY } from './dataset.ts'
import { scoreUnits } from './score.ts'
import { SPLITS, simulateSeeds } from './splits.ts'

const SEED = 'score-test'
/** A fleet is scored window by window; a test that is ended within onnxruntime takes the whole process with it. */
const SCORED_WITHIN_MS = 240_000
const units = await simulateSeeds(type, { seeds: [SEED], unitsPerFleet: 60, faultShare: 0.7 })

async function committed(): Promise<Artefact> {
  const artefact = (await loadArtefacts((id) => (id === type.id ? type : undefined))).get(type.id)
  if (artefact === undefined) throw new Error('there is a committed artefact')
  return artefact
}

async function scoreWith(runtime: ModelRuntime, artefact: Artefact) {
  await runtime.start()
  const scores = await scoreUnits(type, units, { artefact, runtime })
  await runtime.stop()
  return scores
}

describe('labels', () => {
  const truth = { device: 'a', fault: 'AC-01', onset_ms: 0, full_ms: 100 * DAY_MS, severity_max: 1, repaired_ms: undefined }
  it.each([
    ['no fault below the absent severity', ABSENT_SEVERITY - 0.01, 'no_fault'],
    ['nothing in between', (ABSENT_SEVERITY + PRESENT_SEVERITY) / 2, undefined],
    ['the fault from the present severity', PRESENT_SEVERITY + 0.01, 'AC-01'],
  ])('%s', (_, severity, expected) => {
    expect(labelAt([truth], severity * 100 * DAY_MS, ['no_fault', 'AC-01'])).toBe(expected)
  })

  it('cannot say of a fault that is no class', () => {
    expect(labelAt([truth], 90 * DAY_MS, ['no_fault', 'AC-02'])).toBeUndefined()
  })
})

describe(`scores on a fleet of seed ${SEED}`, { timeout: SCORED_WITHIN_MS }, () => {
  it('no fleet is in two splits, and this one is in none', () => {
    const seeds = Object.values(SPLITS).flatMap((split): readonly string[] => split.seeds)
    expect(new Set(seeds).size).toBe(seeds.length)
    expect(seeds).not.toContain(SEED)
  })

  it('the committed model is far above chance, and at chance against the labels of other units', async () => {
    const artefact = await committed()
    const { input_name, output_name, inputs, classes } = artefact.card
    const contract = { inputName: input_name, outputName: output_name, featureCount: inputs.length, classCount: classes.length }
    const scores = await scoreWith(createOnnxRuntime({ model: artefact.model, contract, clock: systemClock, log: silentLog, limits }), artefact)
    expect(scores.fault_top1).toBeGreaterThan(0.65)
    expect(scores.top2).toBeGreaterThan(scores.top1)
    expect(scores.shuffled_top1).toBeLessThan(0.25)
    expect(scores.told_right).toBeGreaterThan(0.6)
  })

  it('a model that always says the same is at chance', async () => {
    const artefact = await committed()
    const { inputs, classes } = artefact.card
    const score = (): number[] => classes.map((_, index) => (index === 1 ? 0.9 : 0.1 / (classes.length - 1)))
    const scores = await scoreWith(createMemoryRuntime({ featureCount: inputs.length, classCount: classes.length, score }), artefact)
    expect(scores.top1).toBeLessThan(0.2)
    expect(scores.false_alarms_per_1000_unit_weeks).toBeGreaterThan(100)
  })
})
