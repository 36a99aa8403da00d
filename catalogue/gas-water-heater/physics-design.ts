/**
 * The one place of the gas water heater's constants: 26 kW input, natural gas at 2 kPa, speed-controlled fan, proportional valve, fan-assisted
 * flue. Each figure carries its source or EJ (engineering judgement, a design value). `drawHeater` gives one unit its spread around them.
 */
import type { Random } from '#kernel/random.ts'

/** W to heat 1 L/min of water by 1 K. */
export const W_PER_LPM_K = 69.8

export const DESIGN = {
  /** Heating value, J/m3, and air that a m3 of natural gas needs, m3 (methane: 35.9 MJ and 9.52 m3). */
  gasJ_m3: 35.9e6,
  stoichiometricAir: 9.52,
  /** Input at full manifold pressure; an orifice passes by Wobbe index times root of pressure. */
  inputW: 26_000,
  inputMin_w: 3200,
  manifold_kpa: 1,
  /** Drop of the inlet pipe and of valve body with filter at full input, kPa (EJ). */
  pipeDrop_kpa: 0.25,
  valveDrop_kpa: 0.3,
  /** Valve current at closed and full manifold pressure, mA (EJ). */
  valveFrom_ma: 50,
  valveSpan_ma: 150,
  valveMax_ma: 260,
  /** Air ratio at which the burner is set (EJ), and fan speed and air flow at full input there. */
  lambda: 1.6,
  fanRpm: 4000,
  fanMin_rpm: 1700,
  fanMax_rpm: 5000,
  /** Fan: head at shut-off Pa per rpm2 and what its own passages take, Pa/(m3/s)2; flue: the same (EJ; 121 Pa at full input). */
  fanHead: 205 / 4000 ** 2,
  fanInner: 0.7e6,
  flue: 1e6,
  fanEfficiency: 0.3,
  fanFriction_w: 6,
  fanVolt: 24,
  fanStartMs: 1400,
  fanRipple_rpm: 12,
  /** Exchanger: gas-side conductance at full air flow, W/K, area of the water side, m2, heat capacity J/K (EJ; 93 % of the lower heating value). */
  exchangerW_K: 41,
  exchangerFlow_exponent: 0.6,
  exchangerArea_m2: 0.12,
  exchangerJ_K: 6500,
  flueGasJ_m3_K: 1430,
  /** Dense limescale, W/(m K) (Pezzin et al., COMSOL Conference 2013); radius of the water tube, mm (EJ). */
  scaleW_m_k: 2.2,
  tubeRadius_mm: 5,
  /** Share of exchanger and screen in the resistance of the water way at normal pressure, which the draw is given at (EJ). */
  exchangerShare: 0.2,
  screenShare: 0.05,
  normalWater_kpa: 300,
  /** Ionisation current at full input and air ratio 1, uA (EJ). It is largest there and falls with excess air (Viessmann, Wolf: service manuals). */
  flameUa: 11,
  flameLossPerLambda: 0.55,
  /** CO of a sound burner, ppm: makers allow 60 at low and 200 at high fire (Intellihot iN199 manual); growth towards air ratio 1 (EJ). */
  coPpm: 45,
  coRichPpm: 5000,
  coLambda: 0.085,
  /** Chance that one spark lights, and time between sparks, ms (EJ). */
  sparkChance: 0.16,
  sparkMs: 40,
  lightMs: 120,
  /** Share of the flue gas that a sound unit spills into the room (EJ). */
  spillShare: 0.0008,
  roomM3: 25,
  roomAirPerH: 0.6,
} as const

/** Limits of the controller (EJ). */
export const CONTROL = {
  flowOn_LPM: 2.5,
  flowOff_LPM: 2,
  attemptMs: 3000,
  attempts_MAX: 5,
  purgeS: 1.5,
  betweenAttemptsS: 4,
  flame_UA: 0.9,
  losses_MAX: 3,
  overheat_C: 86,
  pauseS: 12,
  airShare_MIN: 0.6,
  airPressure_PA: 260,
  airS: 10,
  roomCo_PPM: 300,
  trim_MIN: 0.6,
  trim_MAX: 1.6,
  trimPerS: 0.03,
  steadyAfterS: 30,
  tooWarmK: 8,
} as const

/** Parameters of one unit, before or under faults. */
export interface Heater {
  valveFactor: number
  filterDrop_kpa: number
  flueFactor: number
  spillShare: number
  fanFriction_w: number
  fanRipple_rpm: number
  fanStartMs: number
  fanMax_rpm: number
  exchangerW_K: number
  scale_mm: number
  screenOpen: number
  flowSlope: number
  flowOffset_lpm: number
  flameUa: number
  flicker: number
  coPpm: number
  sparkChance: number
  /** How much damp air takes from a weak spark. */
  sparkDamp: number
  outletErrorK: number
  leak_m3_h: number
  leakBy: number
  terminalK: number
  /** The pressure switch or its wiring has been bridged or sticks: lack of air does not cut the flame off. */
  airGuardFails: boolean
}

/** A sound unit with its own spread. */
export function drawHeater(random: Random): Heater {
  const about = (value: number, share: number): number => value * (1 + Math.max(-2.5 * share, Math.min(2.5 * share, random.normal(0, share))))
  return {
    valveFactor: about(1, 0.03),
    filterDrop_kpa: 0,
    flueFactor: about(1, 0.06),
    spillShare: about(DESIGN.spillShare, 0.2),
    fanFriction_w: about(DESIGN.fanFriction_w, 0.06),
    fanRipple_rpm: about(DESIGN.fanRipple_rpm, 0.15),
    fanStartMs: about(DESIGN.fanStartMs, 0.05),
    fanMax_rpm: about(DESIGN.fanMax_rpm, 0.01),
    exchangerW_K: about(DESIGN.exchangerW_K, 0.03),
    scale_mm: 0,
    screenOpen: 1,
    flowSlope: about(1, 0.01),
    flowOffset_lpm: 0,
    flameUa: about(DESIGN.flameUa, 0.06),
    flicker: about(0.05, 0.1),
    coPpm: about(DESIGN.coPpm, 0.12),
    sparkChance: about(DESIGN.sparkChance, 0.08),
    sparkDamp: 0,
    outletErrorK: 0,
    leak_m3_h: 0,
    leakBy: 0,
    terminalK: 0,
    airGuardFails: false,
  }
}
