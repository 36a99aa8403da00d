import { describe, expect, it } from 'vitest'
import { airConditioner } from './air-conditioner/air-conditioner.ts'
import type { Rule } from './appliance-type.ts'
import { fridge } from './fridge/fridge.ts'
import { gasWaterHeater } from './gas-water-heater/gas-water-heater.ts'
import { heatPumpDryer } from './heat-pump-dryer/heat-pump-dryer.ts'
import { isFaultOfSensor, judgedSensors } from './sensor-faults.ts'
import { washingMachine } from './washing-machine/washing-machine.ts'

describe('isFaultOfSensor', () => {
  it.each([
    [airConditioner, ['AC-07', 'XX-02']],
    [fridge, ['FR-08', 'XX-02']],
    [washingMachine, ['XX-02']],
    [gasWaterHeater, ['GW-09', 'XX-02']],
    [heatPumpDryer, ['XX-02']],
  ])('knows the faults of sensors of $id', (type, codes) => {
    expect(
      type.faults
        .map(({ code }) => code)
        .filter((code) => isFaultOfSensor(type, code))
        .sort(),
    ).toEqual(codes)
    expect(isFaultOfSensor(type, null)).toBe(false)
  })
})

describe('judgedSensors', () => {
  const ruleOf = (id: string): Rule => {
    const rule = [airConditioner, fridge, washingMachine, gasWaterHeater].flatMap(({ rules }) => rules).find((one) => one.id === id)
    if (rule === undefined) throw new Error(`there is no rule ${id}`)
    return rule
  }

  it.each([
    ['AC-R73', ['outdoor_coil_temperature_c', 'outdoor_temperature_c']],
    ['AC-R21', ['discharge_temperature_c']],
    ['FR-R21', ['condenser_temperature_c', 'ambient_temperature_c']],
    ['WM-R21', ['water_temperature_c']],
  ])('of %s are what it compares, not what says when', (id, sensors) => {
    expect(judgedSensors(ruleOf(id))).toEqual(sensors)
  })

  it('are all channels of a sensor rule that compares none with another, and none of a rule of the machine', () => {
    const when = { channel: 'power_w', op: '>', value: 9_000, unit: 'w' } as const
    expect(judgedSensors({ when, judgesSensor: true })).toEqual(['power_w'])
    expect(judgedSensors(ruleOf('GW-R09'))).toEqual([])
  })
})
