/**
 * The controller of the fridge: compressor by the freezer's sensor (on and off at mains frequency, or inverter), damper by that of the
 * fresh compartment, fans, starts with their failures, and defrosts after hours of running. It sees the sensors and not the truth.
 */
import type { Random } from '#kernel/random.ts'
import type { FaultedFridge } from './physics-faults.ts'

export interface ControllerView {
  readonly freshC: number
  readonly freezerC: number
  /** Sensor that ends a defrost. */
  readonly outletC: number
  readonly freshSetC: number
  readonly freezerSetC: number
  readonly mainsV: number
}

/** A successful start. */
export interface StartRecord {
  readonly durationMs: number
  readonly attempts: number
}

export const DEFROST_END_C = 8
const DEFROST_MAX_S = 2400
const DEFROST_AFTER_RUN_S = 8 * 3600
const DEFROST_AFTER_S = 30 * 3600
/** Pause before another attempt: the overload protector cools. */
const RETRY_S: readonly [number, number] = [180, 600]
const REST_MIN_S = 300
const MAINS_V_MIN = 170
const ATTEMPTS_MAX = 20

export class FridgeController {
  compressorHz = 0
  fanDutyPct = 0
  condenserDutyPct = 0
  damperPct = 30
  isDefrosting = false
  defrostS = 0
  /** Set in the step in which it happened. */
  start: StartRecord | undefined
  defrostEnded: 'temperature' | 'time' | undefined
  errorCode = ''
  readonly #isInverter: boolean
  readonly #random: Random
  #ranS = 0
  #sinceDefrostS = 0
  #restS = 600
  #attempts = 0
  #integralHz = 0

  constructor(isInverter: boolean, random: Random) {
    this.#isInverter = isInverter
    this.#random = random
    this.#ranS = random.between(0, DEFROST_AFTER_RUN_S)
  }

  decide(stepS: number, view: ControllerView, fault: FaultedFridge): void {
    this.start = undefined
    this.defrostEnded = undefined
    if (view.mainsV < MAINS_V_MIN) {
      this.#stop()
      this.fanDutyPct = 0
      return
    }
    if (this.#defrost(stepS, view)) return
    this.#compressor(stepS, view, fault)
    const isOn = this.compressorHz > 0
    this.fanDutyPct = isOn ? Math.round(this.#isInverter ? Math.min(100, 45 + 0.8 * this.compressorHz) : 85) : 0
    this.condenserDutyPct = isOn ? Math.round(this.#isInverter ? Math.min(100, 40 + this.compressorHz) : 90) : 0
    if (isOn) {
      const errorK = view.freshC - view.freshSetC
      const moved = this.damperPct + Math.max(-15, Math.min(15, (1.6 * errorK * stepS) / 60))
      this.damperPct = Math.round(Math.max(0, Math.min(100, moved)))
    }
  }

  /** True while a defrost holds the compressor. */
  #defrost(stepS: number, view: ControllerView): boolean {
    this.#sinceDefrostS += stepS
    if (this.compressorHz > 0) this.#ranS += stepS
    if (this.isDefrosting) {
      this.defrostS += stepS
      if (view.outletC < DEFROST_END_C && this.defrostS < DEFROST_MAX_S) return true
      this.isDefrosting = false
      this.defrostEnded = view.outletC >= DEFROST_END_C ? 'temperature' : 'time'
      this.errorCode = this.defrostEnded === 'time' ? 'E2' : ''
      this.#ranS = 0
      this.#sinceDefrostS = 0
      this.#restS = REST_MIN_S
      return false
    }
    if (this.#ranS < DEFROST_AFTER_RUN_S && (this.#sinceDefrostS < DEFROST_AFTER_S || this.#ranS < 1800)) return false
    this.#stop()
    this.fanDutyPct = 0
    this.isDefrosting = true
    this.defrostS = 0
    return true
  }

  #compressor(stepS: number, view: ControllerView, fault: FaultedFridge): void {
    const errorK = view.freezerC - view.freezerSetC
    const isOn = this.compressorHz > 0
    if (isOn ? errorK < -1.5 : errorK < 1.2 || this.#restS < REST_MIN_S) {
      this.#stop()
      this.#restS += stepS
      return
    }
    if (!isOn && !this.#tryStart(stepS, fault)) return
    this.#restS = 0
    if (!this.#isInverter) {
      this.compressorHz = 50
      return
    }
    this.#integralHz = Math.max(-14, Math.min(38, this.#integralHz + (0.22 * errorK * stepS) / 60))
    this.compressorHz = Math.round(Math.max(24, Math.min(80, 38 + 6 * errorK + this.#integralHz)))
  }

  #tryStart(stepS: number, fault: FaultedFridge): boolean {
    this.#attempts = Math.min(ATTEMPTS_MAX, this.#attempts + 1)
    if (fault.startFails > 0 && this.#random.chance(fault.startFails)) {
      this.#restS = REST_MIN_S - this.#random.between(RETRY_S[0], RETRY_S[1]) + stepS
      if (this.#attempts >= 5) this.errorCode = 'E4'
      return false
    }
    this.start = { durationMs: (this.#isInverter ? 900 : 450) * fault.startDuration * this.#random.between(0.92, 1.1), attempts: this.#attempts }
    this.#attempts = 0
    if (this.errorCode === 'E4') this.errorCode = ''
    return true
  }

  #stop(): void {
    this.compressorHz = 0
    this.condenserDutyPct = 0
  }
}
