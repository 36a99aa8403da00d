/**
 * Draws of water: the flow switch, the outlet loop, ignition and re-ignition, safety cut-offs and the records that the device makes of a
 * draw. Water and exchanger are one heat capacity that the flow empties; the loop is feed-forward from the flow sensor with an integral trim
 * on the outlet sensor. Sub-steps are two to six seconds.
 */
import type { Random } from '#kernel/random.ts'
import type { Surroundings } from '../plant.ts'
import type { Burner } from './physics-burner.ts'
import { type Exchange, exchange, flowSensed, inletPressure, waterFlow } from './physics-combustion.ts'
import { CONTROL, DESIGN, type Heater, W_PER_LPM_K } from './physics-design.ts'
import { Steady } from './physics-steady.ts'

/** What a sub-step needs of the world; `tell` takes a record at the present instant. */
export interface DrawWorld {
  heater: Heater
  around: Surroundings
  /** What a sensor says of a true value. */
  readInletC: (trueC: number) => number
  roomCoPpm: number
  tell: (values: Readonly<Record<string, number>>, errorCode: string) => void
}

/** Until the outlet has settled, and then. */
const SUB_STEP_S = 2
const SETTLED_STEP_S = 6
const SETTLED_AFTER_S = 60
/** The trim waits while the outlet is still further from the set-point than this share of the rise. */
const TRIM_WITHIN = 0.22
/** Part of the wall's excess that the thermostat on the exchanger feels (EJ). */
const THERMOSTAT_SHARE = 0.35
/** Part of the thermostat's excess that reaches the sensor on the exit (EJ). */
const EXIT_SHARE = 0.15
const EXHAUST_LAG_S = 20
/** Efficiency that the feed-forward of the controller assumes (EJ). */
const ASSUMED_EFFICIENCY = 0.92
/** Water that runs slower than this is a dripping tap, L/min. */
const DRIP_LPM = 0.5

export class Draw {
  flowLpm = 0
  sensedLpm = 0
  outletC = 20
  exhaustC = 20
  isBurning = false
  error = ''
  fired = 0
  burntS = 0
  /** Heated water since the unit is new, L. */
  heatedL = 0
  readonly #burner: Burner
  readonly #steady: Steady
  #isOn = false
  #trim = 1
  #waitS = 0
  #flameS = 0
  #sinceLitS = 0
  #losses = 0
  #overheats = 0
  #isLocked = false
  #unfiredS = 0
  #bodyK = 0

  constructor(burner: Burner, random: Random) {
    this.#burner = burner
    this.#steady = new Steady(random)
  }

  /** Runs water for at most `seconds`; returns how many it took. */
  run(seconds: number, world: DrawWorld): number {
    const { heater, around } = world
    this.flowLpm = waterFlow(heater, around.use.drawLMin, around.waterPressureKpa)
    this.sensedLpm = flowSensed(heater, this.flowLpm)
    const isEnough = this.sensedLpm > (this.#isOn ? CONTROL.flowOff_LPM : CONTROL.flowOn_LPM)
    if (isEnough && !this.#isOn) this.#begin()
    if (!isEnough && this.#isOn) this.#end(world)
    let dt = Math.min(seconds, this.isBurning && this.#sinceLitS > SETTLED_AFTER_S ? SETTLED_STEP_S : SUB_STEP_S)
    let heat: Exchange | undefined
    if (this.#isOn && !this.#isLocked && !this.isBurning) {
      if (this.#waitS > 0) this.#waitS -= dt
      else dt = Math.min(seconds, this.#ignite(world))
    } else if (this.isBurning) {
      heat = this.#burn(dt, world)
    }
    this.#water(dt, world, heat)
    if (!this.isBurning && this.flowLpm > DRIP_LPM && (!this.#isOn || this.#isLocked)) this.#unfiredS += dt
    return dt
  }

  /** The tap is closed. */
  stop(world: DrawWorld): void {
    if (this.#isOn) this.#end(world)
    if (this.#unfiredS > 0) world.tell({ unfired_flow_s: Math.min(3600, this.#unfiredS) }, '')
    this.#unfiredS = 0
    this.flowLpm = 0
    this.sensedLpm = 0
  }

  /** Water stands and cools; the exhaust path too. */
  rest(seconds: number, indoorC: number): void {
    this.outletC += (indoorC - this.outletC) * (1 - Math.exp(-seconds / 1800))
    this.exhaustC += (indoorC - this.exhaustC) * (1 - Math.exp(-seconds / 600))
    this.#bodyK = 0
  }

  /** What the second sensor, on the exit of the exchanger, measures: water and some of the wall behind the scale. */
  get exchangerC(): number {
    return this.outletC + EXIT_SHARE * this.#bodyK
  }

  #begin(): void {
    this.#isOn = true
    this.#isLocked = false
    this.error = ''
    this.#trim = 1
    this.#waitS = 0
    this.#flameS = 0
    this.#losses = 0
    this.#overheats = 0
    this.#steady.begin()
  }

  #end(world: DrawWorld): void {
    this.#isOn = false
    this.#extinguish(world)
    if (this.#flameS === 0) return
    const counts = { draw_duration_s: Math.min(7200, this.#flameS), flame_loss_count: this.#losses, overheat_count: this.#overheats }
    world.tell({ ...counts, ...this.#steady.means() }, this.error)
  }

  #ignite(world: DrawWorld): number {
    const ignition = this.#burner.ignite(world.heater, world.around)
    const { attempts, fanStartMs } = ignition
    if (ignition.isLit) {
      this.isBurning = true
      this.#sinceLitS = 0
      this.fired += 1
      world.tell({ ignition_duration_ms: ignition.durationMs, ignition_attempts_count: attempts, fan_start_duration_ms: fanStartMs }, '')
    } else {
      world.tell({ ignition_attempts_count: attempts, fan_start_duration_ms: fanStartMs }, 'E-IGNITION')
      this.#lock('E-IGNITION', world)
    }
    return ignition.seconds
  }

  #burn(dt: number, world: DrawWorld): Exchange | undefined {
    const { heater, around } = world
    const burner = this.#burner
    const inletC = world.readInletC(around.waterInletC)
    const sensedC = this.outletC + heater.outletErrorK
    const target = setPoint(around)
    const rise = Math.max(3, target - inletC)
    const short = (target - sensedC) / rise
    const wantedW = ((this.sensedLpm * W_PER_LPM_K * rise) / ASSUMED_EFFICIENCY) * (this.#trim + 0.4 * short)
    const isAtLimit = wantedW > DESIGN.inputW * 1.15 && short > 0
    if (!isAtLimit && Math.abs(short) < TRIM_WITHIN)
      this.#trim = Math.max(CONTROL.trim_MIN, Math.min(CONTROL.trim_MAX, this.#trim + CONTROL.trimPerS * short * dt))
    const out = burner.burn(dt, Math.min(wantedW, DESIGN.inputW * 1.18), world)
    this.#flameS += dt
    this.#sinceLitS += dt
    this.burntS += dt
    this.heatedL += (this.flowLpm * dt) / 60
    const heat = exchange(heater, {
      inputW: burner.inputW,
      air_m3_s: burner.air_m3_s,
      airC: around.indoorC,
      waterC: (around.waterInletC + this.outletC) / 2,
    })
    this.#bodyK = THERMOSTAT_SHARE * heat.wallK
    if (this.#sinceLitS > CONTROL.steadyAfterS) this.#addSteady(world, inletC)
    this.#guard(out, sensedC, world)
    return heat
  }

  /** What cuts the flame off: itself, the air, the room, the thermostat, and water that is too warm at the least input. */
  #guard(out: 'flame' | 'air' | undefined, sensedC: number, world: DrawWorld): void {
    if (out === 'flame') {
      this.#losses += 1
      this.#pause(world)
      if (this.#losses >= CONTROL.losses_MAX) this.#lock('E-FLAME', world)
    } else if (out === 'air') {
      this.#lock('E-AIR', world)
    } else if (world.roomCoPpm > CONTROL.roomCo_PPM) {
      this.#lock('E-CO', world)
    } else if (this.outletC + this.#bodyK > CONTROL.overheat_C) {
      this.#overheats += 1
      this.error = 'E-OVERHEAT'
      this.#pause(world)
    } else if (sensedC > setPoint(world.around) + CONTROL.tooWarmK && this.#burner.inputW <= DESIGN.inputMin_w * 1.05) {
      this.#pause(world)
    }
  }

  #addSteady(world: DrawWorld, inletC: number): void {
    const burner = this.#burner
    const sums = this.#steady.next()
    sums.draw_flow_lpm += this.sensedLpm
    sums.draw_inlet_temperature_c += inletC
    sums.draw_outlet_temperature_c += this.outletC + world.heater.outletErrorK
    sums.draw_exchanger_temperature_c += this.exchangerC
    sums.draw_exhaust_temperature_c += this.exhaustC
    sums.draw_gas_valve_current_ma += burner.valveMa
    sums.draw_gas_pressure_kpa += inletPressure(world.around.gasPressureKpa, burner.inputW)
    sums.draw_fan_rpm += burner.rpm
    sums.draw_fan_ripple_rpm += burner.rippleRpm
    sums.draw_fan_current_a += burner.fanA
    sums.draw_air_pressure_pa += Math.min(500, burner.pressurePa)
    sums.draw_flame_current_ua += Math.min(20, burner.flameUa)
    sums.draw_flue_co_ppm += Math.min(5000, burner.coPpm)
  }

  #water(dt: number, world: DrawWorld, heat: Exchange | undefined): void {
    const { around } = world
    const perK = this.flowLpm * W_PER_LPM_K
    const watt = heat?.toWaterW ?? 0
    if (perK > 1) {
      const settled = around.waterInletC + watt / perK
      this.outletC = settled + (this.outletC - settled) * Math.exp((-dt * perK) / DESIGN.exchangerJ_K)
    }
    const exhaust = heat?.exhaustC ?? around.indoorC
    this.exhaustC += (exhaust - this.exhaustC) * (1 - Math.exp(-dt / EXHAUST_LAG_S))
  }

  #pause(world: DrawWorld): void {
    this.#extinguish(world)
    this.#waitS = CONTROL.pauseS
  }

  #lock(code: string, world: DrawWorld): void {
    this.error = code
    this.#isLocked = true
    this.#extinguish(world)
  }

  #extinguish(world: DrawWorld): void {
    this.isBurning = false
    this.#bodyK = 0
    this.#burner.close(world.heater.leakBy > AFTERFLAME_FROM ? world.heater.leakBy : 0)
  }
}

/** A valve that passes less than this feeds no flame. */
export const AFTERFLAME_FROM = 0.15

/** A heater cannot be set lower, whatever a household asks of its rooms. */
export const setPoint = (around: Surroundings): number => Math.max(35, Math.min(65, around.setPointC))
