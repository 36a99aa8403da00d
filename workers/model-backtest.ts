/**
 * Tries a version of a model on stored days: windows are made anew from the stored readings by the folds of the pipeline, and go through a diagnoser
 * with the artefact, window by window of each unit, behind the windows that the unit had before the span. The same readings and model give
 * the diagnoses that were told live when nothing came late.
 */
import { deserialize } from 'node:v8'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import { createQuality } from '../ingest/quality/quality.ts'
import type { Artefact } from '../models/artefact.ts'
import { createDiagnoser } from '../models/diagnose.ts'
import type { ModelRuntime } from '../models/model-runtime.ts'
import { type ClosedWindow, createWindows } from '../models/windows.ts'
import type { BacktestSpan, BacktestUnit } from './backtest.ts'

export interface ModelFold {
  /** Begins a unit, from the state of a checkpoint where there is one. */
  begin(unit: BacktestUnit, checkpoint: Uint8Array | undefined): void
  take(reading: Reading): void
  /** Diagnoses of the span of these units, which were folded since the last call. */
  diagnose(units: readonly BacktestUnit[]): Promise<readonly Diagnosis[]>
  /** Windows that were judged or passed over, the ones before the span included. */
  windows(): number
}

interface ModelFoldParts {
  readonly type: ApplianceType
  readonly artefact: Artefact
  /** Started. */
  readonly runtime: ModelRuntime
  readonly span: BacktestSpan
  /** Windows of a unit that ended at or before a device time, oldest first. */
  readonly past: (query: BacktestUnit & { readonly until_ms: number }) => AsyncIterable<ClosedWindow>
  readonly log: Log
  readonly limits: Pick<Limits, 'inferenceBatch_MAX' | 'inferenceAttempts_MAX'>
}

/** How far behind the span a reading may lie that closes a window of it. */
export const closingMs = ({ recipe }: ApplianceType): number => (recipe === undefined ? 0 : recipe.windowMs + recipe.allowedLatenessMs)

export function createModelFold({ type, artefact, runtime, span, past, log, limits }: ModelFoldParts): ModelFold {
  const types = (id: string): ApplianceType | undefined => (id === type.id ? type : undefined)
  const quality = createQuality({ types })
  const windows = createWindows({ types })
  const folded = new Map<string, ClosedWindow[]>()
  let at: BacktestUnit | undefined
  let count = 0
  return {
    begin(unit, checkpoint) {
      if (at !== undefined) forget(at)
      at = unit
      folded.set(unit.device, [])
      const saved = checkpoint === undefined ? undefined : (deserialize(checkpoint) as { readonly fold: Readonly<Record<string, unknown>> }).fold
      quality.loadDevice(unit.tenant, unit.device, saved?.quality)
      windows.loadDevice(unit.tenant, unit.device, saved?.windows)
    },
    take(reading) {
      const { changes, trusted } = quality.observe(reading)
      const closed = windows.observe(trusted === reading.numbers ? reading : { ...reading, numbers: trusted }, changes)
      for (const window of closed) if (window.to_ms < span.to_ms) folded.get(reading.device)?.push(window)
    },
    async diagnose(units) {
      // One for each group: what a unit was is not needed again.
      const diagnoser = createDiagnoser({ types, artefacts: new Map([[type.id, artefact]]), runtime: () => runtime, log, limits })
      const told: Diagnosis[] = []
      const isOurs = ({ recipe_version }: ClosedWindow): boolean => recipe_version === artefact.card.recipe_version
      const lines = units.map((unit) => windowsOf(past({ ...unit, until_ms: span.from_ms }), folded.get(unit.device) ?? []))
      // One window of each unit at a time: an opinion that changes with a window must be known to the next.
      for (let open = lines; open.length > 0; ) {
        const steps = await Promise.all(open.map((line) => line.next()))
        const batch = steps.flatMap(({ value, done }) => (done === true || !isOurs(value) ? [] : [value]))
        count += batch.length
        for (const diagnosis of await diagnoser.diagnose(batch))
          if (diagnosis.made_at_ms >= span.from_ms && diagnosis.made_at_ms < span.to_ms) told.push(diagnosis)
        open = open.filter((_, index) => steps[index]?.done !== true)
      }
      folded.clear()
      return told
    },
    windows: () => count,
  }

  function forget({ tenant, device }: BacktestUnit): void {
    quality.loadDevice(tenant, device, undefined)
    windows.loadDevice(tenant, device, undefined)
  }
}

async function* windowsOf(past: AsyncIterable<ClosedWindow>, folded: readonly ClosedWindow[]): AsyncGenerator<ClosedWindow, void> {
  let lastMs = Number.NEGATIVE_INFINITY
  for await (const window of past) {
    lastMs = window.to_ms
    yield window
  }
  for (const window of folded) if (window.to_ms > lastMs) yield window
}

/** Hash of a set of diagnoses: unit, window, answer, fault and model, as their ids are made of them. */
export const hashDiagnoses = (diagnoses: ReadonlyArray<Pick<Diagnosis, 'diagnosis_id'>>): string =>
  contentId(
    'told',
    diagnoses
      .map(({ diagnosis_id }) => diagnosis_id)
      .sort()
      .join('\n'),
  )
