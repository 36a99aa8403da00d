import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { samples } from './sample-runs.ts'

describe('a sample whose server does not answer', () => {
  // The C sample says the same in `schedule_reconnect`, and its waits are covered by the runs of samples.test.ts.
  const able = samples.filter(({ name, missing }) => name !== 'C for an ESP32' && missing === undefined)
  it.each(able)('waits longer from one connection to the next: $name', { timeout: 60_000 }, async (sample) => {
    const folder = mkdtempSync(join(tmpdir(), 'mendline-reconnect-'))
    const times: number[] = []
    const server = createServer((socket) => {
      socket.on('error', () => {})
      times.push(performance.now())
      socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const run = sample.start({ mqttPort: port, secret: 'x', folder: join(folder, 'state'), readings: 1, everyMs: 20 })
    try {
      await expect.poll(() => times.length, { timeout: 50_000 }).toBeGreaterThanOrEqual(4)
    } finally {
      run.child.kill('SIGKILL')
      await run.ended
      server.close()
      rmSync(folder, { recursive: true, force: true })
    }
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect((waits[2] ?? 0) / (waits[0] ?? 1)).toBeGreaterThan(1.5)
  })
})
