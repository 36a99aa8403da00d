/** What a worker that trains is asked for, and the names of the calls between it and the main thread. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Limits } from '#kernel/limits.ts'
import type { SiteLabel } from '../models/training/site-labels.ts'

export interface TrainingTask {
  readonly tenant: string
  readonly type: ApplianceType
  readonly devices: readonly string[]
  /** Devices of which something was told that nobody confirmed; time of theirs that no label speaks of is left out. */
  readonly doubtful: readonly string[]
  readonly labels: readonly SiteLabel[]
  readonly isHealthyAssumed: boolean
  readonly from_ms: number
  readonly to_ms: number
  /** Files pass through here; made new. */
  readonly folder: string
  readonly limits: Limits
}

/** What was used, and what came out; the files lie in the folder. */
export interface TrainingResult {
  readonly version: string
  readonly readings: number
  readonly windows: number
  /** Units with windows of each class. */
  readonly units: Readonly<Record<string, number>>
  readonly left_out: readonly string[]
  readonly scores: object
}

export const TRAINING_CALLS = { run: 'run', history: 'history', note: 'note' } as const
