/**
 * `npm test`: type check, lint, boundaries, unused code, then unit, contract and system tests. Runs every step even when one
 * fails, and closes with `N passed, N failed` on a line of its own; a check counts as one. `--retry N` gives a failing test N more
 * tries, which vitest marks in its report: for a machine that others load too.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Tally {
  passed: number
  failed: number
  skipped: number
}

const root = join(import.meta.dirname, '..')
const bin = (name: string): string => join(root, 'node_modules', name)
const onlyChecks = process.argv.includes('--only')
const retryAt = process.argv.indexOf('--retry')
const retries = retryAt === -1 ? '0' : (process.argv[retryAt + 1] ?? '1')

const checks: ReadonlyArray<readonly [name: string, script: string, ...args: string[]]> = [
  ['type check', bin('typescript-7/bin/tsc'), '-p', '.', '--noEmit'],
  ['lint', bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'],
  ['boundaries', join(root, 'scripts', 'boundaries.ts')],
  ['unused code', bin('knip/bin/knip.js')],
]

const tally: Tally = { passed: 0, failed: 0, skipped: 0 }
for (const [name, script, ...args] of checks) {
  const startedMs = performance.now()
  const result = spawnSync(process.execPath, [script, ...args], { cwd: root, encoding: 'utf8' })
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  console.log(`${result.status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`)
  if (result.status === 0) tally.passed++
  else {
    tally.failed++
    console.log(`${result.stdout}${result.stderr}`)
  }
}
if (!onlyChecks) addTests(tally)
console.log(`${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}`)
process.exit(tally.failed === 0 ? 0 : 1)

/** Runs vitest and adds its counts; a run that ends without a report counts as one failure. */
function addTests(total: Tally): void {
  const folder = mkdtempSync(join(tmpdir(), 'mendline-test-'))
  const report = join(folder, 'report.json')
  try {
    const result = spawnSync(
      process.execPath,
      [bin('vitest/vitest.mjs'), 'run', `--retry=${retries}`, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
      {
        cwd: root,
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    )
    const counts = JSON.parse(readFileSync(report, 'utf8')) as {
      numPassedTests: number
      numFailedTests: number
      numPendingTests: number
      success: boolean
    }
    total.passed += counts.numPassedTests
    total.failed += counts.numFailedTests
    total.skipped += counts.numPendingTests
    if (result.status !== 0 && counts.numFailedTests === 0) total.failed++
  } catch (error) {
    console.error('the tests ended without a report', error)
    total.failed++
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
