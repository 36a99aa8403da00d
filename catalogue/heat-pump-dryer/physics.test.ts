import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { NO_USE, ORDINARY, type Severities } from '../plant.ts'
import { heatPumpDryerPlant } from './physics.ts'
import { channels } from './sensors.ts'

const at = (name: string): number => channels.findIndex((channel) => channel.name === name)

/** Dries 6 kg; values in the middle of the drying, the record of its end, and whether the tank was full. */
function dry(severities: Severities = new Map()) {
  const plant = heatPumpDryerPlant.create(createRandom('dryer'))
  const wash = { loadKg: 6, unbalance: 0, programC: 40, detergentShare: 1 }
  plant.advance(60_000, { ...ORDINARY, use: { ...NO_USE, wash } }, severities)
  const middle: number[] = []
  let wasFull = false
  for (let minute = 0; minute < 600; minute++) {
    plant.advance(60_000, ORDINARY, severities)
    if (minute === 45) middle.push(...plant.values)
    wasFull ||= plant.values[at('tank_is_full')] === 1
    const record = plant.events?.[0]?.values
    if (record !== undefined) return { of: (name: string) => middle[at(name)] ?? Number.NaN, record, wasFull }
  }
  return expect.unreachable('the drying ends')
}
const rise = ({ of }: ReturnType<typeof dry>): number => of('drum_inlet_temperature_c') - of('drum_outlet_temperature_c')
const speed = ({ record }: ReturnType<typeof dry>): number => (record.condensate_l ?? 0) / (record.cycle_duration_s ?? 1)

describe('the plant of the heat-pump dryer', () => {
  const sound = dry()

  it('dries 6 kg in one to three hours with some 0.8 to 1.5 kWh', () => {
    expect(sound.record.cycle_duration_s).toBeGreaterThan(3_600)
    expect(sound.record.cycle_duration_s).toBeLessThan(10_800)
    expect(sound.record.cycle_energy_wh).toBeGreaterThan(800)
    expect(sound.record.cycle_energy_wh).toBeLessThan(1_500)
    expect(sound.record.condensate_l).toBeCloseTo(3.3, 3)
  })

  it('heats less air more and dries more slowly with lint (DR-01)', () => {
    const lint = dry(new Map([['DR-01', 0.6]]))
    expect(rise(lint)).toBeGreaterThan(rise(sound) + 2)
    expect(speed(lint)).toBeLessThan(0.95 * speed(sound))
    expect(lint.record.cycle_energy_wh).toBeGreaterThan(sound.record.cycle_energy_wh ?? 0)
  })

  it('fills its tank with a weak pump only (DR-02)', () => {
    expect([sound.wasFull, dry(new Map([['DR-02', 1]])).wasFull]).toEqual([false, true])
  })

  it('heats less with less current after a leak (DR-03)', () => {
    const leak = dry(new Map([['DR-03', 0.6]]))
    expect(rise(leak)).toBeLessThan(rise(sound) - 2)
    expect(leak.of('compressor_current_a')).toBeLessThan(0.9 * sound.of('compressor_current_a'))
  })

  it('heats its terminal by more than 45 K (XX-01)', () => {
    expect(dry(new Map([['XX-01', 1]])).of('board_temperature_c') - ORDINARY.indoorC).toBeGreaterThan(45)
    expect(sound.of('board_temperature_c') - ORDINARY.indoorC).toBeLessThan(20)
  })

  it('shows air that heating would cool when the sensor is wrong (XX-02)', () => {
    expect(rise(dry(new Map([['XX-02', 1]])))).toBeLessThan(-3)
  })
})
