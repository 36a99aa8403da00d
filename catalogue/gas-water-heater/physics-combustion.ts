/**
 * Burner, air and exchanger at one instant, as pure functions: gas through valve and orifice, air by fan against flue and wind, the air
 * ratio that follows, and with it carbon monoxide, ionisation current, efficiency and exhaust temperature (one stream that gives heat to
 * water: T_out = T_w + (T_flame - T_w) exp(-UA / C)).
 */
import { DESIGN, type Heater } from './physics-design.ts'

/** Input that a valve current gives at a static inlet pressure, W. The valve regulates the manifold as long as the supply allows. */
export function gasInput(heater: Heater, valveMa: number, inletKpa: number): number {
  const asked = (heater.valveFactor * Math.max(0, valveMa - DESIGN.valveFrom_ma)) / DESIGN.valveSpan_ma
  const drops = DESIGN.pipeDrop_kpa + DESIGN.valveDrop_kpa + heater.filterDrop_kpa
  const available = inletKpa / (DESIGN.manifold_kpa + drops)
  return DESIGN.inputW * Math.sqrt(Math.max(0, Math.min(asked, available)))
}

/** Current that a sound valve needs for an input, mA. */
export function valveCurrentFor(inputW: number): number {
  return Math.min(DESIGN.valveMax_ma, DESIGN.valveFrom_ma + DESIGN.valveSpan_ma * (inputW / DESIGN.inputW) ** 2)
}

/** Pressure at the inlet while so much is burnt, kPa. */
export const inletPressure = (staticKpa: number, inputW: number): number => staticKpa - DESIGN.pipeDrop_kpa * (inputW / DESIGN.inputW) ** 2

/** Air that an input needs at the air ratio of the design, m3/s. */
export const airWanted = (inputW: number): number => (inputW / DESIGN.gasJ_m3) * DESIGN.stoichiometricAir * DESIGN.lambda

/** Air that the fan moves against flue and wind, m3/s. `blocked` is what furniture takes from the intake, 0..1. */
export function airFlow(heater: Heater, at: { rpm: number; windPa: number; blocked: number }): number {
  const head = DESIGN.fanHead * at.rpm * at.rpm - at.windPa
  if (head <= 0) return 0
  return Math.sqrt(head / (DESIGN.fanInner * (1 + 0.25 * at.blocked) + DESIGN.flue * heater.flueFactor))
}

/** What the fan works against, Pa. */
export const airPressure = (heater: Heater, flow_m3_s: number, windPa: number): number =>
  DESIGN.flue * heater.flueFactor * flow_m3_s * flow_m3_s + windPa

/** Air that the controller infers from speed and pressure, m3/s: what the head of the fan leaves for its own passages. */
export const airInferred = (rpm: number, pressurePa: number): number =>
  Math.sqrt(Math.max(0, DESIGN.fanHead * rpm * rpm - pressurePa) / DESIGN.fanInner)

/** Current of the fan, A: what the air takes, then friction, which goes with speed. */
export function fanCurrent(heater: Heater, rpm: number, flow_m3_s: number): number {
  const air = (flow_m3_s * DESIGN.fanHead * rpm * rpm) / DESIGN.fanEfficiency
  return (air + (heater.fanFriction_w * rpm) / DESIGN.fanRpm) / DESIGN.fanVolt
}

export const airRatio = (inputW: number, flow_m3_s: number): number =>
  inputW <= 0 ? Number.POSITIVE_INFINITY : flow_m3_s / ((inputW / DESIGN.gasJ_m3) * DESIGN.stoichiometricAir)

/** Carbon monoxide in the exhaust, ppm. It soars towards air ratio 1 and rises a little where much air cools the flame. */
export function carbonMonoxide(heater: Heater, inputW: number, lambda: number): number {
  const base = heater.coPpm * (0.6 + 0.4 * (inputW / DESIGN.inputW))
  const rich = DESIGN.coRichPpm * Math.exp(-Math.max(0, lambda - 1) / DESIGN.coLambda)
  const cold = lambda > 2.3 ? 60 * Math.min(3, lambda - 2.3) ** 2 : 0
  return base + rich + cold
}

/** Ionisation current, uA: largest at air ratio 1 for every gas, and lower with mains that drive it. */
export function flameCurrent(heater: Heater, at: { inputW: number; lambda: number; mainsV: number }): number {
  const excess = at.lambda >= 1 ? 1 - DESIGN.flameLossPerLambda * (at.lambda - 1) : 1 - 1.5 * (1 - at.lambda)
  return heater.flameUa * (at.inputW / DESIGN.inputW) ** 0.4 * Math.max(0.05, excess) * (at.mainsV / 230)
}

export interface Exchange {
  readonly toWaterW: number
  readonly exhaustC: number
  /** Of the wall behind the scale, K over the water. */
  readonly wallK: number
}

/** Heat that the exchanger gives to the water, and what the exhaust keeps. */
export function exchange(heater: Heater, at: { inputW: number; air_m3_s: number; airC: number; waterC: number }): Exchange {
  const flow = Math.max(0.0008, at.air_m3_s + at.inputW / DESIGN.gasJ_m3)
  const capacity = flow * DESIGN.flueGasJ_m3_K
  const flameC = at.airC + at.inputW / capacity
  const gasSide = heater.exchangerW_K * (flow / airWanted(DESIGN.inputW)) ** DESIGN.exchangerFlow_exponent
  const scaleK_W = heater.scale_mm / 1000 / (DESIGN.scaleW_m_k * DESIGN.exchangerArea_m2)
  const conductance = 1 / (1 / gasSide + scaleK_W)
  const exhaustC = at.waterC + (flameC - at.waterC) * Math.exp(-conductance / capacity)
  const toWaterW = capacity * (flameC - exhaustC)
  return { toWaterW, exhaustC, wallK: toWaterW * scaleK_W }
}

/** Water that comes out of a tap which would take `wantedLpm` at normal pressure, L/min. */
export function waterFlow(heater: Heater, wantedLpm: number, pressureKpa: number): number {
  const narrow = (1 - Math.min(0.6, heater.scale_mm / DESIGN.tubeRadius_mm)) ** -5
  const resistance = 1 - DESIGN.exchangerShare - DESIGN.screenShare + DESIGN.exchangerShare * narrow + DESIGN.screenShare / heater.screenOpen ** 2
  return wantedLpm * Math.sqrt(Math.max(0, pressureKpa) / DESIGN.normalWater_kpa / resistance)
}

/** What the turbine of the flow sensor says, L/min. */
export const flowSensed = (heater: Heater, flowLpm: number): number => Math.max(0, flowLpm * heater.flowSlope - heater.flowOffset_lpm)
