/** The no-frost fridge-freezer with one evaporator, an evaporator fan and a damper to the fresh food compartment. */
import type { ApplianceType } from '../appliance-type.ts'
import { commonFaults, commonParts, commonSteps } from '../common-faults.ts'
import { channels } from './sensors.ts'

export const fridge: ApplianceType = {
  id: 'fridge',
  version: '1.0.0',
  name: { en: 'Fridge-freezer', 'zh-CN': '冰箱' },
  channels,
  faults: commonFaults.filter(({ foundBy }) => foundBy.length === 0),
  parts: commonParts,
  steps: commonSteps,
  rules: [],
  recipe: undefined,
}
