/** How entries of the models' queue reach the models: windows side by side go together, what late data made anew goes by itself. */
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { QueueEntry } from './model-queue.ts'

interface Models<Window> {
  diagnose(windows: readonly Window[]): Promise<readonly Diagnosis[]>
  amend(windows: readonly Window[]): Promise<readonly Diagnosis[]>
}

/** Gives the entries to the models in their order. */
export async function diagnoseEntries<Window>(models: Models<Window>, entries: ReadonlyArray<QueueEntry<Window>>): Promise<Diagnosis[]> {
  const diagnoses: Diagnosis[] = []
  let plain: Window[] = []
  const flush = async (): Promise<void> => {
    if (plain.length > 0) diagnoses.push(...(await models.diagnose(plain)))
    plain = []
  }
  for (const entry of entries) {
    const amended = typeof entry === 'object' && entry !== null && 'amended' in entry ? entry.amended : undefined
    if (amended === undefined) {
      plain.push(entry as Window)
      continue
    }
    await flush()
    diagnoses.push(...(await models.amend(amended)))
  }
  await flush()
  return diagnoses
}
