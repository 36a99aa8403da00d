/** A backup of a running server under load, and a server on what is restored of it: real processes, real clients, the verbs as users call them. */
import { spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CrashDevice } from './crash-device.ts'
import { type CrashServer, createDevices, freePort, readRaw, startCrashServer } from './crash-server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WAIT_MS = 180_000
const SOON = { timeout: 20_000 }
const DEVICES = ['ac-1', 'ac-2', 'ac-3', 'ac-4']

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}

describe('mendline backup, restore and verify', () => {
  let folder = ''
  let server: CrashServer | undefined
  let ports = { mqttPort: 0, httpPort: 0 }
  let devices: CrashDevice[] = []
  let acknowledgements = 0

  const data = (): string => join(folder, 'data')
  const backup = (): string => join(folder, 'backup')
  const mendline = (...verb: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const environment = { ...process.env, MENDLINE_API_KEY: 'dev', MENDLINE_URL: `http://127.0.0.1:${ports.httpPort}` }
      const child = spawn(process.execPath, ['cli.ts', ...verb], { cwd: ROOT, env: environment })
      let [out, error] = ['', '']
      child.stdout.on('data', (chunk) => (out += String(chunk)))
      child.stderr.on('data', (chunk) => (error += String(chunk)))
      child.once('exit', (code) => resolve({ code, out, error }))
    })
  const start = async (): Promise<void> => {
    server = await startCrashServer({ data: data(), ...ports })
  }
  const load = async (): Promise<void> => {
    const secrets = await createDevices(ports.httpPort, DEVICES)
    const onAcknowledged = (): void => void acknowledgements++
    devices = DEVICES.map((device) => new CrashDevice({ device, secret: secrets.get(device) ?? '', ...ports, messagesPerS: 100, onAcknowledged }))
    for (const device of devices) device.run()
    await expect.poll(() => acknowledgements, SOON).toBeGreaterThan(800)
  }
  const keys = (lines: Awaited<ReturnType<typeof readRaw>>): string[] => lines.map(({ device, seq }) => `${device}/${seq}`).sort()

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'guard-backup-'))
    ports = { mqttPort: await freePort(), httpPort: await freePort() }
    acknowledgements = 0
    devices = []
    await start()
  }, WAIT_MS)
  afterEach(async () => {
    for (const device of devices) await device.end()
    await server?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  it('restores everything acknowledged before a backup under load, once, and nothing later', { timeout: WAIT_MS }, async () => {
    await load()
    const before = new Set(devices.flatMap((device) => [...device.acknowledged].map((seq) => `${device.name}/${seq}`)))
    const during = acknowledgements
    for (const device of devices) device.waitsMs.length = 0
    const made = await mendline('backup', backup(), '--json')
    const waits = devices.flatMap(({ waitsMs }) => waitsMs).sort((a, b) => a - b)
    expect(made.error).toBe('')
    const manifest = JSON.parse(made.out) as { readonly positions: { readonly journal_end: number }; readonly files: number }
    // Devices were served meanwhile, and waited no longer than they do beside another process that needs a core.
    const p99 = waits[Math.floor(waits.length * 0.99)] ?? Number.POSITIVE_INFINITY
    console.log(`PUBACK p99 beside a backup: ${p99.toFixed(1)} ms of ${waits.length}`)
    expect(p99).toBeLessThan(500)
    expect(acknowledgements - during).toBeGreaterThan(50)
    const lastOfBackup = new Map(devices.map((device) => [device.name, device.sent.length]))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (const device of devices) device.pause()
    await expect.poll(() => devices.every((device) => device.acknowledged.size === device.sent.length), SOON).toBe(true)

    const running = await mendline('verify', '--json')
    expect(running).toMatchObject({ code: 0, error: '' })
    const readOnly = await mendline('verify', '--data', data())
    expect(readOnly.out).toMatch(/readings: skipped=/)
    expect(readOnly.code).toBe(0)
    expect(await mendline('verify', '--data', backup())).toMatchObject({ code: 0 })
    await server?.stop()
    expect(await mendline('verify', '--data', data())).toMatchObject({ code: 0 })

    const restored = join(folder, 'restored')
    expect(await mendline('restore', backup(), '--data', restored)).toMatchObject({ code: 0, error: '' })
    // The backup stays as it is: a server writes into the restored folder alone.
    server = await startCrashServer({ data: restored, ...ports })
    const found = keys(await readRaw(ports.httpPort))
    expect(new Set(found).size).toBe(found.length)
    expect([...before].filter((key) => !found.includes(key))).toEqual([])
    expect(found.filter((key) => Number(key.split('/')[1]) > (lastOfBackup.get(key.split('/')[0] ?? '') ?? 0))).toEqual([])
    const listed = (await (
      await fetch(`http://127.0.0.1:${ports.httpPort}/api/v1/devices`, { headers: { authorization: 'Bearer dev' } })
    ).json()) as {
      readonly items: ReadonlyArray<{ readonly device: string }>
    }
    expect(listed.items.map(({ device }) => device)).toEqual(DEVICES)
    // Devices that kept what they sent close the gap by sending it again.
    for (const device of devices) await device.resendAll()
    expect(keys(await readRaw(ports.httpPort))).toEqual(devices.flatMap(({ name, sent }) => sent.map(({ seq }) => `${name}/${seq}`)).sort())
    await server.stop()
    expect(await mendline('verify', '--data', backup())).toMatchObject({ code: 0 })
    expect(manifest.positions.journal_end).toBeGreaterThan(0)
  })

  it('refuses a target that holds something, a changed backup and a running folder, and names what is broken', { timeout: WAIT_MS }, async () => {
    await load()
    for (const device of devices) device.pause()
    expect((await mendline('backup', join(data(), 'inside'))).error).toMatch(/MDL_BACKUP_TARGET|outside/)
    expect((await mendline('backup', folder)).error).toMatch(/outside|not empty/)
    expect((await mendline('backup', backup(), '--data', data())).error).toMatch(/a server uses/)
    await server?.stop()
    expect(await mendline('backup', backup(), '--data', data())).toMatchObject({ code: 0, error: '' })

    expect((await mendline('restore', backup(), '--data', data())).error).toMatch(/not empty/)
    const [segment] = readdirSync(join(backup(), 'journal'))
    const restored = join(folder, 'restored')
    writeFileSync(join(backup(), 'foreign'), 'x')
    expect((await mendline('verify', '--data', backup())).out).toMatch(/foreign: is not in the manifest/)
    rmSync(join(backup(), 'foreign'))
    appendFileSync(join(backup(), 'journal', segment ?? ''), 'x')
    const broken = await mendline('verify', '--data', backup())
    expect(broken).toMatchObject({ code: 1 })
    expect(broken.out).toMatch(/FAULTY .*files of the backup/)
    expect((await mendline('restore', backup(), '--data', restored)).error).toMatch(/was changed/)
    expect(readdirSync(restored)).toEqual([])
  })
})
