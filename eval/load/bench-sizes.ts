/** Rows of size: time to ready, memory while many devices are connected and send one message a minute, a clean clone with its packages. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Figure, median } from './bench-figures.ts'
import { holdConnections } from './mqtt-load.ts'
import { createDevices, folderBytes, startMendline } from './servers.ts'

const root = join(import.meta.dirname, '..', '..')

export interface SizeOptions {
  readonly connections: number
  readonly holdMs: number
  /** Also clones the repository and installs its packages. */
  readonly withInstall: boolean
}

export async function measureSizes({ connections, holdMs, withInstall }: SizeOptions): Promise<Figure[]> {
  const starts: number[] = []
  for (let run = 0; run < 3; run++) {
    const server = await startMendline()
    starts.push(server.startMs)
    await server.stop()
  }
  const server = await startMendline()
  const devices = await createDevices(server.httpPort ?? 0, connections, 'held')
  const release = await holdConnections({ port: server.mqttPort, devices, periodMs: 60_000 })
  const cpuBefore = server.cpuSeconds()
  await new Promise((resolve) => setTimeout(resolve, holdMs))
  const rssMb = server.rssMb()
  const heldCpuS = server.cpuSeconds() - cpuBefore
  const heldMessages = release()
  await server.stop()
  return [
    { name: 'start to ready', value: median(starts), unit: 'ms', floor: { max: 2_000 } },
    { name: `memory with ${connections} connections, ${heldMessages} messages`, value: rssMb, unit: 'MB', floor: { max: 350 } },
    { name: 'processor meanwhile', value: (heldCpuS / holdMs) * 100_000, unit: '%' },
    ...(withInstall ? measureInstall() : []),
  ]
}

function measureInstall(): Figure[] {
  const folder = mkdtempSync(join(tmpdir(), 'mendline-clone-'))
  try {
    spawnSync('git', ['clone', '--quiet', root, folder])
    const startedMs = performance.now()
    const result = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: folder, stdio: 'ignore' })
    if (result.status !== 0) throw new Error('npm ci failed in a clean clone')
    return [
      { name: 'clone and npm ci', value: (performance.now() - startedMs) / 1000, unit: 's' },
      { name: 'clone with packages', value: folderBytes(folder) / 1e6, unit: 'MB', floor: { max: 600 } },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
