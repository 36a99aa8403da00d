/** The instantaneous gas water heater with combustion fan, proportional gas valve and ionisation rod. */
import type { ApplianceType } from '../appliance-type.ts'
import { commonFaults, commonParts, commonSteps } from '../common-faults.ts'
import { channels } from './sensors.ts'

export const gasWaterHeater: ApplianceType = {
  id: 'gas_water_heater',
  version: '1.0.0',
  name: { en: 'Gas water heater', 'zh-CN': '燃气热水器' },
  channels,
  faults: commonFaults.filter(({ foundBy }) => foundBy.length === 0),
  parts: commonParts,
  steps: commonSteps,
  rules: [],
  recipe: undefined,
}
