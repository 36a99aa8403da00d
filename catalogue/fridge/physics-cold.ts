/**
 * Heat and frost of a no-frost fridge-freezer: two compartments of air and food, one evaporator with frost, fan and damper, a condenser
 * and a compressor of R600a. Balances of heat and moisture only; the refrigerant circuit is its capacity and power over both saturation
 * temperatures. Each step (60 s at most) is half implicit and so stable. Units: °C, W, W/K, J/K, g. Sizes are engineering judgement.
 */
import type { FaultedFridge } from './physics-faults.ts'

export interface FridgeParameters {
  /** Conductances of the walls, and between the compartments. */
  readonly freshWallsWK: number
  readonly freezerWallsWK: number
  readonly dividerWK: number
  /** Food, which the air of its compartment cools. */
  readonly freshFoodJK: number
  readonly freezerFoodJK: number
  /** Heat flow of the evaporator's air at full fan, and conductance of its coil. */
  readonly airWK: number
  readonly coilWK: number
  readonly condenserWK: number
  /** Cooling at -25/40 °C and 50 Hz. */
  readonly capacityW: number
  /** Power against that of a unit as built. */
  readonly powerShare: number
  readonly heaterW: number
}

export const nominalFridge: FridgeParameters = {
  freshWallsWK: 1,
  freezerWallsWK: 0.62,
  dividerWK: 0.3,
  freshFoodJK: 55_000,
  freezerFoodJK: 40_000,
  airWK: 14,
  coilWK: 28,
  condenserWK: 14,
  capacityW: 120,
  powerShare: 1,
  heaterW: 190,
}

/** What the controller and the household do during a step. */
export interface ColdInputs {
  ambientC: number
  /** Humidity of the room air above that of the cold air, relative to usual (8 g/kg). */
  moisture: number
  compressorHz: number
  /** Commanded, 0..1. */
  fanDuty: number
  damper: number
  isHeating: boolean
  freshOpenS: number
  freezerOpenS: number
  ventsBlockedShare: number
  /** Mains against 230 V. */
  mains: number
}

const FRESH_AIR_JK = 9_000
const FREEZER_AIR_JK = 7_000
const COIL_JK = 2_600
const FOOD_WK = 10
const DOOR_FRESH_WK = 22
const DOOR_FREEZER_WK = 14
const FRESH_SHARE_MAX = 0.3
/** Frost at which half the air still passes. */
const FROST_HALF_G = 320
const MELT_J_G = 334
/** Air that passes without the fan; it cools the freezer only, beside which the coil stands. */
const STILL_AIR_WK = 2
/** Moisture that comes in through walls and drawers, per hour, and per second of an open door, at usual humidity. */
const BASE_G_H = 2.2
const DOOR_G_S = 0.09
/** The pan is wet above this; the condenser dries it by so much an hour. */
const PAN_WET_G = 1200
const PAN_DRIES_G_H = 45
/** Below zero by so much the compressor moves nothing any more. */
const LOWEST_C = 46
const STEP_S_MAX = 60

export class ColdBox {
  freshC = 4
  freezerC = -18
  freshFoodC = 4
  freezerFoodC = -18
  coilC = -20
  condenserC = 30
  frostG = 40
  panG = 0
  /** Of the last step. */
  compressorW = 0
  airShare = 1
  /** Seconds of the present defrost in which the coil stood at 0 °C and frost melted. */
  meltedS = 0
  readonly #parameters: FridgeParameters

  constructor(parameters: FridgeParameters) {
    this.#parameters = parameters
  }

  advance(totalS: number, inputs: ColdInputs, fault: FaultedFridge): void {
    const steps = Math.ceil(totalS / STEP_S_MAX)
    for (let step = 0; step < steps; step++) this.#step(totalS / steps, totalS, inputs, fault)
  }

  /** Where the refrigerant enters and leaves the coil; a half-empty coil is cold at its inlet only. */
  outletC(wetShare: number, isRunning: boolean): number {
    if (!isRunning) return this.coilC
    return this.coilC + 1.5 + (1 - wetShare) * 0.9 * Math.max(0, this.freezerC - this.coilC)
  }

  warm(kg: number): void {
    const { freshFoodJK } = this.#parameters
    this.freshFoodC += (kg * 3500 * (20 - this.freshFoodC)) / (freshFoodJK + kg * 3500)
  }

  #step(stepS: number, totalS: number, inputs: ColdInputs, fault: FaultedFridge): void {
    const p = this.#parameters
    const { ambientC, compressorHz } = inputs
    const frost = this.frostG / FROST_HALF_G
    this.airShare = 1 / (1 + frost * frost * frost)
    const flow = inputs.fanDuty * fault.evaporatorSpeed * this.airShare
    const fanWK = p.airWK * flow
    const airWK = STILL_AIR_WK + fanWK
    const damper = inputs.damper + fault.damperHeld * (fault.damperStuckAt - inputs.damper)
    const freshWK = fanWK * FRESH_SHARE_MAX * damper
    const freshShare = freshWK / airWK
    const inC = freshShare * this.freshC + (1 - freshShare) * this.freezerC
    const coilWK = p.coilWK * Math.sqrt(Math.max(0.05, flow)) * fault.wetShare
    const effectiveness = 1 - Math.exp(-coilWK / airWK)
    const exchangeWK = airWK * effectiveness

    const condenserWK = p.condenserWK * fault.condenserShare * (0.3 + 0.7 * fault.condenserSpeed) * (1 - 0.2 * inputs.ventsBlockedShare)
    const coolingW = compressorHz > 0 ? this.#cooling(compressorHz) : 0
    this.compressorW = compressorHz > 0 ? this.#power(compressorHz) * (0.85 + 0.15 * inputs.mains * inputs.mains) : 0
    const rejectedC = ambientC + (coolingW + this.compressorW) / condenserWK
    this.condenserC += (rejectedC - this.condenserC) * (1 - Math.exp(-stepS / (compressorHz > 0 ? 150 : 500)))

    const heaterW = inputs.isHeating ? p.heaterW * fault.heaterShare * inputs.mains * inputs.mains : 0
    const before = this.coilC
    const net = exchangeWK * (inC - before) - coolingW + heaterW
    this.coilC += net / (COIL_JK / stepS + exchangeWK + 0.038 * coolingW)
    this.#melt(stepS, heaterW)

    const outC = inC - effectiveness * (inC - 0.5 * (before + this.coilC))
    const open = stepS / totalS
    const freshOpenWK = (DOOR_FRESH_WK * inputs.freshOpenS * open) / stepS
    const freezerOpenWK = (DOOR_FREEZER_WK * inputs.freezerOpenS * open) / stepS
    const { freshC, freezerC } = this
    const freshOutWK = p.freshWallsWK + fault.leakWK + freshOpenWK
    const freezerOutWK = p.freezerWallsWK + 0.3 * fault.leakWK + freezerOpenWK
    const freshSum = freshOutWK + p.dividerWK + FOOD_WK + freshWK
    const freshTo = (freshOutWK * ambientC + p.dividerWK * freezerC + FOOD_WK * this.freshFoodC + freshWK * outC) / freshSum
    const freezerAirWK = airWK - freshWK
    const freezerSum = freezerOutWK + p.dividerWK + FOOD_WK + freezerAirWK
    const freezerTo = (freezerOutWK * ambientC + p.dividerWK * freshC + FOOD_WK * this.freezerFoodC + freezerAirWK * outC) / freezerSum
    this.freshC = freshTo + (freshC - freshTo) * Math.exp((-freshSum * stepS) / FRESH_AIR_JK)
    this.freezerC = freezerTo + (freezerC - freezerTo) * Math.exp((-freezerSum * stepS) / FREEZER_AIR_JK)
    this.freshFoodC += (this.freshC - this.freshFoodC) * (1 - Math.exp((-FOOD_WK * stepS) / p.freshFoodJK))
    this.freezerFoodC += (this.freezerC - this.freezerFoodC) * (1 - Math.exp((-FOOD_WK * stepS) / p.freezerFoodJK))

    const opened = DOOR_G_S * (inputs.freshOpenS + inputs.freezerOpenS) * open
    this.frostG = Math.min(1500, this.frostG + inputs.moisture * (((BASE_G_H + fault.leakGH) * stepS) / 3600 + opened))
    this.panG = Math.max(0, this.panG - (PAN_DRIES_G_H * stepS) / 3600)
  }

  /** Above 0 °C the coil's heat melts frost first. */
  #melt(stepS: number, heaterW: number): void {
    if (this.coilC <= 0 || this.frostG <= 1) return
    const meltG = Math.min(this.frostG, (COIL_JK * this.coilC) / MELT_J_G)
    this.frostG -= meltG
    this.panG += meltG
    this.coilC -= (meltG * MELT_J_G) / COIL_JK
    if (heaterW > 0) this.meltedS += stepS
  }

  #cooling(hz: number): number {
    const { capacityW } = this.#parameters
    // Towards its lowest suction pressure the compressor only expands what stands in its dead space.
    const reach = Math.min(1, Math.max(0, (this.coilC + LOWEST_C) / 14))
    return capacityW * (hz / 50) * reach * Math.exp(0.038 * (this.coilC + 25)) * Math.max(0.4, 1 - 0.006 * (this.condenserC - 40))
  }

  #power(hz: number): number {
    const density = Math.exp(0.038 * (this.coilC + 25))
    return (this.#parameters.powerShare * hz * (16 + density * (54 + 1.1 * (this.condenserC - 40) - 0.4 * (this.coilC + 25)))) / 50
  }

  get isPanWet(): boolean {
    return this.panG > PAN_WET_G
  }
}
