/**
 * One drain of the tub with its attempts: the pump runs until the level is low or the attempt is given up, a pump that jams is started
 * again. Gives the record of the drain at its end; the water itself moves by `physics-water.ts`.
 */
import type { Random } from '#kernel/random.ts'
import { CONTROL, type Machine } from './physics-design.ts'
import { drainFlow, pumpCurrent, type Tub } from './physics-water.ts'

interface EmptyingWorld {
  readonly machine: Machine
  readonly tub: Tub
  readonly mainsV: number
  readonly detergentShare: number
}

/** Detergent beyond this share of the dose foams; foam takes part of the flow and makes the current of the pump pulse (EJ). */
const FOAM_FROM_SHARE = 1.2
const FOAM_FLOW = 0.12
const FOAM_RIPPLE_A = 0.004
/** Current of a pump that jams, A, and the time until its controller stops it, s (EJ). */
const JAM_A = 0.5
const JAM_S = 30
/** A restart swings the current by so much (EJ). */
const RESTART_RIPPLE_A = 0.08

export class Emptying {
  pumpA = 0
  readonly #random: Random
  #seconds = 0
  #attemptS = 0
  #attempts = 0
  #jams = false
  #ampereS = 0

  constructor(random: Random) {
    this.#random = random
  }

  begin(): void {
    this.#seconds = 0
    this.#attempts = 0
    this.#ampereS = 0
  }

  /** Pumps for `seconds`; gives the record when the drain has ended. */
  advance(seconds: number, world: EmptyingWorld): { record: Readonly<Record<string, number>>; isEmpty: boolean } | undefined {
    const { machine, tub, mainsV } = world
    if (this.#attempts === 0) this.#attempt(world)
    const foam = FOAM_FLOW * Math.max(0, world.detergentShare - FOAM_FROM_SHARE)
    const gone = tub.drain(seconds, this.#jams ? 0 : drainFlow(machine, tub.levelKpa, foam), machine)
    this.pumpA = this.#jams ? JAM_A * (mainsV / 230) : pumpCurrent(machine, (gone * 60) / seconds, mainsV)
    this.#ampereS += this.pumpA * seconds
    this.#seconds += seconds
    this.#attemptS += seconds
    const isEmpty = tub.levelKpa <= CONTROL.empty_KPA + machine.filterDam_kpa
    const isGivenUp = this.#attemptS >= (this.#jams ? JAM_S : CONTROL.drainAttemptS)
    if (!isEmpty && !isGivenUp) return undefined
    if (!isEmpty && this.#attempts < CONTROL.drainAttempts_MAX) {
      this.#attempt(world)
      return undefined
    }
    return { record: this.#record(world), isEmpty }
  }

  /** A worn pump jams, most when it is hot. */
  #attempt(world: EmptyingWorld): void {
    this.#attempts += 1
    this.#attemptS = 0
    this.#jams = this.#random.chance(world.machine.pumpStallChance * Math.min(1.5, world.tub.waterC / 40))
  }

  #record(world: EmptyingWorld): Readonly<Record<string, number>> {
    const ripple = world.machine.pumpRipple_a + FOAM_RIPPLE_A * Math.max(0, world.detergentShare - FOAM_FROM_SHARE)
    return {
      drain_duration_s: this.#seconds,
      drain_residual_kpa: world.tub.levelKpa,
      drain_current_a: this.#ampereS / this.#seconds,
      drain_current_ripple_a: ripple * this.#random.between(0.85, 1.15) + RESTART_RIPPLE_A * (this.#attempts - 1),
      drain_attempts_count: this.#attempts,
    }
  }
}
