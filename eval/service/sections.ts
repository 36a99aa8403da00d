/** The sections of `npm run eval:service`, in the order of the page. */
import type { EvalSection } from '../evaluation/table.ts'
import { complaintsSection } from './complaints-section.ts'
import { deliveriesSection } from './deliveries-section.ts'
import { emergencyPathSection } from './emergency-path-section.ts'
import { peakSection } from './peak-section.ts'
import { policiesSection } from './policies-section.ts'
import { repairsSection } from './repairs-section.ts'
import { stormSection } from './storm-section.ts'
import { unconnectedSection } from './unconnected-section.ts'
import { wrongCodesSection } from './wrong-codes-section.ts'

export const serviceSections: readonly EvalSection[] = [
  policiesSection,
  repairsSection,
  stormSection,
  peakSection,
  complaintsSection,
  emergencyPathSection,
  deliveriesSection,
  unconnectedSection,
  wrongCodesSection,
]
