/**
 * A street of simulated appliances with known faults. Units are plants of the catalogue in the weather of their city, used by their
 * households; sensors have offset, noise and steps. The fleet gives readings or wire payloads in time order and the truth beside them.
 * Everything follows from the seed; it reads no clock and knows nothing of the platform.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { plantModels } from '#catalogue/physics-registry.ts'
import { ORDINARY, type Plant } from '#catalogue/plant.ts'
import { assert } from '#kernel/errors.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import { drawFaults, type FaultTruth, severityAt } from './fleet-faults.ts'
import type { FleetReading } from './fleet-reading.ts'
import { createSensorSet, type SensorSet } from './fleet-sensors.ts'
import { createHabits, type Habits } from './habits.ts'
import { CITIES, type City, createWeather, type Weather } from './weather.ts'

const DAY_MS = 86_400_000

export interface FleetOptions {
  readonly type: ApplianceType
  readonly units: number
  readonly seed: string
  readonly startMs: number
  /** Share of the units that have a fault at some time, 0..1. */
  readonly faultShare: number
  readonly samplePeriodMs: number
  readonly tenant: string
  /** Readings gathered into one array payload; 1 = each its own object. */
  readonly readingsPerPayload?: number
  /** Onsets are spread over this span from the start; 21 days when not given. */
  readonly onsetSpanMs?: number
  /** Multiplies the time that faults take to grow; 1 when not given. */
  readonly growthScale?: number
  /** Faults to draw from; all that the plant can show when not given. */
  readonly faults?: readonly string[]
  /** Channels sent as {min, mean, max}. */
  readonly aggregated?: readonly string[]
  /** Climates of the units, drawn evenly; all of `CITIES` when not given. */
  readonly cities?: readonly City[]
  /** A firmware that all units get at a time, and what it does to a channel. */
  readonly update?: FirmwareUpdate
  /** First part of device ids; `<prefix>-0001` and so on. */
  readonly devicePrefix?: string
}

/** A firmware update; one that rescales sends value x factor + offset from then on, as when a maker changes a unit. */
export interface FirmwareUpdate {
  readonly atMs: number
  readonly fw: string
  readonly rescale?: { readonly channel: string; readonly factor: number; readonly offset: number }
}

export interface FleetMessage {
  readonly tenant: string
  readonly device: string
  /** Device time of the last reading inside. */
  readonly atMs: number
  readonly readings: number
  /** JSON of one reading, or of an array of them. */
  readonly payload: string
}

export interface Fleet {
  readonly devices: readonly string[]
  /** Device time that the fleet has reached. */
  nowMs(): number
  setSamplePeriod(periodMs: number): void
  /** Readings up to and including `untilMs`, in time order. */
  readings(untilMs: number): Generator<FleetReading>
  /** The same as payloads; what is left in a batch at the end is given too. */
  step(untilMs: number): Generator<FleetMessage>
  truth(): readonly FaultTruth[]
  /** Ends a fault of a unit at `atMs`; false when the unit does not have it then. */
  repair(device: string, fault: string, atMs: number): boolean
}

interface Unit {
  readonly device: string
  readonly plant: Plant
  readonly habits: Habits
  readonly weather: Weather
  readonly sensors: SensorSet
  readonly faults: FaultTruth[]
  /** Dirt within limits, which is no fault. */
  readonly dirt: ReadonlyArray<readonly [fault: string, severity: number]>
  /** Place of the unit within the sample period, 0..1. */
  readonly phase: number
  readonly fw: string
  boot: number
  seq: number
  isDark: boolean
}

/** Builds the fleet; the cost is about 0.1 ms a unit. */
export function createFleet(options: FleetOptions): Fleet {
  assert(options.samplePeriodMs >= 1_000 && options.samplePeriodMs <= 600_000, 'sample period of 1 s to 10 min')
  const units = createUnits(options)
  const byDevice = new Map(units.map((unit) => [unit.device, unit]))
  const perPayload = options.readingsPerPayload ?? 1
  const updated = applyUpdate(options)
  let periodMs = options.samplePeriodMs
  let tickMs = options.startMs
  let nextUnit = 0

  function* readings(untilMs: number): Generator<FleetReading> {
    for (;;) {
      const unit = units[nextUnit]
      if (unit === undefined) {
        nextUnit = 0
        tickMs += periodMs
        continue
      }
      const timeMs = tickMs + Math.floor(unit.phase * periodMs)
      if (timeMs > untilMs) return
      nextUnit += 1
      const reading = sample(unit, timeMs, periodMs)
      if (reading !== undefined) yield updated(reading)
    }
  }

  function* step(untilMs: number): Generator<FleetMessage> {
    const batches = new Map<string, { texts: string[]; atMs: number }>()
    const message = (device: string, batch: { texts: string[]; atMs: number }): FleetMessage => ({
      tenant: options.tenant,
      device,
      atMs: batch.atMs,
      readings: batch.texts.length,
      payload: perPayload === 1 ? (batch.texts[0] ?? '') : `[${batch.texts.join(',')}]`,
    })
    for (const reading of readings(untilMs)) {
      const unit = byDevice.get(reading.device)
      assert(unit !== undefined, 'a reading belongs to a unit')
      const batch = batches.get(reading.device) ?? { texts: [], atMs: 0 }
      batch.texts.push(unit.sensors.encode(reading))
      batch.atMs = reading.observed_at_ms
      if (batch.texts.length < perPayload) {
        batches.set(reading.device, batch)
        continue
      }
      batches.delete(reading.device)
      yield message(reading.device, batch)
    }
    for (const [device, batch] of batches) yield message(device, batch)
  }

  return {
    devices: units.map((unit) => unit.device).sort(),
    nowMs: () => tickMs,
    setSamplePeriod(period) {
      assert(period >= 1_000 && period <= 600_000, 'sample period of 1 s to 10 min')
      periodMs = period
    },
    readings,
    step,
    truth: () => units.flatMap((unit) => unit.faults),
    repair(device, fault, atMs) {
      const found = byDevice.get(device)?.faults.find((truth) => truth.fault === fault && truth.repaired_ms === undefined && truth.onset_ms <= atMs)
      if (found === undefined) return false
      found.repaired_ms = atMs
      return true
    },
  }
}

function createUnits(options: FleetOptions): Unit[] {
  const model = plantModels.get(options.type.id)
  assert(model !== undefined, `the type ${options.type.id} has a plant`)
  const cities = (options.cities ?? CITIES).map((city) => createWeather(city, options.seed))
  const units: Unit[] = []
  for (let index = 1; index <= options.units; index++) {
    const device = `${options.devicePrefix ?? 'ac'}-${String(index).padStart(4, '0')}`
    const random = createRandom(`${options.seed}/${device}`)
    const draw = random.fork('fleet')
    units.push({
      device,
      plant: model.create(random.fork('plant')),
      habits: createHabits(`${options.seed}/${device}`),
      weather: draw.pick(cities),
      sensors: createSensorSet(options.type, model.noise, random.fork('sensors'), options.aggregated ?? []),
      faults: draw.chance(options.faultShare) ? faultsOf(draw, device, options, model.faults) : [],
      dirt: [
        ['AC-02', draw.uniform() * 0.08],
        ['AC-03', draw.uniform() * 0.1],
      ],
      phase: draw.uniform(),
      fw: draw.pick(['2.4.1', '2.4.1', '2.5.0']),
      boot: 1,
      seq: 0,
      isDark: false,
    })
  }
  return units.sort((a, b) => a.phase - b.phase)
}

function faultsOf(random: Random, device: string, options: FleetOptions, all: readonly string[]): FaultTruth[] {
  return drawFaults(random, {
    device,
    faults: options.faults ?? all,
    startMs: options.startMs,
    onsetSpanMs: options.onsetSpanMs ?? 21 * DAY_MS,
    growthScale: options.growthScale ?? 1,
  })
}

/** Moves one unit on by a period and reads its sensors; undefined while its mains are out. */
function sample(unit: Unit, timeMs: number, periodMs: number): FleetReading | undefined {
  const weather = unit.weather.at(timeMs)
  const use = unit.habits.at(unit.weather.localDay(timeMs), unit.weather.localHour(timeMs))
  const isDark = weather.mainsV < 100
  const severities = new Map(unit.dirt)
  for (const truth of unit.faults) {
    const severity = severityAt(truth, timeMs)
    if (severity > 0) severities.set(truth.fault, Math.max(severity, severities.get(truth.fault) ?? 0))
  }
  unit.plant.advance(periodMs, { ...ORDINARY, ...weather, ...use, isWanted: use.isWanted && !isDark }, severities)
  if (isDark) {
    unit.isDark = true
    return undefined
  }
  if (unit.isDark) {
    unit.isDark = false
    unit.boot += 1
    unit.seq = 0
  }
  const values = unit.sensors.read(unit.plant)
  const reading = { device: unit.device, boot: unit.boot, seq: unit.seq, observed_at_ms: timeMs, fw: unit.fw, values, texts: unit.plant.texts }
  unit.seq += 1
  return reading
}

/** Makes the function that sends a reading as the firmware of its time does; values that leave the channel's range are left as they are. */
function applyUpdate({ type, update }: FleetOptions): (reading: FleetReading) => FleetReading {
  if (update === undefined) return (reading) => reading
  const { atMs, fw, rescale } = update
  const place = type.channels.findIndex(({ name }) => name === rescale?.channel)
  assert(rescale === undefined || place >= 0, 'the update rescales a channel of the type')
  return (reading) => {
    if (reading.observed_at_ms < atMs) return reading
    if (rescale !== undefined) reading.values[place] = (reading.values[place] ?? Number.NaN) * rescale.factor + rescale.offset
    return { ...reading, fw }
  }
}
