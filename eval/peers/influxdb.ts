/** `node eval/peers/influxdb.ts`: builds InfluxDB 2 once and runs the reading store's contract suite against it. Not part of `npm test`. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { startInfluxdb } from './influxdb-server.ts'

const root = join(import.meta.dirname, '..', '..')
const first = await startInfluxdb()
if (typeof first === 'string') {
  console.log(`skipped: ${first}`)
} else {
  await first.stop()
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const result = spawnSync(process.execPath, [program, 'run', '--config', join(root, 'eval', 'peers', 'vitest.config.ts')], {
    cwd: root,
    stdio: 'inherit',
  })
  process.exitCode = result.status ?? 1
}
