/** The sections of `npm run eval`, in the order of the page. */
import type { EvalSection } from './table.ts'

export const sections: readonly EvalSection[] = []
