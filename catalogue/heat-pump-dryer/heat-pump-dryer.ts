/** The heat-pump tumble dryer: a small whole type, and the worked example of docs/add-an-appliance-type.md. */
import type { ApplianceType } from '../appliance-type.ts'
import { commonFaults, commonParts, commonRemoteSteps, commonSteps } from '../common-faults.ts'
import { care } from './care.ts'
import { faults, parts, steps } from './faults.ts'
import { remoteSteps } from './guidance.ts'
import { intake } from './intake.ts'
import { recipe } from './recipe.ts'
import { rules } from './rules.ts'
import { safeStates } from './safe-states.ts'
import { channels } from './sensors.ts'

export const heatPumpDryer: ApplianceType = {
  id: 'heat_pump_dryer',
  version: '1.0.0',
  name: { en: 'Heat-pump dryer', 'zh-CN': '热泵干衣机' },
  channels,
  faults: [...faults, ...commonFaults],
  parts: [...parts, ...commonParts],
  steps: [...steps, ...commonSteps],
  remoteSteps: [...remoteSteps, ...commonRemoteSteps],
  care,
  safeStates,
  intake,
  rules,
  recipe,
  sensorFaults: { stuck: 'XX-02' },
}
