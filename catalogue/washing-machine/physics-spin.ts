/**
 * The last spin: the load is spread at 95 rpm, the unbalance judged, the resonance passed, the speed held, the drum left to coast.
 * Too much unbalance or vibration breaks it off and spreads the load again; after the last retry it spins slower. Gives the record at its end.
 */
import type { Random } from '#kernel/random.ts'
import { CONTROL, type Machine, PROGRAM, type Wash } from './physics-design.ts'
import { bearingAcceleration, coastDown, motorCurrent, rampAcceleration, type Turning, unbalanceAcceleration } from './physics-drum.ts'

export interface SpinStep {
  readonly seconds: number
  readonly rpm: number
  readonly motorA: number
  readonly vibration: number
  /** Given with the last sub-step. */
  readonly record: Readonly<Record<string, number>> | undefined
  readonly error: string
}

interface SpinWorld {
  readonly machine: Machine
  readonly turning: Turning
  readonly mainsV: number
}

const SPREAD_S = 40
const RAMP_S = 60
/** A load that is spread again keeps this share of its unbalance (EJ). */
const RESPREAD: readonly [number, number] = [0.45, 1.1]
/** Unbalance of a load that lies as well as it can, kg (EJ). */
const SPREAD_WELL_KG = 0.08
const SLOW_RPM = 800

export class Spin {
  unbalanceKg = 0
  readonly #random: Random
  #stage: 'spread' | 'ramp' | 'hold' | 'coast' = 'spread'
  #stageS = 0
  #retries = 0
  #rpm: number = PROGRAM.spinRpm
  #coastS = 0
  #record: Record<string, number> | undefined

  constructor(random: Random) {
    this.#random = random
  }

  /** Clothes lie as `unbalance` (0..1) says; a fuller drum lies heavier to one side. */
  load(wash: Wash): void {
    this.unbalanceKg = SPREAD_WELL_KG + wash.unbalance * (0.3 + 0.12 * wash.loadKg)
    this.#stage = 'spread'
    this.#stageS = 0
    this.#retries = 0
    this.#rpm = PROGRAM.spinRpm
    this.#record = undefined
  }

  advance(seconds: number, world: SpinWorld): SpinStep {
    if (this.#stage === 'spread') return this.#spread(seconds, world)
    if (this.#stage === 'ramp') return this.#ramp(seconds, world)
    if (this.#stage === 'hold') return this.#hold(seconds, world)
    return this.#coast(seconds, world)
  }

  #spread(seconds: number, world: SpinWorld): SpinStep {
    const dt = Math.min(seconds, SPREAD_S - this.#stageS)
    this.#stageS += dt
    if (this.#stageS >= SPREAD_S - 1e-6) {
      const vibration = rampAcceleration(world.machine, world.turning)
      const isTooMuch = this.unbalanceKg > CONTROL.unbalanceKg_MAX || vibration > CONTROL.rampVibration_M_S2
      if (isTooMuch && this.#retries < CONTROL.spinRetries_MAX) {
        this.#retries += 1
        this.unbalanceKg = SPREAD_WELL_KG + (this.unbalanceKg - SPREAD_WELL_KG) * this.#random.between(RESPREAD[0], RESPREAD[1])
        this.#stageS = -20
      } else {
        this.#rpm = isTooMuch ? SLOW_RPM : PROGRAM.spinRpm
        this.#go('ramp')
      }
    }
    return this.#step(dt, CONTROL.spreadRpm, world)
  }

  #ramp(seconds: number, world: SpinWorld): SpinStep {
    const dt = Math.min(seconds, RAMP_S - this.#stageS)
    this.#stageS += dt
    const rpm = CONTROL.spreadRpm + (this.#rpm - CONTROL.spreadRpm) * (this.#stageS / RAMP_S)
    if (this.#stageS >= RAMP_S - 1e-6) this.#go('hold')
    return this.#step(dt, rpm, world)
  }

  #hold(seconds: number, world: SpinWorld): SpinStep {
    const dt = Math.min(seconds, PROGRAM.spinS - this.#stageS)
    this.#stageS += dt
    const step = this.#step(dt, this.#rpm, world)
    if (this.#stageS >= PROGRAM.spinS - 1e-6) {
      const { machine, turning } = world
      this.#coastS = coastDown(machine, turning, this.#rpm)
      this.#record = {
        unbalance_kg: this.unbalanceKg,
        unbalance_retries_count: this.#retries,
        ramp_vibration_m_s2: rampAcceleration(machine, turning),
        spin_vibration_m_s2: step.vibration,
        bearing_vibration_m_s2: bearingAcceleration(machine, turning, this.#rpm),
        spin_speed_rpm: this.#rpm,
        spin_current_a: step.motorA,
        coast_down_s: this.#coastS,
      }
      this.#go('coast')
    }
    return step
  }

  #coast(seconds: number, world: SpinWorld): SpinStep {
    const dt = Math.min(seconds, this.#coastS - this.#stageS)
    this.#stageS += dt
    const rpm = this.#rpm * Math.max(0, 1 - this.#stageS / this.#coastS)
    const step = this.#step(dt, rpm, world)
    const isAtRest = this.#stageS >= this.#coastS - 1e-6
    const error = this.#rpm < PROGRAM.spinRpm ? 'E-UNBALANCE' : ''
    return isAtRest ? { ...step, motorA: 0, record: this.#record, error } : { ...step, motorA: 0 }
  }

  #step(seconds: number, rpm: number, world: SpinWorld): SpinStep {
    const { machine, turning, mainsV } = world
    const vibration = Math.hypot(unbalanceAcceleration(machine, turning, rpm), bearingAcceleration(machine, turning, rpm))
    return { seconds, rpm, motorA: motorCurrent(machine, turning, { rpm, mainsV }), vibration, record: undefined, error: '' }
  }

  #go(stage: 'ramp' | 'hold' | 'coast'): void {
    this.#stage = stage
    this.#stageS = 0
  }
}
