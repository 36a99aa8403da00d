/** Means over the steady part of a draw, as the device makes them: sums by channel, none of a draw that was too short. */
import type { Random } from '#kernel/random.ts'

const NOTHING = {
  draw_flow_lpm: 0,
  draw_inlet_temperature_c: 0,
  draw_outlet_temperature_c: 0,
  draw_exchanger_temperature_c: 0,
  draw_exhaust_temperature_c: 0,
  draw_gas_valve_current_ma: 0,
  draw_gas_pressure_kpa: 0,
  draw_fan_rpm: 0,
  draw_fan_ripple_rpm: 0,
  draw_fan_current_a: 0,
  draw_air_pressure_pa: 0,
  draw_flame_current_ua: 0,
  draw_flue_co_ppm: 0,
}

export class Steady {
  readonly #random: Random
  #sums = { ...NOTHING }
  #count = 0

  constructor(random: Random) {
    this.#random = random
  }

  begin(): void {
    this.#count = 0
    this.#sums = { ...NOTHING }
  }

  /** The sums, to which the caller adds one value each. */
  next(): typeof NOTHING {
    this.#count += 1
    return this.#sums
  }

  means(): Readonly<Record<string, number>> {
    if (this.#count === 0) return {}
    const means: Record<string, number> = {}
    for (const [name, sum] of Object.entries(this.#sums)) means[name] = sum / this.#count
    // A standard deviation of so few values scatters.
    means.draw_fan_ripple_rpm = (means.draw_fan_ripple_rpm ?? 0) * this.#random.between(0.85, 1.15)
    return means
  }
}
