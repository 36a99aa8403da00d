import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { createFleet, type FleetOptions } from './fleet.ts'
import { severityAt } from './fleet-faults.ts'

const DAY_MS = 86_400_000
const startMs = Date.UTC(2026, 6, 1)
const optionsOf = (change: Partial<FleetOptions> = {}): FleetOptions => ({
  type: airConditioner,
  units: 12,
  seed: 'fleet-test',
  startMs,
  faultShare: 0.5,
  samplePeriodMs: 600_000,
  tenant: 'home',
  ...change,
})
const at = (name: string): number => airConditioner.channels.findIndex((channel) => channel.name === name)

/** Mean of a channel over the running readings of a fleet, all units in the given fault from the start. */
function runningMean(fault: string | undefined, value: (values: Float64Array) => number): number {
  const share = fault === undefined ? 0 : 1
  const fleet = createFleet(
    optionsOf({ units: 24, faultShare: share, onsetSpanMs: 1, growthScale: 0.001, ...(fault === undefined ? {} : { faults: [fault] }) }),
  )
  let sum = 0
  let count = 0
  for (const reading of fleet.readings(startMs + 2 * DAY_MS)) {
    const read = value(reading.values)
    if ((reading.values[at('compressor_frequency_hz')] ?? 0) <= 20 || Number.isNaN(read)) continue
    sum += read
    count += 1
  }
  return sum / count
}
const difference = (a: string, b: string) => (values: Float64Array) => (values[at(a)] ?? 0) - (values[at(b)] ?? 0)

describe('a fleet', () => {
  it('gives the same messages and truth for the same seed, and others for another', () => {
    const run = (seed: string): string => {
      const fleet = createFleet(optionsOf({ seed }))
      return JSON.stringify([[...fleet.step(startMs + DAY_MS)], fleet.truth()])
    }
    expect(run('a')).toBe(run('a'))
    expect(run('a')).not.toBe(run('b'))
  })

  it('gives readings in time order, with sequence numbers that rise by one in each boot', () => {
    const next = new Map<string, number>()
    let lastMs = 0
    for (const reading of createFleet(optionsOf()).readings(startMs + 3 * DAY_MS)) {
      expect(reading.observed_at_ms).toBeGreaterThanOrEqual(lastMs)
      lastMs = reading.observed_at_ms
      const key = `${reading.device}/${reading.boot}`
      expect(reading.seq).toBe(next.get(key) ?? 0)
      next.set(key, reading.seq + 1)
    }
    expect(next.size).toBeGreaterThanOrEqual(12)
  })

  it('puts every value inside the range of its channel, for all faults at full severity', () => {
    const outside: string[] = []
    for (const fault of ['AC-01', 'AC-02', 'AC-03', 'AC-05', 'AC-06', 'AC-09', 'XX-01']) {
      const fleet = createFleet(optionsOf({ faultShare: 1, faults: [fault], onsetSpanMs: 1, growthScale: 0.001 }))
      for (const message of fleet.step(startMs + DAY_MS)) {
        const reading: { v: Record<string, number | boolean | string> } = JSON.parse(message.payload)
        for (const channel of airConditioner.channels) {
          const value = reading.v[channel.name]
          if (channel.kind === 'number' && value !== undefined && !(Number(value) >= channel.min && Number(value) <= channel.max)) {
            outside.push(`${fault} ${channel.name} ${String(value)}`)
          }
        }
      }
    }
    expect(outside).toEqual([])
  })

  it('gathers readings into arrays when asked, and loses none', () => {
    const single = [...createFleet(optionsOf()).step(startMs + DAY_MS)]
    const batched = [...createFleet(optionsOf({ readingsPerPayload: 50 })).step(startMs + DAY_MS)]
    expect(batched.reduce((sum, message) => sum + message.readings, 0)).toBe(single.length)
    expect(JSON.parse(batched[0]?.payload ?? '')).toHaveLength(50)
  })

  it('continues where it stopped, at another sample period', () => {
    const fleet = createFleet(optionsOf({ units: 1, readingsPerPayload: 500 }))
    const before = [...fleet.step(startMs + 6 * 3_600_000)].reduce((sum, message) => sum + message.readings, 0)
    fleet.setSamplePeriod(60_000)
    const after = [...fleet.step(startMs + 7 * 3_600_000)].reduce((sum, message) => sum + message.readings, 0)
    expect(before).toBe(36)
    expect(after).toBeGreaterThan(50)
  })

  it('ends a fault on repair, and refuses to repair what is not there', () => {
    const fleet = createFleet(optionsOf({ faultShare: 1, onsetSpanMs: 1 }))
    const truth = fleet.truth()[0]
    if (truth === undefined) throw new Error('a faulty fleet has truth')
    const atMs = startMs + 70 * DAY_MS
    expect(severityAt(truth, atMs)).toBeGreaterThan(0)
    expect(fleet.repair(truth.device, truth.fault, atMs)).toBe(true)
    expect(severityAt(truth, atMs)).toBe(0)
    expect(severityAt(truth, atMs - 1)).toBeGreaterThan(0)
    expect(fleet.repair(truth.device, truth.fault, atMs)).toBe(false)
    expect(fleet.repair(truth.device, 'AC-99', atMs)).toBe(false)
  })

  it('sends aggregated channels as min, mean and max', () => {
    const [message] = [...createFleet(optionsOf({ units: 1, aggregated: ['power_w'] })).step(startMs + 600_000)]
    const reading = JSON.parse(message?.payload ?? '')
    expect(Object.keys(reading.v.power_w)).toEqual(['min', 'mean', 'max'])
  })
})

describe('the signs of the catalogue on a fleet with free valve and inverter', () => {
  const rows: ReadonlyArray<readonly [fault: string, feature: string, (values: Float64Array) => number, sign: number]> = [
    ['AC-01', 'subcooling', difference('outdoor_coil_temperature_c', 'liquid_temperature_c'), -1],
    ['AC-01', 'valve', (values) => values[at('eev_opening_steps')] ?? 0, 1],
    ['AC-02', 'condensing', difference('outdoor_coil_temperature_c', 'outdoor_temperature_c'), 1],
    ['AC-03', 'air difference', difference('return_air_temperature_c', 'supply_air_temperature_c'), 1],
    ['AC-03', 'valve', (values) => values[at('eev_opening_steps')] ?? 0, -1],
    ['AC-04', 'start', (values) => values[at('start_duration_ms')] ?? 0, 1],
    ['AC-05', 'superheat', difference('suction_temperature_c', 'indoor_coil_temperature_c'), 1],
    ['AC-05', 'valve', (values) => values[at('eev_opening_steps')] ?? 0, 1],
    ['AC-06', 'air difference', difference('return_air_temperature_c', 'supply_air_temperature_c'), -1],
    ['AC-08', 'float', (values) => values[at('condensate_float_is_closed')] ?? 0, 1],
    ['AC-09', 'subcooling', difference('outdoor_coil_temperature_c', 'liquid_temperature_c'), 1],
    ['XX-01', 'board', difference('board_temperature_c', 'outdoor_temperature_c'), 1],
  ]
  for (const [fault, feature, value, sign] of rows) {
    it(`moves ${feature} ${sign > 0 ? 'up' : 'down'} for ${fault}`, () => {
      expect(Math.sign(runningMean(fault, value) - runningMean(undefined, value))).toBe(sign)
    })
  }
})
