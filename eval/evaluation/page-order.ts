/** All sections of `docs/evaluation.md` in its order: those of the diagnosis, of the emergency path, and of the service loop. */
import { serviceSections } from '../service/sections.ts'
import { emergencySection } from '../system/emergency-section.ts'
import { sections as diagnoses } from './sections.ts'

/** Sections of `npm run eval`. */
export const evalSections = [...diagnoses, emergencySection]

export const pageOrder: readonly string[] = [...evalSections, ...serviceSections].map(({ id }) => id)
