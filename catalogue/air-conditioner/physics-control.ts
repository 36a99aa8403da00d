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

/** How a maker's controller decides. */
export interface ControlLaw {
  readonly frequency_MIN: number
  /** That of `frequency_MIN` for a unit without inverter. */
  readonly frequency_MAX: number
  /** Strength of the PI loop against the catalogue's. */
  readonly gain: number
  /** Room against set point at which it stops and starts, K. */
  readonly stopsBelowK: number
  readonly startsAboveK: number
  /** Duty of the fans without error and frequency, %, and what each K and Hz adds. */
  readonly indoorDuty: { readonly pct: number; readonly perK: number }
  readonly outdoorDuty: { readonly pct: number; readonly perHz: number }
  /** Soft limits: A, °C, °C. */
  readonly current_MAX: number
  readonly condensing_MAX: number
  readonly discharge_MAX: number
}

export const FREQUENCY_MIN_HZ = 18
export const FREQUENCY_MAX_HZ = 95
export const OWN_CONTROL: ControlLaw = {
  frequency_MIN: FREQUENCY_MIN_HZ,
  frequency_MAX: FREQUENCY_MAX_HZ,
  gain: 1,
  stopsBelowK: 0.9,
  startsAboveK: 0.4,
  indoorDuty: { pct: 60, perK: 20 },
  outdoorDuty: { pct: 30, perHz: 1 },
  current_MAX: 8.5,
  condensing_MAX: 58,
  discharge_MAX: 100,
}
const MAINS_V_MIN = 170

export class Controller {
  frequencyHz = 0
  indoorDutyPct = 0
  outdoorDutyPct = 0
  protectionCode = ''
  readonly #law: ControlLaw
  #lastErrorK = 0
  #offForS = 3600

  constructor(law: ControlLaw = OWN_CONTROL) {
    this.#law = law
  }

  /** Decides for the next `stepS`; gives true when the compressor starts now. */
  decide(stepS: number, view: ControllerView): boolean {
    const law = this.#law
    const errorK = view.roomC - view.setPointC
    const wasRunning = this.frequencyHz > 0
    this.protectionCode = protection(view)
    const mayRun = view.isWanted && view.mainsV > MAINS_V_MIN && this.protectionCode === ''
    const keeps = wasRunning ? !(errorK < -law.stopsBelowK) : errorK > law.startsAboveK && this.#offForS >= 180
    if (!(mayRun && keeps)) {
      this.frequencyHz = 0
      this.#offForS += stepS
      this.indoorDutyPct = view.isWanted ? 35 : 0
      this.outdoorDutyPct = 0
      this.#lastErrorK = errorK
      return false
    }
    const start = wasRunning ? this.frequencyHz : 35 + 12 * errorK
    const integral = 0.6 * law.gain * errorK * (stepS / 60)
    const asked = start + (wasRunning ? 14 * law.gain * (errorK - this.#lastErrorK) + Math.max(-8, Math.min(8, integral)) : 0)
    this.#lastErrorK = errorK
    this.#offForS = 0
    this.frequencyHz = Math.round(Math.max(law.frequency_MIN, Math.min(law.frequency_MAX, asked) - relief(view, law)))
    this.indoorDutyPct = Math.round(Math.max(45, Math.min(100, law.indoorDuty.pct + law.indoorDuty.perK * errorK)))
    this.outdoorDutyPct = Math.round(Math.max(45, Math.min(100, law.outdoorDuty.pct + law.outdoorDuty.perHz * this.frequencyHz)))
    return !wasRunning
  }
}

/** Hz taken back by the soft limits of discharge, condensing, freezing and current. */
function relief(view: ControllerView, law: ControlLaw): number {
  return (
    4 * Math.max(0, view.dischargeC - law.discharge_MAX) +
    6 * Math.max(0, view.outdoorCoilC - law.condensing_MAX) +
    5 * Math.max(0, 0.5 - view.indoorCoilC) +
    20 * Math.max(0, view.currentA - law.current_MAX)
  )
}

/** Code of the hard limits; the unit stays off until the next decision. */
function protection(view: ControllerView): string {
  if (view.dischargeC > 118) return 'P4'
  if (view.outdoorCoilC > 66) return 'P2'
  return ''
}
