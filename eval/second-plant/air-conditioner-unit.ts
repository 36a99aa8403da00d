/**
 * One unit of the second air conditioner as it leaves the factory and hangs on its wall: 2.5 to 7 kW, inverter or fixed speed, three
 * refrigerants, with or without a heat exchanger in the suction line, in a room of one or two nodes; and which variant of each fault it gets.
 */
import type { Random } from '#kernel/random.ts'
import { type Circuit, type CircuitDesign, createCircuit, REFRIGERANTS } from './air-conditioner-circuit.ts'

export interface AirConditionerUnit {
  readonly design: CircuitDesign
  readonly circuit: Circuit
  readonly isInverter: boolean
  readonly leastHz: number
  readonly mostHz: number
  readonly targetSuperheatK: number
  /** The valve is left alone while the superheat is this near to its target. */
  readonly deadbandK: number
  readonly powerFactor: number
  readonly indoorRpm_MAX: number
  readonly outdoorRpm_MAX: number
  readonly indoorFanW: number
  readonly outdoorFanW: number
  readonly terminalK: number
  readonly startMs: number
  readonly startPeak: number
  /** What the air takes up between room and coil (sun on the duct, warm casing), K. */
  readonly returnK: number
  readonly room: {
    readonly isTwoNode: boolean
    readonly airKjK: number
    readonly wallKjK: number
    readonly wallKwK: number
    readonly lossKwK: number
    readonly glassM2: number
    readonly airKg: number
    readonly airChangesH: number
  }
  readonly variant: {
    readonly stuckValve: boolean
    readonly stuckSteps: number
    readonly nonCondensable: boolean
    readonly overcharge: number
    readonly airK: number
    readonly startShare: number
    readonly fanShare: number
    readonly reversingValve: boolean
    readonly driftChannel: string
    readonly driftK: number
    readonly stuckChannel: string
    readonly terminalOhm: number
    readonly pumpFails: boolean
  }
}

const DRIFTING = [
  'indoor_coil_temperature_c',
  'room_temperature_c',
  'return_air_temperature_c',
  'indoor_coil_temperature_c',
  'outdoor_coil_temperature_c',
]
const STICKING = [
  'discharge_temperature_c',
  'suction_temperature_c',
  'liquid_temperature_c',
  'outdoor_coil_temperature_c',
  'supply_air_temperature_c',
]

/** The unit of which the sign table is tested: every draw at its middle. */
export const middleDesign: CircuitDesign = {
  ...{ refrigerant: REFRIGERANTS[0] ?? unknownRefrigerant(), coolingKw: 3.5, ratedHz: 55, ratedSteps: 220, superheatK: 6, subcoolingK: 4.5 },
  ...{ condensingC: 46, indoorAirKgS: 0.21, outdoorAirKgS: 0.665, bypass: 0.16, surfaceK: 3, clearance: 0.055, isentropic: 0.68 },
  lineEffectiveness: 0,
}

function unknownRefrigerant(): never {
  throw new RangeError('no refrigerant')
}

export function drawUnit(random: Random): AirConditionerUnit {
  const isInverter = random.chance(0.75)
  const coolingKw = random.pick([2.5, 2.6, 3.5, 3.5, 5, 5.2, 7])
  const design: CircuitDesign = {
    refrigerant: random.pick(REFRIGERANTS),
    coolingKw,
    ratedHz: isInverter ? random.between(50, 66) : 50,
    ratedSteps: random.between(170, 260),
    superheatK: random.between(4.5, 7),
    subcoolingK: random.between(3.8, 5.6),
    condensingC: random.between(44.5, 47.5),
    indoorAirKgS: coolingKw * random.between(0.056, 0.064),
    outdoorAirKgS: coolingKw * random.between(0.175, 0.21),
    bypass: random.between(0.12, 0.2),
    surfaceK: random.between(2.2, 3.6),
    clearance: random.between(0.045, 0.065),
    isentropic: random.between(0.62, 0.72),
    lineEffectiveness: random.chance(0.3) ? random.between(0.06, 0.14) : 0,
  }
  const isTwoNode = random.chance(0.5)
  const floorM2 = coolingKw * random.between(4.6, 7)
  return {
    design,
    circuit: createCircuit(design),
    isInverter,
    leastHz: isInverter ? random.between(15, 24) : 50,
    mostHz: isInverter ? random.between(80, 105) : 50,
    targetSuperheatK: random.between(4, 7.5),
    deadbandK: random.between(0.5, 1.2),
    powerFactor: isInverter ? random.between(0.94, 0.99) : random.between(0.92, 0.97),
    indoorRpm_MAX: random.between(1050, 1380),
    outdoorRpm_MAX: random.between(760, 980),
    indoorFanW: coolingKw * random.between(8, 12),
    outdoorFanW: coolingKw * random.between(10, 15),
    terminalK: random.between(7, 12),
    startMs: random.between(330, 520),
    startPeak: isInverter ? random.between(1.6, 2.2) : random.between(3.6, 5),
    returnK: random.between(-0.1, 0.3),
    room: {
      isTwoNode,
      airKjK: floorM2 * (isTwoNode ? random.between(9, 16) : random.between(25, 45)),
      wallKjK: floorM2 * random.between(90, 200),
      wallKwK: floorM2 * random.between(0.009, 0.016),
      lossKwK: floorM2 * random.between(0.0022, 0.0045),
      glassM2: floorM2 * random.between(0.05, 0.12),
      airKg: floorM2 * 3.1,
      airChangesH: random.between(0.3, 0.9),
    },
    variant: {
      stuckValve: random.chance(0.4),
      stuckSteps: random.between(0.4, 0.6),
      nonCondensable: random.chance(0.35),
      overcharge: random.between(0.14, 0.24),
      airK: random.between(5, 9),
      startShare: random.chance(0.5) ? random.between(1, 2.6) : random.between(0, 0.3),
      fanShare: random.between(0.18, 0.34),
      reversingValve: random.chance(0.4),
      driftChannel: random.pick(DRIFTING),
      driftK: random.between(2, 5.5) * (random.chance(0.5) ? 1 : -1),
      stuckChannel: random.pick(STICKING),
      terminalOhm: random.between(55, 90),
      pumpFails: random.chance(0.5),
    },
  }
}
