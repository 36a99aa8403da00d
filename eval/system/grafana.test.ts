/**
 * Every query of the committed Grafana boards (panels, annotations, variables) against a platform with seeded readings, windows, alarms,
 * diagnoses, states of channels and gaps. Variables are filled in as Grafana does it, the key is sent as the Infinity data source sends
 * it; each answer must be flat rows that have every column with its kind, and must not be empty.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { systemClock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { silentLog } from '#kernel/log.ts'
import type { HubTables } from '../../hubs/hub-tables.ts'
import { createHubs } from '../../hubs/hubs.ts'
import type { Platform } from '../../main.ts'
import { openOperations } from '../../operations/open-database.ts'
import { createFleet } from '../../simulators/fleet.ts'
import { registrationOf } from '../../simulators/registration.ts'
import { CITIES, inSummerAt } from '../../simulators/weather.ts'
import { callApi, startDevPlatform } from './dev-platform.ts'

interface Query {
  readonly url: string
  readonly parser: string
  readonly columns: ReadonlyArray<{ readonly selector: string; readonly text: string; readonly type: 'string' | 'number' | 'timestamp_epoch' }>
}
interface Board {
  readonly title: string
  readonly panels: ReadonlyArray<{ readonly title: string; readonly targets: readonly Query[] }>
  readonly annotations: { readonly list?: ReadonlyArray<{ readonly name: string; readonly target: Query }> }
  readonly templating: {
    readonly list: ReadonlyArray<{ readonly name: string; readonly query: { readonly infinityQuery: Query }; readonly allValue?: string }>
  }
}
type Row = Readonly<Record<string, unknown>>

const DAY_MS = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'mendline-grafana-'))
const boardsFolder = join(import.meta.dirname, '../../dashboards/provisioning/boards')
const boards = readdirSync(boardsFolder).map((file) => JSON.parse(readFileSync(join(boardsFolder, file), 'utf8')) as Board)
const nowMs = Date.now()
const startMs = nowMs - 5 * DAY_MS
let platform: Platform
let device = ''

/** Five days of one air conditioner in summer: after three a sensor falls silent, one message is lost, at last the board overheats. */
async function sendReadings(): Promise<void> {
  const options = { type: airConditioner, units: 1, seed: 'boards', startMs, faultShare: 0, samplePeriodMs: 600_000, tenant: 'home' }
  const fleet = createFleet({ ...options, readingsPerPayload: 36, cities: inSummerAt(CITIES, nowMs) })
  device = fleet.devices[0] ?? ''
  const [facts] = fleet.units
  if (facts === undefined) throw new Error('the fleet has a unit')
  const quiet = { device: 'never-heard', type: 'fridge', max_age_days: 30 }
  const created = JSON.parse(
    await callApi(platform, { method: 'POST', path: '/devices', body: [{ ...registrationOf(facts), tenant: 'home', max_age_days: 90 }, quiet] }),
  ) as Array<{ device: string; secret: string }>
  const name = `home:${device}`
  const password = created.find((one) => one.device === device)?.secret ?? ''
  const client = await mqtt.connectAsync(platform.mqttUrl, { protocolVersion: 4, clientId: name, username: name, password })
  let sent = 0
  let last: { seq: number; boot: number } = { seq: 0, boot: 1 }
  for (const { payload } of fleet.step(nowMs - 600_000)) {
    const readings = (JSON.parse(payload) as Array<{ ts: number; seq: number; boot: number; v: Record<string, unknown> }>).map((reading) =>
      reading.ts < startMs + 3 * DAY_MS ? reading : { ...reading, v: { ...reading.v, indoor_coil_temperature_c: undefined } },
    )
    last = readings.at(-1) ?? last
    if (++sent !== 4) await client.publishAsync(`mend/v1/home/${device}/tele`, JSON.stringify(readings), { qos: 1 })
  }
  const hot = { ts: nowMs, seq: last.seq + 1, boot: last.boot, v: { board_temperature_c: 112, outdoor_temperature_c: 30, compressor_current_a: 6 } }
  await client.publishAsync(`mend/v1/home/${device}/tele`, JSON.stringify(hot), { qos: 1 })
  await client.endAsync()
}

/** What the models would say after months, put into the stopped platform's store as the hubs put it. */
async function seedDiagnosis(): Promise<void> {
  const operations = await openOperations({ file: join(folder, 'data', 'operations.sqlite'), log: silentLog })
  const hubs = createHubs({
    database: operations.database as unknown as Kysely<HubTables>,
    catalogue: () => airConditioner,
    clock: systemClock,
    log: silentLog,
  })
  const span = { made_at_ms: nowMs - DAY_MS, received_at_ms: nowMs - DAY_MS, window_from_ms: nowMs - 2 * DAY_MS, window_to_ms: nowMs - DAY_MS }
  const sign = { feature: 'superheat_mean_k', text: 'superheat is high', observed: 14, expected: 6, unit: 'k', z_score: 5 }
  const diagnosis: Diagnosis = {
    ...{ diagnosis_id: 'diagnosis_boards', tenant: 'home', device, type: 'air_conditioner', source: 'model', ...span, answer: 'fault' },
    ...{
      fault: 'AC-01',
      fault_name: 'Low refrigerant',
      probability: 0.9,
      safety_class: 'E2',
      evidence_for: [sign],
      evidence_against: [],
      rivals: [],
    },
    ...{ next_question: 'Is there oil at the flare nuts?', parts: [], skills: [] },
    versions: { model: 'test', rule: null, catalogue: '1', schema: 1, firmware: null },
  }
  await hubs.apply([{ kind: 'diagnosis_made', key: 'diagnosis_boards', diagnosis }])
  await operations.close()
}

const ask = async (url: string): Promise<{ readonly status: number; readonly rows: readonly Row[] }> => {
  const answer = await fetch(`${platform.httpUrl}${url}`, { headers: { authorization: 'Bearer dev' }, signal: AbortSignal.timeout(10_000) })
  return { status: answer.status, rows: (await answer.json()) as readonly Row[] }
}

/** Replaces `${name}` as Grafana does; one that nobody filled in stays and fails the test. */
const fill = (url: string, variables: Readonly<Record<string, string>>): string =>
  url.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole)

/** What of an answer is not as the columns say. */
function faultsOf(rows: readonly Row[], { columns }: Query): string[] {
  if (!Array.isArray(rows) || rows.length === 0) return ['no rows']
  return rows.flatMap((row) => {
    const nested = Object.entries(row).filter(([, value]) => typeof value === 'object' && value !== null)
    const wrong = columns.filter(({ selector, type }) => {
      const value = row[selector]
      return value === undefined || (value !== null && (type === 'string' ? typeof value !== 'string' : !Number.isFinite(value)))
    })
    return [...nested.map(([name]) => `${name} is not flat`), ...wrong.map(({ selector }) => `${selector} is ${String(row[selector])}`)]
  })
}

beforeAll(async () => {
  platform = await startDevPlatform(folder)
  await sendReadings()
  const stored = async (): Promise<boolean> => {
    const { rows } = await ask(`/api/v1/grafana/marks?device=${device}&kind=alarm&from_ms=${startMs}&to_ms=${nowMs + 60_000}`)
    return rows.length > 0
  }
  for (let isStored = await stored(); !isStored; isStored = await stored()) await setTimeout(100)
  await platform.stop()
  await seedDiagnosis()
  platform = await startDevPlatform(folder)
}, 120_000)
afterAll(async () => {
  await platform.stop()
  rmSync(folder, { recursive: true, force: true })
})

const span = { __from: String(startMs), __to: String(nowMs + 60_000) }

describe.each(boards.map((board) => [board.title, board] as const))('the board "%s"', (_title, board) => {
  const variables: Record<string, string> = { ...span }

  it('offers a choice for each of its variables', async () => {
    for (const { name, query, allValue } of board.templating.list) {
      const asked = query.infinityQuery
      const { status, rows } = await ask(fill(asked.url, variables))
      expect([name, status, faultsOf(rows, asked)]).toEqual([name, 200, []])
      const value = asked.columns.find(({ text }) => text === '__value')?.selector ?? ''
      const first = rows[0]?.[value]
      variables[name] = allValue ?? String(name === 'device' ? device : first)
    }
  })

  it('has an answer of the right form to each query of its panels and annotations', async () => {
    const marks = (board.annotations.list ?? []).map(({ name, target }) => [name, target] as const)
    const queries = [...board.panels.flatMap(({ title, targets }) => targets.map((target) => [title, target] as const)), ...marks]
    expect(queries.length).toBeGreaterThan(3)
    for (const [title, query] of queries) {
      const url = fill(query.url, variables)
      expect(url).not.toContain('$')
      const { status, rows } = await ask(url)
      expect([title, status, faultsOf(rows, query)], url).toEqual([title, 200, []])
      expect(query.parser).toBe('backend')
    }
  })

  it('lets nobody in without a key', async () => {
    const [panel] = board.panels
    const { status } = await fetch(`${platform.httpUrl}${fill(panel?.targets[0]?.url ?? '', variables)}`)
    expect(status).toBe(401)
  })
})

describe('the rows behind the boards', () => {
  it('put each unit in the gravest state that holds, the gravest first', async () => {
    const { rows } = await ask('/api/v1/grafana/units')
    expect(rows).toMatchObject([
      { device, state: 'danger', fault: 'AC-01', safety_class: 'E0' },
      { device: 'never-heard', state: 'never_heard', heard_at_ms: null, silent_ms: null },
    ])
    expect((await ask('/api/v1/grafana/units?type=fridge')).rows).toHaveLength(1)
    expect((await ask('/api/v1/grafana/units?state=ok,silent')).rows).toEqual([])
  })

  it('hold each feature of a healthy unit near what the reference expects', async () => {
    const { rows } = await ask(fill(`/api/v1/grafana/residuals?device=${device}&from_ms=\${__from}&to_ms=\${__to}`, span))
    const zScores = rows.map(({ z_score }) => Math.abs(Number(z_score))).sort((a, b) => a - b)
    expect(zScores[Math.floor(zScores.length / 2)]).toBeLessThan(3)
    for (const { low, expected, high } of rows) expect(Number(low) < Number(expected) && Number(expected) < Number(high)).toBe(true)
  })

  it('keep the least and greatest reading of each bucket, within the points that were asked for', async () => {
    const { rows } = await ask(
      fill(`/api/v1/grafana/readings?device=${device}&channel=power_w&max_points=20&from_ms=\${__from}&to_ms=\${__to}`, span),
    )
    expect(rows.length).toBeGreaterThan(5)
    expect(rows.length).toBeLessThanOrEqual(20)
    for (const { min, mean, max } of rows) expect(Number(min) <= Number(mean) && Number(mean) <= Number(max)).toBe(true)
  })

  it('say what is wrong with a span that ends before it begins', async () => {
    const { status, rows } = await ask('/api/v1/grafana/faults?from_ms=10&to_ms=5')
    expect([status, (rows as unknown as { code: string }).code]).toEqual([400, 'MDL_API_INVALID'])
  })
})
