/**
 * Fan, spark and flame of the gas water heater: the air loop that makes up for flue and wind by speed, ignition with its attempts, and the
 * flame that burns, dips in gusts and goes out. It is driven by the draw controller in sub-steps of seconds and keeps no water.
 */
import type { Random } from '#kernel/random.ts'
import type { Surroundings } from '../plant.ts'
import {
  airFlow,
  airInferred,
  airPressure,
  airRatio,
  airWanted,
  carbonMonoxide,
  fanCurrent,
  flameCurrent,
  gasInput,
  inletPressure,
  valveCurrentFor,
} from './physics-combustion.ts'
import { CONTROL, DESIGN, type Heater } from './physics-design.ts'

/** Pressure of the wind at a usual terminal, as a share of its stagnation pressure (EJ). */
const WIND_SHARE = 0.2
const AIR_KG_M3 = 1.2
/** Spread of gusts around the mean wind (EJ). */
const GUST = 0.25
/** Chance that a gust which leaves no air puts the flame out (EJ). */
const BLOWN_OUT = 0.3
/** The rod is cold for so long after light, and senses less (EJ). */
const COLD_ROD_S = 5
const COLD_ROD = 0.65
/** Speed of the air loop, 1/s (EJ). */
const AIR_LOOP_PER_S = 0.15

export interface Ignition {
  readonly isLit: boolean
  readonly attempts: number
  /** Of the last attempt. */
  readonly durationMs: number
  readonly fanStartMs: number
  readonly seconds: number
}

export class Burner {
  inputW = 0
  valveMa = 0
  rpm = 0
  rippleRpm = 0
  air_m3_s = 0
  pressurePa = 0
  lambda = 0
  coPpm = 0
  flameUa = 0
  fanA = 0
  /** Air that the controller infers, as a share of what the input wants. */
  airShare = 1
  readonly #random: Random
  #trim = 1
  #burnsS = 0
  #poorAirS = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Purges and sparks, up to five times. */
  ignite(heater: Heater, around: Surroundings): Ignition {
    const fanStartMs = heater.fanStartMs * this.#random.between(0.95, 1.05)
    const supply = Math.min(1, Math.sqrt(Math.max(0, inletPressure(around.gasPressureKpa, 0.35 * DESIGN.inputW) / 1.2)))
    const damp = 1 - heater.sparkDamp * (around.indoorHumidityPct / 100)
    const gust = around.windMS > 8 ? 0.8 : 1
    const chance = heater.sparkChance * damp * supply * gust
    const sparks = Math.floor((CONTROL.attemptMs - DESIGN.lightMs) / DESIGN.sparkMs)
    // A rod that hardly senses lets the controller take a flame for none.
    const sensed = COLD_ROD * flameCurrent(heater, { inputW: 0.5 * DESIGN.inputW, lambda: DESIGN.lambda, mainsV: around.mainsV })
    let seconds = fanStartMs / 1000 + CONTROL.purgeS
    for (let attempts = 1; attempts <= CONTROL.attempts_MAX; attempts++) {
      const needed = chance <= 0 ? Number.POSITIVE_INFINITY : Math.ceil(Math.log(1 - this.#random.uniform()) / Math.log(1 - chance))
      const isSeen = sensed * (1 + this.#random.normal(0, heater.flicker)) > CONTROL.flame_UA
      if (needed <= sparks && isSeen) {
        const durationMs = DESIGN.lightMs + needed * DESIGN.sparkMs
        this.#burnsS = 0
        this.#poorAirS = 0
        return { isLit: true, attempts, durationMs, fanStartMs, seconds: seconds + durationMs / 1000 }
      }
      seconds += CONTROL.attemptMs / 1000 + CONTROL.betweenAttemptsS
    }
    return { isLit: false, attempts: CONTROL.attempts_MAX, durationMs: CONTROL.attemptMs, fanStartMs, seconds }
  }

  /** Burns for `seconds` at what the controller asks for. Gives why the flame went out, or nothing. */
  burn(seconds: number, wantedW: number, world: { heater: Heater; around: Surroundings }): 'flame' | 'air' | undefined {
    const { heater, around } = world
    this.valveMa = valveCurrentFor(Math.max(DESIGN.inputMin_w, wantedW))
    this.inputW = gasInput(heater, this.valveMa, around.gasPressureKpa)
    const gust = around.windMS * Math.max(0, 1 + this.#random.normal(0, GUST))
    const windPa = 0.5 * AIR_KG_M3 * gust * gust * WIND_SHARE
    const want = airWanted(Math.max(DESIGN.inputMin_w, Math.min(DESIGN.inputW, wantedW)))
    const asked = (DESIGN.fanRpm * want) / airWanted(DESIGN.inputW)
    this.rpm = Math.min(heater.fanMax_rpm, Math.max(DESIGN.fanMin_rpm, asked) * this.#trim)
    this.air_m3_s = airFlow(heater, { rpm: this.rpm, windPa, blocked: around.use.ventsBlockedShare })
    this.pressurePa = airPressure(heater, this.air_m3_s, windPa)
    // At low fire the slowest fan gives more air than the gas wants.
    const target = (airWanted(DESIGN.inputW) * Math.max(DESIGN.fanMin_rpm, asked)) / DESIGN.fanRpm
    this.airShare = airInferred(this.rpm, this.pressurePa) / target
    this.#trim = Math.max(0.9, Math.min(2.2, this.#trim * (1 + AIR_LOOP_PER_S * Math.min(2, seconds) * (1 / Math.max(0.4, this.airShare) - 1))))
    this.lambda = airRatio(this.inputW, this.air_m3_s)
    this.coPpm = carbonMonoxide(heater, this.inputW, this.lambda)
    this.fanA = fanCurrent(heater, this.rpm, this.air_m3_s)
    this.rippleRpm = heater.fanRipple_rpm * (1 + 0.02 * around.windMS)
    this.#burnsS += seconds
    return this.#flame(seconds, heater, around)
  }

  #flame(seconds: number, heater: Heater, around: Surroundings): 'flame' | 'air' | undefined {
    const cold = this.#burnsS <= COLD_ROD_S ? COLD_ROD : 1
    const steady = flameCurrent(heater, { inputW: this.inputW, lambda: this.lambda, mainsV: around.mainsV })
    this.flameUa = Math.max(0, steady * cold * (1 + this.#random.normal(0, heater.flicker + 0.004 * around.windMS)))
    const isSmothered = this.air_m3_s === 0 || (this.lambda < 0.8 && around.windMS > 8)
    const isBlownOut = isSmothered && this.#random.chance(BLOWN_OUT)
    if (this.flameUa < CONTROL.flame_UA || isBlownOut) return 'flame'
    const isPoor = !heater.airGuardFails && (this.airShare < CONTROL.airShare_MIN || this.pressurePa > CONTROL.airPressure_PA)
    this.#poorAirS = isPoor ? this.#poorAirS + seconds : 0
    return this.#poorAirS >= CONTROL.airS ? 'air' : undefined
  }

  /** Valve closed. A valve that lets gas by feeds a small flame on, which the rod sees; the fan is kept running then. */
  close(afterflame: number): void {
    this.inputW = 0
    this.valveMa = 0
    this.lambda = 0
    this.coPpm = 0
    this.pressurePa = afterflame > 0 ? 12 : 0
    this.air_m3_s = 0
    this.rippleRpm = 0
    this.flameUa = afterflame > 0 ? 1.2 + 2.2 * afterflame : 0
    this.rpm = afterflame > 0 ? DESIGN.fanMin_rpm : 0
    this.fanA = afterflame > 0 ? 0.12 : 0
  }
}
