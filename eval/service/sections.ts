/** The sections of `npm run eval:service`, in the order of the page. */
import type { EvalSection } from '../evaluation/table.ts'
import { policiesSection } from './policies-section.ts'

export const serviceSections: readonly EvalSection[] = [policiesSection]
