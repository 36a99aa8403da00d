/**
 * The plant: what a type's physics offer to simulators and eval. It is advanced in steps under given surroundings and fault severities
 * and says what its sensors would say before noise. Only `physics*.ts`, `physics-registry.ts`, simulators and eval may import it.
 */
import type { Random } from '#kernel/random.ts'

/** What happens around an appliance during a step. */
export interface Surroundings {
  readonly outdoorC: number
  /** Humidity of the outdoor air in g/kg dry air. */
  readonly outdoorHumidityGKg: number
  readonly solarWM2: number
  readonly mainsV: number
  /** The household wants the appliance to run. */
  readonly isWanted: boolean
  readonly setPointC: number
  readonly windowIsOpen: boolean
  readonly people: number
}

/** Severity 0 to 1 by fault code; a code that is absent is a fault that the unit does not have. */
export type Severities = ReadonlyMap<string, number>

export interface Plant {
  /** Moves the plant on by `stepMs` (1 s to 10 min). Deterministic: same calls, same values. */
  advance(stepMs: number, surroundings: Surroundings, severities: Severities): void
  /** One value a channel of the type, in the order of its channels; NaN = nothing to say. Booleans are 0 and 1. Reused by the next step. */
  readonly values: Float64Array
  /** 1 where the sensor of the channel is stuck and has no noise either. */
  readonly isStuck: Uint8Array
  /** Texts by channel name. */
  readonly texts: ReadonlyMap<string, string>
}

export interface PlantModel {
  /** Fault codes that the plant can show. */
  readonly faults: readonly string[]
  /** Standard deviation of each channel's sensor noise, in the channel's unit, by channel name; absent = no noise. */
  readonly noise: Readonly<Record<string, number>>
  /** Builds one unit; `random` gives its spread of parameters and the variants of its faults. */
  create(random: Random): Plant
}
