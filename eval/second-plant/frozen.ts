/**
 * Fingerprints of the second plants: of each type's sources (its parameters stand in them), of what the types share, and of the seeds and
 * places of evaluation. Imports into the catalogue are no part: channels may get better words. `node eval/second-plant/frozen.ts` prints the present ones.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { SECOND_CITIES, SECOND_SEEDS } from './evaluation.ts'
import { secondPlantModels } from './registry.ts'

export interface Frozen {
  readonly seeds: readonly string[]
  /** sha256 by type id, and `evaluation` for seeds and places. */
  readonly sha256: Readonly<Record<string, string>>
}

const folder = import.meta.dirname
const SHARED = ['shapes.ts', 'root.ts']

/** Sources of a type: files that begin with its name, and what all share. */
export function sourcesOf(type: string): string[] {
  const prefix = type.replaceAll('_', '-')
  const own = readdirSync(folder).filter((file) => file.startsWith(prefix) && file.endsWith('.ts') && !file.endsWith('.test.ts'))
  return [...own, ...SHARED].sort()
}

export function fingerprints(): Frozen {
  const types = [...secondPlantModels.keys()].map((type) => {
    const hash = createHash('sha256')
    for (const file of sourcesOf(type)) hash.update(`${file}\n${readFileSync(join(folder, file), 'utf8')}\n`)
    const { faults = [], noise = {} } = secondPlantModels.get(type) ?? {}
    hash.update(JSON.stringify([faults, Object.entries(noise).sort()]))
    return [type, hash.digest('hex')] as const
  })
  const evaluation = createHash('sha256')
    .update(JSON.stringify([SECOND_SEEDS, SECOND_CITIES]))
    .digest('hex')
  return { seeds: SECOND_SEEDS, sha256: Object.fromEntries([['evaluation', evaluation], ...types]) }
}

export const readFrozen = (): Frozen => JSON.parse(readFileSync(join(folder, 'frozen.json'), 'utf8')) as Frozen

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(JSON.stringify(fingerprints(), null, 2))
