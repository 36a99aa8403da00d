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
  /** Air where an appliance stands indoors; an air conditioner computes its own room. */
  readonly indoorC: number
  readonly indoorHumidityPct: number
  readonly windMS: number
  /** Static pressure at the stop cock. */
  readonly waterPressureKpa: number
  readonly waterInletC: number
  /** Hardness of the region's water in mmol/L (1 mmol/L = 5.6 dH). */
  readonly waterHardnessMmolL: number
  /** Pressure at the appliance's gas cock before its own draw. */
  readonly gasPressureKpa: number
  readonly use: Use
}

/** What the household does with an appliance during a step; what does not concern a type is ignored by its plant. */
export interface Use {
  /** Seconds of the step during which a door stands open. */
  readonly freshDoorOpenS: number
  readonly freezerDoorOpenS: number
  /** Warm food put in. */
  readonly foodKg: number
  /** Share of the vents that furniture or things before them block, 0..1. */
  readonly ventsBlockedShare: number
  /** A wash that is started in this step. */
  readonly wash?: { readonly loadKg: number; readonly unbalance: number; readonly programC: number; readonly detergentShare: number }
  /** Hot water that the taps would take at normal pressure, L/min; 0 = closed. */
  readonly drawLMin: number
}

export const NO_USE: Use = { freshDoorOpenS: 0, freezerDoorOpenS: 0, foodKg: 0, ventsBlockedShare: 0, drawLMin: 0 }

/** Surroundings of which nothing departs from the ordinary, for tests and for what a simulator does not model. */
export const ORDINARY: Surroundings = {
  outdoorC: 20,
  outdoorHumidityGKg: 8,
  solarWM2: 0,
  mainsV: 230,
  isWanted: false,
  setPointC: 24,
  windowIsOpen: false,
  people: 2,
  indoorC: 23,
  indoorHumidityPct: 50,
  windMS: 2,
  waterPressureKpa: 300,
  waterInletC: 15,
  waterHardnessMmolL: 1.5,
  gasPressureKpa: 2,
  use: NO_USE,
}

/** Something that a device tells between two periodic readings: the end of a phase, an ignition, a start. */
export interface PlantEvent {
  /** Time after the begin of the step. */
  readonly offsetMs: number
  /** Values by channel name; channels that are absent are not in the reading. */
  readonly values: Readonly<Record<string, number>>
  readonly texts?: Readonly<Record<string, string>>
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
  /** What the device told during the last step besides its periodic reading, in order of time. */
  readonly events?: readonly PlantEvent[]
  /** What wears a unit besides its age: uses (washes, draws, starts) and hours of running since it is new. */
  readonly life?: { readonly cycles: number; readonly hours: number }
}

/** How households use the appliances of a type, for what the simulators give in `Surroundings`. */
export interface PlantHabits {
  /** Range from which a household takes its usual set-point. */
  readonly setPointC: readonly [low: number, high: number]
  /** Wanted at all hours; otherwise in the hours in which people are in the room. */
  readonly isAlwaysOn: boolean
  /** What the plant reads of `Use`; the rest stays as in `NO_USE`. */
  readonly uses: ReadonlyArray<'doors' | 'wash' | 'draws'>
}

export interface PlantModel {
  /** Fault codes that the plant can show. */
  readonly faults: readonly string[]
  /** Standard deviation of each channel's sensor noise, in the channel's unit, by channel name; absent = no noise. */
  readonly noise: Readonly<Record<string, number>>
  /** Absent = used as an air conditioner is: in the hours in which people are in the room, at 22.5 to 26.5 °C. */
  readonly habits?: PlantHabits
  /** Builds one unit; `random` gives its spread of parameters and the variants of its faults. */
  create(random: Random): Plant
  /** Builds one unit as the maker that `maker` draws would; absent = its physics are those of `create`. */
  createOfMaker?(random: Random, maker: Random): Plant
}
