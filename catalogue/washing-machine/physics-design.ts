/**
 * The one place of the washing machine's constants: a front loader of 8 kg with 1,950 W heater, inverter motor and synchronous drain pump.
 * Each figure carries its source or EJ (engineering judgement, a design value). `drawMachine` gives one unit its spread around them.
 */
import type { Random } from '#kernel/random.ts'
import type { Use } from '../plant.ts'

/** What somebody puts into the drum. */
export type Wash = NonNullable<Use['wash']>

export const WATER_J_KG_K = 4186
/** Weight of 1 m of water in kPa. */
export const KPA_PER_M = 9.81

export const DESIGN = {
  /** Flow of the open valve and of the inlet screen alone, each at 300 kPa, L/min, and of the regulator in the valve that limits both (EJ). */
  valveLpm: 18,
  screenLpm: 25,
  regulatorLpm: 9,
  /** Flow of a square-root resistance is given at this pressure. */
  flowAt_KPA: 300,
  /** Area of the free water between tub and drum, m2: 1 L gives 9 mm (EJ). */
  waterArea_m2: 0.11,
  /** Level of the wash and of the rinses, and the fall that starts a refill, kPa (EJ). */
  washLevel_kpa: 0.9,
  rinseLevel_kpa: 1.2,
  refillFall_kpa: 0.25,
  overflowLevel_kpa: 2.2,
  /** Water that a kg of cotton holds when soaked, and after the spin, L, and the time constant of soaking, s (EJ). */
  soakedLKg: 1.5,
  spunLKg: 0.55,
  soakS: 45,
  /** Resistance of the heater, ohm: 1,950 W at 230 V (EJ, a usual rating). */
  heaterOhm: 27.1,
  heaterArea_m2: 0.03,
  /** Scale on the element: 2.2 W/(m K) when dense (Pezzin et al., COMSOL Conference 2013); porous scale conducts about a third of it (EJ). */
  scaleW_m_k: 0.8,
  /** From element to water without scale, K/W, and from element by flange and tub wall to the air, W/K (EJ). */
  elementK_W: 0.012,
  flangeW_K: 1.5,
  tubW_K: 7,
  cottonJ_kg_K: 1400,
  tubJ_K: 9000,
  /** Pump: shut-off head m and largest flow L/min; hose: height m and resistance m/(L/min)2 (EJ; gives 16 L/min). */
  pumpHead_m: 1.8,
  pumpLpm: 24,
  hoseHeight_m: 0.85,
  hoseK: 0.000_98,
  pumpIdle_a: 0.18,
  pumpPerLpm_a: 0.0075,
  /** Mass that swings without load, kg, its springs, N/m (3.6 Hz) and damping ratio at that mass (EJ; tubs swing at 3 to 4 Hz, e.g. Nygards and Berbyuk 2012). */
  tub_kg: 44,
  spring_n_m: 25_600,
  damping_n_s_m: 480,
  drumRadius_m: 0.24,
  drum_kg_m2: 0.25,
  /** Bearings: friction coefficient of deep groove balls 0.0015 and M = mu P d / 2 (SKF, Koyo); bore m; seal and belt N m; windage N m s2 (EJ). */
  bearingMu: 0.0015,
  bearing_m: 0.03,
  sealTorque_n_m: 0.65,
  windage_n_m_s2: 4e-5,
  motorEfficiency: 0.6,
  motorIdle_a: 0.25,
  /** Band of the bearing at 1,200 rpm with usual load, m/s2 (EJ). */
  bearingBand_m_s2: 0.35,
  /** Time of the thermal door lock at 230 V, ms (EJ). */
  lockMs: 1600,
  terminalKPerA2: 0.12,
  /** Current to earth of filter and sound heater, mA at 230 V (EJ; IEC 60335-1 allows 3.5 mA to a fixed motor-operated machine of class I). */
  earthMa: 0.25,
} as const

export interface Program {
  readonly spinRpm: number
  readonly washS: number
  readonly restS: number
  readonly rinseS: number
  readonly spinS: number
}

export const PROGRAM: Program = { spinRpm: 1200, washS: 1500, restS: 300, rinseS: 240, spinS: 300 }

/** Limits of the controller (EJ). */
export const CONTROL = {
  washRpm: 48,
  spreadRpm: 95,
  fillS_MAX: 600,
  refills_MAX: 8,
  heatS_MAX: 5400,
  drainAttemptS: 180,
  drainAttempts_MAX: 3,
  empty_KPA: 0.03,
  lockAttempts_MAX: 4,
  lockAttemptS: 2.5,
  unbalanceKg_MAX: 0.75,
  rampVibration_M_S2: 4.5,
  spinRetries_MAX: 5,
  heaterCut_C: 93,
  earthMonitor_MA: 5,
  /** The breaker of the house (IEC 61008: trips between 15 and 30 mA). */
  breaker_MA: 25,
} as const

/** Parameters of one unit, before or under faults. */
export interface Machine {
  valveLpm: number
  screenLpm: number
  leakByLpm: number
  leakLpm_at_1kpa: number
  heaterOhm: number
  scale_mm: number
  heaterIsOpen: boolean
  earthMa: number
  pumpHead_m: number
  hoseHeight_m: number
  hoseK: number
  filterDam_kpa: number
  pumpFriction_a: number
  pumpRipple_a: number
  pumpStallChance: number
  spring_n_m: number
  damping_n_s_m: number
  rocking: number
  bearingFactor: number
  bearingBand_m_s2: number
  sealTorque_n_m: number
  windage_n_m_s2: number
  motorEfficiency: number
  lockMs: number
  lockFailChance: number
  doorOpensChance: number
  terminalKPerA2: number
}

/** A sound unit with its own spread. */
export function drawMachine(random: Random): Machine {
  const about = (value: number, share: number): number => value * (1 + Math.max(-2.5 * share, Math.min(2.5 * share, random.normal(0, share))))
  return {
    valveLpm: about(DESIGN.valveLpm, 0.04),
    screenLpm: about(DESIGN.screenLpm, 0.04),
    leakByLpm: 0,
    leakLpm_at_1kpa: 0,
    heaterOhm: about(DESIGN.heaterOhm, 0.015),
    scale_mm: 0,
    heaterIsOpen: false,
    earthMa: about(DESIGN.earthMa, 0.2),
    pumpHead_m: about(DESIGN.pumpHead_m, 0.02),
    hoseHeight_m: about(DESIGN.hoseHeight_m, 0.06),
    hoseK: about(DESIGN.hoseK, 0.08),
    filterDam_kpa: 0.01,
    pumpFriction_a: 0,
    pumpRipple_a: about(0.006, 0.15),
    pumpStallChance: 0,
    spring_n_m: about(DESIGN.spring_n_m, 0.03),
    damping_n_s_m: about(DESIGN.damping_n_s_m, 0.05),
    rocking: 0,
    bearingFactor: 1,
    bearingBand_m_s2: about(DESIGN.bearingBand_m_s2, 0.12),
    sealTorque_n_m: about(DESIGN.sealTorque_n_m, 0.05),
    windage_n_m_s2: about(DESIGN.windage_n_m_s2, 0.04),
    motorEfficiency: about(DESIGN.motorEfficiency, 0.02),
    lockMs: about(DESIGN.lockMs, 0.06),
    lockFailChance: 0,
    doorOpensChance: 0,
    terminalKPerA2: about(DESIGN.terminalKPerA2, 0.08),
  }
}
