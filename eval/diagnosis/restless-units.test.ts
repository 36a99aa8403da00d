/** Units of homes: their windows stray as no plant's do, coherently and the same each time, and nothing else of them changes. */
import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { epochMs } from '#kernel/clock.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import type { LabelledUnit } from './dataset.ts'
import { restless } from './restless-units.ts'

const typeOf = (id: string) => {
  const type = applianceTypes.find((one) => one.id === id)
  if (type === undefined) throw new Error(`there is no ${id}`)
  return type
}
const type = typeOf('air_conditioner')
const features = type.recipe?.features ?? []
const at = (name: string): number => features.findIndex((feature) => feature.name === name)
const heater = typeOf('gas_water_heater')
const HOUR_MS = 3_600_000

/** A unit whose windows all show the same. */
function unitOf(device: string, windows = 60): LabelledUnit {
  const values = Float64Array.from(features, ({ name }) => (name === 'outdoor_temperature_c' ? 36 : name === 'eev_opening_steps' ? 120 : 10))
  values[at('start_duration_ms')] = Number.NaN
  const all = Array.from({ length: windows }, (_, index): ClosedWindow => {
    const from_ms = epochMs((1 + index) * 6 * HOUR_MS)
    const to_ms = epochMs(from_ms + 6 * HOUR_MS)
    const common = { tenant: 'home', device, type: type.id, firmware: '1', recipe_version: 4, from_ms, to_ms, received_at_ms: to_ms }
    return { ...common, readings: 36, running: 36, settled: 36, isDiagnosable: true, features: values }
  })
  return { seed: 's', device, windows: all, truths: [], weeks: 1 }
}
const shown = (unit: LabelledUnit | undefined, name: string): number[] =>
  (unit?.windows ?? []).map((window) => window.features[at(name)] ?? Number.NaN)
const firstOf = (device: string): LabelledUnit | undefined => restless(type, [unitOf(device)])[0]

describe('a restless unit', () => {
  it('strays over days rather than from window to window, otherwise than its neighbour, and the same each time', () => {
    const coil = shown(firstOf('a'), 'evaporating_below_return_k')
    const range = Math.max(...coil) - Math.min(...coil)
    const steps = coil.slice(1).map((value, index) => Math.abs(value - (coil[index] ?? 0)))
    expect(range).toBeGreaterThan(0.1)
    expect(steps.reduce((sum, value) => sum + value, 0) / steps.length).toBeLessThan(range / 2)
    expect(shown(firstOf('a'), 'evaporating_below_return_k')).toEqual(coil)
    expect(shown(firstOf('b'), 'evaporating_below_return_k')).not.toEqual(coil)
  })

  it('moves features of one channel together: what the liquid pipe strays, subcooling and its approach stray against each other', () => {
    const unit = firstOf('a')
    const [subcooling, approach, condensing] = [
      shown(unit, 'subcooling_k'),
      shown(unit, 'liquid_over_outdoor_k'),
      shown(unit, 'condensing_over_outdoor_k'),
    ]
    subcooling.forEach((value, index) => {
      expect(value + (approach[index] ?? 0)).toBeCloseTo((condensing[index] ?? 0) + 10, 9)
    })
  })

  it('keeps what drives it, what it shows at rest, what is not known, and its times', () => {
    const before = unitOf('a')
    const after = firstOf('a')
    for (const name of ['outdoor_temperature_c', 'compressor_frequency_hz', 'idle_indoor_coil_over_room_k', 'float_closed_ratio'])
      expect(shown(after, name)).toEqual(shown(before, name))
    expect(shown(after, 'start_duration_ms').every(Number.isNaN)).toBe(true)
    expect(after?.windows.map(({ to_ms }) => to_ms)).toEqual(before.windows.map(({ to_ms }) => to_ms))
    expect(shown(after, 'eev_opening_steps').every((value) => value > 0)).toBe(true)
  })

  it('moves what the records of a water heater tell, and not what people and the mains decide', () => {
    const names = heater.recipe?.features.map(({ name }) => name) ?? []
    const windows = unitOf('a').windows.map((window) => ({ ...window, type: heater.id, features: new Float64Array(names.length).fill(10) }))
    const [unit] = restless(heater, [{ ...unitOf('a'), windows }])
    const moves = (name: string): boolean => unit?.windows.some((window) => window.features[names.indexOf(name)] !== 10) ?? false
    for (const name of ['draw_flame_current_ua', 'draw_exhaust_temperature_c', 'exchanger_over_outlet_k'])
      expect([name, moves(name)]).toEqual([name, true])
    for (const name of [
      'draw_heat_w',
      'draw_flow_lpm',
      'draw_inlet_temperature_c',
      'ignition_duration_ms',
      'water_pressure_kpa',
      'idle_outlet_over_exchanger_k',
    ])
      expect([name, moves(name)]).toEqual([name, false])
  })

  it('leaves a type alone whose drives nobody named', () => {
    const units = [unitOf('a')]
    expect(restless(typeOf('fridge'), units)).toEqual(units)
  })
})
