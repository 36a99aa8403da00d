/**
 * Second plant of the washing machine, for evaluation only. A program is a list of phases that are computed as they are reached: orifice
 * fill, heating against losses and scale, pump curve against clog and hose, tub as an oscillator with eccentric load, direct-drive motor.
 * Records come at the end of each phase; at rest it says one reading an hour.
 */

import type { Plant, PlantEvent, PlantHabits, PlantModel, Severities, Surroundings } from '#catalogue/plant.ts'
import { channels } from '#catalogue/washing-machine/sensors.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import { createPanel, type Panel } from './shapes.ts'
import { type Effects, effectsOf, FAULTS } from './washing-machine-faults.ts'
import { drawWasher, type WasherUnit } from './washing-machine-unit.ts'

const IDLE_MS = 3_600_000
const REST_S = 300

interface Phase {
  readonly name: string
  /** Seconds that the phase takes, given what is around when it begins. */
  readonly seconds: number
  /** Values while it runs. */
  readonly during: Readonly<Record<string, number>>
  /** Values that it tells at its end. */
  readonly record: Readonly<Record<string, number>>
  /** Litres and kelvin at its end. */
  readonly litres: number
  readonly waterC: number
}

interface Wash {
  readonly loadKg: number
  readonly unbalanceKg: number
  readonly programC: number
  readonly detergent: number
}

interface Machine {
  readonly unit: WasherUnit
  readonly draw: Random
  litres: number
  waterC: number
  boardC: number
  phases: string[]
  wash: Wash | undefined
  now: Phase | undefined
  leftS: number
  refills: number
  energyWh: number
  floorL: number
  drainFailed: boolean
  locked: boolean
  cycles: number
  hours: number
  silentMs: number
}

/** A phase as it goes under the present state; fault effects are physical: areas, flows, losses, friction. */
function plan(m: Machine, name: string, around: Surroundings, effects: Effects): Phase {
  const wash = m.wash ?? { loadKg: 4, unbalanceKg: 0.3, programC: 40, detergent: 1 }
  const stay = { name, seconds: 60, during: {}, record: {}, litres: m.litres, waterC: m.waterC }
  if (name === 'lock') return { ...stay, ...lock(m, around, effects) }
  if (name === 'fill') return { ...stay, ...fill(m, wash, around, effects) }
  if (name === 'rest') return { ...stay, ...rest(m, effects) }
  if (name === 'heat') return { ...stay, ...heat(m, wash, around, effects) }
  if (name === 'wash') return tumble(m, stay, wash, effects)
  if (name === 'drain') return { ...stay, ...drain(m, effects) }
  return { ...stay, ...spin(m, wash, effects) }
}

const jitter = (m: Machine, share: number): number => 1 + share * (2 * m.draw.uniform() - 1)

function lock(m: Machine, around: Surroundings, effects: Effects): Partial<Phase> {
  const attempts = 1 + Math.floor(effects.lock * 2.6 * m.draw.uniform() + effects.lock * 1.1)
  const ms = m.unit.lockMs * jitter(m, 0.08) * (1 + 1.8 * effects.lock) * (230 / around.mainsV) ** 0.8 + (attempts - 1) * 1500
  return { seconds: 20, record: { lock_duration_ms: ms, lock_attempts_count: attempts } }
}

function fill(m: Machine, wash: Wash, around: Surroundings, effects: Effects): Partial<Phase> {
  const wanted = 7 + 1.5 * wash.loadKg
  const volume = Math.max(2, wanted - m.litres * 0.8)
  const lMin = m.unit.inletL * (1 - 0.72 * effects.screen) * Math.sqrt(Math.max(4, around.waterPressureKpa) / 300) * jitter(m, 0.02)
  const seconds = (60 * volume) / Math.max(0.3, lMin)
  const litres = m.litres + volume
  const waterC = (m.litres * m.waterC + volume * around.waterInletC) / litres
  return {
    ...{ seconds, litres, waterC, during: { inlet_flow_lpm: lMin, inlet_valve_is_open: 1 } },
    record: { fill_duration_s: seconds, fill_volume_l: volume * (1 + 0.02 * (m.draw.uniform() - 0.5)) },
  }
}

function rest(m: Machine, effects: Effects): Partial<Phase> {
  const change = ((effects.leakByLMin - effects.leakLMin) * REST_S) / 60
  const litres = Math.max(0, m.litres + change)
  if (effects.leakLMin > 0) m.floorL += Math.max(0, m.litres - litres)
  return { seconds: REST_S, litres, record: { level_drift_kpa: (litres - m.litres) * m.unit.kpaPerL } }
}

function heat(m: Machine, wash: Wash, around: Surroundings, effects: Effects): Partial<Phase> {
  const amps = effects.isOpen || (effects.isEarthed && m.cycles % 2 === 0) ? 0 : around.mainsV / (m.unit.heaterOhm * (1 + 0.06 * effects.scale))
  const watts = amps * around.mainsV
  const store = 4186 * m.litres + 1900 * wash.loadKg + 7000
  // Scale keeps heat in the element: it goes to the sump casing instead of the water.
  const useful = watts * (1 - 0.42 * effects.scale)
  const ratePerMin = (60 * Math.max(0, useful - m.unit.lossWK * Math.max(0, (m.waterC + wash.programC) / 2 - around.indoorC))) / store
  const wantedK = Math.max(0, wash.programC - m.waterC)
  const seconds = watts === 0 || ratePerMin < 0.05 ? 1500 : Math.min(5400, (60 * wantedK) / ratePerMin)
  m.energyWh += (watts * seconds) / 3600
  return {
    ...{ seconds: Math.max(60, seconds), waterC: m.waterC + (ratePerMin * seconds) / 60 },
    during: { heater_current_a: amps, motor_current_a: 0.9, drum_rpm: 42, earth_fault_is_on: effects.isEarthed ? 1 : 0, tub_acceleration_m_s2: 0.5 },
    record: wantedK < 4 ? {} : { heat_rate_k_per_min: ratePerMin, heat_power_w: watts },
  }
}

function tumble(m: Machine, stay: Phase, wash: Wash, effects: Effects): Phase {
  const seconds = 900 + 120 * wash.loadKg
  const lost = Math.min(m.litres, ((effects.leakLMin - effects.leakByLMin) * seconds) / 60)
  const refills = lost > 1.6 ? Math.floor(lost / 1.6) : 0
  m.refills += refills
  if (effects.leakLMin > 0) m.floorL += Math.max(0, lost)
  const amps = 0.7 + 0.11 * wash.loadKg + 0.5 * m.unit.dragA * effects.bearing
  m.energyWh += (amps * 150 * seconds) / 3600
  const during = { motor_current_a: amps, drum_rpm: 48, tub_acceleration_m_s2: 0.6 + 0.3 * effects.damping }
  return { ...stay, seconds, during, litres: m.litres - lost + refills * 1.6, waterC: m.waterC - 0.004 * seconds }
}

function drain(m: Machine, effects: Effects): Partial<Phase> {
  const hot = m.waterC > 45 ? 1 : 0
  const head = 1 - 0.25 * (m.unit.hoseM - 0.6)
  const lMin = m.unit.pumpLMin * head * (1 - 0.74 * effects.clog) * (1 - 0.45 * effects.pump * (1 + 0.4 * hot)) * jitter(m, 0.03)
  const stalls = effects.pump * (1 + 0.6 * hot) * m.draw.uniform() > 0.5 ? 1 + Math.floor(effects.pump * 2) : 0
  const clogged = effects.clog > 0.55 ? 1 : 0
  const attempts = 1 + stalls + clogged
  const seconds = Math.min(420, (60 * m.litres) / Math.max(1, lMin) + 8 + stalls * 25)
  const residual = Math.min(m.litres, 0.25 + 2.6 * effects.clog + (seconds >= 420 ? 3 : 0))
  m.drainFailed = residual > 4.5
  // A clogged pump moves less water and draws less; a worn one rubs and draws more.
  const amps = m.unit.pumpA * (1 - 0.3 * effects.clog) * (1 + 0.4 * effects.pump) * jitter(m, 0.02)
  const ripple = 0.008 + 0.05 * effects.clog * m.unit.pumpA + 0.16 * effects.pump * m.unit.pumpA
  return {
    ...{ seconds, litres: residual, during: { drain_pump_current_a: amps, drain_pump_is_on: 1, motor_current_a: 0 } },
    record: {
      ...{ drain_duration_s: seconds, drain_residual_kpa: residual * m.unit.kpaPerL, drain_current_a: amps },
      ...{ drain_current_ripple_a: ripple * jitter(m, 0.15), drain_attempts_count: attempts },
    },
  }
}

/** The tub as an oscillator: through its resonance by damping, above it by the ratio of masses. */
function spin(m: Machine, wash: Wash, effects: Effects): Partial<Phase> {
  const { unit } = m
  let unbalanceKg = wash.unbalanceKg * jitter(m, 0.2)
  let retries = 0
  const limitKg = 0.75 * (1 - 0.45 * effects.damping - 0.4 * effects.tilt)
  while (unbalanceKg > limitKg && retries < 6) {
    retries += 1
    unbalanceKg *= 0.62 + 0.25 * m.draw.uniform()
  }
  const rpm = unit.spinRpm * (unbalanceKg > limitKg ? 0.65 : 1)
  const force = (unbalanceKg + 0.12) / unit.suspendedKg
  const ramp = unit.resonance * force * 62 * (1 + 1.5 * effects.damping + 0.9 * effects.tilt)
  const omega = (rpm * 2 * Math.PI) / 60
  const steady = 0.4 + (force * unit.isolation * omega * omega) / 120 + 0.8 * effects.damping + 0.5 * effects.tilt
  const band = 0.22 + 0.12 * (rpm / 1000) + 2.6 * effects.bearing * (rpm / 1200) ** 1.6
  const amps = unit.dragA + unit.copperA * (rpm / 100) ** 0.9 + 0.05 * wash.loadKg + 0.42 * effects.bearing
  const seconds = 420 + 45 * retries
  m.energyWh += (amps * 160 * seconds) / 3600
  return {
    seconds,
    during: { motor_current_a: amps, drum_rpm: rpm, tub_acceleration_m_s2: Math.hypot(steady, band) },
    record: {
      ...{ unbalance_kg: unbalanceKg * jitter(m, 0.08), unbalance_retries_count: retries, ramp_vibration_m_s2: ramp * jitter(m, 0.05) },
      ...{ spin_vibration_m_s2: Math.hypot(steady, band), bearing_vibration_m_s2: band * jitter(m, 0.06), spin_speed_rpm: rpm },
      ...{ spin_current_a: amps, coast_down_s: (unit.coastS * (rpm / 1200)) / (1 + 0.9 * effects.bearing) },
    },
  }
}

function begin(m: Machine, around: Surroundings): void {
  const { wash } = around.use
  if (wash === undefined || m.phases.length > 0 || m.now !== undefined) return
  // Direct drive senses what is put in; too much is washed with more retries.
  m.wash = {
    loadKg: wash.loadKg,
    unbalanceKg: 0.12 + 1.1 * wash.unbalance * Math.min(1.2, wash.loadKg / m.unit.capacityKg),
    programC: wash.programC,
    detergent: wash.detergentShare,
  }
  const rinse = ['fill', 'wash', 'drain', 'spin']
  const first = ['lock', 'fill', 'rest', ...(wash.programC > 22 ? ['heat'] : []), 'wash', 'drain', 'spin']
  m.phases = [...first, ...Array.from({ length: m.unit.rinses }, () => rinse).flat()]
  m.waterC = m.litres > 0.5 ? m.waterC : around.waterInletC
  m.refills = 0
  m.energyWh = 0
  m.locked = true
}

const cycleEnd = (m: Machine): Record<string, number> => ({
  ...{ program_temperature_c: m.wash?.programC ?? 0, load_kg: Math.round((m.wash?.loadKg ?? 0) * 2) / 2 },
  ...{ refill_count: m.refills, cycle_energy_wh: m.energyWh },
})

function show(m: Machine, panel: Panel, around: Surroundings, effects: Effects): void {
  panel.values.fill(Number.NaN)
  for (const name of ['inlet_flow_lpm', 'heater_current_a', 'motor_current_a', 'drum_rpm', 'drain_pump_current_a', 'inlet_valve_is_open'])
    panel.set(name, 0)
  for (const name of ['drain_pump_is_on', 'earth_fault_is_on']) panel.set(name, 0)
  panel.set('tub_acceleration_m_s2', 0.05)
  panel.set('water_level_kpa', m.litres * m.unit.kpaPerL)
  panel.set('water_temperature_c', m.waterC)
  panel.set('ambient_temperature_c', around.indoorC + 0.5)
  panel.set('mains_voltage_v', around.mainsV)
  panel.set('board_temperature_c', m.boardC)
  panel.set('leak_float_is_closed', m.floorL > 0.35 ? 1 : 0)
  panel.set('door_is_locked', m.locked ? 1 : 0)
  panel.set('cycle_is_on', m.wash === undefined ? 0 : 1)
  for (const [name, value] of Object.entries(m.now?.during ?? {})) panel.set(name, value)
  panel.stick(m.unit.variant.stuckChannel, effects.stuck)
}

/** Water that gets in or out while nothing runs; a float tells, and the machine pumps off what leaks by. */
function standStill(m: Machine, around: Surroundings, effects: Effects, seconds: number): void {
  m.litres = Math.min(14, m.litres + (effects.leakByLMin * seconds) / 60)
  if (m.litres > 10) m.litres = 0.3
  m.waterC = around.indoorC + (m.waterC - around.indoorC) * Math.exp(-seconds / 5000)
  m.floorL *= Math.exp(-seconds / 43_200)
}

function create(random: Random): Plant {
  const own = random.fork('second/washing-machine')
  const unit = drawWasher(own)
  const m: Machine = {
    ...{
      unit,
      draw: createRandom(`wash/${own.uniform()}`),
      litres: 0.3,
      waterC: 20,
      boardC: 22,
      phases: [],
      wash: undefined,
      now: undefined,
      leftS: 0,
    },
    ...{ refills: 0, energyWh: 0, floorL: 0, drainFailed: false, locked: false, cycles: 0, hours: 0, silentMs: 0 },
  }
  const panel = createPanel(channels)
  const texts = new Map([
    ['phase', 'idle'],
    ['error_code', ''],
  ])
  let events: PlantEvent[] = []
  function runFor(stepMs: number, around: Surroundings, effects: Effects): void {
    for (let leftS = stepMs / 1000; leftS > 1e-6; ) {
      if (m.now === undefined) {
        const name = m.phases.shift()
        if (name === undefined) {
          standStill(m, around, effects, leftS)
          return
        }
        m.now = plan(m, name, around, effects)
        m.leftS = m.now.seconds
      }
      const seconds = Math.min(leftS, m.leftS)
      const load = (((m.now.during.heater_current_a ?? 0) + (m.now.during.motor_current_a ?? 0) * 0.6) / 8.5) ** 2
      m.boardC += (1 - Math.exp(-seconds / 500)) * (around.indoorC + 3 + (unit.terminalK + effects.terminalK) * load - m.boardC)
      leftS -= seconds
      m.leftS -= seconds
      if (m.leftS > 1e-6) return
      const offsetMs = Math.min(stepMs, Math.max(0, stepMs - Math.round(leftS * 1000)))
      if (Object.keys(m.now.record).length > 0) events.push({ offsetMs, values: { ...m.now.record }, texts: { phase: phaseWord(m.now.name) } })
      m.litres = m.now.litres
      m.waterC = m.now.waterC
      m.now = undefined
      if (m.drainFailed) {
        m.phases = []
        m.drainFailed = false
        texts.set('error_code', 'E20')
      }
      if (m.phases.length === 0) {
        events.push({ offsetMs, values: cycleEnd(m) })
        m.cycles += 1
        m.wash = undefined
        m.locked = false
      }
    }
  }
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
      const isDark = around.mainsV < 100
      if (!isDark && around.use.wash !== undefined && m.wash === undefined) {
        texts.set('error_code', '')
        begin(m, around)
      }
      const wasOn = m.wash !== undefined
      if (isDark) standStill(m, around, effects, stepMs / 1000)
      else runFor(stepMs, around, effects)
      if (wasOn) m.hours += stepMs / 3_600_000
      else m.boardC = around.indoorC + 1
      m.silentMs += stepMs
      texts.set('phase', m.now === undefined ? 'idle' : phaseWord(m.now.name))
      const isLeaking = m.floorL > 0.35
      if (!isDark && (wasOn || m.silentMs >= (isLeaking ? 60_000 : IDLE_MS))) {
        m.silentMs = 0
        show(m, panel, around, effects)
      } else panel.values.fill(Number.NaN)
    },
  }
}

const WORDS: Readonly<Record<string, string>> = { lock: 'idle', rest: 'wash' }
const phaseWord = (name: string): string => WORDS[name] ?? name

const noise: Readonly<Record<string, number>> = {
  ...{
    water_level_kpa: 0.012,
    inlet_flow_lpm: 0.12,
    water_temperature_c: 0.5,
    ambient_temperature_c: 0.4,
    heater_current_a: 0.08,
    motor_current_a: 0.06,
  },
  ...{ drum_rpm: 3, tub_acceleration_m_s2: 0.12, drain_pump_current_a: 0.008, mains_voltage_v: 0.8, board_temperature_c: 0.6, fill_duration_s: 2 },
  ...{ fill_volume_l: 0.15, level_drift_kpa: 0.004, heat_rate_k_per_min: 0.02, heat_power_w: 18, drain_duration_s: 1.5, drain_residual_kpa: 0.012 },
  ...{ drain_current_a: 0.005, drain_current_ripple_a: 0.002, lock_duration_ms: 60, unbalance_kg: 0.03, ramp_vibration_m_s2: 0.4, load_kg: 0.2 },
  ...{ spin_vibration_m_s2: 0.3, bearing_vibration_m_s2: 0.04, spin_speed_rpm: 4, spin_current_a: 0.04, coast_down_s: 0.8, cycle_energy_wh: 8 },
}

const habits: PlantHabits = { setPointC: [30, 60], isAlwaysOn: true, uses: ['wash'] }

export const washingMachine: PlantModel = { faults: FAULTS, noise, habits, create }
