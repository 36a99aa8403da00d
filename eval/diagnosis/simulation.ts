/**
 * Simulated units with their windows, for training and evaluation: one fleet a job, jobs side by side in worker threads, results kept in
 * the package cache under a hash of the job and of all code that it depends on, so that nothing is simulated twice.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { FleetPlan, LabelledUnit } from './dataset.ts'

/** A fleet to simulate: type, plants and plan. */
export interface SimulationJob {
  readonly type: string
  readonly plants: 'first' | 'second'
  readonly plan: FleetPlan
}

const root = join(import.meta.dirname, '..', '..')
const CACHE = join(root, 'node_modules', '.cache', 'mendline', 'eval')
/** Code on which a simulated window depends, besides the folder of its type. */
const SOURCES = [
  'catalogue/appliance-type.ts',
  'catalogue/blocks',
  'catalogue/plant.ts',
  'eval/diagnosis/dataset.ts',
  'eval/diagnosis/foreign-plant.ts',
  'eval/diagnosis/widened-plant.ts',
  'kernel/random.ts',
  'models/features.ts',
  'models/sums.ts',
  'models/windows.ts',
  ...[
    'confusers',
    'daily-uses',
    'fault-growth',
    'fleet',
    'fleet-faults',
    'fleet-sensors',
    'fleet-units',
    'habits',
    'supplies',
    'surroundings',
    'weather',
  ].map((name) => `simulators/${name}.ts`),
]
/** Files of a type's folder that no window depends on. */
const WORDS = /(care|guidance|parts|questions|rules|settings|steps)\.ts$/

/** Simulates the jobs, each in a thread, and gives their units in the order of the jobs. */
export async function simulateJobs(jobs: readonly SimulationJob[]): Promise<LabelledUnit[][]> {
  mkdirSync(CACHE, { recursive: true })
  const results: LabelledUnit[][] = jobs.map(() => [])
  const open = jobs.map((_, index) => index)
  const work = async (): Promise<void> => {
    for (let index = open.shift(); index !== undefined; index = open.shift()) {
      const job = jobs[index]
      if (job !== undefined) results[index] = await simulateJob(job)
    }
  }
  await Promise.all(Array.from({ length: Math.min(jobs.length, Math.max(1, availableParallelism())) }, work))
  return results
}

async function simulateJob(job: SimulationJob): Promise<LabelledUnit[]> {
  const code = hashOfSources(job)
  const file = join(CACHE, `${createHash('sha256').update(code).update(JSON.stringify(job)).digest('hex').slice(0, 32)}.bin`)
  if (existsSync(file)) return deserialize(readFileSync(file)) as LabelledUnit[]
  const units = await inWorker(job)
  writeFileSync(`${file}.part`, serialize(units))
  renameSync(`${file}.part`, file)
  return units
}

function inWorker(job: SimulationJob): Promise<LabelledUnit[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./simulation-worker.ts', import.meta.url), { workerData: job })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the simulation of ${job.type} ended with ${code}`)))
  })
}

function hashOfSources({ type, plants }: SimulationJob): string {
  const hash = createHash('sha256')
  const add = (path: string): void => {
    const full = join(root, path)
    if (!existsSync(full)) return
    if (path.endsWith('.ts')) {
      if (!path.endsWith('.test.ts') && !WORDS.test(path)) hash.update(path).update(readFileSync(full))
      return
    }
    for (const entry of readdirSync(full, { withFileTypes: true })) {
      if (entry.isDirectory() || entry.name.endsWith('.ts')) add(`${path}/${entry.name}`)
    }
  }
  const ofPlants = plants === 'second' ? ['eval/second-plant'] : []
  for (const path of [...SOURCES, `catalogue/${type.replaceAll('_', '-')}`, ...ofPlants]) add(path)
  return hash.digest('hex')
}
