/**
 * What is really wrong with each unit, and what was done about it: which faults stand at an instant and how far they have grown, which
 * parts their repair needs, and when they ended. Nobody but the city and its measures sees it.
 */
import type { Random } from '#kernel/random.ts'
import { createRandom } from '#kernel/random.ts'
import { type FaultTruth, severityAt } from '../fleet-faults.ts'
import type { CityUnit } from './city-units.ts'

/** A fault of one unit with what is drawn about it. */
export interface CityFault {
  readonly device: string
  readonly code: string
  readonly truth: FaultTruth
  /** Parts without which it is not repaired. */
  readonly parts: readonly string[]
  readonly safetyClass: string
  readonly skills: readonly string[]
  endedMs: number | undefined
  endedBy: 'visit' | 'remote' | undefined
  /** When the household called about it first. */
  calledMs: number | undefined
}

/** From this severity on there is something to find. */
const TO_BE_FOUND = 0.1

export interface CityTruth {
  readonly faults: readonly CityFault[]
  readonly units: ReadonlyMap<string, CityUnit>
  of(device: string): readonly CityFault[]
  /** Faults that stand, worst first. */
  standing(device: string, atMs: number): CityFault[]
  severity(fault: CityFault, atMs: number): number
  /** Instant at which the fault, left alone, reaches a severity; undefined when it never does. */
  reaches(fault: CityFault, severity: number): number | undefined
  end(fault: CityFault, atMs: number, by: 'visit' | 'remote'): void
  /** Told of each fault that ended. */
  onEnd(listener: (fault: CityFault, atMs: number) => void): void
}

export function createCityTruth(seed: string, units: readonly CityUnit[]): CityTruth {
  const byDevice = new Map(
    units.map((unit) => [unit.facts.device, unit.faults.map((truth) => cityFault(createRandom(`${seed}/truth`), unit, truth))]),
  )
  const listeners: Array<(fault: CityFault, atMs: number) => void> = []
  const severity = (fault: CityFault, atMs: number): number =>
    fault.endedMs !== undefined && atMs >= fault.endedMs ? 0 : severityAt(fault.truth, atMs)
  return {
    faults: [...byDevice.values()].flat(),
    units: new Map(units.map((unit) => [unit.facts.device, unit])),
    of: (device) => byDevice.get(device) ?? [],
    standing: (device, atMs) =>
      (byDevice.get(device) ?? []).filter((fault) => severity(fault, atMs) >= TO_BE_FOUND).sort((a, b) => severity(b, atMs) - severity(a, atMs)),
    severity,
    reaches({ truth: { onset_ms, full_ms, severity_max } }, wanted) {
      return wanted > severity_max ? undefined : Math.ceil(onset_ms + ((full_ms - onset_ms) * wanted) / severity_max)
    },
    end(fault, atMs, by) {
      fault.endedMs = atMs
      fault.endedBy = by
      for (const listener of listeners) listener(fault, atMs)
    },
    onEnd: (listener) => void listeners.push(listener),
  }
}

function cityFault(random: Random, { facts: { device }, type }: CityUnit, truth: FaultTruth): CityFault {
  const known = type.faults.find(({ code }) => code === truth.fault)
  const draw = random.fork(`${device}/${truth.fault}`)
  return {
    device,
    code: truth.fault,
    truth,
    parts: (known?.parts ?? []).filter(({ probability }) => draw.chance(probability)).map(({ part }) => part),
    safetyClass: known?.safetyClass ?? 'E3',
    skills: known?.skills ?? [],
    endedMs: undefined,
    endedBy: undefined,
    calledMs: undefined,
  }
}
