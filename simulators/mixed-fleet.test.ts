import { describe, expect, it } from 'vitest'
import { fridge } from '#catalogue/fridge/fridge.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { createMixedFleet, type MixedFleet, shareOut } from './mixed-fleet.ts'

const HOUR_MS = 3_600_000
const startMs = Date.UTC(2026, 6, 1)
const common = { seed: 'mixed', startMs, faultShare: 0.3, tenant: 'home', readingsPerPayload: 6 }

const mixed = (seed = 'mixed'): MixedFleet =>
  createMixedFleet(
    [
      { type: fridge, units: 4, samplePeriodMs: 300_000 },
      { type: gasWaterHeater, units: 2, samplePeriodMs: 600_000 },
      { type: gasWaterHeater, units: 1, samplePeriodMs: 600_000, faultShare: 1, faults: ['GW-08'] },
    ],
    { ...common, seed },
  )

describe('createMixedFleet', () => {
  it('gives each type its units, and homes that the types share', () => {
    const { devices, units } = mixed()
    expect(devices).toEqual(['fr-0001', 'fr-0002', 'fr-0003', 'fr-0004', 'gw-0001', 'gw-0002', 'gw-0003'])
    const household = (device: string) => units.find((unit) => unit.device === device)?.household
    expect(household('gw-0003')).toBe(household('fr-0003'))
    expect(household('gw-0003')).not.toBe(household('fr-0004'))
  })

  it('reports each unit at the period of its share, and the same for the same seed', () => {
    const run = (fleet: MixedFleet) => [...fleet.step(startMs + 6 * HOUR_MS)]
    const messages = run(mixed())
    const readings = (prefix: string) =>
      messages.filter(({ device }) => device.startsWith(prefix)).reduce((sum, message) => sum + message.readings, 0)
    expect(readings('fr-')).toBeGreaterThanOrEqual(4 * 72)
    expect(readings('gw-')).toBeLessThan(readings('fr-'))
    expect(run(mixed())).toEqual(messages)
    expect(run(mixed('another'))).not.toEqual(messages)
  })

  it('has the fault that a share asks for, and repairs it for the unit that has it', () => {
    const fleet = mixed()
    const [sure] = fleet.truth().filter(({ device }) => device === 'gw-0003')
    expect(sure?.fault).toBe('GW-08')
    const laterMs = startMs + 60 * 24 * HOUR_MS
    expect(fleet.repair('gw-0001', 'GW-08', laterMs)).toBe(false)
    expect(fleet.repair('gw-0003', 'GW-08', laterMs)).toBe(true)
    expect(fleet.truth().find(({ device }) => device === 'gw-0003')?.repaired_ms).toBe(laterMs)
  })

  it('puts the type after a prefix that is asked for', () => {
    const shares = [fridge, gasWaterHeater].map((type) => ({ type, units: 1, samplePeriodMs: 600_000 }))
    expect(createMixedFleet(shares, { ...common, devicePrefix: 'sim' }).devices).toEqual(['sim-fr-0001', 'sim-gw-0001'])
  })

  it('refuses a fleet without a share', () => {
    expect(() => createMixedFleet([], common)).toThrow(/has a share/)
  })
})

describe('shareOut', () => {
  it('gives the first types what is left over, and no share to a type without units', () => {
    expect(shareOut(3, [fridge, gasWaterHeater]).map(({ type, units }) => [type.id, units])).toEqual([
      ['fridge', 2],
      ['gas_water_heater', 1],
    ])
    expect(shareOut(1, [fridge, gasWaterHeater])).toHaveLength(1)
  })
})
