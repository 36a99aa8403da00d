/**
 * The split air conditioner / heat pump with inverter compressor and electronic expansion valve, whole: the pattern of all types.
 * Signs, rules and recipe are those of cooling; heating runs are stored and not diagnosed.
 */
import type { ApplianceType } from '../appliance-type.ts'
import { commonFaults, commonParts, commonRemoteSteps, commonSteps } from '../common-faults.ts'
import { care } from './care.ts'
import { faults } from './faults.ts'
import { activeTests, remoteSteps } from './guidance.ts'
import { intake } from './intake.ts'
import { parts } from './parts.ts'
import { identities, withQuality } from './quality.ts'
import { recipe } from './recipe.ts'
import { rules } from './rules.ts'
import { safeStates } from './safe-states.ts'
import { channels } from './sensors.ts'
import { settings } from './settings.ts'
import { steps } from './steps.ts'

export const airConditioner: ApplianceType = {
  id: 'air_conditioner',
  version: '1.0.0',
  name: { en: 'Air conditioner', 'zh-CN': '空调' },
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
  identities,
  sensorFaults: { stuck: 'XX-02' },
}
