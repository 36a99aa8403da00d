/**
 * What a fault does to the parts of the gas water heater: severities 0 to 1 become changed parameters of spark, rod, flue, exchanger, valve,
 * fan, sensors and seals. Sizes at severity 1 are design values (EJ); the readings follow from `physics-combustion.ts` and `physics-draw.ts`.
 */
import type { Random } from '#kernel/random.ts'
import type { Severities } from '../plant.ts'
import type { Heater } from './physics-design.ts'

/** How this unit's faults show, drawn once per unit. */
export interface FaultVariants {
  /** GW-03: the flue closes bit by bit, or at once (a nest, ice, a new hood). */
  readonly flue: 'slow' | 'sudden'
  /** GW-03: whether the guard of the air fails with it, so that the unit burns on. */
  readonly airGuardFails: boolean
  /** GW-05: the valve gives less at the same current, or its inlet filter clogs. */
  readonly gas: 'drift' | 'filter'
  /** GW-07: the turbine drags, or the inlet screen clogs. */
  readonly water: 'sensor' | 'screen'
  /** GW-08: gas comes out of the unit, or passes the closed valve. */
  readonly leak: 'seal' | 'valve'
  /** GW-09: what the outlet sensor says too much at severity 1, K; below 0 the water is too hot. */
  readonly outletDriftK: number
  /** XX-02: which sensor is faulty, and whether it sticks or drifts by so many of its units at severity 1. */
  readonly faultySensor: { readonly channel: string; readonly drift: number | undefined }
}

export function drawVariants(random: Random): FaultVariants {
  return {
    flue: random.pick(['slow', 'slow', 'sudden']),
    airGuardFails: random.chance(0.4),
    gas: random.pick(['drift', 'drift', 'filter']),
    water: random.pick(['sensor', 'sensor', 'screen']),
    leak: random.pick(['seal', 'valve']),
    outletDriftK: random.between(8, 11) * (random.chance(0.6) ? -1 : 1),
    faultySensor: random.pick([
      { channel: 'exhaust_temperature_c', drift: undefined },
      { channel: 'fan_current_a', drift: undefined },
      { channel: 'flue_co_ppm', drift: undefined },
      { channel: 'inlet_temperature_c', drift: undefined },
      { channel: 'inlet_temperature_c', drift: 8 },
    ]),
  }
}

/** Scale in the exchanger at severity 1, mm. */
const SCALE_MM = 1.5
/** A sudden blockage is there from this severity on, and nearly whole at once. */
const SUDDEN_AT = 0.25

/** Writes the heater under `severities` into `out`, so that a step makes no garbage. `naturalScale_mm` is what hard water left. */
export function applyFaults(
  heater: Heater,
  severities: Severities,
  options: { variants: FaultVariants; naturalScale_mm: number; out: Heater },
): void {
  const { variants, naturalScale_mm, out } = options
  Object.assign(out, heater)
  out.scale_mm = naturalScale_mm
  if (severities.size === 0) return
  const of = (code: string): number => severities.get(code) ?? 0
  const spark = of('GW-01')
  out.sparkChance *= 1 - 0.9 * spark
  out.sparkDamp = 0.5 * spark
  const rod = of('GW-02')
  out.flameUa *= 1 - 0.82 * rod
  out.flicker += 0.22 * rod
  flue(out, of('GW-03'), variants)
  out.scale_mm += SCALE_MM * of('GW-04')
  gas(out, of('GW-05'), variants)
  const fan = of('GW-06')
  out.fanFriction_w *= 1 + 1.3 * fan
  out.fanRipple_rpm *= 1 + 8 * fan
  out.fanStartMs *= 1 + 1.8 * fan
  out.fanMax_rpm *= 1 - 0.15 * fan
  water(out, of('GW-07'), variants)
  const leak = of('GW-08')
  if (variants.leak === 'seal') out.leak_m3_h = 0.25 * leak
  else out.leakBy = leak
  out.outletErrorK = variants.outletDriftK * of('GW-09')
  out.terminalK = 85 * of('XX-01')
}

function flue(out: Heater, severity: number, variants: FaultVariants): void {
  const sudden = severity < SUDDEN_AT ? 0 : 0.55 + 0.45 * severity
  const blocked = variants.flue === 'sudden' ? sudden : severity
  out.flueFactor *= 1 + 11 * blocked ** 1.5
  out.spillShare += 0.2 * blocked * blocked
  out.airGuardFails = variants.airGuardFails && severity > 0
}

function gas(out: Heater, severity: number, variants: FaultVariants): void {
  if (variants.gas === 'drift') out.valveFactor *= 1 - 0.5 * severity
  else out.filterDrop_kpa = 5 * severity * severity
}

function water(out: Heater, severity: number, variants: FaultVariants): void {
  if (variants.water === 'screen') {
    out.screenOpen = 0.05 + 0.95 * (1 - severity) ** 1.3
  } else {
    out.flowSlope *= 1 - 0.2 * severity
    out.flowOffset_lpm = 1.1 * severity
  }
}
