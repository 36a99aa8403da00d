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
  readonly sizes: FaultSizes
}

/** Sizes of the faults at severity 1, shares of what a sound unit has where no unit is said. */
export interface FaultSizes {
  readonly chargeLost: number
  readonly overcharge: number
  readonly air_kpa: number
  readonly outdoorCoil: number
  readonly outdoorFlow: number
  readonly indoorCoil: number
  readonly indoorFlow: number
  readonly indoorSpeed: number
  readonly volumetric: number
  readonly leakArea_m2: number
  /** Area of the free valve at its usual opening, which a restriction is measured by. */
  readonly usualValveArea_m2: number
  readonly valveTravel: number
  readonly fanSpeed: number
  readonly startDuration: number
  readonly startPeak: number
  /** Drain of a free condensate tray, g/s. */
  readonly drainGS: number
}

export const DESIGN_SIZES: FaultSizes = {
  chargeLost: 0.4,
  overcharge: 0.28,
  air_kpa: 260,
  outdoorCoil: 0.25,
  outdoorFlow: 0.6,
  indoorCoil: 0.2,
  indoorFlow: 0.5,
  indoorSpeed: 0.05,
  volumetric: 0.25,
  leakArea_m2: 2e-7,
  usualValveArea_m2: 3.5e-7,
  valveTravel: 0.82,
  fanSpeed: 0.25,
  startDuration: 3,
  startPeak: 0.25,
  drainGS: 1.2,
}

export function drawVariants(random: Random, drifting: readonly string[], sizes: FaultSizes = DESIGN_SIZES): FaultVariants {
  return {
    wear: random.pick(['fan', 'start', 'both']),
    restriction: random.pick(['valve', 'line', 'line']),
    driftingChannel: random.pick(drifting),
    driftK: random.between(3.5, 6) * (random.chance(0.5) ? 1 : -1),
    stuckChannel: random.pick(['discharge_temperature_c', 'suction_temperature_c', 'outdoor_coil_temperature_c', 'supply_air_temperature_c']),
    isAir: random.chance(0.25),
    sizes,
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

const TERMINAL_K_PER_A2 = 0.45

export function applyFaults(circuit: CircuitParameters, severities: Severities, variants: FaultVariants, valveSteps_MAX: number): FaultedPlant {
  const of = (code: string): number => severities.get(code) ?? 0
  const { sizes } = variants
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
    charge_kg: circuit.charge_kg * (1 - sizes.chargeLost * leak) * (1 + (variants.isAir ? 0.06 : sizes.overcharge) * overcharge),
    nonCondensable_kpa: variants.isAir ? sizes.air_kpa * overcharge : 0,
    outdoorCoil_kw_k: circuit.outdoorCoil_kw_k * (1 - sizes.outdoorCoil * outdoor),
    indoorCoil_kw_k: circuit.indoorCoil_kw_k * (1 - sizes.indoorCoil * indoor),
    volumetric: 1 - sizes.volumetric * of('AC-06'),
    leakArea_m2: sizes.leakArea_m2 * of('AC-06'),
    restrictionArea_m2: isLine && restriction > 0 ? sizes.usualValveArea_m2 * (1.3 / restriction - 0.6) : Number.POSITIVE_INFINITY,
  }
  return {
    circuit: faulted,
    valveReaches: isLine ? valveSteps_MAX : valveSteps_MAX * (1 - sizes.valveTravel * Math.sqrt(restriction)),
    indoorFlowFactor: 1 - sizes.indoorFlow * indoor,
    indoorSpeedFactor: 1 + sizes.indoorSpeed * indoor,
    outdoorFlowFactor: 1 - sizes.outdoorFlow * outdoor,
    outdoorSpeedFactor: 1 - sizes.fanSpeed * fanWear,
    startDurationFactor: 1 + sizes.startDuration * startWear,
    startPeakFactor: 1 + sizes.startPeak * startWear,
    drainGS: sizes.drainGS * (1 - of('AC-08')) ** 2,
    terminalKPerA2: TERMINAL_K_PER_A2 * (1 + 12 * of('XX-01')),
  }
}
