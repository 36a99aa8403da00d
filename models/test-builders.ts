/** Builders for the tests of the models: a small type with a recipe, readings by column, windows by feature, an artefact in memory. */
import { type ApplianceType, type Channel, type FeatureDefinition, readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import type { Unit } from '#kernel/units.ts'
import type { Artefact, Card } from './artefact.ts'
import type { Reference } from './reference.ts'
import type { ClosedWindow } from './windows.ts'

const text = (en: string) => ({ en, 'zh-CN': en })
export const MIN = 60_000
export const HOUR = 60 * MIN

const channel = (name: string, unit: Unit, isAggregated = false): Channel => ({
  name,
  kind: 'number',
  unit,
  min: -50,
  max: 6000,
  step: 0.1,
  isAggregated,
  isSafety: false,
  description: text(name),
})
const feature = (name: string, unit: Unit, role: FeatureDefinition['role'], derive: FeatureDefinition['derive']): FeatureDefinition => ({
  name,
  unit,
  role,
  derive,
  description: text(name),
})
const fault = (code: string, feature: string, direction: 1 | -1): ApplianceType['faults'][number] => ({
  code,
  name: text(`fault ${code}`),
  safetyClass: 'E3',
  customerSees: text(''),
  signs: [
    { feature, direction, text: text(`${feature} moves`) },
    { feature: 'idle_offset_k', direction: 0, text: text('sensors agree when off') },
  ],
  sources: ['EJ'],
  parts: [
    { part: `P-${code}`, quantity: 1, probability: 0.8 },
    { part: 'P-COMMON', quantity: 2, probability: 0.5 },
  ],
  skills: ['BAS'],
  questions: [
    { rivals: [], text: text(`general question of ${code}`) },
    { rivals: ['K-01', 'K-02'].filter((rival) => rival !== code), text: text(`question of ${code} against its rival`) },
  ],
  steps: [],
  life: undefined,
  foundBy: ['model'],
})

export const pump: ApplianceType = {
  id: 'pump',
  version: '1.0.0',
  name: text('pump'),
  channels: [channel('speed_hz', 'hz'), channel('power_w', 'w', true), channel('inlet_c', 'c'), channel('outlet_c', 'c'), channel('ambient_c', 'c')],
  faults: [fault('K-01', 'lift_k', 1), fault('K-02', 'power_w', 1)],
  parts: [{ part: 'P-K-01', name: text('seal') }],
  steps: [],
  rules: [],
  recipe: {
    version: 1,
    windowMs: HOUR,
    allowedLatenessMs: 10 * MIN,
    running: { channel: 'speed_hz', above: 1 },
    idleSettleMs: 10 * MIN,
    runningReadings_MIN: 5,
    settleMs: 5 * MIN,
    steady: [{ channel: 'speed_hz', standardDeviation_MAX: 5 }],
    features: [
      feature('ambient_c', 'c', 'driving', { mean: 'ambient_c' }),
      feature('lift_k', 'k', 'response', { difference: ['outlet_c', 'inlet_c'] }),
      feature('power_w', 'w', 'response', { mean: 'power_w' }),
      feature('power_peak_w', 'w', 'raw', { maximum: 'power_w' }),
      feature('power_deviation_w', 'w', 'raw', { standardDeviation: 'power_w' }),
      feature('power_per_speed_ratio', 'ratio', 'raw', { ratio: ['power_w', 'speed_hz'] }),
      feature('running_ratio', 'ratio', 'raw', { shareAbove: ['speed_hz', 1] }),
      feature('idle_offset_k', 'k', 'raw', { idleDifference: ['inlet_c', 'ambient_c'] }),
    ],
  },
}

const layout = readingLayout(pump)
export const features = pump.recipe?.features ?? []
export const types = (id: string): ApplianceType | undefined => (id === 'pump' ? pump : undefined)

/** A reading at `minute` of device time with the named columns. */
export function aReading(minute: number, values: Readonly<Record<string, number>>, more: Partial<Reading> = {}): Reading {
  const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
  for (const [column, value] of Object.entries(values)) numbers[layout.indexOf.get(column) ?? -1] = value
  const atMs = epochMs(minute * MIN)
  return {
    tenant: 'home',
    device: 'd1',
    type: 'pump',
    boot: 1,
    seq: minute,
    observed_at_ms: atMs,
    received_at_ms: atMs,
    hist: false,
    fw: '1.0',
    numbers,
    texts: [],
    ...more,
  }
}

/** A diagnosable window number `index` (hours) with the named features. */
export function aWindow(index: number, values: Readonly<Record<string, number>>, more: Partial<ClosedWindow> = {}): ClosedWindow {
  return {
    tenant: 'home',
    device: 'd1',
    type: 'pump',
    firmware: '1.0',
    recipe_version: 1,
    from_ms: index * HOUR,
    to_ms: (index + 1) * HOUR,
    received_at_ms: (index + 1) * HOUR,
    readings: 60,
    running: 60,
    settled: 55,
    isDiagnosable: true,
    features: Float64Array.from(features, ({ name }) => values[name] ?? Number.NaN),
    ...more,
  }
}

/** Reference of constants: lift 10 K, power 500 W, ratio 0.5 and offset 0 K, each with spread 1, whatever the ambient is. */
export const reference: Reference = {
  schema: 1,
  recipe_version: 1,
  drivers: [{ feature: 'ambient_c', mean: 20, deviation: 5, min: 0, max: 40 }],
  terms: [[0]],
  responses: [
    { feature: 'lift_k', coefficients: [10], spread: 1 },
    { feature: 'power_w', coefficients: [500], spread: 1 },
    { feature: 'running_ratio', coefficients: [0.5], spread: 1 },
    { feature: 'idle_offset_k', coefficients: [0], spread: 1 },
  ],
}

const file = { bytes: 1, sha256: '0'.repeat(64) }

export const card: Card = {
  schema: 1,
  type: 'pump',
  version: 'test-1',
  catalogue_version: '1.0.0',
  recipe_version: 1,
  algorithm: 'test',
  input_name: 'features',
  output_name: 'probabilities',
  inputs: ['lift_k', 'power_w'],
  classes: ['no_fault', 'K-01', 'K-02'],
  model: file,
  reference: file,
  parity: file,
  smoothing: { windows: 3, age_ms: 48 * HOUR },
  calibration: { temperature: 1 },
  decision: { threshold: 0.6, alert_budget_per_1000_unit_weeks: 5, unknown_distance: 6 },
  data: {},
  scores: {},
  limits: [],
}

export const artefact: Artefact = { card, reference, parity: { tolerance: 1e-4, rows: [], probabilities: [] }, model: new Uint8Array() }
