/**
 * Fingerprints of the city: its parameters, the seeds of its evaluation, and the code of its world, so that nobody tunes the city to a
 * policy. `node simulators/city/frozen.ts` prints the present ones; each is explained with a date in `eval/service/README.md`.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cityParameters } from './city-parameters.ts'

/** Cities of the evaluation. They are never used to choose anything; development has seeds of its own. */
export const SERVICE_SEEDS = ['service-a', 'service-b', 'service-c'] as const

const folder = import.meta.dirname
/** What decides what happens; how a service is joined is no part. */
const WORLD = ['city-truth.ts', 'city-units.ts', 'crew.ts', 'customers.ts', 'dispatch.ts', 'visit.ts']

export function fingerprints(): Readonly<Record<'parameters' | 'seeds' | 'world' | 'answers', string>> {
  const world = createHash('sha256')
  for (const file of WORLD) world.update(`${file}\n${readFileSync(join(folder, file), 'utf8')}\n`)
  const of = (data: unknown): string => createHash('sha256').update(JSON.stringify(data)).digest('hex')
  return {
    parameters: of(cityParameters),
    seeds: of(SERVICE_SEEDS),
    world: world.digest('hex'),
    answers: of(readFileSync(join(folder, 'household-answers.ts'), 'utf8')),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(JSON.stringify(fingerprints(), null, 2))
