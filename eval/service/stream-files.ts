/**
 * What the units of a city send, as windows and alarms, one stream for each set of faults that a unit may have at a time: none, each, all.
 * Streams are simulated once, in threads, and kept in the package cache under a hash of the plan and of the code that they depend on; they
 * depend on no model, so a new model costs no new simulation.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { type CityPlan, cityTypes } from '../../simulators/city/city-units.ts'

/** One unit with the faults that it is left to get. */
export interface StreamJob {
  readonly type: string
  readonly home: number
  readonly kept: readonly string[]
}

export interface Stream {
  readonly windows: readonly ClosedWindow[]
  readonly alarms: readonly HubEvent[]
}

/** A stream as it lies in the cache: numbers of all windows in one array. */
interface Packed {
  readonly head: Pick<ClosedWindow, 'tenant' | 'device' | 'type' | 'recipe_version'> | undefined
  readonly width: number
  readonly numbers: Float64Array
  readonly firmware: ReadonlyArray<string | undefined>
  readonly alarms: readonly HubEvent[]
}

const root = join(import.meta.dirname, '..', '..')
const CACHE = join(root, 'node_modules', '.cache', 'mendline', 'city')
const META = 6

export const keyOfJob = ({ type, home, kept }: StreamJob): string => `${type}-${home}-${kept.join('+')}`

/** The streams of the jobs by `keyOfJob`; what is not in the cache is simulated in `threads` threads. */
export async function streamsOf(plan: CityPlan, jobs: readonly StreamJob[], threads = 2): Promise<Map<string, Stream>> {
  const folders = new Map(cityTypes().map(({ id }) => [id, join(CACHE, hashOf(plan, id))]))
  const fileOf = (job: StreamJob): string => join(folders.get(job.type) ?? CACHE, `${keyOfJob(job)}.bin`)
  for (const folder of folders.values()) mkdirSync(folder, { recursive: true })
  await simulateMissing(
    plan,
    jobs.filter((job) => !existsSync(fileOf(job))),
    { threads, fileOf },
  )
  return new Map(jobs.map((job) => [keyOfJob(job), unpack(deserialize(readFileSync(fileOf(job))) as Packed)]))
}

async function simulateMissing(
  plan: CityPlan,
  jobs: readonly StreamJob[],
  { threads, fileOf }: { threads: number; fileOf: (job: StreamJob) => string },
): Promise<void> {
  const waiting = [...jobs]
  const work = async (): Promise<void> => {
    const worker = new Worker(new URL('./stream-worker.ts', import.meta.url))
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const file = fileOf(job)
      // Another process may be at the same one.
      const part = `${file}.${process.pid}.part`
      writeFileSync(part, serialize(await ask(worker, { plan, job })))
      renameSync(part, file)
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: Math.min(threads, jobs.length) }, work))
}

function ask(worker: Worker, question: { plan: CityPlan; job: StreamJob }): Promise<Packed> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners()
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`a thread of the city ended with ${code}`)))
    worker.postMessage(question)
  })
}

export function packStream({ windows, alarms }: { windows: readonly ClosedWindow[]; alarms: readonly HubEvent[] }): Packed {
  const [first] = windows
  const width = META + (first?.features.length ?? 0)
  const numbers = new Float64Array(width * windows.length)
  windows.forEach((window, index) => {
    const { from_ms, to_ms, received_at_ms, readings, running, settled, isDiagnosable, features } = window
    numbers.set([from_ms, to_ms, received_at_ms, readings * 2 + (isDiagnosable ? 1 : 0), running, settled], index * width)
    numbers.set(features, index * width + META)
  })
  const head =
    first === undefined ? undefined : { tenant: first.tenant, device: first.device, type: first.type, recipe_version: first.recipe_version }
  return { head, width, numbers, firmware: windows.map(({ firmware }) => firmware), alarms }
}

function unpack({ head, width, numbers, firmware, alarms }: Packed): Stream {
  if (head === undefined) return { windows: [], alarms }
  const windows = firmware.map((version, index): ClosedWindow => {
    const [from_ms = 0, to_ms = 0, received_at_ms = 0, flags = 0, running = 0, settled = 0] = numbers.subarray(index * width, index * width + META)
    const features = numbers.slice(index * width + META, (index + 1) * width)
    const readings = Math.floor(flags / 2)
    return { ...head, firmware: version, from_ms, to_ms, received_at_ms, readings, running, settled, isDiagnosable: flags % 2 === 1, features }
  })
  return { windows, alarms }
}

/** Code of a window besides the folder of its type. */
const SOURCES = [
  'catalogue/blocks/channels.ts',
  'catalogue/plant.ts',
  'kernel/random.ts',
  'models/features.ts',
  'models/sums.ts',
  'models/windows.ts',
  'simulators/city/city-units.ts',
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
const OF_TYPE = /^(physics.*|recipe|rules|sensors)\.ts$/

function hashOf(plan: CityPlan, id: string): string {
  const hash = createHash('sha256').update(JSON.stringify([plan.seed, plan.days]))
  const folder = join(root, 'catalogue', id.replaceAll('_', '-'))
  const own = readdirSync(folder).filter((file) => OF_TYPE.test(file))
  for (const path of [...SOURCES.map((source) => join(root, source)), ...own.map((file) => join(folder, file))]) hash.update(readFileSync(path))
  const lives = cityTypes()
    .find((type) => type.id === id)
    ?.faults.map(({ code, life }) => [code, life])
  return hash.update(JSON.stringify(lives)).digest('hex').slice(0, 24)
}
