/** Holds the tree against `.dependency-cruiser.cjs`, and fails when nothing was cruised (a broken parser finds no violation either). */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

interface Cruise {
  readonly modules: ReadonlyArray<{ readonly source: string }>
  readonly summary: { readonly violations: ReadonlyArray<{ readonly rule: { readonly name: string }; readonly from: string; readonly to: string }> }
}

const root = join(import.meta.dirname, '..')
const roots = [
  'kernel',
  'catalogue',
  'broker',
  'ingest',
  'models',
  'rules',
  'hubs',
  'twin',
  'api',
  'operations',
  'guard',
  'workers',
  'simulators',
  'eval',
  'scripts',
  'cli',
]
const files = [
  'main.ts',
  'demo.ts',
  'demo-view.ts',
  'cli.ts',
  'compile-cache.ts',
  'config.ts',
  'health.ts',
  'safety.ts',
  'log.ts',
  'metrics.ts',
  'twin-join.ts',
  'version.ts',
]
const cruiser = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs')
const result = spawnSync(process.execPath, [cruiser, '--output-type', 'json', ...roots, ...files], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 256 * 1024 * 1024,
})

if (result.stdout === '') {
  console.error(result.stderr)
  process.exit(1)
}
const cruise = JSON.parse(result.stdout) as Cruise
const ours = cruise.modules.filter((module) => !module.source.startsWith('node_modules'))
for (const { rule, from, to } of cruise.summary.violations) console.error(`${rule.name}: ${from} -> ${to}`)
console.log(`${ours.length} modules cruised, ${cruise.summary.violations.length} violations`)
process.exit(ours.length > 50 && cruise.summary.violations.length === 0 ? 0 : 1)
