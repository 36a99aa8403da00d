/**
 * Signs of domain 6.2 to 6.4 on the second plants: each fault at severity 0.6 against the same unit without it, in the same days. A sign is
 * the change of a mean of periodic values (`while running` where that matters) or of records; `=` means that it stays within the bound.
 */
import { describe, expect, it } from 'vitest'
import { channels as fridgeChannels } from '#catalogue/fridge/sensors.ts'
import { channels as heaterChannels } from '#catalogue/gas-water-heater/sensors.ts'
import { ORDINARY, type Surroundings } from '#catalogue/plant.ts'
import { channels as washerChannels } from '#catalogue/washing-machine/sensors.ts'
import { createRandom } from '#kernel/random.ts'
import { fridge } from './fridge.ts'
import { drawFridge, type FridgeUnit } from './fridge-unit.ts'
import { gasWaterHeater } from './gas-water-heater.ts'
import { drawHeater, type HeaterUnit } from './gas-water-heater-unit.ts'
import { observe, type Scene, type Sign, seedOf, wrongSigns } from './signs-kit.ts'
import { washingMachine } from './washing-machine.ts'
import { drawWasher, type WasherUnit } from './washing-machine-unit.ts'

const fridgeScene: Scene = {
  ...{ model: fridge, channels: fridgeChannels, days: 5, running: 'compressor_frequency_hz' },
  around: (minute) => {
    const hour = (minute / 60) % 24
    const freshDoorOpenS = hour > 7 && hour < 22 && minute % 37 === 0 ? 20 : 0
    return { ...ORDINARY, indoorC: 24, use: { ...ORDINARY.use, freshDoorOpenS, freezerDoorOpenS: hour > 8 && minute % 240 === 0 ? 15 : 0 } }
  },
}
const washerScene: Scene = {
  ...{ model: washingMachine, channels: washerChannels, days: 6, running: 'cycle_is_on' },
  around: (minute) => ({
    ...ORDINARY,
    use: { ...ORDINARY.use, ...(minute % 360 === 0 && { wash: { loadKg: 4, unbalance: 0.3, programC: 60, detergentShare: 1 } }) },
  }),
}
const heaterScene: Scene = {
  ...{ model: gasWaterHeater, channels: heaterChannels, days: 3, running: 'gas_valve_is_open' },
  around: (minute) => {
    const place = minute % 180
    return { ...ORDINARY, use: { ...ORDINARY.use, drawLMin: place < 8 ? 8 : place > 100 && place < 103 ? 3.1 : 0 } }
  },
}
const fridgeOf = (wanted: (unit: FridgeUnit) => boolean): string => seedOf((seed) => drawFridge(createRandom(seed).fork('second/fridge')), wanted)
const washerOf = (wanted: (unit: WasherUnit) => boolean): string =>
  seedOf((seed) => drawWasher(createRandom(seed).fork('second/washing-machine')), wanted)
const heaterOf = (wanted: (unit: HeaterUnit) => boolean): string =>
  seedOf((seed) => drawHeater(createRandom(seed).fork('second/gas-water-heater')), wanted)

const fridgeSigns: ReadonlyArray<readonly [fault: string, severity: number, wanted: (unit: FridgeUnit) => boolean, signs: readonly Sign[]]> = [
  [
    ...(['FR-01', 0.6, () => true] as const),
    [
      ['running share', '+', 0.08],
      ['running evaporator_outlet_temperature_c', '+', 1.5],
      ['running power_w', '-', 8],
      ['running condenser_temperature_c', '-', 1],
    ],
  ],
  [...(['FR-01', 1, (unit: FridgeUnit) => !unit.isDual] as const), [['freezer_temperature_c', '+', 2]]],
  [
    ...(['FR-02', 0.6, () => true] as const),
    [
      ['defrost_heater_current_a', '-', 0.15],
      ['defrost_end_temperature_c', '-', 1],
      ['defrost_duration_s', '+', 200],
    ],
  ],
  [
    ...(['FR-03', 0.6, () => true] as const),
    [
      ['running share', '+', 0.05],
      ['defrost_duration_s', '+', 40],
      ['running condenser_temperature_c', '=', 3],
    ],
  ],
  [
    ...(['FR-04', 0.6, (unit: FridgeUnit) => !unit.variant.isCondenserFan] as const),
    [
      ['running condenser_temperature_c', '+', 3],
      ['running power_w', '+', 1],
      ['running share', '+', 0.003],
      ['running condenser_fan_rpm', '=', 1],
    ],
  ],
  [...(['FR-04', 0.6, (unit: FridgeUnit) => unit.variant.isCondenserFan] as const), [['running condenser_fan_rpm', '-', 150]]],
  [
    ...(['FR-05', 0.6, (unit: FridgeUnit) => !unit.isDual] as const),
    [
      ['running evaporator_fan_rpm', '-', 400],
      ['running evaporator_fan_current_ma', '+', 20],
      ['running evaporator_temperature_c', '-', 3],
      ['damper_opening_pct', '+', 15],
    ],
  ],
  [
    ...(['FR-06', 0.6, (unit: FridgeUnit) => unit.variant.stuckOpening < 0.2] as const),
    [
      ['fresh_temperature_c', '+', 3],
      ['damper_opening_pct', '+', 20],
      ['freezer_temperature_c', '=', 2.5],
    ],
  ],
  [
    ...(['FR-06', 0.6, (unit: FridgeUnit) => unit.variant.stuckOpening > 0.7] as const),
    [
      ['fresh_temperature_c', '-', 1],
      ['damper_opening_pct', '-', 15],
      ['freezer_temperature_c', '=', 2.5],
    ],
  ],
  [
    ...(['FR-07', 0.6, () => true] as const),
    [
      ['start_attempts_count', '+', 1],
      ['start_duration_ms', '+', 150],
    ],
  ],
  [
    ...(['FR-08', 0.6, (unit: FridgeUnit) => unit.variant.driftChannel === 'evaporator_outlet_temperature_c' && unit.variant.driftK > 0] as const),
    [
      ['defrost_melt_temperature_c', '+', 1.5],
      ['running power_w', '=', 4],
    ],
  ],
  [...(['XX-01', 0.6, () => true] as const), [['running board_temperature_c', '+', 6]]],
]

const washerSigns: ReadonlyArray<readonly [fault: string, wanted: (unit: WasherUnit) => boolean, signs: readonly Sign[]]> = [
  [
    ...(['WM-01', () => true] as const),
    [
      ['drain_duration_s', '+', 15],
      ['drain_current_a', '-', 0.015],
      ['drain_residual_kpa', '+', 0.05],
    ],
  ],
  [
    ...(['WM-02', () => true] as const),
    [
      ['drain_current_a', '+', 0.03],
      ['drain_current_ripple_a', '+', 0.01],
      ['drain_attempts_count', '+', 0.2],
    ],
  ],
  [
    ...(['WM-03', () => true] as const),
    [
      ['bearing_vibration_m_s2', '+', 0.5],
      ['spin_current_a', '+', 0.1],
      ['coast_down_s', '-', 4],
    ],
  ],
  [
    ...(['WM-04', (unit: WasherUnit) => !unit.variant.isLeakBy] as const),
    [
      ['fill_duration_s', '+', 25],
      ['fill_volume_l', '=', 0.3],
    ],
  ],
  [...(['WM-04', (unit: WasherUnit) => unit.variant.isLeakBy] as const), [['level_drift_kpa', '+', 0.02]]],
  [
    ...(['WM-05', (unit: WasherUnit) => unit.variant.heaterMode === 'scale'] as const),
    [
      ['heat_rate_k_per_min', '-', 0.25],
      ['heat_power_w', '=', 120],
    ],
  ],
  [...(['WM-05', (unit: WasherUnit) => unit.variant.heaterMode === 'open'] as const), [['heat_power_w', '-', 1000]]],
  [...(['WM-05', (unit: WasherUnit) => unit.variant.heaterMode === 'earth'] as const), [['earth_fault_is_on', '+', 0.01]]],
  [...(['WM-06', () => true] as const), [['ramp_vibration_m_s2', '+', 0.8]]],
  [
    ...(['WM-07', () => true] as const),
    [
      ['lock_duration_ms', '+', 800],
      ['lock_attempts_count', '+', 0.4],
    ],
  ],
  [
    ...(['WM-08', () => true] as const),
    [
      ['level_drift_kpa', '-', 0.02],
      ['refill_count', '+', 0.9],
      ['leak_float_is_closed', '+', 0.1],
    ],
  ],
]

const heaterSigns: ReadonlyArray<readonly [fault: string, wanted: (unit: HeaterUnit) => boolean, signs: readonly Sign[]]> = [
  [
    ...(['GW-01', () => true] as const),
    [
      ['ignition_duration_ms', '+', 200],
      ['ignition_attempts_count', '+', 0.2],
    ],
  ],
  [
    ...(['GW-02', () => true] as const),
    [
      ['draw_flame_current_ua', '-', 1.5],
      ['draw_gas_valve_current_ma', '=', 1],
    ],
  ],
  [
    ...(['GW-03', () => true] as const),
    [
      ['draw_fan_rpm', '+', 200],
      ['draw_air_pressure_pa', '+', 20],
      ['draw_flue_co_ppm', '+', 80],
    ],
  ],
  [
    ...(['GW-04', () => true] as const),
    [
      ['draw_exhaust_temperature_c', '+', 6],
      ['draw_flow_lpm', '-', 0.3],
      ['draw_exchanger_temperature_c', '+', 2],
    ],
  ],
  [
    ...(['GW-05', () => true] as const),
    [
      ['draw_gas_valve_current_ma', '+', 6],
      ['draw_flow_lpm', '=', 0.05],
    ],
  ],
  [
    ...(['GW-06', () => true] as const),
    [
      ['draw_fan_current_a', '+', 0.02],
      ['draw_fan_ripple_rpm', '+', 30],
      ['fan_start_duration_ms', '+', 300],
    ],
  ],
  [...(['GW-07', () => true] as const), [['count unfired_flow_s', '+', 3]]],
  [...(['GW-08', (unit: HeaterUnit) => unit.variant.flameOff] as const), [['idle flame_current_ua', '+', 1]]],
  [...(['GW-08', (unit: HeaterUnit) => !unit.variant.flameOff] as const), [['idle room_gas_lel_pct', '+', 8]]],
  [
    ...(['GW-09', (unit: HeaterUnit) => unit.variant.driftK < 0 && unit.outputKw > 27] as const),
    [
      ['draw_exchanger_temperature_c', '+', 2],
      ['draw_outlet_temperature_c', '=', 0.6],
      ['draw_gas_valve_current_ma', '+', 4],
    ],
  ],
  [...(['XX-01', () => true] as const), [['running board_temperature_c', '+', 4]]],
]

describe('the second fridge', () => {
  it.each(fridgeSigns.map((row) => [row[0], row] as const))('shows the signs of %s', (_name, [fault, severity, wanted, signs]) => {
    expect(wrongSigns(fridgeScene, fridgeOf(wanted), [fault, severity], signs)).toEqual([])
  })

  it('turns its fan faster and opens its damper wider when no defrost heats for two weeks', () => {
    const seed = fridgeOf((unit) => !unit.isDual && !unit.variant.isIntermittentHeater)
    const signs: Sign[] = [
      ['running evaporator_fan_rpm', '+', 20],
      ['damper_opening_pct', '+', 5],
    ]
    expect(wrongSigns({ ...fridgeScene, days: 14 }, seed, ['FR-02', 1], signs)).toEqual([])
  })

  it('takes furniture at its vents for a hotter condenser and no fan fault', () => {
    const free = observe(fridgeScene, 'vents', new Map())
    const around = (minute: number): Surroundings => {
      const usual = fridgeScene.around(minute)
      return { ...usual, use: { ...usual.use, ventsBlockedShare: 0.5 } }
    }
    const blocked = observe({ ...fridgeScene, around }, 'vents', new Map())
    expect((blocked.get('running condenser_temperature_c') ?? 0) - (free.get('running condenser_temperature_c') ?? 0)).toBeGreaterThan(1)
    expect(blocked.get('running condenser_fan_rpm')).toBeCloseTo(free.get('running condenser_fan_rpm') ?? 0, 3)
  })
})

describe('the second washing machine', () => {
  it.each(washerSigns.map((row) => [row[0], row] as const))('shows the signs of %s', (_name, [fault, wanted, signs]) => {
    expect(wrongSigns(washerScene, washerOf(wanted), [fault, 0.6], signs)).toEqual([])
  })

  it('fills slower at low water pressure, without a fault', () => {
    const weak = observe({ ...washerScene, around: (minute) => ({ ...washerScene.around(minute), waterPressureKpa: 80 }) }, 'weak', new Map())
    const usual = observe(washerScene, 'weak', new Map())
    expect((weak.get('fill_duration_s') ?? 0) / (usual.get('fill_duration_s') ?? 1)).toBeGreaterThan(1.5)
  })
})

describe('the second gas water heater', () => {
  it.each(heaterSigns.map((row) => [row[0], row] as const))('shows the signs of %s', (_name, [fault, wanted, signs]) => {
    expect(wrongSigns(heaterScene, heaterOf(wanted), [fault, 0.6], signs)).toEqual([])
  })

  it('needs more valve current at low gas pressure, and more fan in wind', () => {
    const usual = observe(heaterScene, 'supply', new Map())
    const low = observe({ ...heaterScene, around: (minute) => ({ ...heaterScene.around(minute), gasPressureKpa: 1.2 }) }, 'supply', new Map())
    const windy = observe({ ...heaterScene, around: (minute) => ({ ...heaterScene.around(minute), windMS: 12 }) }, 'supply', new Map())
    expect((low.get('draw_gas_valve_current_ma') ?? 0) - (usual.get('draw_gas_valve_current_ma') ?? 0)).toBeGreaterThan(8)
    expect((windy.get('draw_fan_rpm') ?? 0) - (usual.get('draw_fan_rpm') ?? 0)).toBeGreaterThan(50)
  })
})
