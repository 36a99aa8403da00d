/**
 * The washing machine as a plant: controller, tub, drum, terminal and sensors joined. While a wash runs each step gives the state at its
 * end and the records of the phases that ended in it; switched off it says something once an hour, so that a valve that lets water by shows.
 * Faults come as severities and act on parameters (physics-faults.ts). It does not model wool and quick programs, a dryer or a steam jet.
 */
import type { Random } from '#kernel/random.ts'
import { ORDINARY, type Plant, type PlantEvent, type PlantModel, type Severities, type Surroundings } from '../plant.ts'
import { Cycle, type CycleWorld } from './physics-cycle.ts'
import { CONTROL, drawMachine, type Machine, type Wash } from './physics-design.ts'
import { applyFaults, drawVariants, type FaultVariants } from './physics-faults.ts'
import { pumpCurrent, Tub } from './physics-water.ts'
import { channels } from './sensors.ts'

/** A machine that is off reports once in this time. */
const IDLE_REPORT_S = 3600
/** Its water is looked at once in this time. */
const REST_S = 600
/** Below this mains voltage the machine is dead. */
const DEAD_V = 100
/** Natural scale: mm per L heated and mmol/L, and the thickness at which as much flakes off as grows (EJ). */
const SCALE_MM_PER_L_MMOL = 5e-5
const SCALE_MM_MAX = 0.4
const PAN_FLOAT_L = 0.4
/** Time constant of the power terminal, s (EJ). */
const TERMINAL_S = 400
/** The pump clears a machine at rest of water that crept in to this level (EJ). */
const CREPT_LEVEL_KPA = 1.5

export const washingMachinePlant: PlantModel = {
  faults: ['WM-01', 'WM-02', 'WM-03', 'WM-04', 'WM-05', 'WM-06', 'WM-07', 'WM-08', 'XX-01', 'XX-02'],
  noise: {
    water_level_kpa: 0.008,
    inlet_flow_lpm: 0.08,
    water_temperature_c: 0.3,
    ambient_temperature_c: 0.3,
    heater_current_a: 0.04,
    motor_current_a: 0.04,
    drum_rpm: 2,
    tub_acceleration_m_s2: 0.12,
    drain_pump_current_a: 0.008,
    mains_voltage_v: 0.6,
    board_temperature_c: 0.4,
    load_kg: 0.25,
    fill_duration_s: 1,
    fill_volume_l: 0.15,
    level_drift_kpa: 0.004,
    heat_rate_k_per_min: 0.015,
    heat_power_w: 8,
    drain_duration_s: 1,
    drain_residual_kpa: 0.006,
    drain_current_a: 0.004,
    drain_current_ripple_a: 0.0015,
    lock_duration_ms: 30,
    unbalance_kg: 0.03,
    ramp_vibration_m_s2: 0.08,
    spin_vibration_m_s2: 0.4,
    bearing_vibration_m_s2: 0.03,
    spin_speed_rpm: 2,
    spin_current_a: 0.02,
    coast_down_s: 0.8,
    cycle_energy_wh: 4,
  },
  habits: { setPointC: [20, 26], isAlwaysOn: true, uses: ['wash'] },
  create: (random) => new WashingMachine(random),
}

const at = (name: string): number => {
  const index = channels.findIndex((channel) => channel.name === name)
  if (index < 0) throw new RangeError(`washing machine: no channel ${name}`)
  return index
}
const LEVEL = at('water_level_kpa')
const INLET = at('inlet_flow_lpm')
const WATER = at('water_temperature_c')
const AMBIENT = at('ambient_temperature_c')
const HEATER = at('heater_current_a')
const MOTOR = at('motor_current_a')
const RPM = at('drum_rpm')
const VIBRATION = at('tub_acceleration_m_s2')
const PUMP = at('drain_pump_current_a')
const MAINS = at('mains_voltage_v')
const BOARD = at('board_temperature_c')
const VALVE = at('inlet_valve_is_open')
const FLOAT = at('leak_float_is_closed')
const EARTH = at('earth_fault_is_on')
const PUMP_ON = at('drain_pump_is_on')
const LOCKED = at('door_is_locked')
const CYCLE_ON = at('cycle_is_on')

/** Records that are the value of a sensor, times a share; a sensor that sticks has no ripple and no bands. */
const DERIVED: ReadonlyMap<number, ReadonlyArray<readonly [string, number]>> = new Map([
  [MOTOR, [['spin_current_a', 1]]],
  [
    PUMP,
    [
      ['drain_current_a', 1],
      ['drain_current_ripple_a', 0],
    ],
  ],
  [
    VIBRATION,
    [
      ['ramp_vibration_m_s2', 1],
      ['spin_vibration_m_s2', 1],
      ['bearing_vibration_m_s2', 0],
    ],
  ],
])

class WashingMachine implements Plant {
  readonly values = new Float64Array(channels.length).fill(Number.NaN)
  readonly isStuck = new Uint8Array(channels.length)
  readonly texts = new Map<string, string>([
    ['phase', 'idle'],
    ['error_code', ''],
  ])
  readonly life = { cycles: 0, hours: 0 }
  readonly #machine: Machine
  readonly #faulted: Machine
  readonly #variants: FaultVariants
  readonly #faulty: number
  readonly #tub = new Tub()
  readonly #cycle: Cycle
  readonly #world: CycleWorld
  #events: PlantEvent[] = []
  #naturalScale_mm = 0
  #boardC = 23
  #idleS: number
  #unrestedS = 0
  #stuckAt = Number.NaN
  #faultySeverity = 0
  #isTripped = false
  #waiting: Wash | undefined
  #offsetS = 0

  constructor(random: Random) {
    this.#machine = drawMachine(random.fork('spread'))
    this.#faulted = { ...this.#machine }
    this.#variants = drawVariants(random.fork('variants'))
    this.#faulty = at(this.#variants.faultySensor.channel)
    this.#cycle = new Cycle(this.#tub, random.fork('cycle'))
    this.#idleS = random.fork('phase').between(0, IDLE_REPORT_S)
    this.#world = {
      machine: this.#faulted,
      around: ORDINARY,
      readWaterC: (trueC) => this.#read(WATER, trueC),
      tell: (values, errorCode) => this.#tell(values, errorCode),
    }
  }

  get events(): readonly PlantEvent[] {
    return this.#events
  }

  advance(stepMs: number, around: Surroundings, severities: Severities): void {
    const stepS = stepMs / 1000
    if (this.#events.length > 0) this.#events = []
    if (around.use.wash !== undefined) this.#waiting = around.use.wash
    if (around.mainsV < DEAD_V) {
      this.#rest(stepS, around)
      this.values.fill(Number.NaN)
      return
    }
    const isQuiet = !this.#cycle.isOn && this.#waiting === undefined
    this.#idleS += stepS
    if (isQuiet && this.#idleS < IDLE_REPORT_S && this.#unrestedS < REST_S) {
      // Most of a machine's life: what moves is slow (water that cools, seeps away or creeps in), and nothing is told.
      this.#unrestedS += stepS
      this.values.fill(Number.NaN)
      return
    }
    applyFaults(this.#machine, severities, { variants: this.#variants, naturalScale_mm: this.#naturalScale_mm, out: this.#faulted })
    const sensor = severities.get('XX-02') ?? 0
    this.#faultySeverity = sensor
    this.#world.around = around
    if (isQuiet) this.#rest(stepS + this.#unrestedS, around)
    else this.#wash(stepS, around)
    this.#unrestedS = 0
    const { live } = this.#cycle
    const loadA = live.heaterA + live.motorA + live.pumpA
    const terminalC = around.indoorC + 4 + 2 * around.use.ventsBlockedShare + this.#faulted.terminalKPerA2 * loadA * loadA
    this.#boardC += (terminalC - this.#boardC) * (1 - Math.exp(-stepS / TERMINAL_S))
    const speaks = this.#cycle.isOn || this.#events.length > 0 || this.#idleS >= IDLE_REPORT_S || this.#tub.panL > PAN_FLOAT_L
    if (!speaks || this.#isTripped) this.values.fill(Number.NaN)
    else this.#sense(around)
  }

  #wash(stepS: number, around: Surroundings): void {
    const cycle = this.#cycle
    if (!cycle.isOn && this.#waiting !== undefined) {
      // Whoever starts a wash has put the breaker in again.
      this.#isTripped = false
      cycle.start(this.#waiting, this.#faulted)
      this.#waiting = undefined
    }
    this.#offsetS = 0
    const heatedL = cycle.heatedL
    while (cycle.isOn && this.#offsetS < stepS - 1e-9) {
      this.#offsetS += cycle.advance(stepS - this.#offsetS, this.#world)
      if (cycle.live.heaterA > 0 && this.#earthMa(around) > CONTROL.breaker_MA) this.#trip()
    }
    const grown = (cycle.heatedL - heatedL) * around.waterHardnessMmolL * SCALE_MM_PER_L_MMOL
    this.#naturalScale_mm += grown * Math.max(0, 1 - this.#naturalScale_mm / SCALE_MM_MAX)
    this.life.hours += this.#offsetS / 3600
    this.life.cycles = cycle.washes
  }

  /** The breaker of the house opens: the machine falls silent until somebody starts a wash again. */
  #trip(): void {
    this.#tell({}, 'E-EARTH')
    this.#cycle.cut()
    this.#isTripped = true
  }

  #rest(stepS: number, around: Surroundings): void {
    const tub = this.#tub
    tub.seep(stepS, this.#faulted, around.waterInletC)
    tub.waterC += (around.indoorC - tub.waterC) * (1 - Math.exp(-stepS / 7200))
    if (tub.levelKpa > CREPT_LEVEL_KPA && around.mainsV >= DEAD_V) {
      this.#offsetS = Math.min(stepS, 60)
      this.#cycle.live.pumpA = pumpCurrent(this.#faulted, 12, around.mainsV)
      tub.drain(60, 24, this.#faulted)
      this.#tell({ drain_pump_is_on: 1, water_level_kpa: tub.levelKpa }, 'E-FLOOD')
      this.#cycle.live.pumpA = 0
    }
  }

  #earthMa(around: Surroundings): number {
    return (this.#faulted.earthMa * around.mainsV) / 230
  }

  #tell(truth: Readonly<Record<string, number>>, errorCode: string): void {
    const values = this.#asSensed(truth)
    const texts = errorCode === '' ? undefined : { error_code: errorCode }
    const offsetMs = Math.round(this.#offsetS * 1000)
    this.#events.push(texts === undefined ? { offsetMs, values } : { offsetMs, values, texts })
  }

  /** A record is made of what the machine's own sensor said: where that one sticks, the record says the same. */
  #asSensed(record: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    const derived = DERIVED.get(this.#faulty)
    if (Number.isNaN(this.#stuckAt) || derived === undefined) return record
    const sensed: Record<string, number> = { ...record }
    for (const [channel, share] of derived) if (sensed[channel] !== undefined) sensed[channel] = this.#stuckAt * share
    return sensed
  }

  #sense(around: Surroundings): void {
    this.#idleS = 0
    const { values } = this
    const cycle = this.#cycle
    const { live } = cycle
    values.fill(Number.NaN)
    this.#put(LEVEL, Math.min(4, this.#tub.levelKpa))
    this.#put(INLET, live.inletLpm)
    this.#put(WATER, this.#tub.waterC)
    this.#put(AMBIENT, around.indoorC)
    this.#put(HEATER, live.heaterA)
    this.#put(MOTOR, live.motorA)
    this.#put(RPM, live.rpm)
    this.#put(VIBRATION, Math.min(50, live.vibration))
    this.#put(PUMP, live.pumpA)
    this.#put(MAINS, around.mainsV)
    this.#put(BOARD, this.#boardC)
    values[VALVE] = live.valveIsOpen ? 1 : 0
    values[FLOAT] = this.#tub.panL > PAN_FLOAT_L ? 1 : 0
    values[EARTH] = live.heaterA > 0 && this.#earthMa(around) > CONTROL.earthMonitor_MA ? 1 : 0
    values[PUMP_ON] = live.pumpIsOn ? 1 : 0
    values[LOCKED] = live.isLocked ? 1 : 0
    values[CYCLE_ON] = cycle.isOn ? 1 : 0
    this.texts.set('phase', cycle.phase)
    this.texts.set('error_code', cycle.error)
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
