/**
 * Labelled windows from simulated fleets, for training and evaluation. Readings of the fleet go through the very windows and features
 * that serve; the truth beside them gives the labels. Units of one fleet belong to one split, so no unit is in two.
 */
import { type ApplianceType, readingLayout } from '#catalogue/appliance-type.ts'
import { plantModels } from '#catalogue/physics-registry.ts'
import type { PlantModel } from '#catalogue/plant.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { NO_FAULT } from '../../models/artefact.ts'
import { type ClosedWindow, createWindows } from '../../models/windows.ts'
import type { Confuser } from '../../simulators/confusers.ts'
import { createFleet } from '../../simulators/fleet.ts'
import type { FaultTruth } from '../../simulators/fleet-faults.ts'
import { severityAt } from '../../simulators/fleet-faults.ts'
import type { City } from '../../simulators/weather.ts'
import { foreignCities, foreignPlants, mixedPlants } from './foreign-plant.ts'
import { widenPlants } from './widened-plant.ts'

export const DAY_MS = 86_400_000

export interface FleetPlan {
  readonly seed: string
  readonly units: number
  readonly days: number
  readonly startMs: number
  readonly faultShare: number
  readonly faults?: readonly string[]
  /** What looks like a fault and is none; that of ordinary life when not given. */
  readonly confusers?: readonly Confuser[]
  readonly confuserRate?: number
  /** Multiplies how far units of the plant differ from each other; 1 when not given. */
  readonly spread?: number
  /** Multiplies the time that faults take to grow; faults of training grow faster than in life, so that weeks show what takes months. */
  readonly growthScale?: number
  /** Another maker of the machines (`foreign-plant.ts`), by name; that of the catalogue's physics when not given. */
  readonly maker?: string
  /** Each unit is of a maker of its own instead, with physics of its own; `maker` then names their climates and the noise of their sensors. */
  readonly isMixed?: boolean
  /** Share of the days over which onsets are spread, so that most units are seen without fault first and some are not. */
  readonly onsetShare?: number
}

/** Whose units a fleet has and where they stand; those of training when not given. */
export interface FleetWorld {
  readonly plants?: ReadonlyMap<string, PlantModel>
  readonly cities?: readonly City[]
}

/** One unit of a fleet with its windows in order of time and its truth. */
export interface LabelledUnit {
  readonly seed: string
  readonly device: string
  readonly windows: readonly ClosedWindow[]
  readonly truths: readonly FaultTruth[]
  readonly weeks: number
}

/** A fault counts as present from this severity, and a unit as without fault below the other; in between nobody could say. */
export const PRESENT_SEVERITY = 0.25
export const ABSENT_SEVERITY = 0.05

const GROWTH_SCALE = 0.6
const ONSET_SHARE = 0.6
/** Runs of a fridge are short. */
const samplePeriodOf = (type: ApplianceType): number => (type.id === 'fridge' ? 300_000 : 600_000)

/** Simulates a fleet and gives its units with their windows. Costs about 10 us a reading. */
export function simulateUnits(type: ApplianceType, plan: FleetPlan, world: FleetWorld = {}): LabelledUnit[] {
  const fleet = createFleet({
    type,
    units: plan.units,
    seed: plan.seed,
    startMs: plan.startMs,
    faultShare: plan.faultShare,
    samplePeriodMs: samplePeriodOf(type),
    tenant: 'home',
    growthScale: plan.growthScale ?? GROWTH_SCALE,
    onsetSpanMs: plan.days * DAY_MS * (plan.onsetShare ?? ONSET_SHARE),
    ...(plan.faults !== undefined && { faults: plan.faults }),
    ...(plan.confusers !== undefined && { confusers: plan.confusers }),
    ...(plan.confuserRate !== undefined && { confuserRate: plan.confuserRate }),
    ...world,
    ...plantsOf(type, plan, world),
  })
  const windows = createWindows({ types: () => type })
  const toReading = readingMaker(type)
  const byDevice = new Map<string, ClosedWindow[]>(fleet.devices.map((device) => [device, []]))
  const keep = (closed: readonly ClosedWindow[]): void => {
    for (const window of closed) byDevice.get(window.device)?.push(window)
  }
  for (const reading of fleet.readings(plan.startMs + plan.days * DAY_MS)) keep(windows.observe(toReading(reading)))
  keep(windows.closeAll())
  const truths = fleet.truth()
  return fleet.devices.map((device) => ({
    seed: plan.seed,
    device,
    windows: byDevice.get(device) ?? [],
    truths: truths.filter((truth) => truth.device === device),
    weeks: plan.days / 7,
  }))
}

function plantsOf(type: ApplianceType, { spread, maker, isMixed = false }: FleetPlan, world: FleetWorld): FleetWorld {
  if (spread === undefined && maker === undefined) return {}
  const plants = world.plants ?? plantModels
  const widened = spread === undefined ? plants : widenPlants(plants, spread)
  if (maker === undefined) return { plants: widened }
  const foreign = isMixed ? mixedPlants : foreignPlants
  return { plants: foreign(widened, type, maker), cities: world.cities ?? foreignCities(maker) }
}

/** Turns fleet readings into readings of the pipeline: values in channel order become the columns of the layout. */
function readingMaker(
  type: ApplianceType,
): (reading: { device: string; boot: number; seq: number; observed_at_ms: number; fw: string; values: Float64Array }) => Reading {
  const layout = readingLayout(type)
  const columns = type.channels.map((channel) => layout.indexOf.get(channel.name) ?? -1)
  return ({ device, boot, seq, observed_at_ms, fw, values }) => {
    const numbers = new Float64Array(layout.columns.length).fill(Number.NaN)
    columns.forEach((column, index) => {
      if (column >= 0) numbers[column] = values[index] ?? Number.NaN
    })
    const atMs = epochMs(observed_at_ms)
    return { tenant: 'home', device, type: type.id, boot, seq, observed_at_ms: atMs, received_at_ms: atMs, hist: false, fw, numbers, texts: [] }
  }
}

/** Class of the unit at an instant: the strongest present fault, `no_fault`, or undefined where it cannot be said. */
export function labelAt(truths: readonly FaultTruth[], atMs: number, classes: readonly string[]): string | undefined {
  const severities = truths.map((truth) => ({ fault: truth.fault, severity: severityAt(truth, atMs) })).sort((a, b) => b.severity - a.severity)
  const [worst] = severities
  if (worst === undefined || worst.severity < ABSENT_SEVERITY) return NO_FAULT
  return worst.severity >= PRESENT_SEVERITY && classes.includes(worst.fault) ? worst.fault : undefined
}

/** Faults that the unit has at an instant, down to the severity from which they count as present. */
export const faultsAt = (truths: readonly FaultTruth[], atMs: number): string[] =>
  truths.filter((truth) => severityAt(truth, atMs) >= PRESENT_SEVERITY).map(({ fault }) => fault)
