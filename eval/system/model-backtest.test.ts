/** A day that a model diagnosed live is backtested: the same version tells the same diagnoses, another one is asked with its own artefact. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { epochMs, systemClock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import { decodeMessage } from '../../ingest/decode.ts'
import { createGapTracker } from '../../ingest/gaps.ts'
import { createLatestValues } from '../../ingest/latest.ts'
import { createSqliteDerived } from '../../ingest/stores/sqlite-derived.ts'
import { type Artefact, loadArtefacts } from '../../models/artefact.ts'
import { createDiagnoser } from '../../models/diagnose.ts'
import { createOnnxRuntime } from '../../models/runtimes/onnx-runtime.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { createFleet } from '../../simulators/fleet.ts'
import { deriveAll } from '../../workers/derivation.ts'
import { EventTime } from '../../workers/event-time.ts'
import { closingMs, createModelFold, hashDiagnoses } from '../../workers/model-backtest.ts'
import { storedWindows } from '../../workers/stored-windows.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 6, 10)
const DAYS = 24
const SPAN = { from_ms: START + 8 * DAY, to_ms: START + 20 * DAY }
const types = (id: string) => (id === airConditioner.id ? airConditioner : undefined)

describe('backtest of a model', { timeout: 120_000 }, () => {
  const derived = createSqliteDerived({ file: ':memory:' })
  const byDevice = new Map<string, Reading[]>()
  const live: Diagnosis[] = []
  let artefact: Artefact
  let runtime: ReturnType<typeof createOnnxRuntime>

  beforeAll(async () => {
    const found = (await loadArtefacts(types)).get(airConditioner.id)
    if (found === undefined) throw new Error('the air conditioner has an artefact')
    artefact = found
    const { input_name, output_name, inputs, classes } = artefact.card
    const contract = { inputName: input_name, outputName: output_name, featureCount: inputs.length, classCount: classes.length }
    runtime = createOnnxRuntime({ model: artefact.model, contract, clock: systemClock, log: silentLog, limits })
    await runtime.start()
    await derived.start()
    const options = { type: airConditioner, units: 12, seed: 'tried', startMs: START, faultShare: 1, samplePeriodMs: 300_000, tenant: 'home' }
    const diagnoser = createDiagnoser({ types, artefacts: new Map([[artefact.card.type, artefact]]), runtime: () => runtime, log: silentLog, limits })
    const truth = new EventTime<ClosedWindow>({
      ...{ derivation: deriveAll(types), gaps: createGapTracker(limits), latest: createLatestValues({ types }), derived, limits },
      history: async function* () {},
    })
    for (const { device, atMs, payload } of createFleet(options).step(START + DAYS * DAY - 1)) {
      const message = { tenant: 'home', device, type: airConditioner.id, kind: 'tele' as const, payload: Buffer.from(payload), maxAgeDays: 30 }
      const { readings } = decodeMessage({ ...message, received_at_ms: epochMs(atMs + 300) }, airConditioner, limits)
      for (const reading of readings) {
        byDevice.set(device, [...(byDevice.get(device) ?? []), reading])
        truth.take(reading)
      }
      truth.advance(atMs + 300)
      live.push(...(await diagnoser.diagnose(truth.drain().windows)))
    }
    await truth.commit()
  }, 120_000)
  afterAll(async () => {
    await runtime.stop()
    await derived.stop()
  })

  async function backtest(model: Artefact): Promise<readonly Diagnosis[]> {
    const fold = createModelFold({ type: airConditioner, artefact: model, runtime, span: SPAN, past: storedWindows(derived), log: silentLog, limits })
    const units = [...byDevice.keys()].map((device) => ({ tenant: 'home', device, type: airConditioner.id }))
    for (const unit of units) {
      const found = await derived.checkpoint({ ...unit, at_ms: SPAN.from_ms })
      fold.begin(unit, found?.state)
      for (const reading of byDevice.get(unit.device) ?? []) {
        if (reading.observed_at_ms >= (found?.at_ms ?? 0) && reading.observed_at_ms < SPAN.to_ms + closingMs(airConditioner)) fold.take(reading)
      }
    }
    return fold.diagnose(units)
  }

  it('tells what was told live in the span', async () => {
    const ofSpan = live.filter(({ made_at_ms }) => made_at_ms >= SPAN.from_ms && made_at_ms < SPAN.to_ms)
    expect(ofSpan.length).toBeGreaterThan(0)
    expect(ofSpan.length).toBeLessThan(live.length)
    const tried = await backtest(artefact)
    expect(tried.map(({ diagnosis_id }) => diagnosis_id).sort()).toEqual(ofSpan.map(({ diagnosis_id }) => diagnosis_id).sort())
    expect(hashDiagnoses(tried)).toBe(hashDiagnoses(ofSpan))
  })

  it('tells something else with another version', async () => {
    const { card } = artefact
    const calmer = { ...artefact, card: { ...card, version: 'calmer', decision: { ...card.decision, threshold: 1.01 } } }
    const tried = await backtest(calmer)
    expect(tried.filter(({ answer }) => answer === 'fault')).toEqual([])
    expect(tried.every(({ versions }) => versions.model === 'calmer')).toBe(true)
  })
})
