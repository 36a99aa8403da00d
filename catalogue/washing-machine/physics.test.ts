/** Signs of the washing machine's faults against a sound twin (domain catalogue 6.3), what confusers do, ranges and determinism. */
import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { NO_USE, ORDINARY, type Surroundings, type Use } from '../plant.ts'
import { mean, outOfRange, runTrial, type Trial } from '../plant-trial.ts'
import { washingMachinePlant } from './physics.ts'
import { DESIGN, drawMachine } from './physics-design.ts'
import { coastDown, rampAcceleration, unbalanceAcceleration } from './physics-drum.ts'
import { drawVariants } from './physics-faults.ts'
import { inletFlow } from './physics-water.ts'
import { channels } from './sensors.ts'

const WASHES = 8
const STEPS_A_WASH = 200
interface Conditions {
  readonly severities?: Readonly<Record<string, number>>
  readonly around?: Partial<Surroundings>
  readonly wash?: Partial<NonNullable<Use['wash']>>
}

/** Eight washes of 2.5 to 6 kg, the same for each twin. */
function wash(seed: string, conditions: Conditions = {}): Trial {
  const useAt = (index: number): Use => {
    if (index % STEPS_A_WASH !== 0) return NO_USE
    const load = 2.5 + (index / STEPS_A_WASH) * 0.5
    return { ...NO_USE, wash: { loadKg: load, unbalance: 0.2, programC: 40, detergentShare: 1, ...conditions.wash } }
  }
  return runTrial(washingMachinePlant, channels, { seed, steps: WASHES * STEPS_A_WASH, useAt, ...conditions })
}

/** A seed whose unit has the variant that a fault shows by. */
function seedWith(holds: (variants: ReturnType<typeof drawVariants>) => boolean): string {
  for (let number = 0; number < 200; number++) {
    const seed = `washing-${number}`
    if (holds(drawVariants(createRandom(seed).fork('variants')))) return seed
  }
  throw new Error('no seed has the variant')
}

const anySeed = 'washing-any'
const screen = seedWith(({ inlet }) => inlet === 'screen')
const leakBy = seedWith(({ inlet }) => inlet === 'leak-by')
const scale = seedWith(({ heater }) => heater === 'scale')
const open = seedWith(({ heater }) => heater === 'open')
const earth = seedWith(({ heater }) => heater === 'earth')
const dampers = seedWith(({ suspension }) => suspension === 'dampers')
const levelling = seedWith(({ suspension }) => suspension === 'levelling')

/** fault, seed, channel, direction, least change as a share (or 'abs' as a difference); 0 = within it. Sources in domain catalogue 6.3. */
const signs: ReadonlyArray<readonly [string, string, string, 1 | -1 | 0, number]> = [
  ['WM-01', anySeed, 'drain_duration_s', 1, 0.3],
  ['WM-01', anySeed, 'drain_current_a', -1, 0.05],
  ['WM-01', anySeed, 'drain_current_ripple_a', 1, 0.5],
  ['WM-01', anySeed, 'drain_residual_kpa', 1, 0.5],
  ['WM-02', anySeed, 'drain_current_a', 1, 0.1],
  ['WM-02', anySeed, 'drain_current_ripple_a', 1, 0.5],
  ['WM-02', anySeed, 'drain_attempts_count', 1, 0.02],
  ['WM-03', anySeed, 'bearing_vibration_m_s2', 1, 1],
  ['WM-03', anySeed, 'spin_current_a', 1, 0.05],
  ['WM-03', anySeed, 'coast_down_s', -1, 0.05],
  ['WM-03', anySeed, 'ramp_vibration_m_s2', 0, 0.02],
  ['WM-04', screen, 'fill_duration_s', 1, 0.15],
  ['WM-04', screen, 'fill_volume_l', 0, 0.15],
  ['WM-05', scale, 'heat_rate_k_per_min', -1, 0.08],
  ['WM-05', scale, 'heat_power_w', 0, 0.01],
  ['WM-05', open, 'heat_power_w', -1, 0.99],
  ['WM-06', dampers, 'ramp_vibration_m_s2', 1, 0.3],
  ['WM-06', dampers, 'spin_vibration_m_s2', 0, 0.05],
  ['WM-06', levelling, 'ramp_vibration_m_s2', 1, 0.3],
  ['WM-06', levelling, 'spin_vibration_m_s2', 1, 0.15],
  ['WM-07', anySeed, 'lock_duration_ms', 1, 0.5],
  ['WM-07', anySeed, 'lock_attempts_count', 1, 0.1],
]
const count = (trial: Trial, channel: string): number => (trial.records.get(channel) ?? []).reduce((sum, value) => sum + value, 0)

describe('a fault of the washing machine at severity 0.6, against its sound twin', () => {
  for (const [fault, seed, channel, direction, share] of signs) {
    it(`${fault} of unit ${seed} moves ${channel} ${direction === 0 ? 'by nothing' : direction > 0 ? 'up' : 'down'}`, () => {
      const sound = mean(wash(seed).records.get(channel))
      const faulty = mean(wash(seed, { severities: { [fault]: 0.6 } }).records.get(channel))
      const change = faulty / sound - 1
      if (direction === 0) expect(Math.abs(change)).toBeLessThanOrEqual(share)
      else expect(change * direction).toBeGreaterThan(share)
    })
  }

  it('WM-04 that lets by raises the level at rest, in the wash and while the machine is off', () => {
    const noise = washingMachinePlant.noise.level_drift_kpa ?? 0
    const trial = wash(leakBy, { severities: { 'WM-04': 0.6 } })
    expect(mean(trial.records.get('level_drift_kpa'))).toBeGreaterThan(3 * noise)
    expect(mean(wash(leakBy).records.get('level_drift_kpa'))).toBeCloseTo(0, 3)
    const off = (severities: Record<string, number>): number => {
      const night = runTrial(washingMachinePlant, channels, { seed: leakBy, severities, steps: 8 * 60, useAt: () => NO_USE })
      return Math.max(...(night.periodic.get('water_level_kpa') ?? [0]))
    }
    expect(off({ 'WM-04': 0.6 })).toBeGreaterThan(0.3)
    expect(off({})).toBe(0)
  })

  it('WM-05 to earth is told by the monitor, and at full severity throws the breaker of the house', () => {
    const warned = wash(earth, { severities: { 'WM-05': 0.6 } })
    expect(Math.max(...(warned.periodic.get('earth_fault_is_on') ?? []))).toBe(1)
    expect(wash(earth).periodic.get('earth_fault_is_on')?.includes(1)).toBe(false)
    const tripped = wash(earth, { severities: { 'WM-05': 1 } })
    expect(tripped.errors).toContain('E-EARTH')
    expect(tripped.records.get('spin_speed_rpm')).toBeUndefined()
  })

  it('WM-06 breaks the spin off more often', () => {
    const conditions = { wash: { unbalance: 0.45 } }
    const faulty = wash(dampers, { ...conditions, severities: { 'WM-06': 0.9 } })
    expect(count(faulty, 'unbalance_retries_count')).toBeGreaterThan(count(wash(dampers, conditions), 'unbalance_retries_count') + 3)
  })

  it('WM-08 lets the level fall at rest, calls for refills and closes the float', () => {
    const trial = wash(anySeed, { severities: { 'WM-08': 0.6 } })
    expect(mean(trial.records.get('level_drift_kpa'))).toBeLessThan(-0.02)
    expect(count(trial, 'refill_count')).toBeGreaterThan(count(wash(anySeed), 'refill_count') + 5)
    expect(trial.periodic.get('leak_float_is_closed')).toContain(1)
    expect(wash(anySeed).periodic.get('leak_float_is_closed')).not.toContain(1)
  })

  it('XX-01 heats the terminal by more than 45 K over the room, with the heater as witness', () => {
    const conditions = { wash: { programC: 60 } }
    expect(Math.max(...(wash(anySeed, { ...conditions, severities: { 'XX-01': 0.6 } }).periodic.get('board_temperature_c') ?? []))).toBeGreaterThan(
      23 + 45,
    )
    expect(Math.max(...(wash(anySeed, conditions).periodic.get('board_temperature_c') ?? []))).toBeLessThan(23 + 25)
  })

  it('XX-02 holds one value of the sensor, and of the record that is made from it', () => {
    const seed = seedWith(({ faultySensor }) => faultySensor.channel === 'motor_current_a')
    const trial = wash(seed, { severities: { 'XX-02': 1 } })
    expect(new Set(trial.periodic.get('motor_current_a')).size).toBe(1)
    expect(new Set(trial.records.get('spin_current_a')).size).toBe(1)
    expect(new Set(wash(seed).periodic.get('motor_current_a')).size).toBeGreaterThan(5)
  })
})

describe('what is no fault', () => {
  const sound = wash(anySeed)
  const share = (conditions: Conditions, channel: string): number =>
    mean(wash(anySeed, conditions).records.get(channel)) / mean(sound.records.get(channel))

  it('low water pressure lengthens the fill as a clogged screen does', () => {
    expect(share({ around: { waterPressureKpa: 60 } }, 'fill_duration_s')).toBeGreaterThan(1.3)
  })

  it('mains 15 % low cost the heater 28 % of its power, raise the motor current and leave the drain alone', () => {
    const low = { around: { mainsV: 195.5 } }
    expect(share(low, 'heat_power_w')).toBeCloseTo(0.7225, 2)
    expect(share(low, 'heat_rate_k_per_min')).toBeLessThan(0.76)
    expect(share(low, 'spin_current_a')).toBeGreaterThan(1.08)
    expect(share(low, 'drain_duration_s')).toBeCloseTo(1, 1)
  })

  it('cold inlet water costs energy and no rate of heating', () => {
    expect(share({ around: { waterInletC: 5 } }, 'cycle_energy_wh')).toBeGreaterThan(1.2)
    expect(share({ around: { waterInletC: 5 } }, 'heat_rate_k_per_min')).toBeCloseTo(1, 1)
  })

  it('an overloaded, badly spread wash breaks spins off, shakes more and raises no bearing band beyond half', () => {
    const conditions = { wash: { loadKg: 10.5, unbalance: 0.8 } }
    expect(count(wash(anySeed, conditions), 'unbalance_retries_count')).toBeGreaterThan(count(sound, 'unbalance_retries_count') + 5)
    expect(share(conditions, 'unbalance_kg')).toBeGreaterThan(1.5)
    expect(share(conditions, 'bearing_vibration_m_s2')).toBeLessThan(1.5)
  })

  it('too much detergent foams, and drains a little slower', () => {
    expect(share({ wash: { detergentShare: 1.6 } }, 'drain_duration_s')).toBeGreaterThan(1.02)
    expect(share({ wash: { detergentShare: 1.6 } }, 'drain_duration_s')).toBeLessThan(1.2)
  })

  it('hard water leaves scale that stays within limits over 150 washes', () => {
    const hard = runTrial(washingMachinePlant, channels, {
      seed: anySeed,
      around: { waterHardnessMmolL: 4 },
      steps: 150 * STEPS_A_WASH,
      useAt: (index) => (index % STEPS_A_WASH === 0 ? { ...NO_USE, wash: { loadKg: 4, unbalance: 0.2, programC: 60, detergentShare: 1 } } : NO_USE),
    })
    const rates = hard.records.get('heat_rate_k_per_min') ?? []
    const loss = 1 - mean(rates.slice(-10)) / mean(rates.slice(0, 10))
    expect(loss).toBeGreaterThan(0.003)
    expect(loss).toBeLessThan(0.04)
  })
})

describe('the parts of the washing machine', () => {
  const machine = drawMachine(createRandom('parts'))
  const turning = { wetKg: 8, unbalanceKg: 0.3 }

  it('shakes by m e w2 / M far above the resonance, whatever springs and dampers do', () => {
    const omega = (1200 * Math.PI) / 30
    const rigid = (0.3 * DESIGN.drumRadius_m * omega ** 2) / (DESIGN.tub_kg + 8) / Math.SQRT2
    expect(unbalanceAcceleration(machine, turning, 1200) / rigid).toBeCloseTo(1, 1)
    expect(unbalanceAcceleration({ ...machine, damping_n_s_m: machine.damping_n_s_m / 3 }, turning, 1200) / rigid).toBeCloseTo(1, 1)
    expect(rampAcceleration({ ...machine, damping_n_s_m: machine.damping_n_s_m / 3 }, turning) / rampAcceleration(machine, turning)).toBeGreaterThan(
      1.6,
    )
  })

  it('coasts shorter with more friction, and fills slower with less pressure', () => {
    expect(coastDown({ ...machine, bearingFactor: 10 }, turning, 1200)).toBeLessThan(coastDown(machine, turning, 1200))
    expect(inletFlow(machine, 50)).toBeLessThan(inletFlow(machine, 300))
    expect(inletFlow(machine, 0)).toBe(0)
  })
})

describe('the washing machine as a plant', () => {
  it('keeps every value of sound and faulty units within its channel', () => {
    const wrong: string[] = []
    for (let unit = 0; unit < 12; unit++) {
      wrong.push(...outOfRange(wash(`range-${unit}`), channels))
      for (const fault of washingMachinePlant.faults) wrong.push(...outOfRange(wash(`range-${unit}`, { severities: { [fault]: 1 } }), channels))
    }
    expect(wrong).toEqual([])
  })

  it('gives the same bytes for the same seed, and others for another', () => {
    expect(JSON.stringify([...wash('same').records])).toBe(JSON.stringify([...wash('same').records]))
    expect(JSON.stringify([...wash('same').records])).not.toBe(JSON.stringify([...wash('other').records]))
  })

  it('gives the same records with steps of ten minutes', () => {
    const coarse = (stepMs: number): number => {
      const useAt = (index: number): Use =>
        index === 0 ? { ...NO_USE, wash: { loadKg: 4, unbalance: 0.2, programC: 40, detergentShare: 1 } } : NO_USE
      const trial = runTrial(washingMachinePlant, channels, { seed: anySeed, stepMs, steps: (4 * 3_600_000) / stepMs, useAt })
      return mean(trial.records.get('cycle_energy_wh'))
    }
    expect(coarse(600_000) / coarse(60_000)).toBeCloseTo(1, 2)
  })

  it('says little while it is off, nothing without mains, and goes on with the wash when they come back', () => {
    expect(runTrial(washingMachinePlant, channels, { seed: anySeed, steps: 1440, useAt: () => NO_USE }).readings).toBe(24)
    const plant = washingMachinePlant.create(createRandom(anySeed))
    const none = new Map<string, number>()
    plant.advance(60_000, { ...ORDINARY, use: { ...NO_USE, wash: { loadKg: 4, unbalance: 0.2, programC: 40, detergentShare: 1 } } }, none)
    expect(plant.texts.get('phase')).toBe('fill')
    plant.advance(600_000, { ...ORDINARY, mainsV: 0 }, none)
    expect(plant.values.every(Number.isNaN)).toBe(true)
    for (let step = 0; step < 120; step++) plant.advance(60_000, ORDINARY, none)
    expect(plant.life?.cycles).toBe(1)
  })
})
