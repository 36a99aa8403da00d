#!/usr/bin/env node
// Runs cli.ts on the pinned Node of node_modules, whatever Node (>= 20) started this; passes signals on and ends with its exit code. The channel
// between the two tells a server that this process is gone, also when it was killed: it stops then as for SIGTERM.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(realpathSync(fileURLToPath(import.meta.url))), '..')
const pinned = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
if (!existsSync(pinned)) {
  console.error(`Mendline is not installed here: run \`npm ci\` in ${root} first (it brings the pinned Node).`)
  process.exit(2)
}
// V8 lets the young generation grow to 128 MiB of garbage under load; messages die young, and 32 MiB hold them at the least cost (8: 16.3 us of processor a message, 16: 14.4, without a bound: 16).
// Little outlives its message, so V8 would bound the old generation just above what lives in it and mark it over and over (12 to 22 times in 750,000 messages; 3 times with this).
// One helper thread of V8: by default four take both processors from the main thread at each collection (PUBACK p99 of a calm fleet on two processors 13 ms with four, 9 with one).
// Node's own code in large pages, where the system has them: a message crosses much of it, and `npm run bench -- --only throughput --clients 1000` shows it.
const flags = ['--max-semi-space-size=16', '--heap-growing-percent=200', '--v8-pool-size=1', '--use-largepages=silent']
const child = spawn(pinned, [...flags, join(root, 'cli.ts'), ...process.argv.slice(2)], {
  stdio: process.platform === 'win32' ? 'inherit' : ['inherit', 'inherit', 'inherit', 'ipc'],
  shell: process.platform === 'win32',
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // Ctrl-C reaches the whole group by itself; a signal sent to this process alone must be passed on.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
child.on('error', (error) => {
  console.error(`The pinned Node does not start: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => {
  if (signal !== null) process.exit(signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1)
  process.exit(code ?? 1)
})
