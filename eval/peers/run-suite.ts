/** Runs one suite against a peer, where the peer can be had. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** Starts and stops the peer once, so that building it is over and a missing one is said, then runs the suite's file. */
export async function runSuite(file: string, start: () => Promise<{ stop(): Promise<void> } | string>): Promise<void> {
  const first = await start()
  if (typeof first === 'string') {
    console.log(`skipped: ${first}`)
    return
  }
  await first.stop()
  const program = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const flags = ['run', '--config', join(root, 'eval', 'peers', 'vitest.config.ts'), file]
  process.exitCode = spawnSync(process.execPath, [program, ...flags], { cwd: root, stdio: 'inherit' }).status ?? 1
}
