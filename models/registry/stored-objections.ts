/**
 * Models that were taken in by an earlier version and whose answers this one refuses: rows of classes that do not sum to 1. Such a model would
 * be in force and give no diagnosis. What it answers stands in its parity file, so nothing of it is run to find out. A model that is
 * brought now is refused for it (`check-model.ts`).
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Card } from '../artefact.ts'
import { objectionToRows } from '../runtimes/guarded-runtime.ts'
import { folderOf } from './model-files.ts'
import type { ModelRegistry } from './model-registry.ts'

/** Why models at work give no diagnosis, by `tenant/version`: those in force, those that look on, and those to go back to. */
export async function storedObjections(registry: Pick<ModelRegistry, 'seats' | 'get'>, dataDir: string): Promise<Map<string, string>> {
  const objections = new Map<string, string>()
  for (const { tenant, reigns, shadows } of registry.seats()) {
    for (const { version } of [...reigns.slice(-2), ...shadows]) {
      if (version === null) continue
      const objection = await objectionTo(folderOf(dataDir, tenant, version), registry.get(tenant, version).card)
      if (objection !== undefined) objections.set(`${tenant}/${version}`, objection)
    }
  }
  return objections
}

async function objectionTo(folder: string, { classes, output_kind }: Card): Promise<string | undefined> {
  if (output_kind === 'score') return undefined
  try {
    const { probabilities } = JSON.parse(await readFile(join(folder, 'parity.json'), 'utf8')) as { readonly probabilities: readonly number[][] }
    const objection = objectionToRows(Float32Array.from(probabilities.flat()), classes.length)
    return objection === undefined ? undefined : `by its parity file it ${objection}; bring it anew with a softmax behind its output`
  } catch {
    return 'its parity file cannot be read'
  }
}
