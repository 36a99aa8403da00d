/** The front-loading washing machine with heater, drain pump and inverter motor. */
import type { ApplianceType } from '../appliance-type.ts'
import { commonFaults, commonParts, commonSteps } from '../common-faults.ts'
import { channels } from './sensors.ts'

export const washingMachine: ApplianceType = {
  id: 'washing_machine',
  version: '1.0.0',
  name: { en: 'Washing machine', 'zh-CN': '洗衣机' },
  channels,
  faults: commonFaults.filter(({ foundBy }) => foundBy.length === 0),
  parts: commonParts,
  steps: commonSteps,
  rules: [],
  recipe: undefined,
}
