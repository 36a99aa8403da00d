/**
 * What the platform tells of the units of a city while it lives: diagnoses of the committed models over the windows of each unit, and alarms
 * of the catalogue's rules. A repair that holds takes the unit over to the stream without that fault; a bad or phantom one leaves it where
 * it is. Sound units beyond the sample tell what a unit of the sample tells.
 */
import type { Alarm } from '#kernel/alarm.ts'
import { systemClock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { decidedAt } from '../../hubs/hub-policy.ts'
import { type Artefact, loadArtefacts } from '../../models/artefact.ts'
import { createDiagnoser } from '../../models/diagnose.ts'
import { residualsOf } from '../../models/evidence.ts'
import type { ModelRuntime } from '../../models/model-runtime.ts'
import { createOnnxRuntime } from '../../models/runtimes/onnx-runtime.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import type { CityFault } from '../../simulators/city/city-truth.ts'
import { type CityPlan, type CityUnit, cityTypes, QUARTER_START_MS } from '../../simulators/city/city-units.ts'
import { keyOfJob, type Stream, streamsOf } from './stream-files.ts'
import { jobsOfCity } from './streams.ts'

/** What is told of one unit from an instant on, in order of time. */
export interface Told {
  readonly atMs: number
  readonly event: HubEvent
}

export interface Signals {
  /** All that would be told of a unit in the quarter if nobody did anything. */
  untouched(unit: CityUnit, isAlarmsOnly?: boolean): Promise<readonly Told[]>
  /** What is told after faults ended: windows from each end on are those of the unit without that fault. */
  after(unit: CityUnit, ended: readonly CityFault[]): Promise<readonly Told[]>
  /** Of that the alarms alone, which need no model. */
  alarmsAfter(unit: CityUnit, ended: readonly CityFault[]): readonly Told[]
  /** Residuals of each window after faults ended, as the pipeline measures them of a unit whose repair is watched. */
  measured(unit: CityUnit, ended: readonly CityFault[]): Promise<readonly Told[]>
  stop(): Promise<void>
}

export interface SignalOptions {
  readonly plan: CityPlan
  readonly units: readonly CityUnit[]
  readonly threads?: number
}

/** Simulates what is not in the cache, and starts the models. */
export async function createSignals({ plan, units, threads = 2 }: SignalOptions): Promise<Signals> {
  const streams = await streamsOf(plan, jobsOfCity(units), threads)
  const models = await startModels()
  const sample = soundSample(units, streams)
  const kept = new Map<string, Promise<readonly Told[]>>()
  const streamOf = (unit: CityUnit, codes: readonly string[]): Stream | undefined =>
    streams.get(keyOfJob({ type: unit.type.id, home: unit.home, kept: codes }))

  const after = async (unit: CityUnit, ended: readonly CityFault[]): Promise<readonly Told[]> => {
    const { windows, alarms } = splice(unit, ended, streamOf)
    const artefact = models.artefacts.get(unit.type.id)
    if (artefact === undefined) return alarms
    const diagnoser = createDiagnoser({
      types: () => unit.type,
      artefacts: models.artefacts,
      runtime: (type) => models.runtimes.get(type),
      log: silentLog,
      limits,
      decidedAt,
    })
    const told = (await diagnoser.diagnose(windows)).map(toldDiagnosis)
    return [...told, ...alarms].sort((a, b) => a.atMs - b.atMs)
  }
  const alarmsAfter = (unit: CityUnit, ended: readonly CityFault[]) => splice(unit, ended, streamOf).alarms.sort((a, b) => a.atMs - b.atMs)
  const untouched = (unit: CityUnit, isAlarmsOnly = false): Promise<readonly Told[]> => {
    const own = unit.faults.length > 0 || streamOf(unit, []) !== undefined ? unit : undefined
    const model = own ?? sample(unit)
    if (model === undefined) return Promise.resolve([])
    const known = isAlarmsOnly ? Promise.resolve(alarmsAfter(model, [])) : (kept.get(model.facts.device) ?? after(model, []))
    if (!isAlarmsOnly) kept.set(model.facts.device, known)
    return own === undefined ? known.then((told) => told.map((one) => renamed(one, unit))) : known
  }
  const measured = async (unit: CityUnit, ended: readonly CityFault[]): Promise<readonly Told[]> => {
    const isOwn = unit.faults.length > 0 || streamOf(unit, []) !== undefined
    const model = isOwn ? unit : sample(unit)
    if (model === undefined) return []
    const told = await measure(model, splice(model, ended, streamOf).windows, models)
    return isOwn ? told : told.map((one) => renamed(one, unit))
  }
  return { untouched, after, alarmsAfter, measured, stop: models.stop }
}

/** The same judge with a memory of one window, so that its mean is that window. */
async function measure(unit: CityUnit, windows: readonly ClosedWindow[], { artefacts, runtimes }: Models): Promise<Told[]> {
  const artefact = artefacts.get(unit.type.id)
  if (artefact === undefined) return []
  const single = { ...artefact, card: { ...artefact.card, smoothing: { ...artefact.card.smoothing, windows: 1 } } }
  const told: Told[] = []
  const diagnoser = createDiagnoser({
    ...{
      types: () => unit.type,
      artefacts: new Map([[unit.type.id, single]]),
      runtime: (type: string) => runtimes.get(type),
      log: silentLog,
      limits,
    },
    onJudged(judged) {
      for (const { window, mean, judge } of judged) {
        const { tenant, device, type, from_ms, to_ms } = window
        const residuals = residualsOf(mean, judge.features)
        const measured = { tenant, device, type, window_from_ms: from_ms, window_to_ms: to_ms, residuals }
        told.push({ atMs: to_ms, event: { kind: 'residuals_measured', key: `residuals/${device}/${to_ms}`, window: measured } })
      }
    },
  })
  await diagnoser.judge(windows)
  return told
}

const toldDiagnosis = (diagnosis: Diagnosis): Told => ({
  atMs: diagnosis.made_at_ms,
  event: { kind: 'diagnosis_made', key: diagnosis.diagnosis_id, diagnosis },
})

/** Windows and alarms of a unit whose faults end one after the other. */
function splice(
  unit: CityUnit,
  ended: readonly CityFault[],
  streamOf: (unit: CityUnit, codes: readonly string[]) => Stream | undefined,
): { windows: ClosedWindow[]; alarms: Told[] } {
  const ends = ended.map(({ code, endedMs = 0 }) => ({ code, atMs: endedMs })).sort((a, b) => a.atMs - b.atMs)
  const all = unit.faults.map(({ fault }) => fault)
  const windows: ClosedWindow[] = []
  const alarms: Told[] = []
  let fromMs = Number.NEGATIVE_INFINITY
  for (let index = 0; index <= ends.length; index++) {
    const gone = new Set(ends.slice(0, index).map(({ code }) => code))
    const untilMs = ends[index]?.atMs ?? Number.POSITIVE_INFINITY
    const stream = streamOf(
      unit,
      all.filter((code) => !gone.has(code)),
    )
    for (const window of stream?.windows ?? []) if (window.from_ms >= fromMs && window.to_ms <= untilMs) windows.push(window)
    const open = new Map<string, Alarm>()
    for (const event of stream?.alarms ?? []) {
      if (!('alarm' in event)) continue
      const atMs = event.kind === 'alarm_cleared' ? (event.alarm.cleared_at_ms ?? event.alarm.raised_at_ms) : event.alarm.raised_at_ms
      if (event.alarm.raised_at_ms < fromMs || atMs >= untilMs) continue
      alarms.push({ atMs, event })
      if (event.kind === 'alarm_cleared') open.delete(event.alarm.alarm_id)
      else open.set(event.alarm.alarm_id, event.alarm)
    }
    // What stood when the fault ended ceases with it.
    if (Number.isFinite(untilMs)) {
      for (const alarm of open.values()) {
        alarms.push({
          atMs: untilMs,
          event: { kind: 'alarm_cleared', key: `${alarm.alarm_id}/cleared`, alarm: { ...alarm, cleared_at_ms: untilMs } },
        })
      }
    }
    fromMs = untilMs
  }
  return { windows, alarms: alarms.filter(({ atMs }) => atMs >= QUARTER_START_MS) }
}

/** Chooses for each sound unit beyond the sample one of its type, in turn. */
function soundSample(units: readonly CityUnit[], streams: ReadonlyMap<string, Stream>): (unit: CityUnit) => CityUnit | undefined {
  const byType = new Map<string, CityUnit[]>()
  for (const unit of units) {
    if (unit.faults.length > 0 || !streams.has(keyOfJob({ type: unit.type.id, home: unit.home, kept: [] }))) continue
    byType.set(unit.type.id, [...(byType.get(unit.type.id) ?? []), unit])
  }
  return (unit) => {
    const known = byType.get(unit.type.id) ?? []
    return known[unit.home % Math.max(1, known.length)]
  }
}

/** The same of another unit; ids get the name of it. */
export function renamed({ atMs, event }: Told, { facts: { device } }: CityUnit): Told {
  const key = `${event.key}/${device}`
  if (event.kind === 'diagnosis_made') {
    return { atMs, event: { ...event, key, diagnosis: { ...event.diagnosis, device, diagnosis_id: `${event.diagnosis.diagnosis_id}-${device}` } } }
  }
  if (event.kind === 'residuals_measured') return { atMs, event: { ...event, key, window: { ...event.window, device } } }
  return 'alarm' in event
    ? { atMs, event: { ...event, key, alarm: { ...event.alarm, device, alarm_id: `${event.alarm.alarm_id}-${device}` } } }
    : { atMs, event }
}

interface Models {
  readonly artefacts: ReadonlyMap<string, Artefact>
  readonly runtimes: ReadonlyMap<string, ModelRuntime>
  stop(): Promise<void>
}

async function startModels(): Promise<Models> {
  const types = cityTypes()
  const artefacts = await loadArtefacts((id) => types.find((type) => type.id === id))
  const runtimes = new Map<string, ModelRuntime>()
  for (const [id, { card, model }] of artefacts) {
    const contract = { inputName: card.input_name, outputName: card.output_name, featureCount: card.inputs.length, classCount: card.classes.length }
    const runtime = createOnnxRuntime({ model, contract, clock: systemClock, log: silentLog, limits })
    await runtime.start()
    runtimes.set(id, runtime)
  }
  return {
    artefacts,
    runtimes,
    async stop() {
      for (const runtime of runtimes.values()) await runtime.stop()
    },
  }
}
