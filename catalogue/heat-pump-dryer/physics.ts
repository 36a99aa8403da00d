/**
 * The plant of the dryer: water in the load, heat of the heat pump, air flow. A started wash of the household's use counts as a load to
 * dry. Lint lowers the air flow, a leak the heat, a weak pump fills the sump. All figures are engineering judgement; only simulators and eval see it.
 */
import type { Random } from '#kernel/random.ts'
import type { Plant, PlantEvent, PlantModel, Severities, Surroundings } from '../plant.ts'
import { channels } from './sensors.ts'

const HEAT_W = 2200
const EVAPORATION_J_KG = 2.45e6
const AIR_W_K = 110
const TERMINAL_K_A2 = 0.4

const indexOf = new Map(channels.map(({ name }, index) => [name, index]))

export const heatPumpDryerPlant: PlantModel = {
  faults: ['DR-01', 'DR-02', 'DR-03', 'XX-01', 'XX-02'],
  noise: {
    ambient_temperature_c: 0.1,
    drum_inlet_temperature_c: 0.3,
    drum_outlet_temperature_c: 0.3,
    compressor_current_a: 0.03,
    power_w: 5,
    mains_voltage_v: 0.5,
    board_temperature_c: 0.5,
    cycle_energy_wh: 5,
    load_kg: 0.1,
  },
  habits: { setPointC: [20, 24], isAlwaysOn: false, uses: ['wash'] },
  create,
}

function create(random: Random): Plant {
  const spread = 1 + 0.04 * random.normal(0, 1)
  const values = new Float64Array(channels.length).fill(Number.NaN)
  const set = (name: string, value: number): void => {
    values[indexOf.get(name) ?? -1] = value
  }
  const state = { loadKg: 0, waterKg: 0, outKg: 0, runS: 0, energyWh: 0, warmth: 0, sumpL: 0 }
  let events: readonly PlantEvent[] = []

  const advance = (stepMs: number, around: Surroundings, severities: Severities): void => {
    const of = (code: string): number => severities.get(code) ?? 0
    const stepS = stepMs / 1000
    const { wash } = around.use
    if (wash !== undefined && state.waterKg <= 0)
      Object.assign(state, { loadKg: wash.loadKg, waterKg: 0.55 * wash.loadKg, outKg: 0, runS: 0, energyWh: 0 })
    const isOn = state.waterKg > 0
    // The stores are warm after a quarter of an hour.
    state.warmth += ((isOn ? 1 : 0) - state.warmth) * (1 - Math.exp(-stepS / 900))
    const flow = 1 - 0.6 * of('DR-01')
    const charge = 1 - 0.65 * of('DR-03')
    const heatW = isOn ? HEAT_W * spread * charge * (0.45 + 0.55 * flow) * (1 + 0.004 * (around.indoorC - 20)) : 0
    const compressorW = isOn ? 620 * (0.45 + 0.55 * charge) * (1 + 0.15 * (1 - flow)) : 0
    const driedKg = Math.min(state.waterKg, (0.72 * heatW * state.warmth * stepS) / EVAPORATION_J_KG)
    const powerW = compressorW + (isOn ? 130 : 1)
    state.waterKg -= driedKg
    state.outKg += driedKg
    if (isOn) state.runS += stepS
    state.energyWh += (powerW * stepS) / 3600
    state.sumpL = Math.max(0, state.sumpL + driedKg - ((1 - 0.97 * of('DR-02')) * 0.1 * stepS) / 60 - (isOn ? 0 : 1))
    const currentA = compressorW / (around.mainsV * 0.93)
    const outletC = around.indoorC + 14 * state.warmth
    set('ambient_temperature_c', around.indoorC)
    set('drum_outlet_temperature_c', outletC)
    set('drum_inlet_temperature_c', outletC + (state.warmth * heatW) / (AIR_W_K * flow) - 30 * of('XX-02') * state.warmth)
    set('compressor_current_a', currentA)
    set('power_w', powerW)
    set('mains_voltage_v', around.mainsV)
    set('board_temperature_c', around.indoorC + 4 + TERMINAL_K_A2 * currentA ** 2 * (1 + 24 * of('XX-01')))
    set('cycle_is_on', isOn ? 1 : 0)
    set('tank_is_full', state.sumpL > 1.5 ? 1 : 0)
    events = isOn && state.waterKg <= 0 ? [ended(state, stepMs)] : []
  }
  return {
    advance,
    values,
    isStuck: new Uint8Array(channels.length),
    texts: new Map(),
    get events() {
      return events
    },
  }
}

const ended = (
  { loadKg, outKg, runS, energyWh }: { readonly loadKg: number; readonly outKg: number; readonly runS: number; readonly energyWh: number },
  offsetMs: number,
): PlantEvent => ({ offsetMs, values: { load_kg: loadKg, condensate_l: outKg, cycle_duration_s: runS, cycle_energy_wh: energyWh } })
