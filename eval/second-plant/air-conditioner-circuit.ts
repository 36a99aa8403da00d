/**
 * Refrigerant circuit of the second air conditioner: two heat exchangers by effectiveness and number of transfer units, a compressor by
 * clearance volume and isentropic work, an orifice, and the charge as a level of liquid in the condenser. Every unit is sized from its
 * rating point, so all quantities are shares of it. Three unknowns (evaporating and condensing temperature, dry share of the evaporator)
 * are found by a quasi-Newton (Broyden) step that starts from the last state.
 */

import { createRoot } from './root.ts'

/** Fits through three points of public saturation tables (-10, 20 and 50 °C): ln p = a - b/(T + c) in kPa and °C; the rest are round means. */
export interface Refrigerant {
  readonly name: string
  readonly a: number
  readonly b: number
  readonly c: number
  readonly criticalC: number
  readonly criticalKpa: number
  /** Latent heat at 0 °C, kJ/kg; elsewhere by Watson's exponent. */
  readonly latent0KjKg: number
  readonly gasConstantKjKgK: number
  readonly liquidCpKjKgK: number
  readonly suctionCpKjKgK: number
  readonly dischargeCpKjKgK: number
  readonly liquid0KgM3: number
  readonly liquidPerK: number
  readonly exponent: number
}

const common = { a: 15.1508, b: 2243.82, c: 264.983, criticalC: 71.3, criticalKpa: 4901, latent0KjKg: 221, gasConstantKjKgK: 0.11455 }
export const REFRIGERANTS: readonly Refrigerant[] = [
  { name: 'R410A', ...common, liquidCpKjKgK: 1.68, suctionCpKjKgK: 1.15, dischargeCpKjKgK: 1.45, liquid0KgM3: 1170, liquidPerK: 4.9, exponent: 1.19 },
  {
    ...{ name: 'R22', a: 14.58, b: 2154.2, c: 257.37, criticalC: 96.1, criticalKpa: 4990, latent0KjKg: 205, gasConstantKjKgK: 0.09615 },
    ...{ liquidCpKjKgK: 1.24, suctionCpKjKgK: 0.78, dischargeCpKjKgK: 0.98, liquid0KgM3: 1282, liquidPerK: 3.8, exponent: 1.17 },
  },
  {
    ...{ name: 'R290', a: 14.2777, b: 2158.35, c: 265.933, criticalC: 96.7, criticalKpa: 4251, latent0KjKg: 375, gasConstantKjKgK: 0.18855 },
    ...{ liquidCpKjKgK: 2.65, suctionCpKjKgK: 1.9, dischargeCpKjKgK: 2.35, liquid0KgM3: 528, liquidPerK: 1.5, exponent: 1.13 },
  },
]

export const saturationKpa = (r: Refrigerant, temperatureC: number): number => Math.exp(r.a - r.b / (temperatureC + r.c))
const latentKjKg = (r: Refrigerant, temperatureC: number): number => r.latent0KjKg * (Math.max(1, r.criticalC - temperatureC) / r.criticalC) ** 0.38
function vapourKgM3(r: Refrigerant, kpa: number, temperatureC: number): number {
  const reduced = Math.min(0.95, kpa / r.criticalKpa)
  return kpa / (r.gasConstantKjKgK * (temperatureC + 273.15) * (1 - 0.95 * reduced + 0.47 * reduced * reduced))
}
const liquidKgM3 = (r: Refrigerant, temperatureC: number): number => r.liquid0KgM3 - r.liquidPerK * temperatureC

/** Humidity of saturated air in g/kg (Tetens, sea level). */
export function saturatedGKg(temperatureC: number): number {
  const kpa = 0.61078 * Math.exp((17.27 * temperatureC) / (temperatureC + 237.3))
  return (622 * kpa) / (101.325 - kpa)
}

/** What makes one unit: its rating point and its shares. */
export interface CircuitDesign {
  readonly refrigerant: Refrigerant
  readonly coolingKw: number
  readonly ratedHz: number
  readonly ratedSteps: number
  readonly superheatK: number
  readonly subcoolingK: number
  readonly condensingC: number
  /** Air through the coils in kg/s. */
  readonly indoorAirKgS: number
  readonly outdoorAirKgS: number
  /** Share of the air that passes the indoor coil untouched. */
  readonly bypass: number
  /** Coil surface over refrigerant at rating, K. */
  readonly surfaceK: number
  readonly clearance: number
  readonly isentropic: number
  /** Effectiveness of a heat exchanger between liquid and suction line, 0 = none. */
  readonly lineEffectiveness: number
}

/** Conditions and faults of a solution; all factors are 1 and all additions 0 on a sound unit. */
export interface CircuitInputs {
  coldAirC: number
  coldAirGKg: number
  coldFlow: number
  hotAirC: number
  hotFlow: number
  frequencyHz: number
  steps: number
  chargeShare: number
  /** Share of the rated orifice that a restriction in the liquid line leaves; Infinity = none. */
  restrictionSteps: number
  /** Share of the gas that a leak inside the compressor or the reversing valve lets back. */
  leak: number
  /** Kelvin that non-condensable gas adds to the condensing temperature. */
  airK: number
  /** The outdoor coil evaporates (heating). */
  isHeating: boolean
}

export interface CircuitState {
  evaporatingC: number
  condensingC: number
  dryShare: number
  superheatK: number
  subcoolingK: number
  suctionC: number
  dischargeC: number
  liquidC: number
  suctionKpa: number
  headKpa: number
  coolingKw: number
  sensibleKw: number
  heatingKw: number
  compressorKw: number
  /** Water that the cold coil takes out, g/s. */
  condensateGS: number
  residual: number
}

export const RATED: Omit<CircuitInputs, 'frequencyHz' | 'steps'> = {
  ...{ coldAirC: 27, coldAirGKg: 10.5, coldFlow: 1, hotAirC: 35, hotFlow: 1 },
  ...{ chargeShare: 1, restrictionSteps: Number.POSITIVE_INFINITY, leak: 0, airK: 0, isHeating: false },
}

const AIR_CP = 1.006
const VAPOUR_KJ_G = 2.5
/** Shares of the charge at rating: lines, oil, evaporator; and of the condenser that is full of liquid, and its mean density before. */
const FIXED_CHARGE = 0.08
const OIL_CHARGE = 0.12
const EVAPORATOR_CHARGE = 0.2
const LIQUID_LEVEL = 0.18
const TWO_PHASE_DENSITY = 0.28
const DRY_SHARE = 0.12
/** How the transfer units of the liquid zone fall with the flow (empirical). */
const LIQUID_EXPONENT = 1.3
/** Share of the compressor's power that stays in the refrigerant. */
const KEPT_WORK = 0.93
/** Vapour quality that leaves the evaporator falls by this per unit of negative dry share. */
const CARRY_OVER = 0.8

interface Sizes {
  readonly massKgS: number
  readonly displacementM3: number
  readonly orifice: number
  readonly surfaceResistance: number
  readonly dryUnits: number
  readonly hotUnits: number
  readonly liquidUnits: number
  readonly volume: number
  readonly hotVapourKgM3: number
  readonly headKpa: number
  readonly evaporatingC: number
  readonly outdoorAsColdBypass: number
}

/** Finds what is not said of a unit from the point at which it is rated (27 °C and 10.5 g/kg indoors, 35 °C outdoors). */
function sizeOf(d: CircuitDesign): Sizes {
  const r = d.refrigerant
  const airKw = d.indoorAirKgS * (1 - d.bypass)
  const heat = (surfaceC: number): number =>
    airKw * (AIR_CP * (27 - surfaceC) + VAPOUR_KJ_G * Math.max(0, 10.5 - saturatedGKg(surfaceC))) * (1 - DRY_SHARE)
  let low = -5
  let high = 26
  for (let halving = 0; halving < 40; halving++) {
    const middle = (low + high) / 2
    if (heat(middle) > d.coolingKw) low = middle
    else high = middle
  }
  const evaporatingC = low - d.surfaceK
  const suctionKpa = saturationKpa(r, evaporatingC)
  const headKpa = saturationKpa(r, d.condensingC)
  const liquidC = d.condensingC - d.subcoolingK
  const massKgS = d.coolingKw / (latentKjKg(r, evaporatingC) + r.suctionCpKjKgK * d.superheatK - r.liquidCpKjKgK * (liquidC - evaporatingC))
  const volumetric = volumetricOf(d, headKpa / suctionKpa)
  const density = vapourKgM3(r, suctionKpa, evaporatingC + d.superheatK)
  const workKw = workOf(d, massKgS, suctionKpa, headKpa, density, 1)
  const rejectedKw = d.coolingKw + KEPT_WORK * workKw - massKgS * r.liquidCpKjKgK * d.subcoolingK
  const effectiveness = Math.min(0.9, rejectedKw / ((1 - LIQUID_LEVEL) * d.outdoorAirKgS * AIR_CP * (d.condensingC - 35)))
  return {
    massKgS,
    displacementM3: massKgS / (density * volumetric * d.ratedHz),
    orifice: massKgS / (d.ratedSteps * Math.sqrt(liquidKgM3(r, liquidC) * (headKpa - suctionKpa))),
    surfaceResistance: d.surfaceK / d.coolingKw,
    dryUnits: -Math.log(1 - d.superheatK / (27 - evaporatingC)) / DRY_SHARE,
    hotUnits: -Math.log(1 - effectiveness),
    liquidUnits: -Math.log(1 - d.subcoolingK / (d.condensingC - 35)) / LIQUID_LEVEL,
    volume: (1 - FIXED_CHARGE - OIL_CHARGE - EVAPORATOR_CHARGE) / ((1 - LIQUID_LEVEL) * TWO_PHASE_DENSITY + LIQUID_LEVEL),
    hotVapourKgM3: vapourKgM3(r, headKpa, d.condensingC),
    headKpa,
    evaporatingC,
    outdoorAsColdBypass: 1 - effectiveness,
  }
}

const volumetricOf = (d: CircuitDesign, ratio: number): number => 0.97 - d.clearance * (Math.max(1, ratio) ** (1 / d.refrigerant.exponent) - 1)

function workOf(d: CircuitDesign, massKgS: number, suctionKpa: number, headKpa: number, densityKgM3: number, speed: number): number {
  const k = d.refrigerant.exponent
  const ratio = Math.max(1.02, headKpa / suctionKpa)
  const isentropic = ((k / (k - 1)) * suctionKpa * (ratio ** ((k - 1) / k) - 1)) / densityKgM3
  const efficiency = d.isentropic * (1 - 0.012 * (ratio - 2.8) * (ratio - 2.8)) * (1 - 0.06 * (speed - 1) * (speed - 1))
  return (massKgS * isentropic) / Math.max(0.25, efficiency)
}

export interface Circuit {
  readonly evaporatingC: number
  /** Solves from `start` (changed in place and given back). */
  solve(inputs: CircuitInputs, start: CircuitState, iterations_MAX?: number): CircuitState
  initial(): CircuitState
}

export function createCircuit(d: CircuitDesign): Circuit {
  const r = d.refrigerant
  const size = sizeOf(d)
  const f = new Float64Array(3)
  const root = createRoot()

  /** Fills the state from (Te, Tc, dry share) and the residuals of mass, evaporator and condenser into `f`. */
  function evaluate(i: CircuitInputs, x: Float64Array, s: CircuitState): void {
    const te = x[0] ?? 0
    const tc = x[1] ?? 0
    const raw = x[2] ?? 0
    const dry = 0.5 * (raw + Math.sqrt(raw * raw + 1e-4))
    const flooded = CARRY_OVER * (dry - raw)
    const tcTotal = tc + i.airK
    const suctionKpa = saturationKpa(r, te)
    const headKpa = saturationKpa(r, tcTotal)
    const hotVapour = vapourKgM3(r, headKpa, tcTotal)
    const volumetric = Math.max(0.05, volumetricOf(d, headKpa / suctionKpa)) * (1 - 0.9 * i.leak)
    const swept = size.displacementM3 * i.frequencyHz * volumetric
    const leaked = i.leak * size.massKgS * Math.sqrt(Math.max(0, headKpa - suctionKpa) / 1500) * (0.4 + (0.6 * i.frequencyHz) / d.ratedHz)
    const flow = Math.max(0.05, (swept * vapourKgM3(r, suctionKpa, te + 5) - leaked) / size.massKgS)
    const superheatK = (i.coldAirC - te) * (1 - Math.exp((-size.dryUnits * dry) / flow))
    // Liquid that stands in the condenser is what the charge leaves after lines, evaporator and two-phase zone.
    const twoPhase = TWO_PHASE_DENSITY * (0.1 + (0.9 * hotVapour) / size.hotVapourKgM3)
    const inEvaporator = EVAPORATOR_CHARGE * (1 - 0.1 * (dry - DRY_SHARE))
    // The shell of a rotary compressor stands at head pressure, and its oil takes up more refrigerant the higher that is.
    const inOil = OIL_CHARGE * (headKpa / size.headKpa) ** 2.5
    const level = (i.chargeShare - FIXED_CHARGE - inOil - inEvaporator - size.volume * twoPhase) / (size.volume * (1 - twoPhase))
    const liquidShare = Math.min(0.8, 0.5 * (level + Math.sqrt(level * level + 1e-4)))
    const flash = Math.min(0.6, liquidShare - Math.min(level, liquidShare))
    const subcoolingK = (tc - i.hotAirC) * (1 - Math.exp((-size.liquidUnits * liquidShare * i.hotFlow ** 0.5) / flow ** LIQUID_EXPONENT))
    const liquidC = tc - subcoolingK
    const latentCold = latentKjKg(r, te)
    const latentHot = latentKjKg(r, tc)
    // The line's heat first dries the gas that leaves wet, and superheats it only then.
    const lineK = d.lineEffectiveness * Math.max(0, liquidC - te - superheatK)
    const dryingK = (flooded * latentCold) / r.suctionCpKjKgK
    const wet = (Math.max(0, dryingK - lineK) * r.suctionCpKjKgK) / latentCold
    const suctionC = te + superheatK + Math.max(0, lineK - dryingK)
    const density = vapourKgM3(r, suctionKpa, suctionC) / Math.max(0.4, 1 - wet)
    const speed = i.frequencyHz / d.ratedHz
    const pumped = swept * density
    const mass = Math.max(0.02 * size.massKgS, pumped - leaked)
    const steps = Math.max(1, i.steps)
    const opening = steps / Math.sqrt(1 + (steps / i.restrictionSteps) ** 2)
    const liquidDensity = liquidKgM3(r, liquidC)
    const throttled =
      (size.orifice * opening * Math.sqrt(liquidDensity * Math.max(1, headKpa - suctionKpa))) /
      Math.sqrt(1 + flash * Math.max(0, liquidDensity / hotVapour - 1) * 2)
    const qualityIn = (r.liquidCpKjKgK * (liquidC - lineK * 0.6 - te) + flash * latentHot) / latentCold
    // Cold coil: bypass factor on the air, resistance on the refrigerant.
    const share = i.coldFlow ** 0.45
    const bypass = (i.isHeating ? size.outdoorAsColdBypass : d.bypass) ** (share / i.coldFlow)
    const airKw = (i.isHeating ? d.outdoorAirKgS : d.indoorAirKgS) * i.coldFlow * (1 - bypass) * Math.max(0.05, 1 - dry)
    const saturated = saturatedGKg(te)
    const isWet = i.coldAirGKg > saturated ? 1 : 0
    const slope = isWet * VAPOUR_KJ_G * ((saturated * 4098) / (te + 237.3) ** 2)
    const atRefrigerant = airKw * (AIR_CP * (i.coldAirC - te) + isWet * VAPOUR_KJ_G * (i.coldAirGKg - saturated))
    const twoPhaseKw = atRefrigerant / (1 + size.surfaceResistance * airKw * (AIR_CP + slope))
    const surfaceC = te + size.surfaceResistance * twoPhaseKw
    // Hot coil: one stream that condenses.
    const hotAirKw = (i.isHeating ? d.indoorAirKgS * 1.25 : d.outdoorAirKgS) * AIR_CP * i.hotFlow
    const hotKw = hotAirKw * (1 - Math.exp(-size.hotUnits * i.hotFlow ** -0.45)) * (1 - liquidShare) * (tc - i.hotAirC)
    const workKw = workOf(d, pumped, suctionKpa, headKpa, density, speed)
    const leakHeatK = (leaked / (mass + leaked)) * 12
    // Enthalpy over saturated vapour of the hot side: saturated vapour there has that of the liquid and the latent heat.
    const overColdKjKg = r.suctionCpKjKgK * (suctionC - te + leakHeatK) + (KEPT_WORK * workKw) / Math.max(1e-4, pumped) - wet * latentCold
    const overHotKjKg = overColdKjKg - (r.liquidCpKjKgK * (tc - te) + latentHot - latentCold)
    const dischargeC = tc + overHotKjKg / r.dischargeCpKjKgK
    f[0] = (pumped - leaked - throttled) / size.massKgS
    f[1] = (throttled * latentCold * (1 - flooded - qualityIn) - twoPhaseKw) / d.coolingKw
    f[2] = (mass * (overHotKjKg + latentHot * (1 - flash)) - hotKw) / d.coolingKw
    const liquidKw = mass * r.liquidCpKjKgK * subcoolingK
    const superheatKw = mass * r.suctionCpKjKgK * superheatK
    const drawnGS = isWet * airKw * Math.max(0, i.coldAirGKg - saturatedGKg(surfaceC))
    s.evaporatingC = te
    s.condensingC = tcTotal
    s.dryShare = raw
    s.superheatK = suctionC - te
    s.subcoolingK = tcTotal - liquidC
    s.suctionC = suctionC
    // Gas that leaves the compressor wet is at saturation.
    s.dischargeC = Math.max(tc + 0.5, dischargeC)
    s.liquidC = liquidC
    s.suctionKpa = suctionKpa
    s.headKpa = headKpa
    s.compressorKw = workKw
    s.condensateGS = drawnGS
    s.sensibleKw = twoPhaseKw - drawnGS * VAPOUR_KJ_G + superheatKw
    s.heatingKw = hotKw + liquidKw
    s.residual = Math.abs(f[0]) + Math.abs(f[1]) + Math.abs(f[2])
    s.coolingKw = twoPhaseKw + superheatKw
  }

  return {
    evaporatingC: size.evaporatingC,
    initial: () => initialState(d, size),
    solve(inputs, state, iterations_MAX = 14) {
      root.solve({
        x: [state.evaporatingC, state.condensingC - inputs.airK, state.dryShare],
        low: [-45, inputs.hotAirC + 0.2, -0.7],
        high: [inputs.coldAirC - 0.2, r.criticalC - 3, 0.92],
        step_MAX: [5, 5, 0.12],
        nudge: [0.01, 0.01, 0.0005],
        f,
        evaluate: (x) => evaluate(inputs, x, state),
        iterations_MAX,
      })
      return state
    },
  }
}

const initialState = (d: CircuitDesign, size: Sizes): CircuitState => ({
  ...{ evaporatingC: size.evaporatingC, condensingC: d.condensingC, dryShare: DRY_SHARE, superheatK: d.superheatK, subcoolingK: d.subcoolingK },
  ...{ suctionC: size.evaporatingC + d.superheatK, dischargeC: 70, liquidC: d.condensingC - d.subcoolingK, suctionKpa: 0, headKpa: 0 },
  ...{ coolingKw: d.coolingKw, sensibleKw: d.coolingKw * 0.75, heatingKw: 0, compressorKw: 0, condensateGS: 0, residual: 1 },
})
