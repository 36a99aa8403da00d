/**
 * `node simulators/offline-fleet.ts [--units 500] [--days 180] ...` makes the readings of a mixed fleet without a platform, on threads,
 * with the truth beside them, and prints what it cost and what 500 units over 180 days at a minute would cost. `--help` lists the flags.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { plantModels } from '#catalogue/physics-registry.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { CONFUSERS, type Confuser } from './confusers.ts'
import { FORMATS, type Format, truthText } from './offline-files.ts'
import type { SliceDone, SliceJob } from './offline-worker.ts'

const DAY_MS = 86_400_000
const HOMES_PER_SLICE = 10
/** The run that the speed is stated for. */
const STATED = { units: 500, days: 180, periodS: 60, cores: 2, minutes: 15 }

const HELP = `node simulators/offline-fleet.ts
  --units N        appliances, shared evenly by the types (${STATED.units})
  --days N         days (${STATED.days})
  --period S       seconds between two readings of a unit, 1 to 600 (${STATED.periodS})
  --types A,B      appliance types (all that have a plant)
  --seed TEXT      the same seed gives the same bytes (offline)
  --start DATE     first day (2026-01-01)
  --acceleration N onsets by the life models, N times faster than in life; 0 = --fault-share (0)
  --fault-share N  share of units with a fault (0.3)
  --confusers A,B  what looks like a fault and is none: names, all or none (those of ordinary life)
  --format F       ${FORMATS.join(', ')} (none)
  --out FOLDER     where files go; truth.json is written there too
  --threads N      threads (2)`

const { values: flags } = parseArgs({
  options: {
    units: { type: 'string', default: String(STATED.units) },
    days: { type: 'string', default: String(STATED.days) },
    period: { type: 'string', default: String(STATED.periodS) },
    types: { type: 'string', default: [...plantModels.keys()].filter((id) => applianceTypes.some((type) => type.id === id)).join(',') },
    seed: { type: 'string', default: 'offline' },
    start: { type: 'string', default: '2026-01-01' },
    acceleration: { type: 'string', default: '0' },
    'fault-share': { type: 'string', default: '0.3' },
    confusers: { type: 'string' },
    format: { type: 'string', default: 'none' },
    out: { type: 'string', default: '' },
    threads: { type: 'string', default: '2' },
    help: { type: 'boolean' },
  },
})

if (flags.help === true) console.log(HELP)
else await run()

function number(name: 'units' | 'days' | 'period' | 'acceleration' | 'fault-share' | 'threads', min: number): number {
  const value = Number(flags[name])
  if (Number.isFinite(value) && value >= min) return value
  return refuse(`--${name}: a number of ${min} or more`)
}

function refuse(text: string): never {
  console.error(text)
  process.exit(2)
}

function confusers(): readonly Confuser[] | undefined {
  const { confusers: given } = flags
  if (given === undefined) return undefined
  if (given === 'all') return CONFUSERS
  const names = given === 'none' ? [] : given.split(',')
  return names.map((name) => CONFUSERS.find((known) => known === name) ?? refuse(`--confusers: ${name} is none of ${CONFUSERS.join(', ')}`))
}

function jobsOf(): SliceJob[] {
  const types = flags.types.split(',')
  const unknown = types.find((id) => !applianceTypes.some((type) => type.id === id) || !plantModels.has(id))
  if (unknown !== undefined) refuse(`--types: ${unknown} is no type with a plant (${[...plantModels.keys()].join(', ')})`)
  const format: Format = FORMATS.find((known) => known === flags.format) ?? refuse(`--format: one of ${FORMATS.join(', ')}`)
  if (format !== 'none' && flags.out === '') refuse('--out: a folder for the files')
  const startMs = Date.parse(`${flags.start}T00:00:00Z`)
  if (Number.isNaN(startMs)) refuse('--start: a date like 2026-01-01')
  const chosen = confusers()
  const units = number('units', types.length)
  return types.flatMap((type, place) => {
    const homes = Math.floor(units / types.length) + (place < units % types.length ? 1 : 0)
    return Array.from({ length: Math.ceil(homes / HOMES_PER_SLICE) }, (_, index): SliceJob => {
      const firstHome = index * HOMES_PER_SLICE
      return {
        slice: {
          type,
          seed: flags.seed,
          startMs,
          days: number('days', 0.01),
          periodMs: number('period', 1) * 1000,
          firstHome,
          homes: Math.min(HOMES_PER_SLICE, homes - firstHome),
          acceleration: number('acceleration', 0),
          faultShare: number('fault-share', 0),
          ...(chosen !== undefined && { confusers: chosen }),
        },
        format,
        folder: flags.out,
        name: `${type}-${String(firstHome + 1).padStart(4, '0')}`,
      }
    })
  })
}

async function run(): Promise<void> {
  const jobs = jobsOf()
  if (flags.out !== '') mkdirSync(flags.out, { recursive: true })
  const began = performance.now()
  const done = await onThreads(jobs, Math.min(number('threads', 1), jobs.length))
  const wallS = (performance.now() - began) / 1000
  const [first] = jobs
  if (flags.out !== '' && first !== undefined) {
    const { seed, startMs, days, periodMs } = first.slice
    const head = { seed, start_ms: startMs, end_ms: startMs + days * DAY_MS, sample_period_ms: periodMs }
    writeFileSync(
      join(flags.out, 'truth.json'),
      truthText(
        head,
        done.map(({ result }) => result.truth),
      ),
    )
  }
  report(done, wallS)
}

/** Gives each thread the next slice when it is done with the last. */
function onThreads(jobs: readonly SliceJob[], threads: number): Promise<SliceDone[]> {
  const waiting = [...jobs]
  const done: SliceDone[] = []
  return new Promise((resolve, reject) => {
    for (let index = 0; index < threads; index++) {
      const worker = new Worker(new URL('offline-worker.ts', import.meta.url))
      const next = (): void => {
        const job = waiting.shift()
        if (job === undefined) void worker.terminate()
        else worker.postMessage(job)
      }
      worker.on('error', reject)
      worker.on('message', (result: SliceDone) => {
        done.push(result)
        if (process.stderr.isTTY) process.stderr.write(`\r${done.length} of ${jobs.length} slices`)
        if (done.length === jobs.length) resolve(done)
        next()
      })
      next()
    }
  })
}

function report(done: readonly SliceDone[], wallS: number): void {
  const sum = (pick: (one: SliceDone) => number, of = done): number => of.reduce((total, one) => total + pick(one), 0)
  const steps = sum(({ result }) => result.steps)
  const cpuS = sum(({ cpuMs }) => cpuMs) / 1000
  const faults = sum(({ result }) => result.truth.faults.length)
  const units = sum(({ result }) => result.truth.units.length)
  console.log(`${units} units, ${steps} steps, ${sum(({ result }) => result.readings)} readings, ${faults} faults in the truth`)
  for (const id of new Set(done.map(({ job }) => job.slice.type))) {
    const own = done.filter(({ job }) => job.slice.type === id)
    const us = (sum(({ cpuMs }) => cpuMs, own) * 1000) / sum(({ result }) => result.steps, own)
    console.log(`  ${id}: ${us.toFixed(2)} us of CPU a step, ${sum(({ result }) => result.readings, own)} readings`)
  }
  const usAStep = (cpuS * 1e6) / steps
  const hourSteps = 3600 / (done[0] === undefined ? 60 : done[0].job.slice.periodMs / 1000)
  console.log(
    `${wallS.toFixed(1)} s of wall, ${cpuS.toFixed(1)} s of CPU, ${usAStep.toFixed(2)} us a step, ${((usAStep * hourSteps) / 1e6).toExponential(2)} CPU-s a device-hour`,
  )
  const statedS = (usAStep * STATED.units * STATED.days * 86_400) / STATED.periodS / 1e6
  const minutes = statedS / STATED.cores / 60
  console.log(
    `${STATED.units} units x ${STATED.days} days at ${STATED.periodS} s by that: ${Math.round(statedS)} s of CPU, ${minutes.toFixed(1)} min on ${STATED.cores} cores (at most ${STATED.minutes})`,
  )
}
