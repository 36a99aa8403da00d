/**
 * Second plant of the fridge, for evaluation only: a compressor map bilinear in both temperatures that meets one or two evaporators in
 * closed form, four heat stores, frost that doors and gasket bring, and an adaptive defrost. Food, air and walls follow step by step.
 */
import { channels } from '#catalogue/fridge/sensors.ts'
import type { Plant, PlantEvent, PlantHabits, PlantModel, Severities, Surroundings } from '#catalogue/plant.ts'
import type { Random } from '#kernel/random.ts'
import { drawFridge, type FridgeUnit } from './fridge-unit.ts'
import { bent, createPanel, late, saturating, severityOf } from './shapes.ts'

export const FAULTS = ['FR-01', 'FR-02', 'FR-03', 'FR-04', 'FR-05', 'FR-06', 'FR-07', 'FR-08', 'XX-01', 'XX-02']
const SUB_STEP_S = 60
const DEFROST_S_MAX = 2700
const MELT_J_G = 334

interface Effects {
  readonly wetted: number
  readonly heaterLost: number
  readonly gasket: number
  readonly dust: number
  readonly condenserFan: number
  readonly fan: number
  readonly stuckDamper: number
  readonly startWear: number
  readonly driftK: number
  readonly terminalK: number
  readonly stuck: number
}

export function effectsOf({ variant }: FridgeUnit, severities: Severities): Effects {
  const at = (code: string): number => severityOf(severities, code)
  const dirty = at('FR-04')
  return {
    wetted: 1 - 0.8 * late(at('FR-01'), 1.15),
    heaterLost: saturating(at('FR-02'), 1.6),
    gasket: late(at('FR-03'), 1.1),
    dust: 1 - (variant.isCondenserFan ? 0.15 : 0.62) * late(dirty, 1.2),
    condenserFan: 1 - (variant.isCondenserFan ? 0.6 : 0) * bent(dirty),
    fan: 1 - 0.97 * bent(at('FR-05')),
    stuckDamper: Math.min(1, 1.8 * at('FR-06')),
    startWear: saturating(at('FR-07'), 1.8),
    driftK: variant.driftK * saturating(at('FR-08'), 1.5),
    terminalK: variant.terminalK * late(at('XX-01'), 1.5),
    stuck: at('XX-02'),
  }
}

interface Cabinet {
  freshC: number
  freezerC: number
  freshFoodC: number
  freezerFoodC: number
  inletC: number
  outletC: number
  condenserC: number
  hz: number
  opening: number
  frostG: number
  restS: number
  runS: number
  waitS: number
  defrostS: number
  sinceDefrostS: number
  defrostEveryS: number
  doorS: number
  heaterA: number
  meltC: number
  defrosts: number
  starts: number
  powerW: number
  boardC: number
}

const fresh = (unit: FridgeUnit): Cabinet => ({
  ...{ freshC: unit.freshSetC, freezerC: unit.freezerSetC, freshFoodC: unit.freshSetC, freezerFoodC: unit.freezerSetC, inletC: -22, outletC: -20 },
  ...{ condenserC: 25, hz: 0, opening: 0.3, frostG: 60, restS: 900, runS: 0, waitS: 0, defrostS: 0, sinceDefrostS: 0, defrostEveryS: 43_200 },
  ...{ doorS: 0, heaterA: 0, meltC: 0, defrosts: 0, starts: 0, powerW: 3, boardC: 25 },
})

/** Where a compressor map and a heat exchanger of `wK` watts a kelvin meet: Q = q0 (1 + 0.034 (Te + 25)) (1 - 0.009 (Tc - 40)). */
function meet(q0: number, wK: number, airC: number, condenserC: number): { evaporatingC: number; watts: number } {
  const atHead = q0 * Math.max(0.4, 1 - 0.009 * (condenserC - 40))
  const evaporatingC = Math.max(-44, (wK * airC - atHead * (1 + 0.034 * 25)) / (wK + 0.034 * atHead))
  return { evaporatingC, watts: Math.max(0, wK * (airC - evaporatingC)) }
}

interface Step {
  readonly unit: FridgeUnit
  readonly around: Surroundings
  readonly effects: Effects
  readonly seconds: number
  readonly offsetMs: number
  readonly emit: (event: PlantEvent) => void
}

function control(c: Cabinet, { unit, around, effects, seconds, offsetMs, emit }: Step): void {
  const drift = (name: string): number => (unit.variant.driftChannel === name ? effects.driftK : 0)
  const freshError = c.freshC + drift('fresh_temperature_c') - unit.freshSetC
  const freezerError = c.freezerC + drift('freezer_temperature_c') - unit.freezerSetC
  const isDark = around.mainsV < 100
  const wantsFresh = freshError > 0.9 && c.opening > 0.3
  if (c.defrostS <= 0) c.opening = Math.min(1, Math.max(0, c.opening + (0.05 * freshError * seconds) / 60))
  if (isDark || c.defrostS > 0) {
    if (c.hz > 0) c.restS = 0
    c.hz = 0
    return
  }
  c.waitS = Math.max(0, c.waitS - seconds)
  if (c.hz === 0) {
    if ((freezerError > 1.3 || (wantsFresh && freezerError > 0)) && c.restS > 360 && c.waitS <= 0)
      startUp(c, { unit, around, effects, seconds, offsetMs, emit })
  } else if (freezerError < -1.4 && (freshError < 0.6 || freezerError < -2.4)) {
    c.hz = 0
    c.restS = 0
  } else if (unit.isInverter) {
    const wanted = Math.min(75, Math.max(27, 40 + 9 * freezerError + 4 * Math.max(0, freshError)))
    c.hz += Math.min(3, Math.max(-3, 0.25 * (wanted - c.hz))) * (seconds / 60)
  }
}

/** A worn relay needs several attempts and gives up at last; low mains make that worse. */
function startUp(c: Cabinet, { unit, around, effects, offsetMs, emit }: Step): void {
  c.starts += 1
  const trouble = effects.startWear * 1.5 + Math.max(0, (198 - around.mainsV) / 40) + 0.25 * effects.startWear * Math.sin(c.starts * 2.4)
  const attempts = 1 + Math.floor(Math.max(0, trouble * 3.4 - 0.8))
  const values = {
    start_attempts_count: Math.min(9, attempts),
    start_duration_ms: Math.min(9900, unit.startMs * (1 + 1.7 * effects.startWear) * (230 / around.mainsV) ** 1.1 * (1 + 0.15 * (attempts - 1))),
  }
  emit({ offsetMs, values })
  if (attempts >= 5) {
    c.waitS = 420
    return
  }
  c.hz = unit.isInverter ? 45 : 50
  c.runS = 0
}

/** Cooling of both compartments by the compressor, and what it draws. */
function cool(c: Cabinet, { unit, around, effects }: Step): { freshW: number; freezerW: number } {
  const ice = Math.min(1, c.frostG / 900)
  const speed = effects.fan
  if (c.hz === 0) return { freshW: 0, freezerW: 0 }
  const airWK = unit.airWK * Math.max(0.03, speed ** 1.5 * (1 - 0.85 * ice * ice))
  const wK = airWK * (1 - (1 - unit.effectiveness) ** (1 / Math.max(0.2, speed) ** 0.4)) * (1 - 0.35 * ice) * effects.wetted
  const q0 = unit.coolingW * (unit.isInverter ? (c.hz / 50) ** 0.9 : 1) * (0.25 + 0.75 * effects.wetted)
  const opening = c.opening * (1 - effects.stuckDamper) + unit.variant.stuckOpening * effects.stuckDamper
  const blocked = 1 - 0.45 * around.use.ventsBlockedShare
  const condenserWK = unit.condenserWK * effects.dust * (0.35 + 0.65 * effects.condenserFan) * blocked
  let freshW = 0
  let freezerW = 0
  let evaporatingC = c.inletC
  if (unit.isDual) {
    const cold = meet(q0, wK, c.freezerC, c.condenserC)
    const mild = meet(q0, wK * 0.9, c.freshC - 4, c.condenserC)
    const share = 0.5 * opening * Math.sqrt(speed)
    freshW = share * mild.watts
    freezerW = (1 - share) * cold.watts
    evaporatingC = cold.evaporatingC
  } else {
    const share = unit.freshShare * opening
    const returnC = share * c.freshC + (1 - share) * c.freezerC
    const { watts, evaporatingC: te } = meet(q0, wK, returnC, c.condenserC)
    const supplyC = returnC - watts / airWK
    freshW = share * airWK * (c.freshC - supplyC)
    freezerW = watts - freshW
    evaporatingC = te
  }
  const total = freshW + freezerW
  const carnot = (evaporatingC + 273.15) / Math.max(15, c.condenserC + 6 - evaporatingC)
  const watts = (total + 0.12 * unit.coolingW) / (unit.efficiency * carnot) + 6
  c.condenserC += 0.25 * (around.indoorC + (total + watts) / condenserWK - c.condenserC)
  c.inletC += 0.3 * (evaporatingC - 0.4 - c.inletC)
  c.outletC += 0.3 * (evaporatingC + 0.8 + (1 - effects.wetted) * 0.92 * (c.freezerC - evaporatingC) - c.outletC)
  c.powerW = watts + 6 + 4 * speed
  return { freshW, freezerW }
}

function defrost(c: Cabinet, { unit, around, effects, seconds, offsetMs, emit }: Step): number {
  const isOpen = unit.variant.isIntermittentHeater && (c.defrosts * 0.618) % 1 < effects.heaterLost
  const share = isOpen ? 0 : unit.variant.isIntermittentHeater ? 1 : 1 - effects.heaterLost
  const heaterW = around.mainsV < 100 ? 0 : unit.heaterW * share * (around.mainsV / 230) ** 2
  c.heaterA += (heaterW / Math.max(100, around.mainsV)) * seconds
  const spareJ = (heaterW * 0.75 + 0.5 * (c.freezerC - c.outletC + 8)) * seconds
  if (c.outletC < -0.5) c.outletC = Math.min(0, c.outletC + spareJ / 1700)
  else if (c.frostG > 9) {
    c.frostG = Math.max(8, c.frostG - spareJ / MELT_J_G)
    c.meltC = 1
  } else c.outletC += spareJ / 2600
  c.inletC = c.outletC + 0.4
  c.defrostS += seconds
  c.powerW = heaterW + 4
  const drift = unit.variant.driftChannel === 'evaporator_outlet_temperature_c' ? effects.driftK : 0
  if (c.outletC + drift < unit.endC && c.defrostS < DEFROST_S_MAX) return 0.25 * heaterW
  const values: Record<string, number> = {
    defrost_duration_s: c.defrostS,
    defrost_heater_current_a: c.heaterA / c.defrostS,
    defrost_end_temperature_c: c.outletC + drift,
  }
  if (c.meltC > 0) values.defrost_melt_temperature_c = drift
  emit({ offsetMs, values })
  // Long defrosts and busy doors bring the next one nearer.
  const effort = c.defrostS / 1100 + c.doorS / 900
  c.defrostEveryS = Math.min(130_000, Math.max(21_600, (c.defrostEveryS * 1.6) / (0.6 + effort)))
  c.defrostS = 0
  c.sinceDefrostS = 0
  c.doorS = 0
  c.defrosts += 1
  return 0.1 * heaterW
}

function exchange(c: Cabinet, cooling: { freshW: number; freezerW: number }, heaterW: number, step: Step): void {
  const { unit, around, effects, seconds } = step
  const ambient = around.indoorC
  const gasketW = effects.gasket * (unit.variant.gasketIsFreezer ? 0.75 : 1.5)
  const [gasketFresh, gasketFreezer] = unit.variant.gasketIsFreezer ? [0.3 * gasketW, gasketW] : [gasketW, 0.3 * gasketW]
  const freshDoor = around.use.freshDoorOpenS
  const freezerDoor = around.use.freezerDoorOpenS
  const freshUa = unit.freshUaWK + gasketFresh + 8 * Math.min(1, freshDoor / 60)
  const freezerUa = unit.freezerUaWK + gasketFreezer + 6 * Math.min(1, freezerDoor / 60)
  const coupleF = 4.5
  const coupleZ = 3.5
  c.freshC += (seconds * (freshUa * (ambient - c.freshC) + coupleF * (c.freshFoodC - c.freshC) - cooling.freshW)) / 14_000
  c.freezerC += (seconds * (freezerUa * (ambient - c.freezerC) + coupleZ * (c.freezerFoodC - c.freezerC) - cooling.freezerW + heaterW)) / 15_000
  c.freshFoodC += (seconds * coupleF * (c.freshC - c.freshFoodC)) / unit.freshFoodJK
  c.freezerFoodC += (seconds * coupleZ * (c.freezerC - c.freezerFoodC)) / unit.freezerFoodJK
  const moist = (around.indoorHumidityPct / 100) * Math.exp(0.062 * (ambient - 20)) * 17
  c.frostG += moist * (0.00004 + 0.0002 * effects.gasket + 0.0075 * Math.min(1, (freshDoor + freezerDoor) / 60)) * seconds
  c.doorS += ((freshDoor + freezerDoor) * seconds) / 60
}

function advanceOnce(c: Cabinet, step: Step): void {
  const { unit, around, effects, seconds } = step
  control(c, step)
  c.powerW = around.mainsV < 100 ? 0 : 3
  let heaterW = 0
  c.sinceDefrostS += seconds
  const isDue = c.sinceDefrostS > c.defrostEveryS
  if (c.defrostS > 0 || (isDue && around.mainsV >= 100)) {
    if (c.defrostS <= 0) {
      c.heaterA = 0
      c.meltC = 0
      c.hz = 0
      c.restS = 0
    }
    heaterW = defrost(c, step)
  }
  const cooling = cool(c, step)
  if (c.hz > 0) {
    c.runS += seconds
  } else {
    c.restS += seconds
    const kept = Math.exp(-seconds / 900)
    c.condenserC = around.indoorC + (c.condenserC - around.indoorC) * kept
    if (c.defrostS <= 0) {
      c.inletC = c.freezerC - 0.8 + (c.inletC - c.freezerC + 0.8) * kept
      c.outletC = c.freezerC - 0.6 + (c.outletC - c.freezerC + 0.6) * kept
    }
  }
  exchange(c, cooling, heaterW, step)
  const load = c.powerW / 90
  c.boardC += (1 - Math.exp(-seconds / 900)) * (around.indoorC + 3 + (unit.terminalK + effects.terminalK) * Math.min(1.6, load) - c.boardC)
}

function create(random: Random): Plant {
  const unit = drawFridge(random.fork('second/fridge'))
  const c = fresh(unit)
  const panel = createPanel(channels)
  const texts = new Map([['error_code', '']])
  let events: PlantEvent[] = []
  const show = (around: Surroundings, effects: Effects, seconds: number): void => {
    const ice = Math.min(1, c.frostG / 900)
    const isOn = c.hz > 0
    const compressorW = isOn ? c.powerW - 8 : 0
    const duty = isOn ? (unit.isInverter ? Math.min(100, 55 + 0.6 * c.hz) : 100) : 0
    panel.set('fresh_temperature_c', c.freshC)
    panel.set('freezer_temperature_c', c.freezerC)
    panel.set('evaporator_temperature_c', c.inletC)
    panel.set('evaporator_outlet_temperature_c', c.outletC)
    panel.set('condenser_temperature_c', c.condenserC)
    panel.set('ambient_temperature_c', around.indoorC + 0.3)
    panel.set('ambient_humidity_pct', around.indoorHumidityPct)
    panel.set('fresh_set_point_temperature_c', unit.freshSetC)
    panel.set('freezer_set_point_temperature_c', unit.freezerSetC)
    panel.set('compressor_frequency_hz', c.hz)
    panel.set('compressor_current_a', compressorW / (Math.max(100, around.mainsV) * (unit.isInverter ? 0.93 : 0.72)))
    panel.set('power_w', c.powerW)
    panel.set('mains_voltage_v', around.mainsV)
    panel.set('evaporator_fan_duty_pct', duty)
    panel.set('evaporator_fan_rpm', (duty / 100) * unit.fanRpm * effects.fan * (1 + 0.12 * ice))
    panel.set('evaporator_fan_current_ma', duty === 0 ? 0 : unit.fanMa * (duty / 100) ** 2 * (1 + 1.4 * (1 - effects.fan)))
    panel.set('condenser_fan_duty_pct', isOn ? 80 : 0)
    panel.set('condenser_fan_rpm', isOn ? 0.8 * unit.condenserFanRpm * effects.condenserFan : 0)
    panel.set('damper_opening_pct', 100 * c.opening)
    panel.set('board_temperature_c', c.boardC)
    panel.set('leak_pan_is_wet', 0)
    panel.set('fresh_door_is_open', around.use.freshDoorOpenS >= seconds ? 1 : 0)
    panel.set('freezer_door_is_open', around.use.freezerDoorOpenS >= seconds ? 1 : 0)
    panel.set('defrost_is_on', c.defrostS > 0 ? 1 : 0)
    panel.set(unit.variant.driftChannel, panel.get(unit.variant.driftChannel) + effects.driftK)
    panel.stick(unit.variant.stuckChannel, effects.stuck)
  }
  return {
    ...{ values: panel.values, isStuck: panel.isStuck, texts },
    get events() {
      return events
    },
    advance(stepMs: number, around: Surroundings, severities: Severities) {
      events = []
      const effects = effectsOf(unit, severities)
      const { freshDoorOpenS, freezerDoorOpenS, foodKg } = around.use
      c.freshFoodC += (foodKg * 3400 * (around.indoorC - c.freshFoodC)) / (unit.freshFoodJK + foodKg * 3400)
      for (const [name, openS] of [
        ['fresh_door_open_s', freshDoorOpenS],
        ['freezer_door_open_s', freezerDoorOpenS],
      ] as const) {
        if (openS > 0) events.push({ offsetMs: Math.min(stepMs, openS * 1000), values: { [name]: openS } })
      }
      const share = Math.min(1, SUB_STEP_S / (stepMs / 1000))
      const use = { ...around.use, freshDoorOpenS: freshDoorOpenS * share, freezerDoorOpenS: freezerDoorOpenS * share }
      const inside = { ...around, use }
      for (let leftMs = stepMs; leftMs > 0; ) {
        const seconds = Math.min(leftMs / 1000, SUB_STEP_S)
        advanceOnce(c, { unit, around: inside, effects, seconds, offsetMs: stepMs - leftMs, emit: (event) => events.push(event) })
        leftMs -= seconds * 1000
      }
      events.sort((a, b) => a.offsetMs - b.offsetMs)
      show(around, effects, stepMs / 1000)
      texts.set('error_code', c.waitS > 0 ? 'F7' : '')
    },
  }
}

const noise: Readonly<Record<string, number>> = {
  ...{ fresh_temperature_c: 0.2, freezer_temperature_c: 0.2, evaporator_temperature_c: 0.35, evaporator_outlet_temperature_c: 0.3 },
  ...{ condenser_temperature_c: 0.4, ambient_temperature_c: 0.25, ambient_humidity_pct: 2, compressor_current_a: 0.012, power_w: 1.5 },
  ...{ mains_voltage_v: 0.8, evaporator_fan_rpm: 12, evaporator_fan_current_ma: 4, condenser_fan_rpm: 10, board_temperature_c: 0.5 },
  ...{
    defrost_duration_s: 12,
    defrost_heater_current_a: 0.015,
    defrost_end_temperature_c: 0.4,
    defrost_melt_temperature_c: 0.3,
    start_duration_ms: 20,
  },
}

const habits: PlantHabits = { setPointC: [3, 5], isAlwaysOn: true, uses: ['doors'] }

export const fridge: PlantModel = { faults: FAULTS, noise, habits, create }
