/** Signs of the gas water heater's faults against a sound twin (domain catalogue 6.4), what confusers do, ranges and determinism. */
import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { NO_USE, ORDINARY, type Surroundings, type Use } from '../plant.ts'
import { mean, outOfRange, runTrial, type Trial } from '../plant-trial.ts'
import { gasWaterHeaterPlant } from './physics.ts'
import { airFlow, airRatio, carbonMonoxide, exchange, flameCurrent, gasInput } from './physics-combustion.ts'
import { drawHeater } from './physics-design.ts'
import { drawVariants, type FaultVariants } from './physics-faults.ts'
import { Room } from './physics-room.ts'
import { channels } from './sensors.ts'

interface Conditions {
  readonly severities?: Readonly<Record<string, number>>
  readonly around?: Partial<Surroundings>
  readonly lpm?: readonly number[]
}
const LPM = [5, 6, 7, 8, 9, 10]
const STEPS_A_DRAW = 60
const DRAW_STEPS = 8

/** Draws of eight minutes at the flows of `lpm`, one an hour, the same for each twin. */
function draws(seed: string, { lpm = LPM, around, ...rest }: Conditions = {}): Trial {
  const useAt = (index: number): Use =>
    index % STEPS_A_DRAW < DRAW_STEPS ? { ...NO_USE, drawLMin: lpm[Math.floor(index / STEPS_A_DRAW)] ?? 0 } : NO_USE
  return runTrial(gasWaterHeaterPlant, channels, { seed, steps: lpm.length * STEPS_A_DRAW, useAt, around: { setPointC: 45, ...around }, ...rest })
}

function seedWith(holds: (variants: FaultVariants) => boolean): string {
  for (let number = 0; number < 200; number++) {
    const seed = `heater-${number}`
    if (holds(drawVariants(createRandom(seed).fork('variants')))) return seed
  }
  throw new Error('no seed has the variant')
}
const anySeed = 'heater-any'
const slow = seedWith(({ flue, airGuardFails }) => flue === 'slow' && airGuardFails)
const guarded = seedWith(({ flue, airGuardFails }) => flue === 'sudden' && !airGuardFails)
const drift = seedWith(({ gas }) => gas === 'drift')
const filter = seedWith(({ gas }) => gas === 'filter')
const turbine = seedWith(({ water }) => water === 'sensor')
const screen = seedWith(({ water }) => water === 'screen')
const seal = seedWith(({ leak }) => leak === 'seal')
const valve = seedWith(({ leak }) => leak === 'valve')
const hot = seedWith(({ outletDriftK }) => outletDriftK < 0)
const cold = seedWith(({ outletDriftK }) => outletDriftK > 0)

/** fault, seed, channel, direction, least change as a share; 0 = within it. */
const signs: ReadonlyArray<readonly [string, string, string, 1 | -1 | 0, number]> = [
  ['GW-01', anySeed, 'ignition_duration_ms', 1, 0.3],
  ['GW-01', anySeed, 'draw_flame_current_ua', 0, 0.02],
  ['GW-02', anySeed, 'draw_flame_current_ua', -1, 0.3],
  ['GW-02', anySeed, 'draw_gas_valve_current_ma', 0, 0.01],
  ['GW-03', slow, 'draw_fan_rpm', 1, 0.1],
  ['GW-03', slow, 'draw_air_pressure_pa', 1, 0.5],
  ['GW-03', slow, 'draw_flue_co_ppm', 1, 0.5],
  ['GW-04', anySeed, 'draw_exhaust_temperature_c', 1, 0.05],
  ['GW-04', anySeed, 'draw_flow_lpm', -1, 0.05],
  ['GW-05', drift, 'draw_gas_valve_current_ma', 1, 0.1],
  ['GW-05', drift, 'draw_outlet_temperature_c', 0, 0.02],
  ['GW-06', anySeed, 'draw_fan_current_a', 1, 0.15],
  ['GW-06', anySeed, 'draw_fan_ripple_rpm', 1, 1],
  ['GW-06', anySeed, 'fan_start_duration_ms', 1, 0.5],
  ['GW-06', anySeed, 'draw_fan_rpm', 0, 0.02],
  ['GW-07', turbine, 'draw_flow_lpm', -1, 0.1],
  ['GW-07', turbine, 'draw_exhaust_temperature_c', 0, 0.05],
  ['GW-07', screen, 'draw_flow_lpm', -1, 0.05],
  ['GW-09', hot, 'draw_exchanger_temperature_c', 1, 0.07],
  ['GW-09', hot, 'draw_gas_valve_current_ma', 1, 0.1],
  ['GW-09', cold, 'draw_exchanger_temperature_c', -1, 0.07],
]

describe('a fault of the gas water heater at severity 0.6, against its sound twin', () => {
  for (const [fault, seed, channel, direction, share] of signs) {
    it(`${fault} of unit ${seed} moves ${channel} ${direction === 0 ? 'by nothing' : direction > 0 ? 'up' : 'down'}`, () => {
      const change = mean(draws(seed, { severities: { [fault]: 0.6 } }).records.get(channel)) / mean(draws(seed).records.get(channel)) - 1
      if (direction === 0) expect(Math.abs(change)).toBeLessThanOrEqual(share)
      else expect(change * direction).toBeGreaterThan(share)
    })
  }

  it('GW-01 takes more attempts when it is far gone, most in damp air', () => {
    const attempts = (humidity: number): number =>
      mean(
        draws(anySeed, { lpm: Array(150).fill(6), around: { indoorHumidityPct: humidity }, severities: { 'GW-01': 0.95 } }).records.get(
          'ignition_attempts_count',
        ),
      )
    expect(attempts(40)).toBeGreaterThan(1)
    expect(attempts(95)).toBeGreaterThan(attempts(40))
    expect(mean(draws(anySeed).records.get('ignition_attempts_count'))).toBe(1)
  })

  it('GW-02 lets the flame go out in the draw when it is far gone', () => {
    const trial = draws(anySeed, { severities: { 'GW-02': 0.9 } })
    expect(mean(trial.records.get('flame_loss_count')) + trial.errors.length).toBeGreaterThan(0)
    expect(mean(draws(anySeed).records.get('flame_loss_count'))).toBe(0)
  })

  it('GW-03 raises carbon monoxide in step with firing, in the flue and in the room', () => {
    const trial = draws(slow, { severities: { 'GW-03': 0.6 } })
    const flue = trial.records.get('draw_flue_co_ppm') ?? []
    expect(flue.at(-1)).toBeGreaterThan(3 * (flue[0] ?? Number.POSITIVE_INFINITY))
    const roomAt = (severity: number): number => Math.max(...(draws(slow, { severities: { 'GW-03': severity } }).periodic.get('room_co_ppm') ?? []))
    expect(roomAt(0.6)).toBeGreaterThan(2)
    expect(roomAt(0.9)).toBeGreaterThan(50)
    expect(Math.max(...(draws(slow).periodic.get('room_co_ppm') ?? []))).toBeLessThan(1)
  })

  it('GW-03 is cut off by the air guard where that one works', () => {
    const trial = draws(guarded, { severities: { 'GW-03': 1 } })
    expect(trial.errors).toContain('E-AIR')
    expect(draws(guarded).errors).toEqual([])
  })

  it('GW-04 trips the thermostat at full severity', () => {
    const around = { setPointC: 50 }
    expect(draws(anySeed, { around, severities: { 'GW-04': 1 } }).errors).toContain('E-OVERHEAT')
    expect(draws(anySeed, { around }).errors).toEqual([])
  })

  it('GW-05 with a clogged filter cannot hold the temperature at full flow', () => {
    const outlet = (severities: Record<string, number>): number =>
      mean(draws(filter, { lpm: [10], severities }).records.get('draw_outlet_temperature_c'))
    expect(outlet({})).toBeGreaterThan(44)
    expect(outlet({ 'GW-05': 0.6 })).toBeLessThan(42)
  })

  it('GW-07 does not fire at a flow that a sound unit fires at', () => {
    const small = { lpm: [3.4, 3.4] }
    expect(draws(turbine, small).records.get('draw_duration_s')).toHaveLength(2)
    const faulty = draws(turbine, { ...small, severities: { 'GW-07': 0.6 } })
    expect(faulty.records.get('draw_duration_s')).toBeUndefined()
    expect(mean(faulty.records.get('unfired_flow_s'))).toBeGreaterThan(400)
  })

  it('GW-08 fills the room with gas at rest, or burns on with the valve closed', () => {
    const leaking = draws(seal, { severities: { 'GW-08': 0.6 } })
    expect(leaking.periodic.get('room_gas_lel_pct')?.at(-1)).toBeGreaterThan(5)
    expect(draws(seal).periodic.get('room_gas_lel_pct')?.at(-1)).toBe(0)
    const flameWhileClosed = (trial: Trial): number => {
      const flame = trial.periodic.get('flame_current_ua') ?? []
      const open = trial.periodic.get('gas_valve_is_open') ?? []
      return flame.filter((current, index) => current > 1 && open[index] === 0).length
    }
    expect(flameWhileClosed(draws(valve, { severities: { 'GW-08': 0.6 } }))).toBeGreaterThan(10)
    expect(flameWhileClosed(draws(valve))).toBe(0)
  })

  it('GW-09 breaks the balance of heat by more than a tenth and scalds', () => {
    const trial = draws(hot, { severities: { 'GW-09': 0.8 } })
    expect(mean(trial.records.get('draw_exchanger_temperature_c')) - mean(trial.records.get('draw_outlet_temperature_c'))).toBeGreaterThan(5)
  })

  it('XX-01 heats the board by more than 45 K over the room in a draw', () => {
    expect(Math.max(...(draws(anySeed, { severities: { 'XX-01': 0.8 } }).periodic.get('board_temperature_c') ?? []))).toBeGreaterThan(23 + 45)
    expect(Math.max(...(draws(anySeed).periodic.get('board_temperature_c') ?? []))).toBeLessThan(23 + 25)
  })

  it('XX-02 holds one value of the sensor, and of the record that is made from it', () => {
    const seed = seedWith(({ faultySensor }) => faultySensor.channel === 'exhaust_temperature_c')
    const trial = draws(seed, { severities: { 'XX-02': 1 } })
    expect(new Set(trial.periodic.get('exhaust_temperature_c')).size).toBe(1)
    expect(new Set(trial.records.get('draw_exhaust_temperature_c')).size).toBe(1)
  })
})

describe('what is no fault', () => {
  const sound = draws(anySeed)
  const share = (conditions: Conditions, channel: string): number =>
    mean(draws(anySeed, conditions).records.get(channel)) / mean(sound.records.get(channel))

  it('low gas pressure in the evening takes heat at full flow, and none where the valve has room', () => {
    const low = { around: { gasPressureKpa: 1.0 } }
    expect(mean(draws(anySeed, { ...low, lpm: [11] }).records.get('draw_outlet_temperature_c'))).toBeLessThan(43)
    expect(mean(draws(anySeed, { ...low, lpm: [5] }).records.get('draw_outlet_temperature_c'))).toBeGreaterThan(44.5)
  })

  it('low water pressure slows the draw', () => {
    expect(share({ around: { waterPressureKpa: 120 } }, 'draw_flow_lpm')).toBeLessThan(0.7)
  })

  it('cold inlet water takes more gas, at the same outlet until the burner is at its limit', () => {
    expect(share({ around: { waterInletC: 5 }, lpm: [6, 7] }, 'draw_outlet_temperature_c')).toBeCloseTo(1, 1)
    expect(mean(draws(anySeed, { around: { waterInletC: 4 }, lpm: [13] }).records.get('draw_outlet_temperature_c'))).toBeLessThan(43)
  })

  it('a strong wind makes the fan work and gusts cost air, but far less than a blocked flue and without a cut-off', () => {
    expect(share({ around: { windMS: 12 } }, 'draw_air_pressure_pa')).toBeGreaterThan(1.2)
    expect(share({ around: { windMS: 12 } }, 'draw_flue_co_ppm')).toBeLessThan(6)
    expect(draws(anySeed, { around: { windMS: 12 } }).errors).toEqual([])
  })

  it('mains 15 % low lower the flame current by as much, and start no fault', () => {
    expect(share({ around: { mainsV: 195.5 } }, 'draw_flame_current_ua')).toBeCloseTo(0.85, 1)
    expect(draws(anySeed, { around: { mainsV: 195.5 } }).errors).toEqual([])
  })

  it('furniture before the vents costs the fan some speed', () => {
    const blocked = (share: number): number => {
      const useAt = (index: number): Use => ({ ...NO_USE, ventsBlockedShare: share, drawLMin: index < 8 ? 8 : 0 })
      return mean(
        runTrial(gasWaterHeaterPlant, channels, { seed: anySeed, steps: 20, useAt, around: { setPointC: 45 } }).records.get('draw_flue_co_ppm'),
      )
    }
    expect(blocked(0.6) / blocked(0)).toBeGreaterThan(1)
    expect(blocked(0.6) / blocked(0)).toBeLessThan(1.6)
  })

  it('hard water leaves scale that stays within limits over 600 draws', () => {
    const exhaust = draws(anySeed, { lpm: Array(600).fill(8), around: { waterHardnessMmolL: 4 } }).records.get('draw_exhaust_temperature_c') ?? []
    const grown = mean(exhaust.slice(-20)) - mean(exhaust.slice(0, 20))
    expect(grown).toBeGreaterThan(0.3)
    expect(grown).toBeLessThan(5)
  })
})

describe('the parts of the gas water heater', () => {
  const heater = drawHeater(createRandom('parts'))

  it('burns by the root of the pressure, and by the valve as long as the supply allows', () => {
    expect(gasInput(heater, 260, 0.6) / gasInput(heater, 260, 1.2)).toBeCloseTo(Math.SQRT1_2, 6)
    expect(gasInput(heater, 90, 1.2)).toBe(gasInput(heater, 90, 2))
    expect(gasInput(heater, 0, 2)).toBe(0)
  })

  it('has its largest ionisation current at air ratio 1, and most carbon monoxide below it', () => {
    const at = (lambda: number): number => flameCurrent(heater, { inputW: 20_000, lambda, mainsV: 230 })
    expect([0.8, 0.9, 1.1, 1.4, 1.8].every((lambda) => at(lambda) < at(1))).toBe(true)
    expect(carbonMonoxide(heater, 20_000, 1.05)).toBeGreaterThan(20 * carbonMonoxide(heater, 20_000, 1.6))
    expect(carbonMonoxide(heater, 26_000, 1.6)).toBeLessThan(200)
    expect(carbonMonoxide(heater, 5000, 1.6)).toBeLessThan(60)
  })

  it('keeps the balance of heat: what the water does not get leaves with the exhaust', () => {
    const air = airFlow(heater, { rpm: 4000, windPa: 0, blocked: 0 })
    expect(airRatio(26_000, air)).toBeGreaterThan(1.4)
    const clean = exchange(heater, { inputW: 26_000, air_m3_s: air, airC: 20, waterC: 30 })
    const scaled = exchange({ ...heater, scale_mm: 1.5 }, { inputW: 26_000, air_m3_s: air, airC: 20, waterC: 30 })
    expect(clean.toWaterW / 26_000).toBeGreaterThan(0.85)
    expect(clean.toWaterW / 26_000).toBeLessThan(0.97)
    expect(scaled.toWaterW).toBeLessThan(clean.toWaterW)
    expect(scaled.exhaustC).toBeGreaterThan(clean.exhaustC + 20)
  })

  it('clears the room of what entered, and sooner with the window open', () => {
    const coAfter = (windowIsOpen: boolean): number => {
      const room = new Room(createRandom('room'))
      room.advance(600, { co_m3_s: 5e-6, gas_m3_s: 0, drawn_m3_s: 0, windowIsOpen: false })
      room.advance(1800, { co_m3_s: 0, gas_m3_s: 0, drawn_m3_s: 0, windowIsOpen })
      return room.coPpm
    }
    expect(coAfter(false)).toBeGreaterThan(5)
    expect(coAfter(true)).toBeLessThan(coAfter(false) / 5)
  })
})

describe('the gas water heater as a plant', () => {
  it('keeps every value of sound and faulty units within its channel', () => {
    const wrong: string[] = []
    for (let unit = 0; unit < 12; unit++) {
      wrong.push(...outOfRange(draws(`range-${unit}`, { lpm: [3, 8, 14] }), channels))
      for (const fault of gasWaterHeaterPlant.faults)
        wrong.push(...outOfRange(draws(`range-${unit}`, { lpm: [3, 8, 14], severities: { [fault]: 1 } }), channels))
    }
    expect(wrong).toEqual([])
  })

  it('gives the same bytes for the same seed, and others for another', () => {
    expect(JSON.stringify([...draws('same').records])).toBe(JSON.stringify([...draws('same').records]))
    expect(JSON.stringify([...draws('same').records])).not.toBe(JSON.stringify([...draws('other').records]))
  })

  it('says little at rest, nothing without mains, and counts what it burnt', () => {
    expect(runTrial(gasWaterHeaterPlant, channels, { seed: anySeed, steps: 1440, useAt: () => NO_USE }).readings).toBe(144)
    const plant = gasWaterHeaterPlant.create(createRandom(anySeed))
    const none = new Map<string, number>()
    const drawing = { ...ORDINARY, setPointC: 45, use: { ...NO_USE, drawLMin: 8 } }
    for (let step = 0; step < 10; step++) plant.advance(60_000, drawing, none)
    plant.advance(60_000, { ...drawing, mainsV: 0 }, none)
    expect(plant.values.every(Number.isNaN)).toBe(true)
    expect(plant.life?.cycles).toBe(1)
    expect(plant.life?.hours).toBeCloseTo(10 / 60, 1)
  })
})
