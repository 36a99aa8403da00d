/** The front-loading washing machine with heater, drain pump and inverter motor, whole. */
import type { ApplianceType } from '../appliance-type.ts'
import { commonFaults, commonParts, commonRemoteSteps, commonSteps } from '../common-faults.ts'
import { care } from './care.ts'
import { faults } from './faults.ts'
import { activeTests, remoteSteps } from './guidance.ts'
import { intake } from './intake.ts'
import { parts } from './parts.ts'
import { withQuality } from './quality.ts'
import { recipe } from './recipe.ts'
import { rules } from './rules.ts'
import { safeStates } from './safe-states.ts'
import { channels } from './sensors.ts'
import { settings } from './settings.ts'
import { steps } from './steps.ts'

export const washingMachine: ApplianceType = {
  id: 'washing_machine',
  version: '1.0.0',
  name: { en: 'Washing machine', 'zh-CN': '洗衣机' },
  channels: channels.map(withQuality),
  settings,
  faults: [...faults, ...commonFaults],
  parts: [...parts, ...commonParts],
  steps: [...steps, ...commonSteps],
  remoteSteps: [...remoteSteps, ...commonRemoteSteps],
  activeTests,
  intake,
  care,
  safeStates,
  rules,
  recipe,
  sensorFaults: { stuck: 'XX-02' },
}
