/**
 * What a fault does to the parts of the fridge: severities 0 to 1 become changed parameters of coils, fans, heater, gasket, damper, start
 * and sensors. Sizes at severity 1 are design values; what is seen follows from the balances of `physics-cold.ts`.
 */
import type { Random } from '#kernel/random.ts'
import type { Severities } from '../plant.ts'

/** How this unit's faults show, drawn once per unit. */
export interface FaultVariants {
  /** FR-02: the heater is open, or too weak to melt all before time ends the defrost. */
  readonly defrost: 'open' | 'weak'
  /** FR-04: dust on the coil, or a worn fan. */
  readonly condenser: 'dust' | 'fan'
  /** FR-06: where the flap stands, 0..1. */
  readonly damperStuckAt: number
  readonly driftingChannel: string
  readonly driftK: number
  readonly stuckChannel: string
}

export function drawVariants(random: Random): FaultVariants {
  return {
    defrost: random.pick(['open', 'open', 'weak']),
    condenser: random.pick(['dust', 'dust', 'fan']),
    damperStuckAt: random.pick([0.02, 0.65]),
    driftingChannel: random.pick(['fresh_temperature_c', 'freezer_temperature_c', 'evaporator_outlet_temperature_c']),
    driftK: random.between(3, 5) * (random.chance(0.5) ? 1 : -1),
    stuckChannel: random.pick(['fresh_temperature_c', 'evaporator_temperature_c', 'condenser_temperature_c', 'ambient_temperature_c']),
  }
}

/** The plant's parameters under faults. */
export interface FaultedFridge {
  /** Share of the evaporator that is wetted with refrigerant. */
  wetShare: number
  heaterShare: number
  /** Conductance that a leaking gasket adds, W/K, and moisture that it lets in, g/h at usual humidity. */
  leakWK: number
  leakGH: number
  condenserShare: number
  condenserSpeed: number
  evaporatorSpeed: number
  evaporatorCurrent: number
  /** Share of the flap's travel that the command does not reach. */
  damperHeld: number
  damperStuckAt: number
  startFails: number
  startDuration: number
  terminalKPerA: number
}

const TERMINAL_K_PER_A = 6
/** Severity from which an open heater is open, and a dying fan stands. */
const OPEN_FROM = 0.1
const FAN_STANDS_FROM = 0.85

export function applyFaults(severities: Severities, variants: FaultVariants, into: FaultedFridge): void {
  const of = (code: string): number => severities.get(code) ?? 0
  const defrost = of('FR-02')
  const gasket = of('FR-03')
  const condenser = of('FR-04')
  const fan = of('FR-05')
  const relay = of('FR-07')
  const isDust = variants.condenser === 'dust'
  into.wetShare = 1 - 0.95 * of('FR-01')
  into.heaterShare = variants.defrost === 'open' ? (defrost >= OPEN_FROM ? 0 : 1) : 1 - 0.85 * Math.sqrt(defrost)
  into.leakWK = 0.5 * gasket
  into.leakGH = 9 * gasket
  into.condenserShare = 1 - (isDust ? 0.6 : 0.1) * condenser
  into.condenserSpeed = isDust ? 1 : 1 - 0.65 * condenser
  into.evaporatorSpeed = fan >= FAN_STANDS_FROM ? 0 : 1 - 0.6 * fan
  into.evaporatorCurrent = fan >= FAN_STANDS_FROM ? 0.05 : 1 + 0.9 * fan
  into.damperHeld = Math.min(1, 1.8 * of('FR-06'))
  into.damperStuckAt = variants.damperStuckAt
  into.startFails = 0.8 * relay
  into.startDuration = 1 + 2.5 * relay
  into.terminalKPerA = TERMINAL_K_PER_A * (1 + 40 * of('XX-01'))
}

export const newFaultedFridge = (): FaultedFridge => ({
  wetShare: 1,
  heaterShare: 1,
  leakWK: 0,
  leakGH: 0,
  condenserShare: 1,
  condenserSpeed: 1,
  evaporatorSpeed: 1,
  evaporatorCurrent: 1,
  damperHeld: 0,
  damperStuckAt: 0,
  startFails: 0,
  startDuration: 1,
  terminalKPerA: TERMINAL_K_PER_A,
})
