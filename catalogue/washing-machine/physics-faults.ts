/**
 * What a fault does to the parts of the washing machine: severities 0 to 1 become changed parameters of valve, heater, pump, suspension,
 * bearing, lock and sensors. Sizes at severity 1 are design values (EJ) that keep within the shares of domain catalogue 6.3; the readings
 * follow from the equations of `physics-water.ts` and `physics-drum.ts`.
 */
import type { Random } from '#kernel/random.ts'
import type { Severities } from '../plant.ts'
import type { Machine } from './physics-design.ts'

/** How this unit's faults show, drawn once per unit. */
export interface FaultVariants {
  /** WM-04: the screen clogs, or the closed valve lets water by. */
  readonly inlet: 'screen' | 'leak-by'
  /** WM-05: scale grows, the heater opens, or its insulation fails. */
  readonly heater: 'scale' | 'open' | 'earth'
  /** WM-06: dampers and springs are worn, or a foot has no contact. */
  readonly suspension: 'dampers' | 'levelling'
  /** XX-02: which sensor is faulty, and whether it sticks or drifts by so many of its units at severity 1. */
  readonly faultySensor: { readonly channel: string; readonly drift: number | undefined }
}

export function drawVariants(random: Random): FaultVariants {
  return {
    inlet: random.pick(['screen', 'screen', 'leak-by']),
    heater: random.pick(['scale', 'scale', 'open', 'earth']),
    suspension: random.pick(['dampers', 'dampers', 'levelling']),
    faultySensor: random.pick([
      { channel: 'water_temperature_c', drift: undefined },
      { channel: 'water_temperature_c', drift: 12 },
      { channel: 'tub_acceleration_m_s2', drift: undefined },
      { channel: 'motor_current_a', drift: undefined },
      { channel: 'drain_pump_current_a', drift: undefined },
    ]),
  }
}

/** Scale of a heater at severity 1, mm. */
const SCALE_MM = 4
/** Severity from which a failing heater is open for good. */
const OPEN_AT = 0.5

/** Writes the machine under `severities` into `out`, so that a step makes no garbage. `naturalScale_mm` is what hard water left. */
export function applyFaults(
  machine: Machine,
  severities: Severities,
  options: { variants: FaultVariants; naturalScale_mm: number; out: Machine },
): void {
  const { variants, naturalScale_mm, out } = options
  Object.assign(out, machine)
  out.scale_mm = naturalScale_mm
  if (severities.size === 0) return
  const of = (code: string): number => severities.get(code) ?? 0
  drain(out, of('WM-01'), of('WM-02'))
  bearing(out, of('WM-03'))
  inlet(out, of('WM-04'), variants)
  heater(out, of('WM-05'), variants)
  suspension(out, of('WM-06'), variants)
  const lock = of('WM-07')
  out.lockMs *= 1 + 2.5 * lock
  out.lockFailChance = 0.75 * lock * lock
  out.doorOpensChance = 0.25 * lock ** 3
  out.leakLpm_at_1kpa += 0.35 * of('WM-08')
  out.terminalKPerA2 *= 1 + 8 * of('XX-01')
}

function drain(out: Machine, clog: number, wear: number): void {
  out.hoseK *= 1 + 24 * clog * clog + 150 * clog ** 8
  out.filterDam_kpa += 0.22 * clog * clog
  out.pumpHead_m *= 1 - 0.28 * wear
  out.pumpFriction_a += 0.16 * wear
  out.pumpRipple_a += 0.02 * clog + 0.06 * wear
  out.pumpStallChance = 0.5 * wear * wear
}

function bearing(out: Machine, wear: number): void {
  out.bearingFactor = 1 + 14 * wear
  out.bearingBand_m_s2 *= 1 + 7 * wear
  out.leakLpm_at_1kpa += 0.3 * Math.max(0, wear - 0.8)
}

function inlet(out: Machine, severity: number, variants: FaultVariants): void {
  if (variants.inlet === 'screen') out.screenLpm *= 0.04 + 0.96 * (1 - severity) ** 1.5
  else out.leakByLpm = 0.08 * severity
}

function heater(out: Machine, severity: number, variants: FaultVariants): void {
  if (variants.heater === 'scale') out.scale_mm += SCALE_MM * severity
  if (variants.heater === 'open') {
    // A joint that burns: its resistance grows until it opens.
    out.heaterOhm += 6 * severity
    out.heaterIsOpen = severity >= OPEN_AT
  }
  if (variants.heater === 'earth') out.earthMa += 32 * severity * severity
}

function suspension(out: Machine, severity: number, variants: FaultVariants): void {
  if (variants.suspension === 'dampers') {
    out.damping_n_s_m *= 1 - 0.92 * severity
    out.spring_n_m *= 1 - 0.12 * severity
  } else {
    out.rocking = severity
  }
}
