/**
 * The controller of the washing machine: phases of one cycle from the lock to the last spin, with the retries and time-outs that a real
 * one has. A phase moves the tub (physics-water.ts) on by sub-steps and tells a record at its end. It never sees a fault, only its effects.
 */
import type { Random } from '#kernel/random.ts'
import type { Surroundings } from '../plant.ts'
import { CONTROL, DESIGN, KPA_PER_M, type Machine, PROGRAM, type Wash } from './physics-design.ts'
import { motorCurrent, type Turning } from './physics-drum.ts'
import { Emptying } from './physics-emptying.ts'
import { Spin } from './physics-spin.ts'
import { drainFlow, inletFlow, pumpCurrent, type Tub } from './physics-water.ts'

type PhaseName = 'lock' | 'fill' | 'heat' | 'wash' | 'rest' | 'drain' | 'rinse' | 'spin' | 'done'

/** What a sub-step needs of the world; `tell` takes a record at the present instant. */
export interface CycleWorld {
  machine: Machine
  around: Surroundings
  /** What the sensor of the water says of a true temperature. */
  readWaterC: (trueC: number) => number
  tell: (values: Readonly<Record<string, number>>, errorCode: string) => void
}

const PLAN: readonly PhaseName[] = [
  'lock',
  'fill',
  'heat',
  'wash',
  'rest',
  'drain',
  'fill',
  'rinse',
  'drain',
  'fill',
  'rinse',
  'drain',
  'spin',
  'done',
]
/** Phases that show to the outside by another name. */
const SHOWN: Readonly<Record<string, string>> = { lock: 'idle', rest: 'wash', done: 'idle' }
const freshPhase = () => ({ level: 0, fromC: 0, wattS: 0, attempts: 0 })
const AT_REST = { inletLpm: 0, heaterA: 0, pumpA: 0, motorA: 0, rpm: 0, vibration: 0, valveIsOpen: false, pumpIsOn: false, isLocked: false }
const TUMBLE_DUTY = 0.75

export class Cycle {
  /** What the machine does at this instant. */
  readonly live = { ...AT_REST }
  error = ''
  energyWh = 0
  /** Water that was heated since the unit is new, L. */
  heatedL = 0
  washes = 0
  readonly #tub: Tub
  readonly #random: Random
  readonly #spin: Spin
  readonly #emptying: Emptying
  #wash: Wash | undefined
  #plan: PhaseName[] = []
  #phaseS = 0
  #inPhase = freshPhase()
  /** The fill that runs: one of the program, or one that makes up for water that is missing in another phase. */
  #filling: { seconds: number; litres: number; isExtra: boolean } | undefined
  #refills = 0
  #opensAtPhase = -1

  constructor(tub: Tub, random: Random) {
    this.#tub = tub
    this.#random = random
    this.#spin = new Spin(random)
    this.#emptying = new Emptying(random)
  }

  get isOn(): boolean {
    return this.#wash !== undefined
  }

  get phase(): string {
    const name = this.#plan[0] ?? 'done'
    return SHOWN[name] ?? name
  }

  start(wash: Wash, machine: Machine): void {
    this.#wash = wash
    this.#plan = [...PLAN]
    this.error = ''
    this.energyWh = 0
    this.#refills = 0
    this.#filling = undefined
    this.#opensAtPhase = this.#random.chance(machine.doorOpensChance) ? this.#random.integer(2, 9) : -1
    this.#spin.load(wash)
    this.#enter()
  }

  /** Moves on by at most `seconds`, and returns how many it took. */
  advance(seconds: number, world: CycleWorld): number {
    const wash = this.#wash
    if (wash === undefined) return seconds
    const taken = Math.max(0.01, this.#run(Math.min(seconds, 10), wash, world))
    const { live } = this
    const volt = world.around.mainsV
    const tub = this.#tub
    const watt = live.heaterA * volt
    tub.heat(taken, world.machine, { watt, loadKg: wash.loadKg, roomC: world.around.indoorC })
    tub.seep(taken, world.machine, world.around.waterInletC)
    this.energyWh += ((watt + (live.motorA + live.pumpA) * volt * 0.7 + 6) * taken) / 3600
    if (tub.levelKpa > DESIGN.overflowLevel_kpa && this.#plan[0] !== 'drain') this.#abort('E-FLOOD')
    return taken
  }

  /** The supply is cut by a breaker: everything stops where it is. */
  cut(): void {
    this.#wash = undefined
    this.#plan = []
    this.#rest()
  }

  #run(seconds: number, wash: Wash, world: CycleWorld): number {
    this.#rest()
    this.live.isLocked = true
    if (this.#filling !== undefined) return this.#fill(seconds, wash, world, this.#filling)
    switch (this.#plan[0]) {
      case 'lock':
        return this.#lock(seconds, world)
      case 'heat':
        return this.#heat(seconds, wash, world)
      case 'wash':
        return this.#tumble(seconds, PROGRAM.washS, wash, world)
      case 'rinse':
        return this.#tumble(seconds, PROGRAM.rinseS, wash, world)
      case 'rest':
        return this.#restWithWater(seconds, world)
      case 'drain':
        return this.#drain(seconds, wash, world)
      case 'spin':
        return this.#turn(seconds, wash, world)
      default:
        return this.#finish(wash, world)
    }
  }

  #lock(seconds: number, world: CycleWorld): number {
    const { machine, around } = world
    this.live.isLocked = false
    const state = this.#inPhase
    if (state.level === 0) {
      // The thermal lock heats by the square of the mains; a bad one gives up after some seconds and is tried again.
      state.attempts = 1
      while (state.attempts < CONTROL.lockAttempts_MAX + 1 && this.#random.chance(machine.lockFailChance)) state.attempts += 1
      const once = machine.lockMs * (230 / around.mainsV) ** 2 * (1 + 0.004 * (23 - around.indoorC)) * this.#random.between(0.94, 1.06)
      state.level = once + (state.attempts - 1) * CONTROL.lockAttemptS * 1000
    }
    const left = state.level / 1000 - this.#phaseS
    if (left > seconds) return this.#pass(seconds)
    const failed = state.attempts > CONTROL.lockAttempts_MAX
    world.tell({ lock_duration_ms: state.level, lock_attempts_count: state.attempts }, failed ? 'E-LOCK' : '')
    if (failed) this.#abort('E-LOCK')
    else this.#next(world)
    return Math.max(0, left)
  }

  #fill(seconds: number, wash: Wash, world: CycleWorld, filling: { seconds: number; litres: number; isExtra: boolean }): number {
    const tub = this.#tub
    const target = this.#target()
    const flow = inletFlow(world.machine, world.around.waterPressureKpa)
    this.live.valveIsOpen = true
    this.live.inletLpm = flow
    this.#tumbleMotor(wash, world)
    const missingL = Math.max(0, (target - tub.levelKpa) / KPA_PER_M) * DESIGN.waterArea_m2 * 1000
    const dt = Math.min(seconds, 5, flow > 0 ? Math.max(0.2, (missingL / flow) * 60) : 5)
    tub.fill((flow * dt) / 60, world.around.waterInletC)
    tub.soak(dt, wash.loadKg)
    filling.litres += (flow * dt) / 60
    filling.seconds += dt
    const isFull = tub.levelKpa >= target - 1e-6
    if (isFull || filling.seconds > CONTROL.fillS_MAX) {
      const code = isFull && this.#refills < CONTROL.refills_MAX ? '' : 'E-FILL'
      world.tell({ fill_duration_s: filling.seconds, fill_volume_l: filling.litres }, code)
      this.#filling = undefined
      if (code !== '') this.#abort(code)
      else if (!filling.isExtra) this.#next(world)
    }
    return dt
  }

  #heat(seconds: number, wash: Wash, world: CycleWorld): number {
    const { machine, around } = world
    const tub = this.#tub
    const state = this.#inPhase
    const seenC = world.readWaterC(tub.waterC)
    if (this.#phaseS === 0) state.fromC = seenC
    const isWarm = seenC >= wash.programC || this.#phaseS > CONTROL.heatS_MAX
    const isCold = this.#phaseS > 1500 && seenC - state.fromC < 2
    if (isWarm || isCold) {
      if (this.#phaseS > 60) {
        const code = isCold ? 'E-HEAT' : ''
        this.error ||= code
        world.tell({ heat_rate_k_per_min: ((seenC - state.fromC) / this.#phaseS) * 60, heat_power_w: state.wattS / this.#phaseS }, code)
      }
      this.#next(world)
      return 0
    }
    const isCut = tub.waterC > CONTROL.heaterCut_C
    this.live.heaterA = machine.heaterIsOpen || isCut ? 0 : around.mainsV / machine.heaterOhm
    this.#tumbleMotor(wash, world)
    tub.soak(seconds, wash.loadKg)
    state.wattS += this.live.heaterA * around.mainsV * seconds
    this.heatedL += ((tub.freeL + tub.absorbedL) * seconds) / 1500
    this.#refillWhenLow()
    return this.#pass(seconds)
  }

  #tumble(seconds: number, lengthS: number, wash: Wash, world: CycleWorld): number {
    const dt = Math.min(seconds, lengthS - this.#phaseS)
    this.#tumbleMotor(wash, world)
    this.#tub.soak(dt, wash.loadKg)
    this.#pass(dt)
    if (this.#phaseS >= lengthS - 1e-6) {
      this.#next(world)
    } else {
      this.#refillWhenLow()
    }
    return dt
  }

  #restWithWater(seconds: number, world: CycleWorld): number {
    const state = this.#inPhase
    if (this.#phaseS === 0) state.level = this.#tub.levelKpa
    const dt = Math.min(seconds, PROGRAM.restS - this.#phaseS)
    this.#pass(dt)
    if (this.#phaseS >= PROGRAM.restS - 1e-6) {
      world.tell({ level_drift_kpa: this.#tub.levelKpa - state.level }, '')
      this.#next(world)
    }
    return dt
  }

  #drain(seconds: number, wash: Wash, world: CycleWorld): number {
    const dt = Math.min(seconds, 4)
    const { machine, around } = world
    const end = this.#emptying.advance(dt, { machine, tub: this.#tub, mainsV: around.mainsV, detergentShare: wash.detergentShare })
    this.live.pumpIsOn = true
    this.live.pumpA = this.#emptying.pumpA
    this.#pass(dt)
    if (end === undefined) return dt
    world.tell(end.record, end.isEmpty ? '' : 'E-DRAIN')
    if (end.isEmpty) this.#next(world)
    else this.#stop('E-DRAIN')
    return dt
  }

  #turn(seconds: number, wash: Wash, world: CycleWorld): number {
    const turning: Turning = { wetKg: wash.loadKg + this.#tub.absorbedL, unbalanceKg: this.#spin.unbalanceKg }
    const step = this.#spin.advance(seconds, { machine: world.machine, turning, mainsV: world.around.mainsV })
    this.live.rpm = step.rpm
    this.live.motorA = step.motorA
    this.live.vibration = step.vibration
    this.#tub.wring(step.seconds, wash.loadKg, step.rpm)
    const flow = drainFlow(world.machine, this.#tub.levelKpa, 0)
    const gone = this.#tub.drain(step.seconds, flow, world.machine)
    this.live.pumpIsOn = true
    this.live.pumpA = pumpCurrent(world.machine, step.seconds > 0 ? (gone * 60) / step.seconds : 0, world.around.mainsV)
    if (step.record !== undefined) {
      if (step.error !== '') this.error ||= step.error
      world.tell(step.record, step.error)
      this.#next(world)
    }
    this.#pass(step.seconds)
    return step.seconds
  }

  #finish(wash: Wash, world: CycleWorld): number {
    this.washes += 1
    world.tell(
      {
        program_temperature_c: wash.programC,
        load_kg: wash.loadKg,
        refill_count: this.#refills,
        cycle_energy_wh: this.energyWh,
      },
      this.error,
    )
    this.cut()
    return 0
  }

  #tumbleMotor(wash: Wash, world: CycleWorld): void {
    const turning = { wetKg: wash.loadKg + this.#tub.absorbedL, unbalanceKg: this.#spin.unbalanceKg }
    this.live.rpm = CONTROL.washRpm
    this.live.motorA = TUMBLE_DUTY * motorCurrent(world.machine, turning, { rpm: CONTROL.washRpm, mainsV: world.around.mainsV })
    // Clothes that fall shake the tub more than their unbalance does at this speed (EJ).
    this.live.vibration = 0.25 + 0.05 * wash.loadKg
  }

  #target(): number {
    return this.#plan.includes('wash') ? DESIGN.washLevel_kpa : DESIGN.rinseLevel_kpa
  }

  #refillWhenLow(): void {
    if (this.#tub.levelKpa > this.#target() - DESIGN.refillFall_kpa) return
    this.#refills += 1
    this.#filling = { seconds: 0, litres: 0, isExtra: true }
  }

  #next(world: CycleWorld): void {
    this.#plan.shift()
    this.#enter()
    if (this.#opensAtPhase > 0 && PLAN.length - this.#plan.length >= this.#opensAtPhase && this.#plan.includes('spin')) {
      this.#opensAtPhase = -1
      world.tell({}, 'E-DOOR')
      this.#abort('E-DOOR')
    }
  }

  #enter(): void {
    this.#phaseS = 0
    this.#inPhase = freshPhase()
    this.#emptying.begin()
    this.#filling = this.#plan[0] === 'fill' ? { seconds: 0, litres: 0, isExtra: false } : undefined
  }

  /** Empties the tub and ends with a code. */
  #abort(code: string): void {
    this.error ||= code
    this.#plan = code === 'E-LOCK' ? ['done'] : ['drain', 'done']
    this.#enter()
  }

  /** Ends with a code and leaves the water where it is. */
  #stop(code: string): void {
    this.error ||= code
    this.#plan = ['done']
    this.#enter()
  }

  #pass(seconds: number): number {
    this.#phaseS += seconds
    return seconds
  }

  #rest(): void {
    Object.assign(this.live, AT_REST)
  }
}
