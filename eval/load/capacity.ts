/**
 * Measures how cost grows with devices, rate and retention, and writes eval/load/capacity.json; then docs/operating/capacity.md and its plot
 * are made from it by scripts/generate-docs.ts. Processor time counts, not the clock on the wall, so that a busy machine decides little; memory
 * and bytes do not depend on it. Every point is measured, none computed from another. Flags: --only server,disk,retention (the other
 * parts of the file stay), --quick (small fleets, some seconds each, nothing is written). The last line is JSON.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureDay, measureRetention } from './capacity-disk.ts'
import { measureServer, type ServerPoint } from './capacity-server.ts'

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: 'server,disk,retention' } },
})
const parts = new Set(flags.only.split(','))
const file = join(import.meta.dirname, 'capacity.json')
const root = join(import.meta.dirname, '..', '..')

const PERIODS_S = flags.quick ? [60] : [60, 10]
const FLEETS = flags.quick ? [20, 50] : [100, 1_000, 5_000, 10_000]
const MEASURED_S = flags.quick ? 3 : 60
/** Fleets and periods whose whole day is written; 10,000 devices each 10 s would be 86 million rows. */
const DAYS = flags.quick
  ? [[20, 60] as const]
  : ([
      [100, 60],
      [1_000, 60],
      [5_000, 60],
      [10_000, 60],
      [100, 10],
      [1_000, 10],
    ] as const)
const RETENTION = flags.quick ? { devices: 2, atDays: [1, 3] } : { devices: 10, atDays: [1, 7, 30, 90, 180, 365] }

const measured = {
  ...(parts.has('server') ? { server: await stamped(servers) } : {}),
  ...(parts.has('disk') ? { disk: await stamped(disks) } : {}),
  ...(parts.has('retention') ? { retention: await stamped(() => measureRetention(RETENTION.devices, 60, RETENTION.atDays)) } : {}),
}
// Read behind the measurement, so that a part that was measured beside is kept.
const known = flags.quick ? {} : (JSON.parse(readFileSync(file, 'utf8')) as object)
const report = { ...known, ...measured }
if (!flags.quick) {
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`)
  spawnSync(process.execPath, [join(root, 'scripts', 'generate-docs.ts')], { stdio: 'inherit' })
}
console.log(JSON.stringify({ bench: 'capacity', ...report }))

/** Points with the machine and the day they were measured on. */
async function stamped<Point>(measure: () => Promise<readonly Point[]>) {
  const [first] = cpus()
  const machine = `${cpus().length} processors (${first?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${release()}, Node ${process.versions.node}, load before ${(loadavg()[0] ?? 0).toFixed(1)}`
  const points = await measure()
  return { measured_on: new Date().toISOString().slice(0, 10), machine, points }
}

async function servers(): Promise<ServerPoint[]> {
  const points: ServerPoint[] = []
  for (const devices of FLEETS) {
    for (const point of await measureServer(devices, PERIODS_S, MEASURED_S)) {
      console.log(JSON.stringify(point))
      points.push(point)
    }
  }
  return points
}

async function disks() {
  const points = []
  for (const [devices, periodS] of DAYS) {
    points.push(await measureDay(devices, periodS))
    console.log(JSON.stringify(points.at(-1)))
  }
  return points
}
