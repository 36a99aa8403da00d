/**
 * A server whose disk fills up: a real process on a small file system of its own, filled to the last byte and below the reserve. Needs the
 * right to mount; says so where it has it not.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CrashDevice } from './crash-device.ts'
import { type CrashServer, createDevices, readRaw, startConfiguredServer } from './crash-server.ts'

const WAIT_MS = 180_000
const SOON = { timeout: 30_000, interval: 100 }
const SIZE_MIB = 96
const DEVICES = ['ac-1', 'ac-2', 'ac-3']

function mountSmall(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'guard-disk-'))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MIB}m`, 'tmpfs', folder]).status === 0) return folder
  rmSync(folder, { recursive: true, force: true })
  return undefined
}

const disk = mountSmall()
afterAll(() => {
  if (disk === undefined) return
  spawnSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
})
if (disk === undefined) console.log('a full disk is not tested here: no right to mount a small file system')

describe.skipIf(disk === undefined)('a server whose disk is full', () => {
  const folder = disk ?? ''
  const data = join(folder, 'data')
  const filler = join(folder, 'filler')
  let server: CrashServer
  let devices: CrashDevice[] = []
  let acknowledgements = 0

  const start = async (reserveMib: number): Promise<void> => {
    const config = join(folder, 'mendline.yaml')
    // Everything that writes does it often, so that each meets the full disk.
    writeFileSync(config, `limits:\n  diskReserveMib: ${reserveMib}\n  snapshotMs: 700\n  storeMaintenanceMs: 300\n  checkpointStepMs: 1000\n`)
    server = await startConfiguredServer(config, data)
    const secrets = await createDevices(server.httpPort, DEVICES)
    const onAcknowledged = (): void => void acknowledgements++
    const { mqttPort } = server
    devices = DEVICES.map((device) => new CrashDevice({ device, secret: secrets.get(device) ?? '', mqttPort, messagesPerS: 100, onAcknowledged }))
    for (const device of devices) device.run()
    await expect.poll(() => acknowledgements, SOON).toBeGreaterThan(600)
  }
  const readyz = async (): Promise<{ readonly status: number; readonly checks: Readonly<Record<string, string>> }> => {
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/readyz`)
    const { checks } = (await response.json()) as { readonly checks: Readonly<Record<string, string>> }
    return { status: response.status, checks }
  }
  const fill = (leaveMib: number): void => {
    const { bavail, bsize } = statfsSync(folder)
    const bytes = leaveMib === 0 ? SIZE_MIB * 2 ** 20 : bavail * bsize - leaveMib * 2 ** 20
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=65536', `count=${Math.ceil(bytes / 65_536)}`])
  }
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  const isThere = async (): Promise<void> => {
    const stored = new Set((await readRaw(server.httpPort)).map(({ device, seq }) => `${device}/${seq}`))
    const missing = devices.flatMap(({ name, acknowledged }) => [...acknowledged].map((seq) => `${name}/${seq}`).filter((key) => !stored.has(key)))
    expect(missing).toEqual([])
  }

  beforeEach(() => {
    acknowledgements = 0
  })
  afterEach(async () => {
    for (const device of devices) await device.end()
    await server.kill()
    rmSync(filler, { force: true })
    rmSync(data, { recursive: true, force: true })
    rmSync(`${folder}/mendline.yaml`, { force: true })
  })
  it('stops acknowledging below the reserve within a second, answers queries, says why it is not ready, and goes on by itself', {
    timeout: WAIT_MS,
  }, async () => {
    await start(40)
    fill(30)
    await pause(1_300)
    const stopped = acknowledgements
    await pause(1_500)
    expect(acknowledgements - stopped).toBe(0)
    expect(await readyz()).toMatchObject({ status: 503, checks: { disk: expect.stringMatching(/MiB are free/) } })
    await isThere()
    const metrics = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text()
    expect(metrics).toMatch(/^mendline_disk_is_full\S* 1$/m)
    rmSync(filler)
    await expect.poll(() => acknowledgements - stopped, SOON).toBeGreaterThan(300)
    expect(await readyz()).toMatchObject({ status: 200, checks: { disk: 'ok' } })
    for (const device of devices) device.pause()
    await isThere()
  })

  it('survives a disk without one free byte: nothing acknowledged is lost, queries are answered, and it goes on by itself', {
    timeout: WAIT_MS,
  }, async () => {
    await start(1)
    fill(0)
    await pause(1_300)
    const stopped = acknowledgements
    await pause(6_000)
    expect(acknowledgements - stopped).toBe(0)
    expect(server.child.exitCode).toBeNull()
    expect(await readyz()).toMatchObject({ status: 503 })
    await readRaw(server.httpPort)
    rmSync(filler)
    await expect.poll(() => acknowledgements - stopped, SOON).toBeGreaterThan(300)
    await expect.poll(async () => (await readyz()).status, SOON).toBe(200)
    for (const device of devices) device.pause()
    await isThere()
    // And over a start: what stands in the folder is whole.
    await server.stop()
    server = await startConfiguredServer(join(folder, 'mendline.yaml'), data)
    await isThere()
  })
})
