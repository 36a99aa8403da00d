/**
 * The air conditioner as a plant: circuit, room, controller, electrics and sensors joined, in cooling. Each step is quasi-steady for the
 * circuit (minutes) and dynamic for room, pipes, board and tray. Faults come as severities and act on parameters (physics-faults.ts).
 * It does not model heating, defrost or two-phase transients.
 */
import type { Random } from '#kernel/random.ts'
import type { Plant, PlantModel, Severities, Surroundings } from '../plant.ts'
import type { CircuitParameters, CircuitState } from './physics-balance.ts'
import { CircuitSolver } from './physics-circuit.ts'
import { Controller } from './physics-control.ts'
import { applyFaults, drawVariants, type FaultedPlant, type FaultVariants } from './physics-faults.ts'
import { drawMake, type Make, OWN_MAKE } from './physics-makers.ts'
import { CondensateTray, drawRoom, Room } from './physics-room.ts'
import { channels } from './sensors.ts'

export const VALVE_STEPS_MIN = 20
export const VALVE_STEPS_MAX = 480
const INDOOR_RPM_PER_PCT = 12
const OUTDOOR_RPM_PER_PCT = 8.5
const STANDBY_W = 3
/** Air that a curtain or a shelf before the whole of the indoor unit takes away. */
const CURTAIN_SHARE = 0.12

export const airConditionerPlant: PlantModel = {
  faults: ['AC-01', 'AC-02', 'AC-03', 'AC-04', 'AC-05', 'AC-06', 'AC-07', 'AC-08', 'AC-09', 'XX-01', 'XX-02'],
  noise: {
    outdoor_temperature_c: 0.15,
    room_temperature_c: 0.1,
    room_humidity_pct: 1,
    return_air_temperature_c: 0.12,
    supply_air_temperature_c: 0.2,
    indoor_coil_temperature_c: 0.2,
    outdoor_coil_temperature_c: 0.25,
    discharge_temperature_c: 0.4,
    suction_temperature_c: 0.25,
    liquid_temperature_c: 0.25,
    indoor_fan_rpm: 4,
    outdoor_fan_rpm: 4,
    compressor_current_a: 0.04,
    power_w: 3,
    mains_voltage_v: 0.5,
    board_temperature_c: 0.3,
    start_peak_current_a: 0.5,
    start_duration_ms: 25,
  },
  create: (random) => new AirConditioner(random, OWN_MAKE),
  createOfMaker: (random, maker) => new AirConditioner(random, drawMake(maker)),
}

const column = (name: string): number => channels.findIndex((channel) => channel.name === name)
const AT = Object.fromEntries(channels.map((channel) => [channel.name, column(channel.name)]))
const at = (name: string): number => AT[name] ?? -1
const OUTDOOR = at('outdoor_temperature_c')
const ROOM = at('room_temperature_c')
const HUMIDITY = at('room_humidity_pct')
const SET_POINT = at('set_point_temperature_c')
const RETURN = at('return_air_temperature_c')
const SUPPLY = at('supply_air_temperature_c')
const INDOOR_COIL = at('indoor_coil_temperature_c')
const OUTDOOR_COIL = at('outdoor_coil_temperature_c')
const DISCHARGE = at('discharge_temperature_c')
const SUCTION = at('suction_temperature_c')
const LIQUID = at('liquid_temperature_c')
const FREQUENCY = at('compressor_frequency_hz')
const VALVE = at('eev_opening_steps')
const INDOOR_RPM = at('indoor_fan_rpm')
const INDOOR_DUTY = at('indoor_fan_duty_pct')
const OUTDOOR_RPM = at('outdoor_fan_rpm')
const OUTDOOR_DUTY = at('outdoor_fan_duty_pct')
const CURRENT = at('compressor_current_a')
const POWER = at('power_w')
const MAINS = at('mains_voltage_v')
const BOARD = at('board_temperature_c')
const FLOAT = at('condensate_float_is_closed')
const COOLING = at('cooling_is_on')
const START_PEAK = at('start_peak_current_a')
const START_DURATION = at('start_duration_ms')

class AirConditioner implements Plant {
  readonly values = new Float64Array(channels.length).fill(Number.NaN)
  readonly isStuck = new Uint8Array(channels.length)
  readonly texts = new Map<string, string>([
    ['mode', 'off'],
    ['protection_code', ''],
  ])
  readonly #circuit: CircuitParameters
  readonly #variants: FaultVariants
  readonly #room: Room
  readonly #tray = new CondensateTray()
  readonly #controller: Controller
  readonly #make: Make
  readonly #solver = new CircuitSolver()
  readonly #random: Random
  readonly #sunOnOutdoorSensorK: number
  #state: CircuitState | undefined
  /** True temperatures of coils and pipes, which lag. */
  readonly #truth = new Float64Array(channels.length).fill(25)
  #startPeakA = Number.NaN
  #startMs = Number.NaN
  #commandedSteps = 100

  constructor(random: Random, make: Make) {
    const spread = random.fork('spread')
    const about = (value: number, share: number): number => value * (1 + Math.max(-2.5 * share, Math.min(2.5 * share, spread.normal(0, share))))
    const { circuit } = make
    this.#make = make
    this.#controller = new Controller(make.control)
    this.#circuit = {
      ...circuit,
      charge_kg: about(circuit.charge_kg, 0.02),
      sweptVolume_m3: about(circuit.sweptVolume_m3, 0.01),
      efficiency: about(circuit.efficiency, 0.02),
      valveAreaPerStep_m2: about(circuit.valveAreaPerStep_m2, 0.04),
      indoorAir_kw_k: about(circuit.indoorAir_kw_k, 0.03),
      outdoorAir_kw_k: about(circuit.outdoorAir_kw_k, 0.03),
      indoorCoil_kw_k: about(circuit.indoorCoil_kw_k, 0.03),
      outdoorCoil_kw_k: about(circuit.outdoorCoil_kw_k, 0.03),
    }
    this.#variants = drawVariants(random.fork('variants'), make.drifting, make.faults)
    this.#room = new Room(drawRoom(random.fork('room'), make.size * make.room))
    this.#random = random.fork('steps')
    this.#sunOnOutdoorSensorK = spread.chance(0.15) ? spread.between(0.5, 2.5) : 0
  }

  advance(stepMs: number, around: Surroundings, severities: Severities): void {
    const stepS = stepMs / 1000
    const plant = applyFaults(this.#circuit, severities, this.#variants, VALVE_STEPS_MAX)
    const starts = this.#controller.decide(stepS, {
      roomC: Number.isNaN(this.values[ROOM] ?? Number.NaN) ? this.#room.temperatureC : (this.values[RETURN] ?? 0),
      setPointC: around.setPointC,
      dischargeC: this.#truth[DISCHARGE] ?? 0,
      outdoorCoilC: this.#truth[OUTDOOR_COIL] ?? 0,
      indoorCoilC: this.#truth[INDOOR_COIL] ?? 0,
      currentA: this.#truth[CURRENT] ?? 0,
      mainsV: around.mainsV,
      isWanted: around.isWanted,
    })
    this.#startMs = starts ? this.#startDuration(plant, around) : Number.NaN
    this.#startPeakA = starts ? 11 * plant.startPeakFactor * (1 + 0.003 * (around.outdoorC - 25)) : Number.NaN
    const compressorKw = this.#controller.frequencyHz > 0 ? this.#run(stepS, plant, around, severities) : this.#rest(stepS, plant, around)
    this.#electrics(stepS, plant, around, compressorKw)
    this.#sense(around, severities)
  }

  #startDuration(plant: FaultedPlant, around: Surroundings): number {
    const heat = 1 + 0.006 * Math.max(0, around.outdoorC - 25)
    return 420 * plant.startDurationFactor * heat * (230 / around.mainsV) ** 1.5 * this.#random.between(0.92, 1.1)
  }

  /** Compressor on: solves the circuit, lets pipes follow, cools the room. */
  #run(stepS: number, plant: FaultedPlant, around: Surroundings, severities: Severities): number {
    const { indoorDutyPct, outdoorDutyPct, frequencyHz } = this.#controller
    const mains = fanSupply(around.mainsV)
    const reaches = Math.max(VALVE_STEPS_MIN, plant.valveReaches)
    const returnC = this.#room.temperatureC + 0.4
    const target = this.#make.superheatTargetK + this.#sensorError(INDOOR_COIL, severities) - this.#sensorError(SUCTION, severities)
    const state = this.#solver.solve(
      plant.circuit,
      {
        outdoorC: around.outdoorC + 0.002 * around.solarWM2,
        returnC,
        returnHumidityGKg: this.#room.humidityGKg,
        frequencyHz,
        indoorFlow: Math.max(0.15, (indoorDutyPct / 100) * plant.indoorFlowFactor * mains * (1 - CURTAIN_SHARE * around.use.ventsBlockedShare)),
        outdoorFlow: Math.max(0.12, (outdoorDutyPct / 100) * plant.outdoorFlowFactor * plant.outdoorSpeedFactor * mains),
        valve: { superheatK: Math.max(-3, Math.min(20, target)), opening_MIN: VALVE_STEPS_MIN, opening_MAX: reaches },
      },
      this.#state,
    )
    this.#state = state.converged ? state : undefined
    const isSaturated = state.openingSteps >= reaches - 0.01 && state.superheatK > target + 0.5
    this.#commandedSteps = isSaturated ? VALVE_STEPS_MAX : state.openingSteps
    const coil = 1 - Math.exp(-stepS / 90)
    const pipe = 1 - Math.exp(-stepS / 240)
    this.#follow(INDOOR_COIL, state.evaporatingC, coil)
    this.#follow(OUTDOOR_COIL, state.condensingC, coil)
    this.#follow(SUPPLY, state.supplyC, coil)
    this.#follow(SUCTION, state.suctionC, coil)
    this.#follow(LIQUID, state.liquidC, coil)
    this.#follow(DISCHARGE, state.dischargeC, pipe)
    this.#follow(RETURN, returnC, coil)
    this.#room.advance(stepS, around, state.sensibleKw, state.condensateGS)
    this.#tray.advance(stepS, state.condensateGS, plant.drainGS)
    return state.compressorKw
  }

  /** Compressor off: pipes go to the air around them. */
  #rest(stepS: number, plant: FaultedPlant, around: Surroundings): number {
    this.#state = undefined
    const quick = 1 - Math.exp(-stepS / 600)
    const slow = 1 - Math.exp(-stepS / 1500)
    this.#room.advance(stepS, around, 0, 0)
    this.#tray.advance(stepS, 0, plant.drainGS)
    this.#follow(INDOOR_COIL, this.#room.temperatureC, quick)
    this.#follow(SUPPLY, this.#room.temperatureC, quick)
    this.#follow(RETURN, this.#room.temperatureC, quick)
    this.#follow(OUTDOOR_COIL, around.outdoorC, quick)
    this.#follow(SUCTION, around.outdoorC, quick)
    this.#follow(LIQUID, around.outdoorC, quick)
    this.#follow(DISCHARGE, around.outdoorC, slow)
    return 0
  }

  #electrics(stepS: number, plant: FaultedPlant, around: Surroundings, compressorKw: number): void {
    const { indoorDutyPct, outdoorDutyPct, frequencyHz } = this.#controller
    const mains = fanSupply(around.mainsV)
    const inverterW = compressorKw > 0 ? compressorKw * 1030 + 12 : 0
    const currentA = Math.min(20, inverterW / (Math.max(1, around.mainsV) * 0.97))
    const indoorW = 32 * this.#make.size * (indoorDutyPct / 100) ** 3
    const outdoorW = 48 * this.#make.size * (outdoorDutyPct / 100) ** 3 * (1 + 0.6 * (1 - plant.outdoorSpeedFactor))
    const truth = this.#truth
    truth[CURRENT] = currentA
    truth[POWER] = STANDBY_W + inverterW + indoorW + outdoorW
    truth[FREQUENCY] = frequencyHz
    truth[INDOOR_RPM] = indoorDutyPct * INDOOR_RPM_PER_PCT * plant.indoorSpeedFactor * mains
    truth[OUTDOOR_RPM] = outdoorDutyPct * OUTDOOR_RPM_PER_PCT * plant.outdoorSpeedFactor * mains
    const boardC = around.outdoorC + 3 + 0.004 * around.solarWM2 + plant.terminalKPerA2 * currentA * currentA
    this.#follow(BOARD, boardC, 1 - Math.exp(-stepS / 400))
  }

  /** Writes what the sensors say: truth plus drift, or what they said when they stuck. */
  #sense(around: Surroundings, severities: Severities): void {
    const { values } = this
    const truth = this.#truth
    const { indoorDutyPct, outdoorDutyPct, frequencyHz, protectionCode } = this.#controller
    truth[OUTDOOR] = around.outdoorC + (this.#sunOnOutdoorSensorK * around.solarWM2) / 800
    truth[ROOM] = this.#room.temperatureC
    truth[HUMIDITY] = this.#room.relativeHumidityPct()
    truth[MAINS] = around.mainsV
    const stuck = (severities.get('XX-02') ?? 0) > 0.3 ? at(this.#variants.stuckChannel) : -1
    for (const index of MEASURED) {
      this.isStuck[index] = index === stuck ? 1 : 0
      if (index !== stuck || Number.isNaN(values[index] ?? Number.NaN)) values[index] = (truth[index] ?? 0) + this.#drift(index, severities)
    }
    values[SET_POINT] = around.setPointC
    values[VALVE] = frequencyHz > 0 ? this.#commandedSteps : 0
    values[INDOOR_DUTY] = indoorDutyPct
    values[OUTDOOR_DUTY] = outdoorDutyPct
    values[FLOAT] = this.#tray.floatIsClosed ? 1 : 0
    values[COOLING] = around.isWanted ? 1 : 0
    values[START_PEAK] = this.#startPeakA
    values[START_DURATION] = this.#startMs
    this.texts.set('mode', around.isWanted ? 'cool' : 'off')
    this.texts.set('protection_code', protectionCode)
  }

  #drift(index: number, severities: Severities): number {
    const severity = severities.get('AC-07') ?? 0
    return severity > 0 && index === at(this.#variants.driftingChannel) ? severity * this.#variants.driftK : 0
  }

  /** What the sensor says above the truth, for the loops that use it. */
  #sensorError(index: number, severities: Severities): number {
    if (this.isStuck[index] === 1) return (this.values[index] ?? 0) - (this.#truth[index] ?? 0)
    return this.#drift(index, severities)
  }

  #follow(index: number, target: number, share: number): void {
    const now = this.#truth[index] ?? target
    this.#truth[index] = now + (target - now) * share
  }
}

/** Speed of the electronic fans hardly follows the mains. */
const fanSupply = (mainsV: number): number => 0.9 + 0.1 * Math.min(1.05, mainsV / 230)

/** Channels whose sensor measures the truth; the others are commands and claims. */
const MEASURED = [
  OUTDOOR,
  ROOM,
  HUMIDITY,
  RETURN,
  SUPPLY,
  INDOOR_COIL,
  OUTDOOR_COIL,
  DISCHARGE,
  SUCTION,
  LIQUID,
  FREQUENCY,
  INDOOR_RPM,
  OUTDOOR_RPM,
  CURRENT,
  POWER,
  MAINS,
  BOARD,
]
