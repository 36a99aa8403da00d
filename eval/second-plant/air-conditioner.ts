/**
 * Second plant of the air conditioner, for evaluation only: other equations, sizes, controls and fault shapes than those that training sees.
 * The valve is a state that a controller with a deadband moves, the frequency one that a slow loop moves; the circuit follows at once.
 */
import { channels } from '#catalogue/air-conditioner/sensors.ts'
import type { Plant, PlantModel, Severities, Surroundings } from '#catalogue/plant.ts'
import type { Random } from '#kernel/random.ts'
import { type CircuitInputs, type CircuitState, RATED } from './air-conditioner-circuit.ts'
import { type Effects, effectsOf, FAULTS } from './air-conditioner-faults.ts'
import { moveRoom, type Room } from './air-conditioner-room.ts'
import { type AirConditionerUnit, drawUnit } from './air-conditioner-unit.ts'
import { createPanel, type Panel } from './shapes.ts'

const SUB_STEP_S = 60
const STEPS_MIN = 50
const STEPS_MAX = 480
const REST_S = 300
const TRAY_G = 900
/** Share of electricity that reaches the shaft. */
const DRIVE = 0.91

interface Machine {
  readonly unit: AirConditionerUnit
  readonly room: Room
  readonly inputs: CircuitInputs
  readonly circuit: CircuitState
  mode: 'off' | 'cool' | 'heat'
  hz: number
  steps: number
  restS: number
  runS: number
  indoorDuty: number
  outdoorDuty: number
  trayG: number
  floatClosedS: number
  frostG: number
  defrostS: number
  protection: string
  current: number
  powerW: number
  board: number
  indoorCoil: number
  outdoorCoil: number
  discharge: number
  suction: number
  liquid: number
  supply: number
  startedMs: number
  startedA: number
}

function createMachine(unit: AirConditionerUnit): Machine {
  return {
    ...{ unit, room: { airC: 26, wallC: 26, humidityGKg: 10 }, inputs: { ...RATED, frequencyHz: 50, steps: 200 }, circuit: unit.circuit.initial() },
    ...{ mode: 'off', hz: 0, steps: unit.design.ratedSteps, restS: 600, runS: 0, indoorDuty: 0, outdoorDuty: 0, trayG: 0, floatClosedS: 0 },
    ...{ frostG: 0, defrostS: 0, protection: '', current: 0, powerW: 4, board: 25, indoorCoil: 26, outdoorCoil: 25, discharge: 26 },
    ...{ suction: 25, liquid: 25, supply: 26, startedMs: Number.NaN, startedA: Number.NaN },
  }
}

const toward = (from: number, to: number, seconds: number, tauS: number): number => to + (from - to) * Math.exp(-seconds / tauS)

function chooseMode(m: Machine, around: Surroundings): Machine['mode'] {
  if (!around.isWanted || around.mainsV < 155) return 'off'
  if (m.room.airC < around.setPointC - 1.5 && around.outdoorC < 15) return 'heat'
  if (m.room.airC > around.setPointC - 0.2 || m.mode === 'off') return m.mode === 'heat' && around.outdoorC < 15 ? 'heat' : 'cool'
  return m.mode
}

/** Thermostat, frequency, valve and fans for the next seconds. */
function control(m: Machine, around: Surroundings, effects: Effects, seconds: number): void {
  const { unit } = m
  const mode = chooseMode(m, around)
  if (mode !== m.mode && m.hz > 0) stop(m)
  m.mode = mode
  const drift = (name: string): number => (unit.variant.driftChannel === name ? effects.driftK : 0)
  const roomC = m.room.airC + drift('room_temperature_c')
  const error = mode === 'heat' ? around.setPointC - roomC : roomC - around.setPointC
  if (m.hz === 0) {
    if (mode === 'off') m.indoorDuty = 0
    if (mode !== 'off' && error > (m.unit.isInverter ? 0.8 : 1.1) && m.restS >= REST_S && m.protection !== 'E7') start(m, around, effects)
    m.outdoorDuty = m.hz > 0 ? m.outdoorDuty : 0
    return
  }
  if (mode === 'off' || (error < -1.2 && m.runS > 480)) {
    stop(m)
    return
  }
  const before = m.hz
  if (unit.isInverter) {
    const wanted = unit.leastHz + (unit.mostHz - unit.leastHz) * Math.min(1, Math.max(0, (error + 0.5) / 2.4))
    const slew = (9 * seconds) / 60
    m.hz += Math.min(slew, Math.max(-slew, 0.35 * (wanted - m.hz)))
  }
  protect(m, seconds)
  if (m.hz === 0) return
  m.steps *= 1 + 0.7 * (m.hz / before - 1)
  const coilDrift = mode === 'cool' ? drift('indoor_coil_temperature_c') : drift('outdoor_coil_temperature_c')
  const superheatK = m.circuit.superheatK - coilDrift
  const off = superheatK - unit.targetSuperheatK
  if (Math.abs(off) > unit.deadbandK) m.steps += Math.min(24, Math.max(-24, 1.5 * (off - Math.sign(off) * unit.deadbandK * 0.5))) * (seconds / 60)
  m.steps = Math.min(STEPS_MAX, Math.max(STEPS_MIN, m.steps))
  m.indoorDuty = Math.min(100, Math.max(40, 55 + 22 * error))
  m.outdoorDuty = unit.isInverter ? Math.min(100, 38 + (62 * m.hz) / unit.mostHz) : around.outdoorC > 25 || mode === 'heat' ? 100 : 65
}

/** Slows down near the limits of pressure, discharge and frost, and trips beyond them. */
function protect(m: Machine, seconds: number): void {
  const { circuit, unit } = m
  const isFrosting = m.mode === 'cool' && circuit.evaporatingC < -3
  if (circuit.condensingC > 59 || circuit.dischargeC > 108 || isFrosting) {
    m.protection = circuit.condensingC > 59 ? 'L1' : isFrosting ? 'L3' : 'L2'
    m.hz = unit.isInverter ? Math.max(unit.leastHz, m.hz - (8 * seconds) / 60) : m.hz
  } else if (m.protection.startsWith('L')) m.protection = ''
  const isTooMuch = circuit.condensingC > 65 || circuit.dischargeC > 121 || (!unit.isInverter && isFrosting && circuit.evaporatingC < -7)
  if (m.floatClosedS > 900) {
    stop(m)
    m.protection = 'E7'
  } else if (isTooMuch && m.runS > 300) {
    stop(m)
    m.restS = -300
    m.protection = circuit.condensingC > 65 ? 'P1' : 'P2'
  }
}

function start(m: Machine, around: Surroundings, effects: Effects): void {
  const { unit } = m
  m.hz = unit.isInverter ? Math.max(unit.leastHz, 28) : 50
  m.runS = 0
  m.protection = ''
  m.steps = (unit.design.ratedSteps * (0.35 + (0.65 * m.hz) / unit.design.ratedHz) + m.steps) / 2
  m.indoorDuty = 70
  m.outdoorDuty = 80
  const voltage = around.mainsV / 230
  const heat = 1 + Math.max(0, around.outdoorC - 30) * 0.006
  m.startedMs = unit.startMs * effects.startFactor * heat * voltage ** -1.3
  m.startedA = (ratedAmps(unit) * unit.startPeak * (1 + 0.25 * (effects.startFactor - 1))) / (unit.isInverter ? 1 : voltage)
  m.circuit.evaporatingC = Math.min(m.circuit.evaporatingC, 12)
}

function stop(m: Machine): void {
  m.hz = 0
  m.restS = 0
  m.outdoorDuty = 0
}

const ratedAmps = (unit: AirConditionerUnit): number => (unit.design.coolingKw * 1000) / (3.7 * DRIVE * 230 * unit.powerFactor)

/** Heat, water and sensors' true values of the next seconds. */
function run(m: Machine, around: Surroundings, effects: Effects, seconds: number): void {
  const { unit, room, circuit } = m
  const isRunning = m.hz > 0
  const returnC = room.airC + (m.indoorDuty > 0 ? unit.returnK : 0)
  const isHeating = m.mode === 'heat'
  const vents = 1 - 0.3 * around.use.ventsBlockedShare
  const indoorFlow = Math.max(0.1, (m.indoorDuty / 100) * effects.indoorFlow * vents)
  let taken = { sensibleKw: 0, waterGS: 0, seconds }
  if (isRunning && m.defrostS <= 0) {
    const frosted = 1 - Math.min(0.6, m.frostG / 2500)
    const wind = 1 + 0.004 * around.windMS
    const outdoorFlow = Math.max(0.12, (m.outdoorDuty / 100) * effects.outdoorFlow * frosted * wind)
    solve(m, around, { effects, returnC, indoorFlow, outdoorFlow })
    const airKwK = unit.design.indoorAirKgS * indoorFlow * 1.006
    taken = isHeating
      ? { sensibleKw: -circuit.heatingKw, waterGS: 0, seconds }
      : { sensibleKw: circuit.sensibleKw, waterGS: circuit.condensateGS, seconds }
    if (isHeating && circuit.evaporatingC < 0) m.frostG += circuit.condensateGS * seconds
    if (isHeating && m.frostG > 1100 && m.runS > 2400) m.defrostS = 240
    const supplyC = returnC - taken.sensibleKw / airKwK
    const cold = circuit.evaporatingC + 0.4
    settle(m, seconds, 75, {
      indoor: isHeating ? circuit.condensingC : cold,
      outdoor: isHeating ? cold : circuit.condensingC,
      ...{ discharge: circuit.dischargeC, suction: circuit.suctionC, liquid: circuit.liquidC, supply: supplyC },
    })
    m.runS += seconds
  } else if (isRunning) {
    m.defrostS -= seconds
    m.frostG = m.defrostS <= 0 ? 0 : m.frostG * 0.6
    m.indoorDuty = 0
    taken = { sensibleKw: 0.3 * unit.design.coolingKw, waterGS: 0, seconds }
    settle(m, seconds, 90, { indoor: room.airC - 12, outdoor: 8, discharge: 45, suction: -2, liquid: 5, supply: room.airC })
  } else {
    const coil = m.indoorDuty > 0 ? 300 : 700
    const to = around.outdoorC
    m.discharge = toward(m.discharge, to, seconds, 1500)
    const kept = m.discharge
    settle(m, seconds, coil, { indoor: room.airC, outdoor: to, discharge: kept, suction: to, liquid: to, supply: room.airC })
    m.restS += seconds
    if (m.protection !== 'E7' && m.restS > REST_S) m.protection = ''
  }
  moveRoom(room, unit, around, taken)
  drain(m, effects, taken.waterGS, seconds)
  electricity(m, around, effects, seconds)
}

function solve(m: Machine, around: Surroundings, at: { effects: Effects; returnC: number; indoorFlow: number; outdoorFlow: number }): void {
  const { inputs, unit } = m
  const { effects } = at
  const isHeating = m.mode === 'heat'
  inputs.isHeating = isHeating
  inputs.coldAirC = isHeating ? around.outdoorC : at.returnC
  inputs.coldAirGKg = isHeating ? around.outdoorHumidityGKg : m.room.humidityGKg
  inputs.coldFlow = isHeating ? at.outdoorFlow : at.indoorFlow
  inputs.hotAirC = isHeating ? at.returnC : around.outdoorC
  inputs.hotFlow = isHeating ? at.indoorFlow : at.outdoorFlow
  inputs.frequencyHz = m.hz
  inputs.steps = effects.valve(m.steps)
  inputs.chargeShare = effects.circuit.chargeShare
  inputs.restrictionSteps = effects.circuit.restrictionSteps
  inputs.leak = isHeating && unit.variant.reversingValve ? 0.4 * effects.circuit.leak : effects.circuit.leak
  inputs.airK = effects.circuit.airK
  unit.circuit.solve(inputs, m.circuit)
}

interface Targets {
  readonly indoor: number
  readonly outdoor: number
  readonly discharge: number
  readonly suction: number
  readonly liquid: number
  readonly supply: number
}

function settle(m: Machine, seconds: number, tauS: number, to: Targets): void {
  const kept = Math.exp(-seconds / tauS)
  m.indoorCoil = to.indoor + (m.indoorCoil - to.indoor) * kept
  m.outdoorCoil = to.outdoor + (m.outdoorCoil - to.outdoor) * kept
  m.discharge = to.discharge + (m.discharge - to.discharge) * Math.sqrt(kept)
  m.suction = to.suction + (m.suction - to.suction) * kept
  m.liquid = to.liquid + (m.liquid - to.liquid) * kept
  m.supply = to.supply + (m.supply - to.supply) * kept
}

function drain(m: Machine, effects: Effects, waterGS: number, seconds: number): void {
  const off = 0.45 * m.unit.design.coolingKw * effects.drain + 0.015
  m.trayG = Math.max(0, m.trayG + (waterGS - off) * seconds)
  const isClosed = m.trayG > (m.floatClosedS > 0 ? 0.7 : 1) * TRAY_G
  m.trayG = Math.min(1.3 * TRAY_G, m.trayG)
  m.floatClosedS = isClosed ? m.floatClosedS + seconds : 0
  if (!isClosed && m.protection === 'E7') m.protection = ''
}

function electricity(m: Machine, around: Surroundings, effects: Effects, seconds: number): void {
  const { unit } = m
  const sag = unit.isInverter ? 0.05 : 0.3
  const watts = m.hz > 0 ? (Math.max(0.05, m.circuit.compressorKw) / DRIVE) * 1000 * (1 + sag * Math.abs(1 - around.mainsV / 230)) : 0
  m.current = watts / (Math.max(100, around.mainsV) * unit.powerFactor)
  const fansW = unit.indoorFanW * (m.indoorDuty / 100) ** 2.2 + unit.outdoorFanW * (m.outdoorDuty / 100) ** 2.2
  m.powerW = watts + fansW + 3.5
  const load = (m.current / ratedAmps(unit)) ** 2
  const terminalC = around.outdoorC + 1.5 + (3 * around.solarWM2) / 850 + (unit.terminalK + effects.terminalK) * load + (m.hz > 0 ? 3 : 0)
  m.board = toward(m.board, terminalC, seconds, 800)
}

function show(m: Machine, around: Surroundings, effects: Effects, panel: Panel): void {
  const { unit, room } = m
  const isMoving = m.indoorDuty > 0
  const saturatedKpa = 0.61078 * Math.exp((17.27 * room.airC) / (room.airC + 237.3))
  const kpa = (101.325 * room.humidityGKg) / (622 + room.humidityGKg)
  panel.set('outdoor_temperature_c', around.outdoorC + (1.4 * around.solarWM2) / 850)
  panel.set('room_temperature_c', room.airC)
  panel.set('room_humidity_pct', Math.min(100, (100 * kpa) / saturatedKpa))
  panel.set('set_point_temperature_c', around.setPointC)
  panel.set('return_air_temperature_c', room.airC + (isMoving ? unit.returnK : 0))
  panel.set('supply_air_temperature_c', m.supply)
  panel.set('indoor_coil_temperature_c', m.indoorCoil)
  panel.set('outdoor_coil_temperature_c', m.outdoorCoil)
  panel.set('discharge_temperature_c', m.discharge)
  panel.set('suction_temperature_c', m.suction)
  panel.set('liquid_temperature_c', m.liquid)
  panel.set('compressor_frequency_hz', m.hz)
  panel.set('eev_opening_steps', m.hz > 0 ? m.steps : 0)
  panel.set('indoor_fan_rpm', (m.indoorDuty / 100) * unit.indoorRpm_MAX * (1 + 0.07 * (1 - effects.indoorFlow)))
  panel.set('indoor_fan_duty_pct', m.indoorDuty)
  panel.set('outdoor_fan_rpm', (m.outdoorDuty / 100) * unit.outdoorRpm_MAX * effects.outdoorFanSpeed)
  panel.set('outdoor_fan_duty_pct', m.outdoorDuty)
  panel.set('compressor_current_a', m.current)
  panel.set('power_w', m.powerW)
  panel.set('mains_voltage_v', around.mainsV)
  panel.set('board_temperature_c', m.board)
  panel.set('condensate_float_is_closed', m.floatClosedS > 0 ? 1 : 0)
  panel.set('cooling_is_on', m.mode === 'cool' ? 1 : 0)
  panel.set('start_peak_current_a', m.startedA)
  panel.set('start_duration_ms', m.startedMs)
  const drifting = unit.variant.driftChannel
  panel.set(drifting, panel.get(drifting) + effects.driftK)
  panel.stick(unit.variant.stuckChannel, effects.stuck)
}

function create(random: Random): Plant {
  const m = createMachine(drawUnit(random.fork('second/air-conditioner')))
  const panel = createPanel(channels)
  const texts = new Map([
    ['mode', 'off'],
    ['protection_code', ''],
  ])
  return {
    values: panel.values,
    isStuck: panel.isStuck,
    texts,
    advance(stepMs: number, around: Surroundings, severities: Severities) {
      const effects = effectsOf(m.unit, severities)
      m.startedMs = Number.NaN
      m.startedA = Number.NaN
      for (let left = stepMs / 1000; left > 1e-6; ) {
        const seconds = Math.min(left, m.hz > 0 || around.isWanted ? SUB_STEP_S : 5 * SUB_STEP_S)
        control(m, around, effects, seconds)
        run(m, around, effects, seconds)
        left -= seconds
      }
      show(m, around, effects, panel)
      texts.set('mode', m.mode)
      texts.set('protection_code', m.protection)
    },
  }
}

/** Noise of other sensors than the first plant's: coarser air, finer pipes, a cheaper current transformer. */
const noise: Readonly<Record<string, number>> = {
  ...{ outdoor_temperature_c: 0.2, room_temperature_c: 0.15, room_humidity_pct: 1.6, return_air_temperature_c: 0.16, supply_air_temperature_c: 0.25 },
  ...{ indoor_coil_temperature_c: 0.15, outdoor_coil_temperature_c: 0.2, discharge_temperature_c: 0.6, suction_temperature_c: 0.2 },
  ...{ liquid_temperature_c: 0.2, indoor_fan_rpm: 6, outdoor_fan_rpm: 6, compressor_current_a: 0.06, power_w: 6, mains_voltage_v: 0.8 },
  ...{ board_temperature_c: 0.5, start_peak_current_a: 0.7, start_duration_ms: 18 },
}

export const airConditioner: PlantModel = { faults: FAULTS, noise, create }
