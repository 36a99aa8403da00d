/**
 * The room and the condensate tray: one heat store and one moisture store with walls, sun, people, infiltration and windows.
 * Explicit steps of up to 10 minutes; the stores are large enough for that.
 */
import type { Random } from '#kernel/random.ts'
import type { Surroundings } from '../plant.ts'
import { saturationHumidityGKg } from './physics-refrigerant.ts'

export interface RoomParameters {
  readonly heatStoreKjK: number
  readonly wallsKwK: number
  readonly glassM2: number
  readonly airKg: number
  /** Moisture of furniture and walls as a multiple of that of the air. */
  readonly moistureFactor: number
  readonly airChangesPerH: number
}

/** @param size of the room against that for a unit of 3.5 kW */
export function drawRoom(random: Random, size = 1): RoomParameters {
  return {
    heatStoreKjK: size * random.between(1500, 3500),
    wallsKwK: size * random.between(0.06, 0.13),
    glassM2: size * random.between(0.8, 2.4),
    airKg: size * random.between(45, 95),
    moistureFactor: random.between(4, 8),
    airChangesPerH: random.between(0.3, 0.9),
  }
}

export class Room {
  temperatureC = 27
  humidityGKg = 11
  readonly #parameters: RoomParameters

  constructor(parameters: RoomParameters) {
    this.#parameters = parameters
  }

  advance(stepS: number, around: Surroundings, sensibleKw: number, condensateGS: number): void {
    const p = this.#parameters
    const changesPerH = around.windowIsOpen ? 6 : p.airChangesPerH
    const infiltrationKgS = (p.airKg * changesPerH) / 3600
    const conductance = p.wallsKwK + infiltrationKgS * 1.006
    const gains = (p.glassM2 * around.solarWM2 * 0.4) / 1000 + 0.09 * around.people + 0.12
    // Exact step of the linear store, so that long steps with an open window stay stable.
    const target = around.outdoorC + (gains - sensibleKw) / conductance
    const kept = Math.exp((-conductance * stepS) / p.heatStoreKjK)
    this.temperatureC = Math.min(48, Math.max(8, target + (this.temperatureC - target) * kept))
    const store = p.airKg * p.moistureFactor
    const moistureTarget = around.outdoorHumidityGKg + (0.015 * around.people - condensateGS) / infiltrationKgS
    const moistureKept = Math.exp((-infiltrationKgS * stepS) / store)
    const moist = moistureTarget + (this.humidityGKg - moistureTarget) * moistureKept
    this.humidityGKg = Math.min(saturationHumidityGKg(this.temperatureC) * 0.98, Math.max(3, moist))
  }

  relativeHumidityPct(): number {
    return Math.min(99, (100 * this.humidityGKg) / saturationHumidityGKg(this.temperatureC))
  }
}

/** Tray under the indoor coil: the float closes at 1 L and opens at 0.8 L; above 1.6 L it overflows. */
export class CondensateTray {
  floatIsClosed = false
  #waterG = 0

  advance(stepS: number, inflowGS: number, drainGS: number): void {
    this.#waterG = Math.min(1600, Math.max(0, this.#waterG + (inflowGS - Math.min(drainGS, inflowGS + this.#waterG / stepS)) * stepS))
    this.#waterG *= 1 - stepS * 2e-6
    if (this.#waterG >= 1000) this.floatIsClosed = true
    else if (this.#waterG <= 800) this.floatIsClosed = false
  }
}
