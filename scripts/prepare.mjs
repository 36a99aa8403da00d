// Runs before every npm script that does work: installs what the lockfile names when that is not what is installed.
// Needs nothing but bare Node >= 20. Compares by content, since a checkout changes the times of files.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const marker = join(root, 'node_modules', '.mendline-installed')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const installed = existsSync(marker) ? readFileSync(marker, 'utf8').trim() : ''

if (installed !== wanted) {
  console.log(
    installed === ''
      ? 'Installing what package-lock.json names (once, about 500 MB) ...'
      : 'package-lock.json has changed; installing what it names ...',
  )
  const startedMs = performance.now()
  const npm = process.env.npm_execpath
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
  const result = spawnSync(command, [...first, 'ci', '--loglevel=error', '--no-fund', '--no-audit'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (result.status !== 0) {
    console.error('`npm ci` failed; see the lines above. Nothing else was done.')
    process.exit(1)
  }
  writeFileSync(marker, `${wanted}\n`)
  console.log(`Installed in ${((performance.now() - startedMs) / 1000).toFixed(0)} s.`)
}

const pinned = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
if (!existsSync(pinned)) {
  console.error(
    'The pinned Node is missing: the install script of the npm package `node` did not run. package.json allows it; see `npm config get ignore-scripts`.',
  )
  process.exit(1)
}
