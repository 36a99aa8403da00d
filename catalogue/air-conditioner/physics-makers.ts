/**
 * Air conditioners as other makers build them: sizes, coils, valves, fans, controls and rooms apart from those of the catalogue's unit, and
 * faults that reach further or less far. Each draw is a unit that could be bought: the charge is found that gives the subcooling wanted at
 * the rating point, and all parts scale with the size. Ranges are chosen (engineering judgement), wide enough that what a model learns
 * from them rests on the physics rather than on one machine. The catalogue's own unit is `OWN_MAKE`.
 */
import type { Random } from '#kernel/random.ts'
import { type CircuitParameters, nominalCircuit } from './physics-balance.ts'
import { CircuitSolver } from './physics-circuit.ts'
import { type ControlLaw, OWN_CONTROL } from './physics-control.ts'
import { DESIGN_SIZES, type FaultSizes } from './physics-faults.ts'

/** Charge at which a nominal unit has 4 K of subcooling at 35/27 °C, 60 Hz and 9 K of superheat; kept true by physics.test.ts. */
export const NOMINAL_CHARGE_KG = 0.63
const SUPERHEAT_TARGET_K = 5

/** What a maker decides. */
export interface Make {
  /** Capacity against the catalogue's unit of 3.5 kW. */
  readonly size: number
  readonly circuit: CircuitParameters
  readonly superheatTargetK: number
  readonly control: ControlLaw
  readonly faults: FaultSizes
  /** Size of the room against that for which the unit is sold. */
  readonly room: number
  /** Sensors that may drift. */
  readonly drifting: readonly string[]
}

const DRIFTING = ['indoor_coil_temperature_c', 'indoor_coil_temperature_c', 'return_air_temperature_c', 'outdoor_coil_temperature_c']

export const OWN_MAKE: Make = {
  size: 1,
  circuit: { ...nominalCircuit, charge_kg: NOMINAL_CHARGE_KG },
  superheatTargetK: SUPERHEAT_TARGET_K,
  control: OWN_CONTROL,
  faults: DESIGN_SIZES,
  room: 1,
  drifting: DRIFTING,
}

/** Draws a make; the same stream gives the same one. */
export function drawMake(random: Random): Make {
  const about = (deviation: number): number => Math.exp(Math.max(-2 * deviation, Math.min(2 * deviation, random.normal(0, deviation))))
  const size = about(0.3)
  const part = (value: number, deviation: number): number => value * size * about(deviation)
  const superheatTargetK = random.between(3, 9)
  const bare = {
    ...nominalCircuit,
    sweptVolume_m3: part(nominalCircuit.sweptVolume_m3, 0.1),
    efficiency: about(0.06),
    valveAreaPerStep_m2: part(nominalCircuit.valveAreaPerStep_m2, 0.25),
    indoorAir_kw_k: part(nominalCircuit.indoorAir_kw_k, 0.13),
    outdoorAir_kw_k: part(nominalCircuit.outdoorAir_kw_k, 0.18),
    indoorCoil_kw_k: part(nominalCircuit.indoorCoil_kw_k, 0.16),
    outdoorCoil_kw_k: part(nominalCircuit.outdoorCoil_kw_k, 0.2),
    indoorVolume_m3: part(nominalCircuit.indoorVolume_m3, 0.15),
    outdoorVolume_m3: part(nominalCircuit.outdoorVolume_m3, 0.15),
    shellVolume_m3: part(nominalCircuit.shellVolume_m3, 0.2),
    oilUptake_kg: part(nominalCircuit.oilUptake_kg, 0.25),
  }
  const control = drawControl(random.fork('control'), size)
  return {
    size,
    circuit: { ...bare, charge_kg: chargeFor(bare, random.between(2.5, 8)) },
    superheatTargetK,
    control,
    faults: drawSizes(random.fork('faults'), size),
    room: about(0.2),
    drifting: [...DRIFTING, 'suction_temperature_c', 'liquid_temperature_c', 'room_temperature_c'],
  }
}

/** A unit of one speed cannot give way before its protection switches it off. */
const NO_LIMIT = 1000

/** Three quarters have an inverter; the others switch one speed on and off. */
function drawControl(random: Random, size: number): ControlLaw {
  const isFixed = random.chance(0.25)
  const least = random.between(14, 30)
  return {
    frequency_MIN: isFixed ? 52 : least,
    frequency_MAX: isFixed ? 52 : random.between(75, 115),
    gain: random.between(0.5, 1.6),
    stopsBelowK: random.between(0.5, 1.3),
    startsAboveK: random.between(0.3, 0.9),
    indoorDuty: random.chance(0.4) ? { pct: random.pick([60, 75, 90, 100]), perK: 0 } : { pct: random.between(50, 70), perK: random.between(10, 30) },
    outdoorDuty:
      random.chance(0.35) || isFixed ? { pct: random.between(75, 100), perHz: 0 } : { pct: random.between(20, 45), perHz: random.between(0.6, 1.1) },
    current_MAX: isFixed ? NO_LIMIT : 8.5 * size * random.between(1, 1.4),
    condensing_MAX: isFixed ? NO_LIMIT : random.between(56, 61),
    discharge_MAX: isFixed ? NO_LIMIT : random.between(96, 108),
  }
}

/** Faults of other makers reach further or less far, and act more on one part than on another. */
function drawSizes(random: Random, size: number): FaultSizes {
  const about = (value: number, deviation = 0.25): number =>
    value * Math.exp(Math.max(-2 * deviation, Math.min(2 * deviation, random.normal(0, deviation))))
  return {
    chargeLost: about(DESIGN_SIZES.chargeLost, 0.15),
    overcharge: about(DESIGN_SIZES.overcharge),
    air_kpa: about(DESIGN_SIZES.air_kpa),
    outdoorCoil: about(DESIGN_SIZES.outdoorCoil, 0.4),
    outdoorFlow: Math.min(0.75, about(DESIGN_SIZES.outdoorFlow, 0.2)),
    indoorCoil: about(DESIGN_SIZES.indoorCoil, 0.4),
    indoorFlow: Math.min(0.7, about(DESIGN_SIZES.indoorFlow, 0.2)),
    indoorSpeed: random.between(-0.06, 0.08),
    volumetric: about(DESIGN_SIZES.volumetric, 0.3),
    leakArea_m2: size * about(DESIGN_SIZES.leakArea_m2, 0.4),
    usualValveArea_m2: size * about(DESIGN_SIZES.usualValveArea_m2, 0.1),
    valveTravel: Math.min(0.92, about(DESIGN_SIZES.valveTravel, 0.1)),
    fanSpeed: about(DESIGN_SIZES.fanSpeed, 0.2),
    startDuration: about(DESIGN_SIZES.startDuration, 0.4),
    startPeak: about(DESIGN_SIZES.startPeak, 0.4),
    drainGS: size * about(DESIGN_SIZES.drainGS, 0.2),
  }
}

/**
 * The charge that gives `subcoolingK` at 35/27 °C, 60 Hz and 9 K of superheat, kg, within 1.5 %. It goes from the usual charge in small steps, each
 * solved from the state before: far from a solution the balances do not converge.
 */
export function chargeFor(circuit: Omit<CircuitParameters, 'charge_kg'>, subcoolingK: number): number {
  const solver = new CircuitSolver()
  const valve = { superheatK: 9, opening_MIN: 1, opening_MAX: 5000 }
  const conditions = { outdoorC: 35, returnC: 27, returnHumidityGKg: 11, frequencyHz: 60, indoorFlow: 1, outdoorFlow: 1, valve }
  let charge_kg = NOMINAL_CHARGE_KG * (circuit.sweptVolume_m3 / nominalCircuit.sweptVolume_m3)
  let state = solver.solve({ ...circuit, charge_kg }, conditions, undefined)
  const step = state.subcoolingK < subcoolingK ? 1.015 : 1 / 1.015
  for (let taken = 0; taken < CHARGE_STEPS_MAX; taken++) {
    const next = solver.solve({ ...circuit, charge_kg: charge_kg * step }, conditions, state.converged ? state : undefined)
    if (!next.converged) break
    charge_kg *= step
    state = next
    if (state.subcoolingK < subcoolingK !== step > 1) break
  }
  return charge_kg
}

const CHARGE_STEPS_MAX = 60
