/** Labels for training: a fault is learned from when it begins to show, earlier than from when an evaluation counts it as present. */
import { NO_FAULT } from '../../models/artefact.ts'
import { type FaultTruth, severityAt } from '../../simulators/fleet-faults.ts'
import { ABSENT_SEVERITY } from './dataset.ts'

/** Severity from which a window is an example of its fault. */
const EARLY_SEVERITY = 0.15

/** Class of the unit at an instant as `labelAt` of the dataset, with faults from `early` on. */
export function earlyLabelAt(
  truths: readonly FaultTruth[],
  atMs: number,
  { classes, early = EARLY_SEVERITY }: { classes: readonly string[]; early?: number },
): string | undefined {
  const [worst] = truths.map((truth) => ({ fault: truth.fault, severity: severityAt(truth, atMs) })).sort((a, b) => b.severity - a.severity)
  if (worst === undefined || worst.severity < ABSENT_SEVERITY) return NO_FAULT
  return worst.severity >= early && classes.includes(worst.fault) ? worst.fault : undefined
}
