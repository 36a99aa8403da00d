/** The simulated heat pumps as an appliance type, and the rule of a gateway that makes each of them a device. */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'

const channel = (name: string, unit: Channel['unit'], changes: Partial<Channel> = {}): Channel => ({
  name,
  kind: 'number',
  unit,
  min: -1e17,
  max: 1e17,
  step: 0.1,
  isAggregated: false,
  isSafety: false,
  description: { en: name, 'zh-CN': name },
  ...changes,
})
export const CHANNELS = [
  channel('supply_temperature_c', 'c'),
  channel('return_temperature_c', 'c'),
  channel('outdoor_temperature_c', 'c'),
  channel('electrical_power_w', 'w'),
  channel('energy_wh', 'wh'),
  channel('defrost_is_on', 'none', { kind: 'boolean' }),
  channel('mode', 'none', { kind: 'text' }),
  channel('supply_quality', 'none', { kind: 'text' }),
]
export const heatPump: ApplianceType = {
  id: 'heat_pump',
  version: '1.0.0',
  name: { en: 'Heat pump', 'zh-CN': '热泵' },
  channels: CHANNELS,
  faults: [],
  parts: [],
  steps: [],
  rules: [],
  recipe: undefined,
}

export const rule = {
  folder: 'Objects/HeatPumps',
  type: 'HeatPumpType',
  device: 'plant-{name}',
  channels: {
    SupplyTemperature: { channel: 'supply_temperature_c', datatype: 'Double', quality: 'supply_quality' },
    ReturnTemperature: { channel: 'return_temperature_c' },
    OutdoorTemperature: { channel: 'outdoor_temperature_c' },
    ElectricalPower: { channel: 'electrical_power_w', unit: 'kW' },
    EnergyCounter: { channel: 'energy_wh' },
    DefrostActive: { channel: 'defrost_is_on' },
    OperatingMode: { channel: 'mode' },
  },
}
