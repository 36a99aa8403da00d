/** A household is erased whose appliances are others' now: what it measured is nowhere, what the next household has stays. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrashServer, startConfiguredServer } from './crash-server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WAIT_MS = 180_000
const EARLY_MS = 1_700_000_000_000
const EARLY_TABLES = ['principal_keys', 'hub_intake_codes', 'hub_care_units', 'hub_care_done']
const [UNO, DUE] = ['Hausmann-Uno-61', 'Hausmann-Due-62']

describe('mendline erase of devices that moved', () => {
  let folder = ''
  let server: CrashServer
  const data = (): string => join(folder, 'data')
  const start = async (): Promise<void> => {
    const config = join(folder, 'mendline.yaml')
    writeFileSync(config, 'limits:\n  snapshotMs: 1000\n')
    server = await startConfiguredServer(config, data())
  }
  const api = async (path: string, { method = 'GET', body }: { readonly method?: string; readonly body?: unknown } = {}): Promise<string> => {
    const headers = { authorization: 'Bearer dev', 'content-type': 'application/json' }
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/api/v1${path}`, init)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.text()
  }
  const publish = async (device: string, secret: string, sent: { readonly from: number; readonly mode: string }): Promise<void> => {
    const login = { username: `home:${device}`, clientId: `home:${device}`, password: secret, protocolVersion: 4 } as const
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, login)
    for (let seq = sent.from; seq < sent.from + 5; seq++) {
      const v = { room_temperature_c: 20 + seq / 10, mode: sent.mode }
      await client.publishAsync(`mend/v1/home/${device}/tele`, JSON.stringify({ ts: Date.now(), seq, boot: 1, v }), { qos: 1 })
    }
    await client.publishAsync(`mend/v1/home/${device}/tele`, `{"bad": "${sent.mode}`, { qos: 1 })
    await client.endAsync()
  }
  const findings = (texts: readonly string[]): string[] =>
    readdirSync(data(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => texts.some((text) => readFileSync(file).includes(text)))
  const erase = (household: string) =>
    spawnSync(process.execPath, ['cli.ts', 'erase', '--household', household, '--data', data(), '--json'], { cwd: ROOT, encoding: 'utf8' })
  const seqs = async (device: string): Promise<number[]> =>
    (await api(`/readings/raw?device=${device}`))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { seq: number }).seq)
  const claim = async (device: string, household: string): Promise<string> => {
    const { code } = JSON.parse(await api(`/devices/${device}/claim-code`, { method: 'POST', body: {} })) as { code: string }
    const consent = { who: `a person of ${household}`, text_version: '1', purposes: ['service'] }
    return (JSON.parse(await api('/claims', { method: 'POST', body: { code, household, consent } })) as { claim_id: string }).claim_id
  }

  const inOperations = <Result>(action: (store: DatabaseSync) => Result): Result => {
    const store = new DatabaseSync(join(data(), 'operations.sqlite'))
    try {
      return action(store)
    } finally {
      store.close()
    }
  }
  /** Rows from long before any hand-over. */
  const plantEarly = (device: string): void =>
    inOperations((store) => {
      const early = { tenant: 'home', device, principal: device, created_at_ms: EARLY_MS, counted_from_ms: EARLY_MS, done_at_ms: EARLY_MS }
      for (const table of EARLY_TABLES) {
        const columns = store.prepare(`PRAGMA table_info("${table}")`).all() as unknown as ReadonlyArray<{ name: string; type: string }>
        const values = columns.map(({ name, type }) => early[name as keyof typeof early] ?? (type === 'TEXT' ? `early-${name}` : EARLY_MS + 1))
        store.prepare(`INSERT INTO "${table}" VALUES (${columns.map(() => '?').join(', ')})`).run(...values)
      }
    })
  const earlyOf = (device: string): Readonly<Record<string, number>> =>
    inOperations((store) => {
      const count = (table: string): number => {
        const column = table === 'principal_keys' ? 'principal' : 'device'
        return Number(store.prepare(`SELECT count(*) AS n FROM "${table}" WHERE ${column} = ?`).get(device)?.n)
      }
      return Object.fromEntries(EARLY_TABLES.map((table) => [table, count(table)]))
    })

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'guard-erase-moved-'))
    await start()
  }, WAIT_MS)
  afterEach(async () => {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  it('takes the time of the household, and leaves the next one its appliance, claim and readings', { timeout: WAIT_MS }, async () => {
    const wanted = [
      { device: 'moved', type: 'air_conditioner', household: UNO },
      { device: 'claimed', type: 'air_conditioner' },
      { device: 'lent', type: 'air_conditioner', household: DUE },
    ]
    const created = JSON.parse(await api('/devices', { method: 'POST', body: wanted })) as ReadonlyArray<{ device: string; secret: string }>
    const lent = created.find(({ device }) => device === 'lent')?.secret ?? ''
    const secretOf = new Map(created.filter(({ device }) => device !== 'lent').map(({ device, secret }) => [device, secret]))
    await publish('lent', lent, { from: 1, mode: 'due_text' })
    const first = await claim('claimed', UNO)
    for (const [device, secret] of secretOf) await publish(device, secret, { from: 1, mode: 'uno_text' })
    await expect.poll(() => seqs('claimed'), { timeout: 20_000 }).toHaveLength(5)
    await api('/devices/moved', { method: 'PATCH', body: { household: DUE } })
    await api(`/claims/${first}?reason=move-out`, { method: 'DELETE' })
    await claim('claimed', DUE)
    await api('/devices/lent', { method: 'PATCH', body: { household: UNO, site: 'Unoweg 1' } })
    await publish('lent', lent, { from: 6, mode: 'uno_text' })
    for (const [device, secret] of secretOf) await publish(device, secret, { from: 6, mode: 'due_text' })
    await expect.poll(() => seqs('moved'), { timeout: 20_000 }).toHaveLength(10)
    await server.stop()
    plantEarly('moved')
    expect(earlyOf('moved')).toEqual({ principal_keys: 1, hub_intake_codes: 1, hub_care_units: 1, hub_care_done: 1 })

    // The search would see them.
    expect(findings([UNO])).not.toEqual([])
    const done = erase(UNO)
    expect(done).toMatchObject({ status: 0, stderr: '' })
    const spans = { staying: [{ device: 'claimed' }, { device: 'lent', isTheirsNow: true }, { device: 'moved' }] }
    expect(JSON.parse(done.stdout)).toMatchObject({ devices: 0, readings: 15, quarantined: 3, still_found: [], ...spans })
    expect(findings([UNO, 'uno_text', 'Unoweg'])).toEqual([])
    // The key it logs in by, the code on its sticker and its counters are the unit's; what was done to it in their time is theirs.
    expect(earlyOf('moved')).toEqual({ principal_keys: 1, hub_intake_codes: 1, hub_care_units: 1, hub_care_done: 0 })
    await start()
    for (const device of secretOf.keys()) {
      expect(await seqs(device)).toEqual([6, 7, 8, 9, 10])
      expect(JSON.parse(await api(`/devices/${device}`))).toMatchObject({ household: DUE, revoked_at_ms: null })
    }
    // It is still in their home: of nobody and revoked, so that nothing more comes; what it measured at the other's stays.
    expect(JSON.parse(await api('/devices/lent'))).toMatchObject({ household: null, site: null, revoked_at_ms: expect.any(Number) })
    expect(await seqs('lent')).toEqual([1, 2, 3, 4, 5])
    expect(await api('/claims')).toContain(DUE)
    expect(await api('/quarantine?device=moved')).toContain('due_text')
    // The secret still opens the door, and what came before comes in twice no more.
    await publish('claimed', secretOf.get('claimed') ?? '', { from: 10, mode: 'due_text' })
    await expect.poll(() => seqs('claimed'), { timeout: 20_000 }).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14])
    await server.stop()

    expect(findings([DUE])).not.toEqual([])
    // Nobody else is left of whom anything is known: now they go whole.
    expect(JSON.parse(erase(DUE).stdout)).toMatchObject({
      devices: 2,
      readings: 14 + 5,
      staying: [{ device: 'lent', isTheirsNow: false }],
      still_found: [],
    })
    expect(findings([DUE, 'due_text'])).toEqual([])
    expect(earlyOf('moved')).toEqual({ principal_keys: 0, hub_intake_codes: 0, hub_care_units: 0, hub_care_done: 0 })
  })
})
