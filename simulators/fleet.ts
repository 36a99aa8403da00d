/**
 * A street of simulated appliances with known faults. Units are plants of the catalogue in the weather and supplies of their place, used
 * by their households; sensors have offset, noise and steps. The fleet gives readings or wire payloads and the truth beside them.
 * Everything follows from the seed; it reads no clock and knows nothing of the platform.
 */
import { assert } from '#kernel/errors.ts'
import type { ConfuserSpan } from './confusers.ts'
import { type FaultTruth, grow, severityAt } from './fleet-faults.ts'
import type { FleetOptions } from './fleet-options.ts'
import type { FleetReading } from './fleet-reading.ts'
import { createUnits, type Unit, type UnitFacts } from './fleet-units.ts'
import { DARK_V } from './surroundings.ts'

export type { FirmwareUpdate, FleetOptions } from './fleet-options.ts'

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
  /** Where each unit stands and what it is, in the order of `devices`. */
  readonly units: readonly UnitFacts[]
  /** Device time that the fleet has reached. */
  nowMs(): number
  setSamplePeriod(periodMs: number): void
  /** Readings up to and including `untilMs`: each unit's in order of time, all in order of time but for events, which come with the step that they fell in. */
  readings(untilMs: number): Generator<FleetReading>
  /** The same as payloads; what is left in a batch at the end is given too. */
  step(untilMs: number): Generator<FleetMessage>
  truth(): readonly FaultTruth[]
  /** What occurs until `untilMs` (now when not given) that looks like a fault and is none. */
  confusions(untilMs?: number): ConfuserSpan[]
  /** Ends a fault of a unit at `atMs`; false when the unit does not have it then. */
  repair(device: string, fault: string, atMs: number): boolean
}

/** Severities are read off at the end of each step, or this long after they were last, whichever is later. */
const SEVERITY_STEP_MS = 600_000
/** A fault that three of a hundred repairs of the refrigerant circuit bring (domain catalogue 6.1). */
const REPAIR_FAULT = 'AC-09'
const REPAIR_FAULT_SHARE = 0.03
/** The fault of a module that sends nothing. */
const SILENCE_FAULT = 'XX-03'

/** Builds the fleet; the cost is about 0.2 ms a unit. */
export function createFleet(options: FleetOptions): Fleet {
  assert(options.samplePeriodMs >= 1_000 && options.samplePeriodMs <= 600_000, 'sample period of 1 s to 10 min')
  const units = createUnits(options)
  const byDevice = new Map(units.map((unit) => [unit.facts.device, unit]))
  const updated = applyUpdate(options, units)
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
      if (!advance(unit, timeMs, periodMs)) continue
      for (const event of unit.plant.events ?? []) {
        const atMs = timeMs - periodMs + Math.min(periodMs - 1, Math.max(0, Math.floor(event.offsetMs)))
        yield updated(unit, toReading(unit, atMs, unit.sensors.readEvent(unit.plant, event), event.texts ?? new Map()))
      }
      if (saysSomething(unit)) yield updated(unit, toReading(unit, timeMs, unit.sensors.read(unit.plant), unit.plant.texts))
    }
  }

  return {
    devices: units.map(({ facts }) => facts.device).sort(),
    units: units.map(({ facts }) => facts).sort((a, b) => (a.device < b.device ? -1 : 1)),
    nowMs: () => tickMs,
    setSamplePeriod(period) {
      assert(period >= 1_000 && period <= 600_000, 'sample period of 1 s to 10 min')
      periodMs = period
    },
    readings,
    step: (untilMs) => inPayloads(readings(untilMs), options, byDevice),
    truth: () => units.flatMap((unit) => unit.faults),
    confusions: (untilMs = tickMs) => spansOf(units, options.startMs, untilMs),
    repair(device, fault, atMs) {
      const unit = byDevice.get(device)
      const found = unit?.faults.find((truth) => truth.fault === fault && truth.repaired_ms === undefined && truth.onset_ms <= atMs)
      if (unit === undefined || found === undefined) return false
      found.repaired_ms = atMs
      unit.severitiesUntilMs = 0
      const mayFail = fault.startsWith('AC-') && fault !== REPAIR_FAULT && (options.faults ?? [REPAIR_FAULT]).includes(REPAIR_FAULT)
      if (mayFail && unit.repairs.chance(REPAIR_FAULT_SHARE)) {
        const growth = { type: options.type, device, growthScale: 1 }
        unit.faults.push(grow(unit.repairs, growth, { fault: REPAIR_FAULT, onsetMs: atMs, cause: 'repair' }))
      }
      return true
    },
  }
}

/** Moves one unit on by a period; false while its mains are out or its module is silent. */
function advance(unit: Unit, timeMs: number, periodMs: number): boolean {
  const around = unit.around(timeMs, periodMs)
  if (timeMs >= unit.severitiesUntilMs) readSeverities(unit, timeMs)
  unit.plant.advance(periodMs, around, unit.severities)
  if (around.mainsV < DARK_V) {
    unit.isDark = true
    return false
  }
  if (unit.isDark) {
    unit.isDark = false
    unit.boot += 1
    unit.seq = 0
  }
  return (unit.severities.get(SILENCE_FAULT) ?? 0) === 0
}

function readSeverities(unit: Unit, timeMs: number): void {
  const { severities } = unit
  unit.severitiesUntilMs = timeMs + SEVERITY_STEP_MS
  severities.clear()
  for (const [fault, severity] of unit.dirt) severities.set(fault, severity)
  for (const truth of unit.faults) {
    const severity = severityAt(truth, timeMs)
    if (severity > 0) severities.set(truth.fault, Math.max(severity, severities.get(truth.fault) ?? 0))
  }
}

/** A plant without anything to say leaves all its values out. */
function saysSomething({ plant: { values } }: Unit): boolean {
  for (let index = 0; index < values.length; index++) if (!Number.isNaN(values[index])) return true
  return false
}

function toReading(unit: Unit, atMs: number, values: Float64Array, texts: FleetReading['texts'] | Readonly<Record<string, string>>): FleetReading {
  const { device, fw } = unit.facts
  const named = texts instanceof Map ? texts : new Map(Object.entries(texts))
  return { device, boot: unit.boot, seq: unit.seq++, observed_at_ms: atMs, fw, values, texts: named }
}

function* inPayloads(readings: Iterable<FleetReading>, options: FleetOptions, units: ReadonlyMap<string, Unit>): Generator<FleetMessage> {
  const perPayload = options.readingsPerPayload ?? 1
  const batches = new Map<string, { texts: string[]; atMs: number }>()
  const message = (device: string, { texts, atMs }: { texts: string[]; atMs: number }): FleetMessage => ({
    tenant: options.tenant,
    device,
    atMs,
    readings: texts.length,
    payload: perPayload === 1 ? (texts[0] ?? '') : `[${texts.join(',')}]`,
  })
  for (const reading of readings) {
    const unit = units.get(reading.device)
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

/** Makes the function that sends a reading as the firmware of its time does; values that leave the channel's range are left as they are. */
function applyUpdate({ type }: FleetOptions, units: readonly Unit[]): (unit: Unit, reading: FleetReading) => FleetReading {
  const update = units.find((unit) => unit.update !== undefined)?.update
  if (update === undefined) return (_unit, reading) => reading
  const { atMs, fw, rescale } = update
  const place = type.channels.findIndex(({ name }) => name === rescale?.channel)
  assert(rescale === undefined || place >= 0, 'the update rescales a channel of the type')
  return (unit, reading) => {
    if (unit.update === undefined || reading.observed_at_ms < atMs) return reading
    if (rescale !== undefined) reading.values[place] = (reading.values[place] ?? Number.NaN) * rescale.factor + rescale.offset
    return { ...reading, fw }
  }
}

/** Confusers of all cities, areas, households and units of the fleet, in order of time. */
function spansOf(units: readonly Unit[], fromMs: number, toMs: number): ConfuserSpan[] {
  const whole = { scope: 'device' as const, from_ms: fromMs, to_ms: toMs }
  const own = units.flatMap(({ facts, dirt, update, habits }): ConfuserSpan[] => {
    const soiled = dirt.map(([fault, size]): ConfuserSpan => ({ ...whole, confuser: 'dirt', name: facts.device, size, unit: `severity of ${fault}` }))
    const rescale = update?.rescale
    if (update === undefined || rescale === undefined || update.atMs >= toMs) return [...soiled, ...habits.spans(fromMs, toMs)]
    const rescaled: ConfuserSpan = {
      ...whole,
      confuser: 'firmware_rescale',
      name: facts.device,
      from_ms: update.atMs,
      size: rescale.factor,
      unit: rescale.channel,
    }
    return [...soiled, rescaled, ...habits.spans(fromMs, toMs)]
  })
  const weathers = [...new Set(units.map(({ weather }) => weather))].flatMap((weather) => weather.spans(fromMs, toMs))
  const supplies = [...new Set(units.map((unit) => unit.supplies))].flatMap((area) => area.spans(fromMs, toMs))
  return [...weathers, ...supplies, ...own].sort((a, b) => a.from_ms - b.from_ms)
}
