/** Data folders of released versions, made by those versions (scripts/make-fixture.ts), are opened by this program with everything in them. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrashServer, freePort, startCrashServer } from './crash-server.ts'

const FIXTURES = join(import.meta.dirname, '..', 'fixtures')
const WAIT_MS = 120_000

interface Answers {
  readonly readings: readonly unknown[]
  readonly devices: { readonly items: readonly object[] }
  readonly orders: { readonly items: readonly object[] }
  readonly alarms: { readonly items: readonly object[] }
  readonly quarantine: { readonly items: readonly object[] }
  readonly secrets: Readonly<Record<string, string>>
}

describe.each(readdirSync(FIXTURES))('a data folder of release %s', (version) => {
  let folder = ''
  let server: CrashServer | undefined
  const data = (): string => join(folder, 'data')
  const start = async (): Promise<CrashServer> => {
    server = await startCrashServer({ data: data(), mqttPort: await freePort(), httpPort: await freePort() })
    return server
  }
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${server?.httpPort}/api/v1${path}`, { headers: { authorization: 'Bearer dev' } })
    if (!response.ok) throw new Error(`${path}: ${response.status}`)
    return response.text()
  }
  const items = async (path: string): Promise<readonly object[]> => (JSON.parse(await get(path)) as { items: readonly object[] }).items
  const readings = async (): Promise<readonly unknown[]> =>
    (await get('/readings/raw'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  const answers = (): Answers => JSON.parse(readFileSync(join(folder, 'answers.json'), 'utf8')) as Answers

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'guard-upgrade-'))
    execFileSync('tar', ['-C', folder, '-xJf', join(FIXTURES, version, 'data.tar.xz')])
  })
  afterEach(async () => {
    await server?.kill()
    server = undefined
    rmSync(folder, { recursive: true, force: true })
  })

  it('has all readings, devices, orders and alarms, also at the next start, and takes devices with their secrets', { timeout: WAIT_MS }, async () => {
    const before = answers()
    for (let round = 0; round < 2; round++) {
      const { mqttPort } = await start()
      expect(await readings()).toEqual(before.readings)
      // Fields that came later may stand beside those of then.
      expect(await items('/devices')).toMatchObject(before.devices.items)
      expect(await items('/work-orders')).toMatchObject(before.orders.items)
      expect(await items('/alarms')).toMatchObject(before.alarms.items)
      expect((await items('/quarantine')).length).toBe(before.quarantine.items.length)
      const [[device, password] = ['', '']] = Object.entries(before.secrets)
      const login = { username: `home:${device}`, clientId: `home:${device}`, password, protocolVersion: 4 } as const
      const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { ...login, reconnectPeriod: 0 }, false)
      await client.endAsync()
      expect(await server?.stop()).toBe(0)
    }
  })

  it('has its emergencies in their book, each with its order and with somebody or something that goes on', { timeout: WAIT_MS }, async () => {
    const store = new DatabaseSync(join(data(), 'operations.sqlite'), { readOnly: true })
    const before = store.prepare('SELECT emergency_id, work_order_id, raised_at_ms FROM hub_emergencies ORDER BY emergency_id').all()
    store.close()
    expect(before.length).toBeGreaterThan(0)
    for (let round = 0; round < 2; round++) {
      await start()
      const found = (await items('/emergencies')) as ReadonlyArray<{ emergency_id: string; state: string; next_step_at_ms: number | null }>
      expect([...found].sort((a, b) => (a.emergency_id < b.emergency_id ? -1 : 1))).toMatchObject(before)
      for (const { state, next_step_at_ms } of found) expect(['past', 'resolved'].includes(state)).toBe(next_step_at_ms === null)
      expect(await server?.stop()).toBe(0)
    }
  })

  it('is kept as it was beside what is changed', { timeout: WAIT_MS }, async () => {
    await start()
    await server?.stop()
    const kept = join(data(), `before-${version}`)
    expect(existsSync(join(kept, 'state', 'pipeline.snapshot'))).toBe(true)
    const store = new DatabaseSync(join(kept, 'operations.sqlite'), { readOnly: true })
    expect(store.prepare('SELECT count(*) AS n FROM devices').get()).toEqual({ n: answers().devices.items.length })
    store.close()
    expect(JSON.parse(readFileSync(join(data(), 'layouts.json'), 'utf8'))).toMatchObject({ readings: 2 })
  })

  it.each([
    [
      'a newer layout of the readings',
      () => writeFileSync(join(data(), 'layouts.json'), '{"program":"9.9.9","readings":99}'),
      /readings has layout 99.*9[.]9[.]9/s,
    ],
    ['a newer folder', () => writeFileSync(join(data(), 'mendline.json'), '{"format":7}'), /format 7/],
    [
      'a newer journal',
      () => {
        const name = join(data(), 'journal', readdirSync(join(data(), 'journal')).find((entry) => entry.endsWith('.journal')) ?? '')
        const bytes = readFileSync(name)
        bytes[4] = 9
        writeFileSync(name, bytes)
      },
      /has version 9/,
    ],
    [
      'a newer operational store',
      () => {
        const store = new DatabaseSync(join(data(), 'operations.sqlite'))
        store.exec("INSERT INTO schema_migrations VALUES ('9999-later', 'x')")
        store.close()
      },
      /9999-later/,
    ],
  ])('is refused with %s, and nothing is changed', { timeout: WAIT_MS }, async (_what, change, words) => {
    change()
    const sums = (): string[] =>
      readdirSync(data(), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !/^(lock[.]sqlite|operations[.]sqlite-)/.test(entry.name))
        .map(
          ({ parentPath, name }) =>
            `${name} ${createHash('sha256')
              .update(readFileSync(join(parentPath, name)))
              .digest('hex')}`,
        )
        .sort()
    const before = sums()
    await expect(start()).rejects.toThrow(words)
    expect(sums()).toEqual(before)
  })
})
