/**
 * The controller of the unit: on and off, frequency by PI on the room error, fan duties, protections. It sees the sensors, so a
 * drifting sensor misleads it as in the field. The expansion valve's loop is fast and stands in steady state in `physics.ts`.
 */
export interface ControllerView {
  readonly roomC: number
  readonly setPointC: number
  readonly dischargeC: number
  readonly outdoorCoilC: number
  readonly indoorCoilC: number
  readonly currentA: number
  readonly mainsV: number
  readonly isWanted: boolean
}

export const FREQUENCY_MIN_HZ = 18
export const FREQUENCY_MAX_HZ = 95
const MAINS_V_MIN = 170

export class Controller {
  frequencyHz = 0
  indoorDutyPct = 0
  outdoorDutyPct = 0
  protectionCode = ''
  #lastErrorK = 0
  #offForS = 3600

  /** Decides for the next `stepS`; gives true when the compressor starts now. */
  decide(stepS: number, view: ControllerView): boolean {
    const errorK = view.roomC - view.setPointC
    const wasRunning = this.frequencyHz > 0
    this.protectionCode = protection(view)
    const mayRun = view.isWanted && view.mainsV > MAINS_V_MIN && this.protectionCode === ''
    const keeps = wasRunning ? !(errorK < -0.9) : errorK > 0.4 && this.#offForS >= 180
    if (!(mayRun && keeps)) {
      this.frequencyHz = 0
      this.#offForS += stepS
      this.indoorDutyPct = view.isWanted ? 35 : 0
      this.outdoorDutyPct = 0
      this.#lastErrorK = errorK
      return false
    }
    const start = wasRunning ? this.frequencyHz : 35 + 12 * errorK
    const integral = 0.6 * errorK * (stepS / 60)
    const asked = start + (wasRunning ? 14 * (errorK - this.#lastErrorK) + Math.max(-8, Math.min(8, integral)) : 0)
    this.#lastErrorK = errorK
    this.#offForS = 0
    this.frequencyHz = Math.round(Math.max(FREQUENCY_MIN_HZ, Math.min(FREQUENCY_MAX_HZ, asked) - relief(view)))
    this.indoorDutyPct = Math.round(Math.max(45, Math.min(100, 60 + 20 * errorK)))
    this.outdoorDutyPct = Math.round(Math.max(45, Math.min(100, 30 + this.frequencyHz)))
    return !wasRunning
  }
}

/** Hz taken back by the soft limits of discharge, condensing, freezing and current. */
function relief(view: ControllerView): number {
  return (
    4 * Math.max(0, view.dischargeC - 100) +
    6 * Math.max(0, view.outdoorCoilC - 58) +
    5 * Math.max(0, 0.5 - view.indoorCoilC) +
    20 * Math.max(0, view.currentA - 8.5)
  )
}

/** Code of the hard limits; the unit stays off until the next decision. */
function protection(view: ControllerView): string {
  if (view.dischargeC > 118) return 'P4'
  if (view.outdoorCoilC > 66) return 'P2'
  return ''
}
