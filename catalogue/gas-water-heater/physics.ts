/**
 * The gas water heater as a plant: draw controller, burner, room, board and sensors joined. While water runs each step gives the state at
 * its end and the records of ignitions and draws that ended in it; at rest it says something every ten minutes, and at once each step while
 * carbon monoxide, gas or a flame without an open valve is there. Faults come as severities and act on parameters (physics-faults.ts). It
 * does not model condensing exchangers, liquefied gas, frost protection and circulation pumps.
 */
import type { Random } from '#kernel/random.ts'
import { ORDINARY, type Plant, type PlantEvent, type PlantModel, type Severities, type Surroundings } from '../plant.ts'
import { Burner } from './physics-burner.ts'
import { airPressure, inletPressure } from './physics-combustion.ts'
import { DESIGN, drawHeater, type Heater } from './physics-design.ts'
import { AFTERFLAME_FROM, Draw, type DrawWorld, setPoint } from './physics-draw.ts'
import { applyFaults, drawVariants, type FaultVariants } from './physics-faults.ts'
import { Room } from './physics-room.ts'
import { channels } from './sensors.ts'

/** A heater at rest reports once in this time. */
const IDLE_REPORT_S = 600
const DEAD_V = 100
/** At rest it reports each step from these concentrations on (EJ). */
const SPEAK_CO_PPM = 20
const SPEAK_GAS_LEL_PCT = 2
/** Natural scale: mm per L and mmol/L, and the thickness at which as much flakes off as grows (EJ). */
const SCALE_MM_PER_L_MMOL = 2e-6
const SCALE_MM_MAX = 0.12
const BOARD_S = 300
/** Board over the room at rest and burning, K, and the share of a bad terminal's heat that standby makes (EJ). */
const BOARD_IDLE_K = 5
const BOARD_BURN_K = 12
const STANDBY_SHARE = 0.3
/** A flame on a leaking valve goes on for so long after a draw, s (EJ), and then gas enters the room, m3/h at full leak. */
const AFTERFLAME_S = 1500
const LEAK_BY_M3_H = 0.12

export const gasWaterHeaterPlant: PlantModel = {
  faults: ['GW-01', 'GW-02', 'GW-03', 'GW-04', 'GW-05', 'GW-06', 'GW-07', 'GW-08', 'GW-09', 'XX-01', 'XX-02'],
  noise: {
    water_flow_lpm: 0.06,
    inlet_temperature_c: 0.15,
    outlet_temperature_c: 0.2,
    exchanger_temperature_c: 0.25,
    exhaust_temperature_c: 1,
    ambient_temperature_c: 0.3,
    fan_rpm: 12,
    fan_current_a: 0.006,
    air_pressure_pa: 1.5,
    flame_current_ua: 0.06,
    gas_valve_current_ma: 0.8,
    flue_co_ppm: 3,
    room_co_ppm: 0.6,
    room_gas_lel_pct: 0.15,
    gas_pressure_kpa: 0.012,
    water_pressure_kpa: 2,
    mains_voltage_v: 0.6,
    board_temperature_c: 0.4,
    ignition_duration_ms: 10,
    fan_start_duration_ms: 20,
    draw_flow_lpm: 0.04,
    draw_inlet_temperature_c: 0.1,
    draw_outlet_temperature_c: 0.12,
    draw_exchanger_temperature_c: 0.15,
    draw_exhaust_temperature_c: 0.8,
    draw_gas_valve_current_ma: 0.6,
    draw_gas_pressure_kpa: 0.01,
    draw_fan_rpm: 6,
    draw_fan_ripple_rpm: 1,
    draw_fan_current_a: 0.004,
    draw_air_pressure_pa: 1,
    draw_flame_current_ua: 0.05,
    draw_flue_co_ppm: 2,
  },
  habits: { setPointC: [38, 48], isAlwaysOn: true, uses: ['draws'] },
  create: (random) => new GasWaterHeater(random),
}

const at = (name: string): number => {
  const index = channels.findIndex((channel) => channel.name === name)
  if (index < 0) throw new RangeError(`gas water heater: no channel ${name}`)
  return index
}
const FLOW = at('water_flow_lpm')
const INLET = at('inlet_temperature_c')
const OUTLET = at('outlet_temperature_c')
const EXCHANGER = at('exchanger_temperature_c')
const SET_POINT = at('set_point_temperature_c')
const EXHAUST = at('exhaust_temperature_c')
const AMBIENT = at('ambient_temperature_c')
const FAN = at('fan_rpm')
const FAN_CURRENT = at('fan_current_a')
const AIR = at('air_pressure_pa')
const FLAME = at('flame_current_ua')
const VALVE = at('gas_valve_current_ma')
const VALVE_OPEN = at('gas_valve_is_open')
const FLUE_CO = at('flue_co_ppm')
const ROOM_CO = at('room_co_ppm')
const GAS = at('room_gas_lel_pct')
const GAS_PRESSURE = at('gas_pressure_kpa')
const WATER_PRESSURE = at('water_pressure_kpa')
const MAINS = at('mains_voltage_v')
const BOARD = at('board_temperature_c')

class GasWaterHeater implements Plant {
  readonly values = new Float64Array(channels.length).fill(Number.NaN)
  readonly isStuck = new Uint8Array(channels.length)
  readonly texts = new Map<string, string>([['error_code', '']])
  readonly life = { cycles: 0, hours: 0 }
  readonly #heater: Heater
  readonly #faulted: Heater
  readonly #variants: FaultVariants
  readonly #faulty: number
  readonly #room: Room
  readonly #burner: Burner
  readonly #draw: Draw
  readonly #world: DrawWorld
  #events: PlantEvent[] = []
  #naturalScale_mm = 0
  #boardC = 23
  #idleS: number
  #unrestedS = 0
  #afterflameS = 0
  #isDrawing = false
  #stuckAt = Number.NaN
  #faultySeverity = 0
  #offsetS = 0

  constructor(random: Random) {
    this.#heater = drawHeater(random.fork('spread'))
    this.#faulted = { ...this.#heater }
    this.#variants = drawVariants(random.fork('variants'))
    this.#faulty = at(this.#variants.faultySensor.channel)
    this.#room = new Room(random.fork('room'))
    this.#burner = new Burner(random.fork('burner'))
    this.#draw = new Draw(this.#burner, random.fork('records'))
    this.#idleS = random.fork('phase').between(0, IDLE_REPORT_S)
    this.#world = {
      heater: this.#faulted,
      around: ORDINARY,
      readInletC: (trueC) => this.#read(INLET, trueC),
      roomCoPpm: 0,
      tell: (values, errorCode) => this.#tell(values, errorCode),
    }
  }

  get events(): readonly PlantEvent[] {
    return this.#events
  }

  advance(stepMs: number, around: Surroundings, severities: Severities): void {
    const stepS = stepMs / 1000
    if (this.#events.length > 0) this.#events = []
    const isDead = around.mainsV < DEAD_V
    const wants = around.use.drawLMin > 0 && !isDead
    this.#idleS += stepS
    if (!wants && !this.#isDrawing && this.#idleS < IDLE_REPORT_S && this.#afterflameS === 0 && this.#room.isClean) {
      // Most of a heater's life: what moves is slow, and nothing is told.
      this.#unrestedS += stepS
      this.values.fill(Number.NaN)
      return
    }
    applyFaults(this.#heater, severities, { variants: this.#variants, naturalScale_mm: this.#naturalScale_mm, out: this.#faulted })
    this.#faultySeverity = severities.get('XX-02') ?? 0
    this.#world.around = around
    this.#offsetS = 0
    const burntS = this.#draw.burntS
    if (wants) this.#run(stepS, around)
    else this.#rest(stepS, around)
    this.#unrestedS = 0
    this.#warm(stepS, around, (this.#draw.burntS - burntS) / stepS)
    const isDanger = this.#room.coPpm > SPEAK_CO_PPM || this.#room.gasLelPct > SPEAK_GAS_LEL_PCT || this.#afterflameS > 0
    const speaks = wants || isDanger || this.#events.length > 0 || this.#idleS >= IDLE_REPORT_S
    if (isDead) this.#events = []
    if (!speaks || isDead) this.values.fill(Number.NaN)
    else this.#sense(around)
  }

  #run(stepS: number, around: Surroundings): void {
    const draw = this.#draw
    const room = this.#room
    this.#isDrawing = true
    this.#afterflameS = 0
    const heatedL = draw.heatedL
    while (this.#offsetS < stepS - 1e-9) {
      this.#world.roomCoPpm = room.coPpm
      const taken = draw.run(stepS - this.#offsetS, this.#world)
      this.#offsetS += taken
      this.#breathe(taken, around)
    }
    const grown = (draw.heatedL - heatedL) * around.waterHardnessMmolL * SCALE_MM_PER_L_MMOL
    this.#naturalScale_mm += grown * Math.max(0, 1 - this.#naturalScale_mm / SCALE_MM_MAX)
    this.life.cycles = draw.fired
    this.life.hours = draw.burntS / 3600
  }

  #rest(stepS: number, around: Surroundings): void {
    if (this.#isDrawing) {
      this.#isDrawing = false
      this.#draw.stop(this.#world)
      this.#afterflameS = this.#burner.flameUa > 0 ? AFTERFLAME_S * this.#faulted.leakBy : 0
    }
    this.#draw.rest(stepS + this.#unrestedS, around.indoorC)
    if (this.#afterflameS > 0) {
      this.#afterflameS = this.#faulted.leakBy > AFTERFLAME_FROM ? Math.max(0, this.#afterflameS - stepS) : 0
      if (this.#afterflameS === 0) this.#burner.close(0)
    }
    this.#breathe(stepS + this.#unrestedS, around)
  }

  /** What the unit gives into the room: spilt flue gas while it burns, gas from seals always, from the valve when no flame eats it. */
  #breathe(seconds: number, around: Surroundings): void {
    const heater = this.#faulted
    const burner = this.#burner
    const leaks = (heater.leak_m3_h / 3600) * Math.sqrt(Math.max(0, around.gasPressureKpa) / 2)
    const passes = burner.inputW === 0 && this.#afterflameS === 0 ? (LEAK_BY_M3_H * heater.leakBy) / 3600 : 0
    const co_m3_s = burner.inputW > 0 ? (burner.air_m3_s + burner.inputW / DESIGN.gasJ_m3) * burner.coPpm * 1e-6 * heater.spillShare : 0
    if (co_m3_s === 0 && leaks + passes === 0 && this.#room.isClean) return
    this.#room.advance(seconds, { co_m3_s, gas_m3_s: leaks + passes, drawn_m3_s: burner.air_m3_s, windowIsOpen: around.windowIsOpen })
  }

  #warm(stepS: number, around: Surroundings, burnShare: number): void {
    const terminal = this.#faulted.terminalK * (STANDBY_SHARE + (1 - STANDBY_SHARE) * burnShare)
    const target = around.indoorC + BOARD_IDLE_K + BOARD_BURN_K * burnShare + 4 * around.use.ventsBlockedShare + terminal
    this.#boardC += (target - this.#boardC) * (1 - Math.exp(-(stepS + this.#unrestedS) / BOARD_S))
  }

  #tell(truth: Readonly<Record<string, number>>, errorCode: string): void {
    const values = this.#asSensed(truth)
    const offsetMs = Math.round(this.#offsetS * 1000)
    this.#events.push(errorCode === '' ? { offsetMs, values } : { offsetMs, values, texts: { error_code: errorCode } })
  }

  /** A record is made of what the heater's own sensor said: where that one sticks, the record says the same. */
  #asSensed(record: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    const derived = `draw_${this.#variants.faultySensor.channel}`
    if (Number.isNaN(this.#stuckAt) || record[derived] === undefined) return record
    return { ...record, [derived]: this.#stuckAt }
  }

  #sense(around: Surroundings): void {
    this.#idleS = 0
    const { values } = this
    const draw = this.#draw
    const burner = this.#burner
    values.fill(Number.NaN)
    const isLit = draw.isBurning
    this.#put(FLOW, draw.sensedLpm)
    this.#put(INLET, this.#isDrawing ? around.waterInletC : around.waterInletC + (around.indoorC - around.waterInletC) * 0.8)
    this.#put(OUTLET, Math.min(110, draw.outletC + this.#faulted.outletErrorK))
    this.#put(EXCHANGER, Math.min(130, draw.exchangerC))
    this.#put(EXHAUST, Math.min(300, draw.exhaustC))
    this.#put(AMBIENT, around.indoorC)
    this.#put(FAN, burner.rpm)
    this.#put(FAN_CURRENT, burner.fanA)
    this.#put(AIR, Math.min(500, isLit ? burner.pressurePa : airPressure(this.#faulted, 0, 0.12 * around.windMS ** 2)))
    this.#put(FLAME, Math.min(20, burner.flameUa))
    this.#put(VALVE, burner.valveMa)
    this.#put(FLUE_CO, Math.min(5000, burner.coPpm))
    this.#put(ROOM_CO, Math.min(1000, this.#room.coPpm))
    this.#put(GAS, this.#room.gasLelPct)
    this.#put(GAS_PRESSURE, inletPressure(around.gasPressureKpa, burner.inputW))
    this.#put(WATER_PRESSURE, around.waterPressureKpa)
    this.#put(MAINS, around.mainsV)
    this.#put(BOARD, this.#boardC)
    values[SET_POINT] = setPoint(around)
    values[VALVE_OPEN] = isLit ? 1 : 0
    this.texts.set('error_code', draw.error)
  }

  #put(index: number, truth: number): void {
    this.values[index] = this.#read(index, truth)
    this.isStuck[index] = index === this.#faulty && !Number.isNaN(this.#stuckAt) ? 1 : 0
  }

  /** What the sensor says: the truth, or what it said when it stuck, or the truth and a drift. */
  #read(index: number, truth: number): number {
    if (index !== this.#faulty) return truth
    const { drift } = this.#variants.faultySensor
    if (this.#faultySeverity === 0) this.#stuckAt = Number.NaN
    if (drift !== undefined) return truth + drift * this.#faultySeverity
    if (this.#faultySeverity <= 0.3) return truth
    if (Number.isNaN(this.#stuckAt)) this.#stuckAt = truth
    return this.#stuckAt
  }
}
