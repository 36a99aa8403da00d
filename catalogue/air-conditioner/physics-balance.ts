/**
 * The refrigerant circuit of the air conditioner in steady state: four balances over evaporating and condensing temperature and the face
 * fractions of dry vapour indoors and of liquid outdoors: mass (compressor = valve), heat of either coil, and charge. Zones of a coil
 * (two-phase, superheated or subcooled) share its face, so the model has no moving boundaries in time. Faults act on the parameters only;
 * every sign follows from the balances, no output is written directly. Units: °C, K, kW/K, kg/s, kPa, kJ/kg.
 */
import {
  liquidDensity,
  liquidEnthalpy,
  meanVoidFraction,
  pressureKpa,
  saturationHumidityGKg,
  vapourDensity,
  vapourEnthalpy,
} from './physics-refrigerant.ts'

/** What a unit is made of; faults change a copy. Values of a unit of 3.5 kW are chosen (engineering judgement) to meet a rating of 3.5 kW at 35/27 °C and 60 Hz. */
export interface CircuitParameters {
  /** Swept volume of the compressor in m3. */
  readonly sweptVolume_m3: number
  /** Conductance of the leak from discharge to suction, m2 of orifice; 0 for a tight valve. */
  readonly leakArea_m2: number
  /** Share of the swept vapour that a tight suction valve keeps; the rest flows back before it is compressed. 1 for a unit as built. */
  readonly volumetric: number
  /** Shaft and motor efficiency, relative to 1 for a unit as built. */
  readonly efficiency: number
  /** Area of the expansion valve for each step, m2. */
  readonly valveAreaPerStep_m2: number
  /** Area of a restriction in series with the valve, m2; Infinity for a free line. */
  readonly restrictionArea_m2: number
  /** Charge in kg. */
  readonly charge_kg: number
  /** Air without condensing (non-condensables) adds to the condensing pressure, kPa. */
  readonly nonCondensable_kpa: number
  /** Air conductance m·cp at full duty, kW/K. */
  readonly indoorAir_kw_k: number
  readonly outdoorAir_kw_k: number
  /** Conductance of the coils at full duty, kW/K, air side and refrigerant side. */
  readonly indoorCoil_kw_k: number
  readonly outdoorCoil_kw_k: number
  /** Inner volumes, m3. */
  readonly indoorVolume_m3: number
  readonly outdoorVolume_m3: number
  /** Gas space of the high-side shell with its discharge line, m3. */
  readonly shellVolume_m3: number
  /** Refrigerant that the oil takes up per relative pressure, kg. */
  readonly oilUptake_kg: number
}

export const nominalCircuit: Omit<CircuitParameters, 'charge_kg'> = {
  sweptVolume_m3: 9.8e-6,
  leakArea_m2: 0,
  volumetric: 1,
  efficiency: 1,
  valveAreaPerStep_m2: 1.9e-9,
  restrictionArea_m2: Number.POSITIVE_INFINITY,
  nonCondensable_kpa: 0,
  indoorAir_kw_k: 0.2,
  outdoorAir_kw_k: 0.575,
  indoorCoil_kw_k: 0.29,
  outdoorCoil_kw_k: 0.76,
  indoorVolume_m3: 0.2e-3,
  outdoorVolume_m3: 0.9e-3,
  shellVolume_m3: 2.4e-3,
  oilUptake_kg: 0.35,
}

/** What the circuit meets: air at both coils, air flow of both fans as a share of full, frequency, and how the valve stands. */
export interface CircuitConditions {
  readonly outdoorC: number
  readonly returnC: number
  /** Humidity of the return air in g/kg. */
  readonly returnHumidityGKg: number
  readonly frequencyHz: number
  /** Air flow relative to full duty of a clean unit. */
  readonly indoorFlow: number
  readonly outdoorFlow: number
  /** Held opening in steps, or the superheat the valve controls to within its travel. */
  readonly valve: { readonly openingSteps: number } | { readonly superheatK: number; readonly opening_MIN: number; readonly opening_MAX: number }
}

export interface CircuitState {
  evaporatingC: number
  condensingC: number
  superheatK: number
  subcoolingK: number
  suctionC: number
  dischargeC: number
  liquidC: number
  supplyC: number
  openingSteps: number
  massFlow_kg_s: number
  coolingKw: number
  sensibleKw: number
  condensateGS: number
  compressorKw: number
  suctionKpa: number
  dischargeKpa: number
  charge_kg: number
  /** Face fraction of superheated vapour indoors and of liquid outdoors; negative when liquid leaves, or vapour does. */
  dryFraction: number
  liquidFraction: number
  iterations: number
  converged: boolean
}

/**
 * Oil of a pump with leaking valves runs hotter by this per share of lost flow (chosen). It is the one term that is there for a sign:
 * it frees refrigerant, so that subcooling rises with weak valves as the practitioners' table says [L15]; without it the balances give 0 to -2 K.
 */
const WEAR_HEATS_OIL_K = 500
/** Liquid that the accumulator keeps back for a flooded evaporator, kg a unit of (negative) dry fraction. */
const ACCUMULATOR_KG = 0.15
const SUCTION_LINE_M3 = 0.35e-3
const LIQUID_LINE_M3 = 0.05e-3
const CP_SUCTION = 1.25
const CP_DISCHARGE = 1.55
const CP_LIQUID = 1.95
/** Exponent of compression work, (k - 1) / k of R32 vapour in this range. */
const WORK_EXPONENT = 0.15
const LATENT_KJ_G = 2.47

/** The four balances at one set of conditions; unknowns are [evaporating, condensing, dry fraction indoors, liquid fraction outdoors]. */
export class Balance {
  readonly conditions: CircuitConditions
  readonly #parameters: CircuitParameters
  readonly #heldSteps: number | undefined
  readonly #superheatK: number | undefined
  readonly #indoorK: number
  readonly #outdoorK: number
  readonly #liquidK: number
  /** Results of the last evaluation, read by `state`. */
  #superheat = 0
  #subcooling = 0
  #discharge = 0
  #massFlow = 0
  #work = 0
  #swept = 0
  #sensible = 0
  #latentGS = 0
  #charge = 0
  #opening = 0

  constructor(parameters: CircuitParameters, conditions: CircuitConditions, heldSteps: number | undefined, superheatK: number | undefined) {
    this.#parameters = parameters
    this.conditions = conditions
    this.#heldSteps = heldSteps
    this.#superheatK = superheatK
    this.#indoorK = coilConductance(parameters.indoorAir_kw_k, parameters.indoorCoil_kw_k, conditions.indoorFlow)
    this.#outdoorK = coilConductance(parameters.outdoorAir_kw_k, parameters.outdoorCoil_kw_k, conditions.outdoorFlow)
    this.#liquidK = 0.5 * this.#outdoorK * conditions.outdoorFlow
  }

  bound(x: Float64Array): void {
    const { returnC, outdoorC } = this.conditions
    x[0] = clamp(x[0] ?? 0, -30, returnC - 0.3)
    x[1] = clamp(x[1] ?? 0, Math.max(outdoorC + 0.3, (x[0] ?? 0) + 1), 76)
    x[2] = clamp(x[2] ?? 0, -0.45, 0.97)
    x[3] = clamp(x[3] ?? 0, -0.45, 0.9)
  }

  /** Writes the residuals (each relative to its usual size) and gives the largest. */
  evaluate(x: Float64Array, out: Float64Array): number {
    const { returnC, outdoorC, returnHumidityGKg, frequencyHz } = this.conditions
    const p = this.#parameters
    const te = x[0] ?? 0
    const tc = x[1] ?? 0
    const dry = x[2] ?? 0
    const liquid = x[3] ?? 0
    const pe = pressureKpa(te)
    const pc = pressureKpa(tc) + p.nonCondensable_kpa
    const rg = vapourDensity(te)
    const hg = vapourEnthalpy(te)
    const latentE = hg - liquidEnthalpy(te)
    const outletQuality = dry >= 0 ? 1 : 1 + 0.4 * dry

    // Compressor: a first guess of mass flow gives the superheat, whose effect on density is then taken into account.
    const ratio = pc / pe
    const volumetric = Math.max(0.3, 1.0 - 0.05 * (ratio - 1))
    const isentropic = ((pe / rg) * (Math.exp(WORK_EXPONENT * Math.log(ratio)) - 1)) / WORK_EXPONENT
    const efficiency = 0.78 * p.efficiency * (1 - 0.012 * (ratio - 2.8) * (ratio - 2.8))
    const work = isentropic / Math.max(0.3, efficiency)
    const full = p.volumetric * p.sweptVolume_m3 * frequencyHz * volumetric * rg
    const superheat = dry > 0 ? (returnC - te) * (1 - Math.exp((-dry * 0.33 * this.#indoorK) / (full * 0.95 * CP_SUCTION))) : 0
    const leakPerFull = p.leakArea_m2 > 0 ? (0.6 * p.leakArea_m2 * Math.sqrt(2000 * vapourDensity(tc) * 0.85 * (pc - pe))) / full : 0
    const leakShare = Math.min(0.8, leakPerFull)
    const workHeated = work / (1 - leakShare)
    const heatedK = superheat + 0.1 * (workHeated / CP_SUCTION) + (leakShare * workHeated) / CP_SUCTION
    const swept = (full * (te + 273.15)) / (te + 273.15 + heatedK)
    const mass = swept * (1 - leakShare)
    const h1 = hg * outletQuality + (1 - outletQuality) * (hg - latentE) + CP_SUCTION * superheat
    const hgc = vapourEnthalpy(tc)
    const h2 = h1 + workHeated * 0.88
    const discharge = tc + Math.max(-5, h2 - hgc) / CP_DISCHARGE

    // Outdoor coil: desuperheating, condensing and subcooling share the face.
    const hlc = liquidEnthalpy(tc)
    const latentC = hgc - hlc
    const over = Math.max(0.2, tc - outdoorC)
    const vapourOut = liquid < 0 ? -liquid : 0
    const subcooling = liquid > 0 ? over * (1 - Math.exp((-liquid * this.#liquidK) / (mass * CP_LIQUID))) : 0
    const desuperheat = Math.max(0, (mass * CP_DISCHARGE * Math.log((Math.max(discharge, tc) - outdoorC + 0.2) / over)) / (0.45 * this.#outdoorK))
    const condensing = 1 - desuperheat - Math.max(0, liquid)
    const heatOut = mass * latentC * (1 - vapourOut)

    // Indoor coil.
    const h4 = hlc - CP_LIQUID * subcooling + vapourOut * latentC
    const inletQuality = clamp((h4 - (hg - latentE)) / latentE, 0, 0.9)
    const wetShare = 1 - Math.max(0, dry)
    const surface = te + 0.3 * (returnC - te)
    const excess = Math.max(0, returnHumidityGKg - saturationHumidityGKg(surface))
    const sensibleWet = wetShare * this.#indoorK * (returnC - te)
    const latentGS = wetShare * (this.#indoorK / 1.006) * excess * 0.75
    const heatIn = mass * latentE * (outletQuality - inletQuality)

    // Valve and charge.
    const rl = liquidDensity(tc)
    const rgc = vapourDensity(tc)
    const inlet = 1 / ((1 - vapourOut) / rl + vapourOut / rgc)
    const flux =
      0.7 * (1 + 0.008 * Math.min(subcooling, 15)) * Math.sqrt(2000 * inlet * Math.max(1, pc - 0.6 * pe - 0.3 * pressureKpa(tc - subcooling)))
    const oilC = discharge + WEAR_HEATS_OIL_K * (1 - p.volumetric * (1 - leakShare))
    const qualities = { inletQuality, outletQuality, vapourOut }
    const charge = chargeOf(p, { te, tc, dry, liquid, ...qualities, condensing, desuperheat, subcooling, pc, inlet, oilC })

    out[0] =
      this.#superheatK === undefined ? (valveArea(p, this.#heldSteps ?? 0) * flux) / mass - 1 : (superheatOf(dry, superheat) - this.#superheatK) / 10
    out[1] = (heatIn - sensibleWet - latentGS * LATENT_KJ_G) / 3.5
    out[2] = (heatOut - condensing * this.#outdoorK * over) / 4
    out[3] = charge / p.charge_kg - 1

    this.#superheat = superheat
    this.#subcooling = subcooling
    this.#discharge = discharge
    this.#massFlow = mass
    this.#swept = swept
    this.#work = work
    this.#sensible = sensibleWet + mass * CP_SUCTION * superheat
    this.#latentGS = latentGS
    this.#charge = charge
    this.#opening = this.#heldSteps ?? stepsForArea(p, mass / flux)
    return Math.max(Math.abs(out[0]), Math.abs(out[1]), Math.abs(out[2]), Math.abs(out[3]))
  }

  state(x: Float64Array, iterations: number, converged: boolean): CircuitState {
    const te = x[0] ?? 0
    const tc = x[1] ?? 0
    const air = this.#parameters.indoorAir_kw_k * this.conditions.indoorFlow
    return {
      evaporatingC: te,
      condensingC: tc,
      superheatK: this.#superheat,
      subcoolingK: this.#subcooling,
      suctionC: te + this.#superheat,
      dischargeC: this.#discharge,
      liquidC: tc - this.#subcooling,
      supplyC: this.conditions.returnC - this.#sensible / air,
      openingSteps: this.#opening,
      massFlow_kg_s: this.#massFlow,
      coolingKw: this.#sensible + this.#latentGS * LATENT_KJ_G,
      sensibleKw: this.#sensible,
      condensateGS: this.#latentGS,
      compressorKw: this.#swept * this.#work + 0.0008 * this.conditions.frequencyHz,
      suctionKpa: pressureKpa(te),
      dischargeKpa: pressureKpa(tc) + this.#parameters.nonCondensable_kpa,
      charge_kg: this.#charge,
      dryFraction: x[2] ?? 0,
      liquidFraction: x[3] ?? 0,
      iterations,
      converged,
    }
  }
}

interface Filling {
  readonly te: number
  readonly tc: number
  readonly dry: number
  readonly liquid: number
  readonly inletQuality: number
  readonly outletQuality: number
  readonly vapourOut: number
  readonly condensing: number
  readonly desuperheat: number
  readonly subcooling: number
  readonly pc: number
  /** Density before the valve, kg/m3. */
  readonly inlet: number
  readonly oilC: number
}

/** Charge in coils, lines, shell, oil and accumulator, kg. */
function chargeOf(p: CircuitParameters, f: Filling): number {
  const wet = 1 - Math.max(0, f.dry)
  const rg = vapourDensity(f.te)
  const rle = liquidDensity(f.te)
  const rgc = vapourDensity(f.tc)
  const rl = liquidDensity(f.tc)
  const voidIn = meanVoidFraction(f.inletQuality, Math.max(f.inletQuality + 1e-3, f.outletQuality), rg / rle)
  const voidOut = meanVoidFraction(f.vapourOut, 1, rgc / rl)
  const indoor = wet * (voidIn * rg + (1 - voidIn) * rle) + (1 - wet) * rg * 0.95
  const twoPhase = f.condensing * (voidOut * rgc + (1 - voidOut) * rl)
  const outdoor = twoPhase + Math.max(0, f.liquid) * rl * (1 + 0.0035 * f.subcooling) + f.desuperheat * rgc * 0.85
  const gas = SUCTION_LINE_M3 * rg + LIQUID_LINE_M3 * f.inlet + p.shellVolume_m3 * rgc * 0.8
  const oil = (p.oilUptake_kg * f.pc) / pressureKpa(f.oilC)
  return p.indoorVolume_m3 * indoor + p.outdoorVolume_m3 * outdoor + gas + oil + (f.dry < 0 ? -f.dry * ACCUMULATOR_KG : 0)
}

/** A flooded outlet counts as negative superheat, so that the valve's balance has a slope there. */
const superheatOf = (dry: number, superheat: number): number => (dry >= 0 ? superheat : dry * 60)

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value))

/** Conductance of a coil between its air and the saturation temperature, per face: air side by flow to the 0.5, then effectiveness. */
function coilConductance(air_kw_k: number, coil_kw_k: number, flow: number): number {
  const air = air_kw_k * flow
  const airSide = coil_kw_k * 1.5 * Math.sqrt(flow)
  const refrigerantSide = coil_kw_k * 3
  const ua = (airSide * refrigerantSide) / (airSide + refrigerantSide)
  return air * (1 - Math.exp(-ua / air))
}

const valveArea = (p: CircuitParameters, steps: number): number => {
  const valve = p.valveAreaPerStep_m2 * steps
  if (p.restrictionArea_m2 === Number.POSITIVE_INFINITY) return valve
  return 1 / Math.sqrt(1 / (valve * valve) + 1 / (p.restrictionArea_m2 * p.restrictionArea_m2))
}

const stepsForArea = (p: CircuitParameters, area: number): number => {
  if (p.restrictionArea_m2 === Number.POSITIVE_INFINITY) return area / p.valveAreaPerStep_m2
  const inverse = 1 / (area * area) - 1 / (p.restrictionArea_m2 * p.restrictionArea_m2)
  return inverse <= 0 ? Number.POSITIVE_INFINITY : 1 / (Math.sqrt(inverse) * p.valveAreaPerStep_m2)
}
