/** What each fault of the second air conditioner does to its physics at a severity; effects level off or come late, none grows straight. */
import type { Severities } from '#catalogue/plant.ts'
import type { CircuitInputs } from './air-conditioner-circuit.ts'
import type { AirConditionerUnit } from './air-conditioner-unit.ts'
import { bent, late, saturating, severityOf } from './shapes.ts'

export const FAULTS = ['AC-01', 'AC-02', 'AC-03', 'AC-04', 'AC-05', 'AC-06', 'AC-07', 'AC-08', 'AC-09', 'XX-01', 'XX-02']

/** Shares of the fans' air that clean coils have lost at severity 1. */
const INDOOR_LOSS = 0.52
const OUTDOOR_LOSS = 0.74
const CHARGE_LOSS = 0.3

export interface Effects {
  /** Changes of the circuit's inputs; flows are factors on what the fans give. */
  readonly circuit: Pick<CircuitInputs, 'chargeShare' | 'restrictionSteps' | 'leak' | 'airK'>
  readonly indoorFlow: number
  readonly outdoorFlow: number
  readonly outdoorFanSpeed: number
  readonly startFactor: number
  /** Opening of the valve as commanded -> as it is. */
  readonly valve: (steps: number) => number
  readonly driftK: number
  readonly terminalK: number
  /** Share of the drain that is left. */
  readonly drain: number
  readonly stuck: number
}

export function effectsOf(unit: AirConditionerUnit, severities: Severities): Effects {
  const at = (code: string): number => severityOf(severities, code)
  const { variant, design } = unit
  const restricted = at('AC-05')
  const charged = late(at('AC-09'), 0.8)
  const worn = bent(at('AC-04'))
  const stuckWeight = variant.stuckValve ? Math.min(1, 1.5 * restricted) : 0
  const outdoorFanSpeed = 1 - variant.fanShare * worn
  return {
    circuit: {
      chargeShare: (1 - CHARGE_LOSS * saturating(at('AC-01'), 2.2)) * (variant.nonCondensable ? 1 : 1 + variant.overcharge * charged),
      restrictionSteps: restrictionOf(variant.stuckValve ? 0 : restricted, design.ratedSteps),
      leak: 0.33 * late(at('AC-06'), 1.25),
      airK: variant.nonCondensable ? variant.airK * charged : 0,
    },
    indoorFlow: 1 - INDOOR_LOSS * late(at('AC-03'), 1.25),
    outdoorFlow: (1 - OUTDOOR_LOSS * late(at('AC-02'), 1.25)) * outdoorFanSpeed,
    outdoorFanSpeed,
    startFactor: 1 + variant.startShare * saturating(at('AC-04'), 1.5),
    valve: (steps) => steps * (1 - stuckWeight) + variant.stuckSteps * design.ratedSteps * stuckWeight,
    driftK: variant.driftK * saturating(at('AC-07'), 1.4),
    terminalK: variant.terminalOhm * late(at('XX-01'), 1.5),
    drain: 1 - (variant.pumpFails ? late(at('AC-08'), 0.7) : saturating(at('AC-08'), 3)),
    stuck: at('XX-02'),
  }
}

/** Opening (in steps of the valve) that a clogged drier has the resistance of. */
function restrictionOf(severity: number, ratedSteps: number): number {
  if (severity <= 0) return Number.POSITIVE_INFINITY
  return ratedSteps * (0.45 + 1.1 * (1 / severity - 1) ** 0.9)
}
