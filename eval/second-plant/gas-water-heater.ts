/**
 * Second plant of the gas water heater, for evaluation only: a burner whose gas is led by the fan (zero governor) or by its valve, a heat
 * balance with efficiency by load and scale, an outlet loop that ends where its sensor says, and a flue with its own resistance. Water is
 * drawn in runs; records come when a run ends. At rest it says one reading in ten minutes, at once when gas or flame is where none may be.
 */
import { channels } from '#catalogue/gas-water-heater/sensors.ts'
import type { Plant, PlantEvent, PlantHabits, PlantModel, Severities, Surroundings } from '#catalogue/plant.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import { drawHeater, type HeaterUnit } from './gas-water-heater-unit.ts'
import { bent, createPanel, late, type Panel, saturating, severityOf } from './shapes.ts'

export const FAULTS = ['GW-01', 'GW-02', 'GW-03', 'GW-04', 'GW-05', 'GW-06', 'GW-07', 'GW-08', 'GW-09', 'XX-01', 'XX-02']
const IDLE_MS = 600_000
const STEADY_S = 30
/** Steam forms at the walls of a scaled exchanger when it is this much hotter than the water. */
const TRIP_K = 15

export interface Effects {
  readonly igniter: number
  readonly rod: number
  readonly flue: number
  readonly scale: number
  readonly valve: number
  readonly bearing: number
  readonly underReads: number
  readonly screen: number
  readonly lel: number
  readonly offUa: number
  readonly driftK: number
  readonly terminalK: number
  readonly stuck: number
}

export function effectsOf({ variant }: HeaterUnit, severities: Severities): Effects {
  const at = (code: string): number => severityOf(severities, code)
  return {
    igniter: saturating(at('GW-01'), 1.6),
    rod: saturating(at('GW-02'), 1.4),
    flue: late(at('GW-03'), 1.2),
    scale: bent(at('GW-04')),
    valve: saturating(at('GW-05'), 1.5),
    bearing: late(at('GW-06'), 1.1),
    underReads: variant.isScreen ? 0 : 0.42 * saturating(at('GW-07'), 1.3),
    screen: variant.isScreen ? 0.62 * saturating(at('GW-07'), 1.3) : 0,
    lel: variant.flameOff ? 4 * at('GW-08') : 38 * late(at('GW-08'), 1.2),
    offUa: variant.flameOff ? 3.2 * saturating(at('GW-08'), 2) : 0,
    driftK: variant.driftK * saturating(at('GW-09'), 1.4),
    terminalK: variant.terminalK * late(at('XX-01'), 1.5),
    stuck: at('XX-02'),
  }
}

/** What burns and flows now; all zero at rest. */
interface Fire {
  flow: number
  sensedFlow: number
  inputKw: number
  outletC: number
  exchangerC: number
  exhaustC: number
  fanRpm: number
  rippleRpm: number
  fanA: number
  airPa: number
  flameUa: number
  valveMa: number
  coPpm: number
  gasKpa: number
}

interface Run {
  seconds: number
  steadyS: number
  unfiredS: number
  losses: number
  trips: number
  readonly sums: Map<string, number>
}

interface Machine {
  readonly unit: HeaterUnit
  readonly draw: Random
  readonly fire: Fire
  run: Run | undefined
  pipeC: number
  flueC: number
  roomCo: number
  roomLel: number
  boardC: number
  silentMs: number
  error: string
  cycles: number
  hours: number
}

const REST: Fire = {
  ...{ flow: 0, sensedFlow: 0, inputKw: 0, outletC: 20, exchangerC: 20, exhaustC: 20, fanRpm: 0, rippleRpm: 0, fanA: 0, airPa: 0 },
  ...{ flameUa: 0, valveMa: 0, coPpm: 0, gasKpa: 2 },
}

/** Water that comes through: tap, mains pressure, screen and scale. */
function flowOf(around: Surroundings, effects: Effects): number {
  const wanted = around.use.drawLMin * Math.sqrt(Math.max(0, around.waterPressureKpa) / 300)
  return Math.max(0, wanted * (1 - effects.screen) * (1 - 0.16 * effects.scale))
}

/** The burning state that the loops settle at; the outlet loop ends where its sensor says so or at full gas. */
function burn(m: Machine, around: Surroundings, effects: Effects, flow: number): void {
  const { unit, fire } = m
  const inletC = around.waterInletC
  const kwPerK = (flow * 4.186) / 60
  const gasKpa = around.gasPressureKpa * (1 - 0.04 * (fire.inputKw / unit.outputKw))
  const supply = Math.sqrt(Math.max(0.05, gasKpa) / 2)
  const airShare = 1 / Math.sqrt(1 + 3.2 * effects.flue)
  const valveLoss = 1 - 0.34 * effects.valve
  const inputMax = (unit.outputKw / unit.efficiency) * Math.min(1.08, supply * valveLoss) * (unit.isFanLed ? 0.5 + 0.5 * airShare : 1)
  const efficiency = unit.efficiency * (1 - 0.14 * effects.scale)
  const wantedC = Math.min(70, unit.setC - effects.driftK)
  const wantedKw = (kwPerK * Math.max(0, wantedC - inletC)) / efficiency
  const inputKw = Math.min(inputMax, Math.max(0.16 * inputMax, wantedKw))
  const load = inputKw / (unit.outputKw / unit.efficiency)
  fire.flow = flow
  fire.sensedFlow = flow * (1 - effects.underReads)
  fire.inputKw = inputKw
  fire.outletC = inletC + (inputKw * efficiency) / Math.max(0.05, kwPerK)
  fire.exchangerC = fire.outletC + unit.bypassK * (0.5 + load) + 20 * effects.scale * load
  fire.exhaustC = 45 + (unit.exhaustC - 45) * (0.35 + 0.65 * load) * (1 + 0.34 * effects.scale) - 12 * effects.flue * load
  // The fan holds its air by the pressure that it sees: a blocked flue and wind against it ask for more.
  const wind = 0.004 * Math.max(0, around.windMS - 3) ** 1.5 * (unit.standsOutdoors ? 2 : 1)
  const rpm = unit.fanRpm_MAX * (0.36 + 0.5 * load) * (1 + 0.3 * effects.flue + wind)
  fire.fanRpm = Math.min(5950, rpm)
  fire.rippleRpm = 14 + 22 * wind * 10 + 120 * effects.bearing + 12 * effects.flue
  fire.fanA = unit.fanA * (fire.fanRpm / unit.fanRpm_MAX) ** 2 * (1 + 0.55 * effects.bearing) + 0.05
  fire.airPa = unit.pressurePa * (fire.fanRpm / unit.fanRpm_MAX) ** 2 * (1 + 0.65 * effects.flue + 1.5 * wind)
  fire.flameUa = unit.flameUa * (0.62 + 0.38 * load) * (1 - 0.72 * effects.rod)
  // A valve that drifts, or low gas, needs more current for the same gas.
  const opening = load / Math.max(0.25, supply * valveLoss)
  fire.valveMa = Math.min(298, unit.valveIdleMa + unit.valveMa * (unit.isFanLed ? 0.25 + 0.75 * opening : opening))
  const lean = Math.max(0, 0.72 - airShare)
  fire.coPpm = unit.coPpm * (0.5 + 0.9 * load) + 2600 * load * (lean * lean * 4 + 0.16 * effects.flue) + 140 * effects.scale * load
  fire.gasKpa = gasKpa
}

function rest(m: Machine, around: Surroundings, effects: Effects, seconds: number): void {
  const { fire } = m
  const ambientC = m.unit.standsOutdoors ? around.outdoorC : around.indoorC
  m.pipeC = ambientC + (m.pipeC - ambientC) * Math.exp(-seconds / 1500)
  m.flueC = ambientC + (m.flueC - ambientC) * Math.exp(-seconds / 700)
  Object.assign(fire, REST, { outletC: m.pipeC, exchangerC: m.pipeC, exhaustC: m.flueC, gasKpa: around.gasPressureKpa, flameUa: effects.offUa })
}

function ignite(m: Machine, around: Surroundings, effects: Effects): Record<string, number> {
  const humid = 1 + m.unit.variant.humidWorse * Math.max(0, (around.indoorHumidityPct - 60) / 40)
  const worn = effects.igniter * humid
  const lowGas = Math.max(0, 1.3 - around.gasPressureKpa)
  const trouble = worn * 1.1 + lowGas * 0.8 + 0.5 * effects.flue
  const attempts = Math.min(6, 1 + Math.floor(trouble * (0.6 + m.draw.uniform()) + 0.1))
  return {
    ignition_duration_ms: m.unit.igniteMs * (1 + 1.5 * worn + 0.5 * lowGas + 0.3 * effects.valve) * (0.93 + 0.14 * m.draw.uniform()),
    ignition_attempts_count: attempts,
    fan_start_duration_ms: m.unit.fanStartMs * (1 + 0.9 * effects.bearing) * (around.indoorC < 5 ? 1.12 : 1),
  }
}

const MEANS: ReadonlyArray<readonly [name: string, of: (fire: Fire) => number]> = [
  ['draw_flow_lpm', (fire) => fire.sensedFlow],
  ['draw_outlet_temperature_c', (fire) => fire.outletC],
  ['draw_exchanger_temperature_c', (fire) => fire.exchangerC],
  ['draw_exhaust_temperature_c', (fire) => fire.exhaustC],
  ['draw_gas_valve_current_ma', (fire) => fire.valveMa],
  ['draw_fan_rpm', (fire) => fire.fanRpm],
  ['draw_fan_ripple_rpm', (fire) => fire.rippleRpm],
  ['draw_fan_current_a', (fire) => fire.fanA],
  ['draw_air_pressure_pa', (fire) => fire.airPa],
  ['draw_flame_current_ua', (fire) => fire.flameUa],
  ['draw_flue_co_ppm', (fire) => fire.coPpm],
]

function addUp(m: Machine, run: Run, around: Surroundings, effects: Effects, seconds: number): void {
  const steady = Math.max(0, seconds - Math.max(0, STEADY_S - run.seconds))
  run.seconds += seconds
  run.steadyS += steady
  const add = (name: string, value: number): void => void run.sums.set(name, (run.sums.get(name) ?? 0) + value * steady)
  for (const [name, of] of MEANS) add(name, of(m.fire) + (name === 'draw_outlet_temperature_c' ? effects.driftK : 0))
  add('draw_inlet_temperature_c', around.waterInletC)
  if (m.unit.hasGasSensor) add('draw_gas_pressure_kpa', m.fire.gasKpa)
}

function endRun(run: Run): Record<string, number> {
  const record: Record<string, number> = {}
  if (run.unfiredS > 0) record.unfired_flow_s = Math.min(3600, run.unfiredS)
  if (run.seconds <= 0) return record
  record.draw_duration_s = Math.min(7200, run.seconds)
  record.flame_loss_count = run.losses
  record.overheat_count = run.trips
  if (run.steadyS > 0) for (const [name, sum] of run.sums) record[name] = sum / run.steadyS
  return record
}

/** Carbon monoxide and gas in the room: sources against the change of air. */
function air(m: Machine, around: Surroundings, effects: Effects, seconds: number): void {
  const changesH = (m.unit.standsOutdoors ? 20 : 0.6) + (around.windowIsOpen ? 5 : 0)
  const kept = Math.exp((-changesH * seconds) / 3600)
  const spilt = m.fire.inputKw > 0 ? Math.max(0, effects.flue - 0.45) * m.fire.coPpm * (m.fire.inputKw / m.unit.outputKw) * 1.3 : 0
  m.roomCo = spilt + (m.roomCo - spilt) * kept
  m.roomLel = effects.lel + (m.roomLel - effects.lel) * Math.exp((-Math.max(2, changesH) * seconds) / 3600)
}

function advanceOnce(
  m: Machine,
  around: Surroundings,
  at: { effects: Effects; seconds: number; offsetMs: number; tell: (event: PlantEvent) => void },
): void {
  const { effects, seconds, offsetMs, tell } = at
  const { unit } = m
  const isDark = around.mainsV < 100
  const flow = flowOf(around, effects)
  if (flow < 0.3 || isDark) {
    if (m.run !== undefined) {
      const values = endRun(m.run)
      if (Object.keys(values).length > 0) tell({ offsetMs, values })
      m.run = undefined
    }
    rest(m, around, effects, seconds)
  } else {
    m.run ??= { seconds: 0, steadyS: 0, unfiredS: 0, losses: 0, trips: 0, sums: new Map() }
    const { run } = m
    if (flow * (1 - effects.underReads) < unit.flow_MIN) {
      rest(m, around, effects, seconds)
      m.fire.flow = flow
      m.fire.sensedFlow = flow * (1 - effects.underReads)
      m.fire.outletC = around.waterInletC
      run.unfiredS += seconds
    } else {
      if (run.seconds === 0) {
        m.cycles += 1
        tell({ offsetMs, values: ignite(m, around, effects) })
      }
      burn(m, around, effects, flow)
      if (m.fire.exchangerC - m.fire.outletC > TRIP_K) run.trips += 1
      if (m.fire.flameUa < 1.9 + 0.5 * m.draw.uniform()) run.losses += 1
      m.error = run.trips > 0 ? 'E5' : run.losses > 1 ? 'E3' : m.fire.airPa > 1.75 * unit.pressurePa ? 'E8' : ''
      m.pipeC = m.fire.outletC
      m.flueC = m.fire.exhaustC
      m.hours += seconds / 3600
      addUp(m, run, around, effects, seconds)
    }
  }
  air(m, around, effects, seconds)
  const ambientC = unit.standsOutdoors ? around.outdoorC : around.indoorC
  const load = m.fire.inputKw > 0 ? 0.5 + (0.6 * m.fire.inputKw) / unit.outputKw : 0
  m.boardC += (1 - Math.exp(-seconds / 400)) * (ambientC + 4 + (unit.terminalK + effects.terminalK) * Math.min(1.4, load) - m.boardC)
}

function show(m: Machine, panel: Panel, around: Surroundings, effects: Effects): void {
  const { fire, unit } = m
  panel.values.fill(Number.NaN)
  panel.set('water_flow_lpm', fire.sensedFlow)
  panel.set('inlet_temperature_c', fire.flow > 0 ? around.waterInletC : m.pipeC)
  panel.set('outlet_temperature_c', fire.outletC + effects.driftK)
  panel.set('exchanger_temperature_c', fire.exchangerC)
  panel.set('set_point_temperature_c', unit.setC)
  panel.set('exhaust_temperature_c', fire.exhaustC)
  panel.set('ambient_temperature_c', unit.standsOutdoors ? around.outdoorC : around.indoorC)
  panel.set('fan_rpm', fire.fanRpm)
  panel.set('fan_current_a', fire.fanA)
  panel.set('air_pressure_pa', fire.airPa)
  panel.set('flame_current_ua', fire.flameUa)
  panel.set('gas_valve_current_ma', fire.valveMa)
  panel.set('gas_valve_is_open', fire.inputKw > 0 ? 1 : 0)
  panel.set('flue_co_ppm', fire.coPpm)
  panel.set('room_co_ppm', m.roomCo)
  panel.set('room_gas_lel_pct', m.roomLel)
  if (unit.hasGasSensor) panel.set('gas_pressure_kpa', fire.gasKpa)
  panel.set('water_pressure_kpa', around.waterPressureKpa * (1 - 0.012 * fire.flow))
  panel.set('mains_voltage_v', around.mainsV)
  panel.set('board_temperature_c', m.boardC)
  panel.stick(unit.variant.stuckChannel, effects.stuck)
}

function create(random: Random): Plant {
  const own = random.fork('second/gas-water-heater')
  const unit = drawHeater(own)
  const m: Machine = {
    ...{ unit, draw: createRandom(`heater/${own.uniform()}`), fire: { ...REST }, run: undefined, pipeC: 20, flueC: 20, roomCo: 0, roomLel: 0 },
    ...{ boardC: 22, silentMs: 0, error: '', cycles: 0, hours: 0 },
  }
  const panel = createPanel(channels)
  const texts = new Map([['error_code', '']])
  let events: PlantEvent[] = []
  return {
    ...{ values: panel.values, isStuck: panel.isStuck, texts },
    get events() {
      return events
    },
    get life() {
      return { cycles: m.cycles, hours: m.hours }
    },
    advance(stepMs: number, around: Surroundings, severities: Severities) {
      events = []
      const effects = effectsOf(unit, severities)
      for (let leftMs = stepMs; leftMs > 0; ) {
        const seconds = Math.min(leftMs / 1000, 60)
        advanceOnce(m, around, { effects, seconds, offsetMs: stepMs - leftMs, tell: (event) => events.push(event) })
        leftMs -= seconds * 1000
      }
      texts.set('error_code', m.error)
      m.silentMs += stepMs
      const isUnsafe = m.roomLel > 3 || m.roomCo > 15 || (m.fire.inputKw === 0 && m.fire.flameUa > 0.5)
      if (around.mainsV >= 100 && (m.fire.flow > 0 || isUnsafe || m.silentMs >= IDLE_MS)) {
        m.silentMs = 0
        show(m, panel, around, effects)
      } else panel.values.fill(Number.NaN)
    },
  }
}

const noise: Readonly<Record<string, number>> = {
  ...{ water_flow_lpm: 0.08, inlet_temperature_c: 0.3, outlet_temperature_c: 0.3, exchanger_temperature_c: 0.4, exhaust_temperature_c: 1.6 },
  ...{ ambient_temperature_c: 0.5, fan_rpm: 22, fan_current_a: 0.006, air_pressure_pa: 2.2, flame_current_ua: 0.12, gas_valve_current_ma: 1.2 },
  ...{ flue_co_ppm: 5, room_co_ppm: 0.5, room_gas_lel_pct: 0.2, gas_pressure_kpa: 0.02, water_pressure_kpa: 5, mains_voltage_v: 0.8 },
  ...{ board_temperature_c: 0.5, ignition_duration_ms: 35, fan_start_duration_ms: 60, draw_flow_lpm: 0.06, draw_inlet_temperature_c: 0.2 },
  ...{ draw_outlet_temperature_c: 0.2, draw_exchanger_temperature_c: 0.3, draw_exhaust_temperature_c: 1, draw_gas_valve_current_ma: 0.8 },
  ...{ draw_gas_pressure_kpa: 0.015, draw_fan_rpm: 15, draw_fan_ripple_rpm: 3, draw_fan_current_a: 0.004, draw_air_pressure_pa: 1.6 },
  ...{ draw_flame_current_ua: 0.08, draw_flue_co_ppm: 4 },
}

const habits: PlantHabits = { setPointC: [40, 48], isAlwaysOn: true, uses: ['draws'] }

export const gasWaterHeater: PlantModel = { faults: FAULTS, noise, habits, create }
