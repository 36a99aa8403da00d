/**
 * How many windows with a fault a model learns as the normal of their unit: what is learned so is no departure any more, and a fault that
 * grows in it is seen late or never. A fold over the units that settle how a model is used; nothing here judges a model.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Artefact } from '../../models/artefact.ts'
import { createReference } from '../../models/reference.ts'
import { createUnitNormal } from '../../models/unit-normal.ts'
import { severityAt } from '../../simulators/fleet-faults.ts'
import { type LabelledUnit, PRESENT_SEVERITY } from './dataset.ts'

/** Windows of one fault, or of units without any for `undefined`. */
export interface LearnedWindows {
  readonly fault: string | undefined
  readonly windows: number
  readonly learned: number
}

/** Windows that can be judged and those of them that were learned, by the worst fault that is present; sound ones last. */
export function learnedWindows(type: ApplianceType, units: readonly LabelledUnit[], { reference }: Pick<Artefact, 'reference'>): LearnedWindows[] {
  const counts = new Map<string | undefined, { windows: number; learned: number }>()
  const compare = createReference(reference, type.recipe?.features ?? [])
  for (const { windows, truths } of units) {
    const normal = reference.unit === undefined ? undefined : createUnitNormal(reference.unit)
    for (const window of windows) {
      if (!window.isDiagnosable) continue
      const before = normal?.learned ?? 0
      compare(window.features, normal)
      const [worst] = truths
        .map((truth) => ({ fault: truth.fault, severity: severityAt(truth, window.to_ms) }))
        .sort((a, b) => b.severity - a.severity)
      // What only begins is neither.
      if (worst !== undefined && worst.severity > 0 && worst.severity < PRESENT_SEVERITY) continue
      const fault = worst === undefined || worst.severity === 0 ? undefined : worst.fault
      const count = counts.get(fault) ?? { windows: 0, learned: 0 }
      counts.set(fault, { windows: count.windows + 1, learned: count.learned + (normal?.learned ?? 0) - before })
    }
  }
  return [...counts].map(([fault, count]) => ({ fault, ...count })).sort((a, b) => orderOf(a).localeCompare(orderOf(b)))
}

const orderOf = ({ fault }: LearnedWindows): string => (fault === undefined ? '1' : `0${fault}`)

/** One line: shares in percent by fault, and of sound units. */
export const learnedLine = (all: readonly LearnedWindows[]): string =>
  all
    .filter(({ windows }) => windows > 0)
    .map(({ fault, windows, learned }) => `${fault ?? 'without fault'} ${((100 * learned) / windows).toFixed(0)} % of ${windows}`)
    .join(', ')
