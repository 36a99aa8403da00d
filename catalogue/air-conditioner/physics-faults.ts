/**
 * What a fault does to the parts of the plant: severities 0 to 1 become changed parameters of the circuit, the fans, the tray, the
 * terminal and the sensors. Sizes at severity 1 are design values; outputs follow from the balances of `physics-circuit.ts`.
 */
import type { Random } from '#kernel/random.ts'
import type { Severities } from '../plant.ts'
import type { CircuitParameters } from './physics-balance.ts'

/** How this unit's faults show, drawn once per unit. */
export interface FaultVariants {
  /** AC-04: the fan motor, the start capacitor, or both. */
  readonly wear: 'fan' | 'start' | 'both'
  /** AC-05: the valve does not open further, or the liquid line is restricted. */
  readonly restriction: 'valve' | 'line'
  /** AC-07: which sensor drifts, and by how many K at severity 1. */
  readonly driftingChannel: string
  readonly driftK: number
  /** XX-02: which sensor sticks. */
  readonly stuckChannel: string
  /** AC-09: air in the circuit instead of too much charge. */
  readonly isAir: boolean
}

export function drawVariants(random: Random): FaultVariants {
  return {
    wear: random.pick(['fan', 'start', 'both']),
    restriction: random.pick(['valve', 'line', 'line']),
    driftingChannel: random.pick([
      'indoor_coil_temperature_c',
      'indoor_coil_temperature_c',
      'return_air_temperature_c',
      'outdoor_coil_temperature_c',
    ]),
    driftK: random.between(3.5, 6) * (random.chance(0.5) ? 1 : -1),
    stuckChannel: random.pick(['discharge_temperature_c', 'suction_temperature_c', 'outdoor_coil_temperature_c', 'supply_air_temperature_c']),
    isAir: random.chance(0.25),
  }
}

/** The plant's parameters under faults. */
export interface FaultedPlant {
  circuit: CircuitParameters
  /** Furthest opening that the valve really reaches, in steps. */
  valveReaches: number
  indoorFlowFactor: number
  indoorSpeedFactor: number
  outdoorFlowFactor: number
  outdoorSpeedFactor: number
  startDurationFactor: number
  startPeakFactor: number
  /** Drain of the condensate tray, g/s. */
  drainGS: number
  /** Rise of the power terminal per A², K. */
  terminalKPerA2: number
}

/** Area of the free valve at its usual opening, which a restriction is measured by, m2. */
const USUAL_VALVE_AREA_M2 = 3.5e-7
const DRAIN_G_S = 1.2
const TERMINAL_K_PER_A2 = 0.45

export function applyFaults(circuit: CircuitParameters, severities: Severities, variants: FaultVariants, valveSteps_MAX: number): FaultedPlant {
  const of = (code: string): number => severities.get(code) ?? 0
  const leak = of('AC-01')
  const outdoor = of('AC-02')
  const indoor = of('AC-03')
  const wear = of('AC-04')
  const restriction = of('AC-05')
  const overcharge = of('AC-09')
  const fanWear = variants.wear === 'start' ? 0 : wear
  const startWear = variants.wear === 'fan' ? 0 : wear
  const isLine = variants.restriction === 'line'
  const faulted: CircuitParameters = {
    ...circuit,
    charge_kg: circuit.charge_kg * (1 - 0.4 * leak) * (1 + (variants.isAir ? 0.06 : 0.28) * overcharge),
    nonCondensable_kpa: variants.isAir ? 260 * overcharge : 0,
    outdoorCoil_kw_k: circuit.outdoorCoil_kw_k * (1 - 0.25 * outdoor),
    indoorCoil_kw_k: circuit.indoorCoil_kw_k * (1 - 0.2 * indoor),
    volumetric: 1 - 0.25 * of('AC-06'),
    leakArea_m2: 2e-7 * of('AC-06'),
    restrictionArea_m2: isLine && restriction > 0 ? USUAL_VALVE_AREA_M2 * (1.3 / restriction - 0.6) : Number.POSITIVE_INFINITY,
  }
  return {
    circuit: faulted,
    valveReaches: isLine ? valveSteps_MAX : valveSteps_MAX * (1 - 0.82 * Math.sqrt(restriction)),
    indoorFlowFactor: 1 - 0.5 * indoor,
    indoorSpeedFactor: 1 + 0.05 * indoor,
    outdoorFlowFactor: 1 - 0.6 * outdoor,
    outdoorSpeedFactor: 1 - 0.25 * fanWear,
    startDurationFactor: 1 + 3 * startWear,
    startPeakFactor: 1 + 0.25 * startWear,
    drainGS: DRAIN_G_S * (1 - of('AC-08')) ** 2,
    terminalKPerA2: TERMINAL_K_PER_A2 * (1 + 12 * of('XX-01')),
  }
}
