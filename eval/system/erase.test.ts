/** A household is erased from the folder of a real server and looked for: in every byte, in the decoded journal, and in the decoded archive. Its neighbours have what they had. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '#kernel/limits.ts'
import { createFileJournalReader } from '../../ingest/journals/file-journal-reader.ts'
import { verifyJournal } from '../../ingest/journals/verify-journal.ts'
import { decodeRecord } from '../../ingest/record.ts'
import { type CrashServer, startConfiguredServer } from './crash-server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WAIT_MS = 180_000
const SOON = { timeout: 30_000 }
const HOUSEHOLD = 'Vogelsang-7421'
const THEIRS = ['ac-quxel-77', 'ac-quxel-78']
/** The first has a name that theirs begin with. */
const NEIGHBOURS = ['ac-quxel-7', 'ac-2']
/** Nobody else measures these. */
const [VALUE, POWER] = [23.456789, 4321.0625]
const READINGS = 150

describe('mendline erase', () => {
  let folder = ''
  let server: CrashServer
  const data = (): string => join(folder, 'data')
  const start = async (): Promise<void> => {
    const config = join(folder, 'mendline.yaml')
    writeFileSync(config, 'limits:\n  storeHotReadings_MAX: 100\n  storeMaintenanceMs: 200\n  snapshotMs: 1000\n')
    server = await startConfiguredServer(config, data())
  }
  const api = async (path: string, body?: unknown): Promise<string> => {
    const headers = { authorization: 'Bearer dev', 'content-type': 'application/json' }
    const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/api/v1${path}`, init)
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return response.text()
  }
  const publish = async (device: string, secret: string, isTheirs: boolean): Promise<void> => {
    const login = { username: `home:${device}`, clientId: `home:${device}`, password: secret, protocolVersion: 4 } as const
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${server.mqttPort}`, login)
    const topic = `mend/v1/home/${device}/tele`
    const now = Date.now()
    for (let seq = 1; seq <= READINGS; seq++) {
      const v = isTheirs ? { room_temperature_c: VALUE, power_w: POWER } : { room_temperature_c: 20 + (seq % 30) / 10, power_w: seq }
      const mode = seq % 20 === 0 ? { mode: 'cool' } : {}
      // Some days back, so that there are files of days that are over.
      await client.publishAsync(topic, JSON.stringify({ ts: now - (READINGS - seq) * 1_800_000, seq, boot: 1, v: { ...v, ...mode } }), { qos: 1 })
    }
    const danger = { board_temperature_c: 110, outdoor_temperature_c: 32, compressor_current_a: 6 }
    await client.publishAsync(topic, JSON.stringify({ ts: Date.now(), seq: READINGS + 1, boot: 1, v: danger }), { qos: 1 })
    await client.publishAsync(topic, `{"ts": "${device} of ${isTheirs ? HOUSEHOLD : 'nobody'}`, { qos: 1 })
    await client.endAsync()
  }
  /** What the API says of a neighbour. */
  const seenOf = async (device: string): Promise<Record<string, string>> => {
    const span = `from_ms=0&to_ms=${Date.UTC(2100, 0)}`
    const paths = [`/readings/raw?device=${device}`, `/work-orders?device=${device}`, `/alarms?device=${device}`, `/quarantine?device=${device}`]
    const more = [`/channel-states?device=${device}&${span}`, `/devices/${device}`, `/cases?device=${device}`]
    return Object.fromEntries(await Promise.all([...paths, ...more].map(async (path) => [path, await api(path)] as const)))
  }
  const files = (): string[] =>
    readdirSync(data(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  /** Files with one of the names or values, as text or as eight bytes; `ac-quxel-7` is looked for by the others' whole names. */
  const findings = (): string[] => {
    const doubles = [VALUE, POWER].map((value) => Buffer.from(new Float64Array([value]).buffer))
    const needles = [HOUSEHOLD, ...THEIRS, String(VALUE), String(POWER)].map((text) => Buffer.from(text))
    return files().filter((file) =>
      [...needles, ...doubles].some((needle) => readFileSync(file).includes(needle) || file.includes(needle.toString())),
    )
  }
  const decodedJournal = async (): Promise<string> => {
    const directory = join(data(), 'journal')
    const { end } = await verifyJournal(directory, { limits })
    const reader = createFileJournalReader({ directory, limits, committedEnd: () => end })
    let text = ''
    for (let next = 0; next < end; ) {
      const part = await reader.read(next, 1_000_000)
      for (const { body } of part.records) {
        const { device, payload } = decodeRecord(body)
        text += `${device} ${Buffer.from(payload).toString('latin1')}\n`
      }
      next = part.next
    }
    return text
  }
  /** Every table and file of the readings, decoded, as text. */
  const decodedReadings = async (): Promise<string> => {
    const instance = await DuckDBInstance.create(join(data(), 'readings', 'hot.duckdb'), { access_mode: 'READ_ONLY' })
    const connection = await instance.connect()
    const rows = async (sql: string): Promise<unknown[][]> => (await connection.runAndReadAll(sql)).getRowsJS() as unknown[][]
    const text = (value: unknown): string => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value))
    let all = ''
    for (const [table] of await rows('SELECT table_name FROM duckdb_tables()'))
      all += (await rows(`SELECT * FROM "${String(table)}"`)).flat().map(text).join(' ')
    const parquet = files().filter((file) => file.endsWith('.parquet'))
    expect(parquet.length).toBeGreaterThan(3)
    for (const file of parquet) all += (await rows(`SELECT * FROM read_parquet('${file}')`)).flat().map(text).join(' ')
    connection.closeSync()
    instance.closeSync()
    return all
  }
  const erase = (household: string) => {
    const verb = ['cli.ts', 'erase', '--household', household, '--data', data(), '--json']
    return spawnSync(process.execPath, verb, { cwd: ROOT, encoding: 'utf8' })
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'guard-erase-'))
    await start()
  }, WAIT_MS)
  afterEach(async () => {
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  it('leaves no byte of the household, and everything of its neighbours', { timeout: WAIT_MS }, async () => {
    const wanted = [...THEIRS, ...NEIGHBOURS].map((device) => ({
      ...{ device, type: 'air_conditioner', household: THEIRS.includes(device) ? HOUSEHOLD : 'Nachbar-1' },
    }))
    const created = JSON.parse(await api('/devices', wanted)) as { items?: unknown }
    for (const { device, secret } of (created.items ?? created) as ReadonlyArray<{ device: string; secret: string }>) {
      await publish(device, secret, THEIRS.includes(device))
    }
    await expect.poll(async () => (JSON.parse(await api('/work-orders')) as { items: unknown[] }).items.length, SOON).toBe(4)
    await expect.poll(() => files().filter((file) => file.endsWith('.parquet')).length, SOON).toBeGreaterThan(6)
    expect(erase(HOUSEHOLD).stderr).toMatch(/a server uses/)
    await server.stop()
    // Settled: what the stop itself wrote is there.
    await start()
    const before = await Promise.all(NEIGHBOURS.map(seenOf))
    await server.stop()
    expect(findings().length).toBeGreaterThan(2)

    expect(erase('Nobody-0')).toMatchObject({ status: 1, stderr: expect.stringMatching(/no device/) })
    const done = erase(HOUSEHOLD)
    expect(done).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(done.stdout)).toMatchObject({ devices: 2, readings: 2 * (READINGS + 1), quarantined: 2, still_found: [] })

    expect(findings()).toEqual([])
    const decoded = `${await decodedJournal()}${await decodedReadings()}`
    for (const needle of [HOUSEHOLD, ...THEIRS, String(VALUE), String(POWER), '23456789', '43210625']) expect(decoded).not.toContain(needle)
    expect(decoded).toContain('ac-quxel-7')

    await start()
    expect(await Promise.all(NEIGHBOURS.map(seenOf))).toEqual(before)
    expect(await api('/devices')).not.toContain('quxel-77')
    expect(await api('/readings/raw')).not.toContain('quxel-77')
    await server.stop()
    const verified = spawnSync(process.execPath, ['cli.ts', 'verify', '--data', data()], { cwd: ROOT, encoding: 'utf8' })
    expect(verified).toMatchObject({ status: 0 })
    expect(findings()).toEqual([])
  })
})
