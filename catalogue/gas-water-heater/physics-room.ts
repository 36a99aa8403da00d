/**
 * The room where the heater hangs: one volume of air that carbon monoxide and gas enter and that changes with the outdoors. Concentrations
 * follow the exact solution of dc/dt = G/V - n c, so that any step is allowed.
 */
import type { Random } from '#kernel/random.ts'
import { DESIGN } from './physics-design.ts'

/** Lower explosive limit of methane, volume share (IEC 60079-20-1: 4.4 %). */
const LEL_SHARE = 0.044
/** Air changes that an open window adds, per hour (EJ). */
const WINDOW_PER_H = 5
/** What is left of a concentration below this counts as none. */
const CO_TRACE_PPM = 0.01
const GAS_TRACE_PCT = 0.001

export class Room {
  coPpm = 0
  gasLelPct = 0
  readonly #m3: number
  readonly #airPerH: number

  constructor(random: Random) {
    this.#m3 = DESIGN.roomM3 * random.between(0.5, 1.6)
    this.#airPerH = DESIGN.roomAirPerH * random.between(0.7, 1.6)
  }

  get isClean(): boolean {
    return this.coPpm < CO_TRACE_PPM && this.gasLelPct < GAS_TRACE_PCT
  }

  /** Lets so much in, m3/s of pure gas each, over `seconds`; `drawn_m3_s` is air that the burner takes from the room. */
  advance(seconds: number, inflow: { co_m3_s: number; gas_m3_s: number; drawn_m3_s: number; windowIsOpen: boolean }): void {
    const perS = (this.#airPerH + (inflow.windowIsOpen ? WINDOW_PER_H : 0)) / 3600 + inflow.drawn_m3_s / this.#m3
    const left = Math.exp(-perS * seconds)
    const co = (inflow.co_m3_s / this.#m3 / perS) * 1e6
    const gas = (inflow.gas_m3_s / this.#m3 / perS / LEL_SHARE) * 100
    this.coPpm = co + (this.coPpm - co) * left
    this.gasLelPct = Math.min(100, gas + (this.gasLelPct - gas) * left)
    if (this.isClean) {
      this.coPpm = 0
      this.gasLelPct = 0
    }
  }
}
