/**
 * The no-frost fridge-freezer as a plant: cold box, controller, electrics and sensors joined. Records (defrost, start, door) come as
 * events. It does not model two-phase transients, the migration of refrigerant at rest, or an ice maker.
 */
import type { Random } from '#kernel/random.ts'
import type { Plant, PlantEvent, PlantModel, Severities, Surroundings } from '../plant.ts'
import { ColdBox, type ColdInputs, nominalFridge } from './physics-cold.ts'
import { FridgeController } from './physics-control.ts'
import { applyFaults, drawVariants, type FaultedFridge, type FaultVariants, newFaultedFridge } from './physics-faults.ts'
import { channels } from './sensors.ts'

const EVAPORATOR_RPM_PER_PCT = 26
const CONDENSER_RPM_PER_PCT = 22
/** A fan that meets less air turns faster by this share at most. */
const UNLOADED_SPEED = 0.12
const STANDBY_W = 2
const MAINS_HZ_TO_A = 1 / (230 * 0.72)

export const fridgePlant: PlantModel = {
  faults: ['FR-01', 'FR-02', 'FR-03', 'FR-04', 'FR-05', 'FR-06', 'FR-07', 'FR-08', 'XX-01', 'XX-02'],
  noise: {
    fresh_temperature_c: 0.12,
    freezer_temperature_c: 0.15,
    evaporator_temperature_c: 0.2,
    evaporator_outlet_temperature_c: 0.2,
    condenser_temperature_c: 0.25,
    ambient_temperature_c: 0.15,
    ambient_humidity_pct: 1,
    compressor_current_a: 0.008,
    power_w: 0.8,
    mains_voltage_v: 0.5,
    evaporator_fan_rpm: 8,
    evaporator_fan_current_ma: 2,
    condenser_fan_rpm: 8,
    board_temperature_c: 0.3,
    defrost_heater_current_a: 0.01,
    defrost_end_temperature_c: 0.2,
    defrost_melt_temperature_c: 0.15,
    start_duration_ms: 20,
  },
  habits: { setPointC: [3, 6], isAlwaysOn: true, uses: ['doors'] },
  create: (random) => new Fridge(random),
}

const at = (name: string): number => channels.findIndex((channel) => channel.name === name)
const FRESH = at('fresh_temperature_c')
const FREEZER = at('freezer_temperature_c')
const INLET = at('evaporator_temperature_c')
const OUTLET = at('evaporator_outlet_temperature_c')
const CONDENSER = at('condenser_temperature_c')
const AMBIENT = at('ambient_temperature_c')
const HUMIDITY = at('ambient_humidity_pct')
const FRESH_SET = at('fresh_set_point_temperature_c')
const FREEZER_SET = at('freezer_set_point_temperature_c')
const FREQUENCY = at('compressor_frequency_hz')
const CURRENT = at('compressor_current_a')
const POWER = at('power_w')
const MAINS = at('mains_voltage_v')
const EVAPORATOR_DUTY = at('evaporator_fan_duty_pct')
const EVAPORATOR_RPM = at('evaporator_fan_rpm')
const EVAPORATOR_MA = at('evaporator_fan_current_ma')
const CONDENSER_DUTY = at('condenser_fan_duty_pct')
const CONDENSER_RPM = at('condenser_fan_rpm')
const DAMPER = at('damper_opening_pct')
const BOARD = at('board_temperature_c')
const PAN = at('leak_pan_is_wet')
const FRESH_OPEN = at('fresh_door_is_open')
const FREEZER_OPEN = at('freezer_door_is_open')
const DEFROST = at('defrost_is_on')
/** Channels whose sensor measures the truth; the others are commands and claims. */
const MEASURED = [
  FRESH,
  FREEZER,
  INLET,
  OUTLET,
  CONDENSER,
  AMBIENT,
  HUMIDITY,
  FREQUENCY,
  CURRENT,
  POWER,
  MAINS,
  EVAPORATOR_RPM,
  EVAPORATOR_MA,
  CONDENSER_RPM,
  BOARD,
]

class Fridge implements Plant {
  readonly values = new Float64Array(channels.length).fill(Number.NaN)
  readonly isStuck = new Uint8Array(channels.length)
  readonly texts = new Map<string, string>([['error_code', '']])
  readonly events: PlantEvent[] = []
  readonly #box: ColdBox
  readonly #controller: FridgeController
  readonly #variants: FaultVariants
  readonly #fault: FaultedFridge = newFaultedFridge()
  readonly #drifting: number
  readonly #stuck: number
  readonly #freezerSetC: number
  readonly #heaterW: number
  readonly #truth = new Float64Array(channels.length)
  readonly #inputs: ColdInputs = {
    ambientC: 20,
    moisture: 1,
    compressorHz: 0,
    fanDuty: 0,
    damper: 0,
    isHeating: false,
    freshOpenS: 0,
    freezerOpenS: 0,
    ventsBlockedShare: 0,
    mains: 1,
  }
  #mainsV = 230

  constructor(random: Random) {
    const spread = random.fork('spread')
    const about = (value: number, share: number): number => value * (1 + Math.max(-2.5 * share, Math.min(2.5 * share, spread.normal(0, share))))
    this.#box = new ColdBox({
      ...nominalFridge,
      freshWallsWK: about(nominalFridge.freshWallsWK, 0.06),
      freezerWallsWK: about(nominalFridge.freezerWallsWK, 0.06),
      freshFoodJK: about(nominalFridge.freshFoodJK, 0.3),
      freezerFoodJK: about(nominalFridge.freezerFoodJK, 0.3),
      airWK: about(nominalFridge.airWK, 0.04),
      coilWK: about(nominalFridge.coilWK, 0.03),
      condenserWK: about(nominalFridge.condenserWK, 0.05),
      capacityW: about(nominalFridge.capacityW, 0.03),
      powerShare: about(1, 0.03),
    })
    this.#heaterW = nominalFridge.heaterW
    this.#variants = drawVariants(random.fork('variants'))
    this.#drifting = at(this.#variants.driftingChannel)
    this.#stuck = at(this.#variants.stuckChannel)
    this.#freezerSetC = spread.pick([-18, -18, -18, -20, -16])
    this.#controller = new FridgeController(spread.chance(0.5), random.fork('steps'))
    this.#truth[BOARD] = 25
  }

  advance(stepMs: number, around: Surroundings, severities: Severities): void {
    const stepS = stepMs / 1000
    this.events.length = 0
    this.#mainsV = around.mainsV
    applyFaults(severities, this.#variants, this.#fault)
    const controller = this.#controller
    const view = {
      freshC: this.#sensed(FRESH, this.#box.freshC, severities),
      freezerC: this.#sensed(FREEZER, this.#box.freezerC, severities),
      outletC: this.#sensed(OUTLET, this.#box.outletC(this.#fault.wetShare, controller.compressorHz > 0), severities),
      freshSetC: around.setPointC,
      freezerSetC: this.#freezerSetC,
      mainsV: around.mainsV,
    }
    // Long steps are cut, so that thermostat and defrost act as they do at a step of a minute.
    const parts = Math.ceil(stepS / 60)
    for (let part = 0; part < parts; part++) {
      if (part > 0) {
        view.freshC = this.#sensed(FRESH, this.#box.freshC, severities)
        view.freezerC = this.#sensed(FREEZER, this.#box.freezerC, severities)
        view.outletC = this.#sensed(OUTLET, this.#box.outletC(this.#fault.wetShare, controller.compressorHz > 0), severities)
      }
      controller.decide(stepS / parts, view, this.#fault)
      this.#tellRecords((1000 * part * stepS) / parts, severities)
      this.#move(stepS / parts, parts, around)
    }
    this.#tellDoors(stepMs, around)
    this.#sense(stepS, around, severities)
  }

  #move(stepS: number, parts: number, around: Surroundings): void {
    const inputs = this.#inputs
    const controller = this.#controller
    const { use } = around
    inputs.ambientC = around.indoorC
    inputs.moisture = Math.max(0.1, (absoluteGKg(around.indoorC, around.indoorHumidityPct) - 3) / 7)
    inputs.compressorHz = controller.compressorHz
    inputs.fanDuty = controller.fanDutyPct / 100
    inputs.damper = controller.damperPct / 100
    inputs.isHeating = controller.isDefrosting
    inputs.freshOpenS = use.freshDoorOpenS / parts
    inputs.freezerOpenS = use.freezerDoorOpenS / parts
    inputs.ventsBlockedShare = use.ventsBlockedShare
    inputs.mains = around.mainsV / 230
    if (use.foodKg > 0) this.#box.warm(use.foodKg / parts)
    this.#box.advance(stepS, inputs, this.#fault)
  }

  #tellRecords(offsetMs: number, severities: Severities): void {
    const { start, defrostEnded, isDefrosting, defrostS } = this.#controller
    if (start !== undefined) this.events.push({ offsetMs, values: { start_duration_ms: start.durationMs, start_attempts_count: start.attempts } })
    if (isDefrosting && defrostS === 0) this.#box.meltedS = 0
    if (defrostEnded === undefined) return
    const heaterA = ((this.#heaterW * this.#fault.heaterShare) / 230) * (this.#mainsV / 230)
    const outletC = this.#box.outletC(1, false)
    this.events.push({
      offsetMs,
      values: {
        defrost_duration_s: defrostS,
        defrost_heater_current_a: heaterA,
        defrost_end_temperature_c: this.#sensed(OUTLET, outletC, severities),
        ...(this.#box.meltedS >= 60 && { defrost_melt_temperature_c: this.#drift(OUTLET, severities) }),
      },
    })
  }

  /** At the closing of a door, and each step while it is open. */
  #tellDoors(stepMs: number, { use }: Surroundings): void {
    if (use.freshDoorOpenS > 0) this.events.push({ offsetMs: stepMs - 2, values: { fresh_door_open_s: use.freshDoorOpenS } })
    if (use.freezerDoorOpenS > 0) this.events.push({ offsetMs: stepMs - 1, values: { freezer_door_open_s: use.freezerDoorOpenS } })
  }

  #sense(stepS: number, around: Surroundings, severities: Severities): void {
    const truth = this.#truth
    const { values } = this
    const box = this.#box
    const { compressorHz, fanDutyPct, condenserDutyPct, damperPct, isDefrosting, errorCode } = this.#controller
    const fault = this.#fault
    const isOn = compressorHz > 0
    truth[FRESH] = box.freshC
    truth[FREEZER] = box.freezerC
    truth[INLET] = box.coilC
    truth[OUTLET] = box.outletC(fault.wetShare, isOn)
    truth[CONDENSER] = box.condenserC
    truth[AMBIENT] = around.indoorC
    truth[HUMIDITY] = around.indoorHumidityPct
    truth[FREQUENCY] = compressorHz
    truth[CURRENT] = isOn ? (box.compressorW * MAINS_HZ_TO_A * 230) / Math.max(1, around.mainsV) : 0
    truth[EVAPORATOR_RPM] = fanDutyPct * EVAPORATOR_RPM_PER_PCT * fault.evaporatorSpeed * (1 + UNLOADED_SPEED * (1 - box.airShare))
    truth[EVAPORATOR_MA] = fanDutyPct > 0 ? 40 + 1.6 * fanDutyPct * fault.evaporatorCurrent * (0.75 + 0.25 * box.airShare) : 0
    if (fault.evaporatorSpeed === 0 && fanDutyPct > 0) truth[EVAPORATOR_MA] = 8
    truth[CONDENSER_RPM] = condenserDutyPct * CONDENSER_RPM_PER_PCT * fault.condenserSpeed
    const heaterW = isDefrosting ? this.#heaterW * fault.heaterShare * (around.mainsV / 230) ** 2 : 0
    truth[POWER] = STANDBY_W + (isOn ? box.compressorW + 0.05 * fanDutyPct + 0.04 * condenserDutyPct : 0) + heaterW
    truth[MAINS] = around.mainsV
    const amps = (truth[POWER] ?? 0) / Math.max(60, around.mainsV)
    const boardC = around.indoorC + 5 + fault.terminalKPerA * amps
    truth[BOARD] = (truth[BOARD] ?? 25) + (boardC - (truth[BOARD] ?? 25)) * (1 - Math.exp(-stepS / 500))
    const stuck = (severities.get('XX-02') ?? 0) > 0.3 ? this.#stuck : -1
    for (const index of MEASURED) {
      this.isStuck[index] = index === stuck ? 1 : 0
      if (index !== stuck || Number.isNaN(values[index] ?? Number.NaN)) values[index] = (truth[index] ?? 0) + this.#drift(index, severities)
    }
    values[FRESH_SET] = around.setPointC
    values[FREEZER_SET] = this.#freezerSetC
    values[EVAPORATOR_DUTY] = fanDutyPct
    values[CONDENSER_DUTY] = condenserDutyPct
    values[DAMPER] = damperPct
    values[PAN] = box.isPanWet ? 1 : 0
    values[FRESH_OPEN] = around.use.freshDoorOpenS > 0.95 * stepS ? 1 : 0
    values[FREEZER_OPEN] = around.use.freezerDoorOpenS > 0.95 * stepS ? 1 : 0
    values[DEFROST] = isDefrosting ? 1 : 0
    this.texts.set('error_code', errorCode)
  }

  /** What the controller sees of a truth: a stuck sensor says what it last said. */
  #sensed(index: number, truth: number, severities: Severities): number {
    return this.isStuck[index] === 1 ? (this.values[index] ?? truth) : truth + this.#drift(index, severities)
  }

  #drift(index: number, severities: Severities): number {
    const severity = severities.get('FR-08') ?? 0
    return severity > 0 && index === this.#drifting ? severity * this.#variants.driftK : 0
  }
}

/** Humidity in g/kg at a temperature and relative humidity (cubic through the psychrometric table). */
const absoluteGKg = (t: number, pct: number): number => (pct / 100) * (3.79 + t * (0.2757 + t * (0.00822 + t * 0.00026)))
