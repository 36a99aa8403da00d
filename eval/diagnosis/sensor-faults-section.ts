/**
 * Faults of sensors told from faults of the machine: units of the second plant whose sensor sticks beside units whose machine wears, both
 * through the platform's own pipeline with its quality checks, rules and diagnosis. Beside it the classifier alone, which has no class for
 * a sensor and must take what it says for the machine's state.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { classesOf } from '../../models/training/training-set.ts'
import { createFleet } from '../../simulators/fleet.ts'
import type { FaultTruth } from '../../simulators/fleet-faults.ts'
import { type EvalRow, type EvalSection, overSeeds } from '../evaluation/table.ts'
import { SECOND_CITIES, SECOND_SEEDS } from '../second-plant/evaluation.ts'
import { secondPlantModels } from '../second-plant/registry.ts'
import { type Delivery, runPipeline } from './pipeline-run.ts'
import { type JudgedType, withModel } from './section.ts'

const SENSOR_FAULT = 'XX-02'
const MIN_MS = 60_000
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2025, 6, 1)
/** Onsets lie in the first part of the days, so that each has days left in which it can be told. */
const ONSET_SHARE = 0.6
const FAULT_SHARE = 0.7

export interface SensorFaultSize {
  readonly units: number
  readonly days: number
  readonly seeds: readonly string[]
}

/** Shares of the units of one fleet; NaN where no unit has what is asked. */
export interface SensorFaultShares {
  /** Units with a sticking sensor that were told so, and told a fault of the machine. */
  readonly sensorAsSensor: number
  readonly sensorAsMachine: number
  /** Units with a fault of the machine alone that were told a sensor's. */
  readonly machineAsSensor: number
}

/** The table over the types. */
export const sensorFaultsSection = (types: readonly ApplianceType[]): EvalSection => ({
  id: 'sensor-faults',
  async run({ isQuick }) {
    const size = isQuick ? { units: 6, days: 14, seeds: SECOND_SEEDS.slice(0, 1) } : { units: 30, days: 28, seeds: SECOND_SEEDS }
    const rows: EvalRow[] = []
    for (const type of types) {
      const made = await withModel(type, (model) => rowsOf(model, size))
      if (typeof made === 'string') return made
      rows.push(...made)
    }
    return [
      {
        id: 'sensor-faults',
        title: 'Faults of sensors told from faults of the machine',
        data: 'simulated',
        command: 'npm run eval -- --only sensor-faults',
        rows,
        notes: [
          `A fleet of ${size.units} units over ${size.days} days with sticking sensors and one with faults of the machine, for each seed and type, readings each 10 minutes; shares of the units that have the fault. A unit that was told both counts in both rows.`,
          'The classifier alone has no class for a sensor: it never tells one. Sensors stick at once; faults of the machine grow in 0.4 of the time that they take in life.',
          "Looked at twice: the first time showed a rule of the washing machine that took a thermostat for a stuck sensor where readings are ten minutes apart; the rule was changed by what it says of the catalogue's own plant.",
        ],
      },
    ]
  },
})

async function rowsOf(model: JudgedType, size: SensorFaultSize): Promise<EvalRow[]> {
  const shares: SensorFaultShares[] = []
  for (const seed of size.seeds) shares.push(await sharesOf(model, seed, size))
  const row = (measure: string, pick: (one: SensorFaultShares) => number): EvalRow => ({
    measure: `${model.type.name.en}: ${measure}`,
    ...overSeeds(shares.map(pick)),
  })
  return [
    row('sticking sensor told as such', ({ sensorAsSensor }) => sensorAsSensor),
    row('sticking sensor told as a fault of the machine', ({ sensorAsMachine }) => sensorAsMachine),
    row("fault of the machine told as a sensor's", ({ machineAsSensor }) => machineAsSensor),
  ]
}

/** Runs the two fleets of one seed. */
export async function sharesOf(model: JudgedType, seed: string, size: Pick<SensorFaultSize, 'units' | 'days'>): Promise<SensorFaultShares> {
  const stuck = await toldOf(model, { ...size, seed: `${seed}-stuck`, faults: [SENSOR_FAULT] })
  const worn = await toldOf(model, { ...size, seed, faults: classesOf(model.type).slice(1) })
  const share = (units: readonly ToldUnit[], has: (told: ReadonlySet<string>) => boolean): number =>
    units.filter(({ told }) => has(told)).length / units.length
  const isSensor = (told: ReadonlySet<string>): boolean => told.has(SENSOR_FAULT)
  const isMachine = (told: ReadonlySet<string>): boolean => [...told].some((fault) => fault !== SENSOR_FAULT)
  return { sensorAsSensor: share(stuck, isSensor), sensorAsMachine: share(stuck, isMachine), machineAsSensor: share(worn, isSensor) }
}

interface ToldUnit {
  readonly device: string
  /** Faults that alarms and diagnoses named from the onset on. */
  readonly told: ReadonlySet<string>
}

interface FleetPlan extends Pick<SensorFaultSize, 'units' | 'days'> {
  readonly seed: string
  readonly faults: readonly string[]
}

/** Units with a fault and what they were told. */
async function toldOf(model: JudgedType, { seed, units, days, faults }: FleetPlan): Promise<ToldUnit[]> {
  const endMs = START_MS + days * DAY_MS
  const fleet = createFleet({
    type: model.type,
    units,
    seed,
    startMs: START_MS,
    faultShare: FAULT_SHARE,
    faults,
    samplePeriodMs: 10 * MIN_MS,
    tenant: 'home',
    growthScale: 0.4,
    onsetSpanMs: ONSET_SHARE * days * DAY_MS,
    plants: secondPlantModels,
    cities: SECOND_CITIES,
  })
  const deliveries = [...fleet.step(endMs - 1)].map(({ device, atMs, payload }): Delivery => ({ device, payload, receivedMs: atMs + 300 }))
  const { told } = await runPipeline(model, deliveries, endMs)
  const onsets = onsetsOf(fleet.truth())
  return [...onsets].map(([device, onsetMs]) => ({ device, told: new Set(told.flatMap((event) => faultsOf(event, device, onsetMs))) }))
}

function onsetsOf(truths: readonly FaultTruth[]): Map<string, number> {
  const onsets = new Map<string, number>()
  for (const { device, onset_ms } of truths) onsets.set(device, Math.min(onset_ms, onsets.get(device) ?? Number.POSITIVE_INFINITY))
  return onsets
}

/** The fault that an event names of a unit from its onset on. */
function faultsOf(event: HubEvent, device: string, onsetMs: number): string[] {
  if (event.kind === 'alarm_raised') {
    const { alarm } = event
    return alarm.device === device && alarm.raised_at_ms >= onsetMs && alarm.fault !== null ? [alarm.fault] : []
  }
  if (event.kind !== 'diagnosis_made') return []
  const { diagnosis } = event
  const isOfUnit = diagnosis.device === device && diagnosis.window_to_ms >= onsetMs
  return isOfUnit && diagnosis.answer === 'fault' && diagnosis.fault !== null ? [diagnosis.fault] : []
}
