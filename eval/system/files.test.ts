/**
 * Files against the real server, by the command line as a user has it: imports that are killed without mercy go on and store each row
 * once, an export goes into an empty server and comes out the same, a past day is worked out and notifies nobody, and the examples of
 * docs/files.md do what they say.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { createFleet } from '../../simulators/fleet.ts'
import { type CrashServer, freePort, readRaw, startCrashServer } from './crash-server.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'files-system-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let running: CrashServer[] = []
afterEach(async () => {
  for (const server of running) await server.kill().catch(() => {})
  running = []
})

let count = 0
const place = (name: string): string => join(folder, `${count++}-${name}`)

interface Site {
  readonly url: string
  restart(): Promise<void>
  kill(): Promise<void>
  cli(...args: string[]): Promise<{ code: number; out: string; err: string }>
  get(path: string): Promise<Record<string, unknown>>
  raw(): ReturnType<typeof readRaw>
}

async function openSite(): Promise<Site> {
  const [mqttPort, httpPort, data] = [await freePort(), await freePort(), place('data')]
  const url = `http://127.0.0.1:${httpPort}`
  let server: CrashServer | undefined
  const restart = async (): Promise<void> => {
    server = await startCrashServer({ data, mqttPort, httpPort })
    running.push(server)
  }
  await restart()
  return {
    url,
    restart,
    kill: async () => server?.kill(),
    cli: (...args) =>
      new Promise((resolve) => {
        const environment = { PATH: process.env.PATH ?? '', MENDLINE_URL: url, MENDLINE_API_KEY: 'dev' }
        execFile(process.execPath, ['cli.ts', ...args], { cwd: ROOT, env: environment, maxBuffer: 2 ** 26 }, (error, out, err) =>
          resolve({ code: error === null ? 0 : Number(error.code), out, err }),
        )
      }),
    get: async (path) =>
      (await (await fetch(`${url}/api/v1${path}`, { headers: { authorization: 'Bearer dev' } })).json()) as Record<string, unknown>,
    raw: () => readRaw(httpPort),
  }
}

const create = ['--create-devices', '--type', 'air_conditioner']

describe('import', () => {
  it('goes on after the server was killed in the upload and twice in the work, and stores each row once', async () => {
    const site = await openSite()
    const rows = Array.from({ length: 60_000 }, (_, index) => `ac-${index % 3},${1_600_000_000_000 + index * 1000},${40 + (index % 500) / 10}`)
    const bytes = Buffer.from(`${['device,ts,discharge_temperature_c', ...rows].join('\n')}\nac-0,never,1\n`)
    const headers = { authorization: 'Bearer dev' }
    const wanted = { name: 'a.csv', bytes: bytes.length, create_devices: true, type: 'air_conditioner' }
    const begun = await fetch(`${site.url}/api/v1/imports`, {
      ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(wanted) },
    })
    const { import_id: id } = (await begun.json()) as { import_id: string }
    const put = (from: number, to: number): Promise<Response> =>
      fetch(`${site.url}/api/v1/imports/${id}/content`, {
        method: 'PUT',
        headers: { ...headers, 'content-type': 'application/octet-stream', 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` },
        body: bytes.subarray(from, to) as Uint8Array<ArrayBuffer>,
      })
    expect((await put(0, 100_000)).status).toBe(200)
    expect((await put(0, 100_000)).status).toBe(409)
    await site.kill()
    await site.restart()
    expect(await site.get(`/imports/${id}`)).toMatchObject({ state: 'uploading', received_bytes: 100_000 })
    expect((await put(100_000, bytes.length)).status).toBe(200)
    const rowsNow = async (): Promise<number> => Number(((await site.get(`/imports/${id}`)).progress as { rows?: number } | null)?.rows ?? 0)
    for (const atRows of [4_000, 12_000]) {
      await expect.poll(rowsNow, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(atRows)
      expect((await site.get(`/imports/${id}`)).state).toBe('running')
      await site.kill()
      await site.restart()
    }
    await expect.poll(async () => (await site.get(`/imports/${id}`)).state, { timeout: 90_000, interval: 200 }).toBe('done')
    const record = await site.get(`/imports/${id}`)
    expect(record.report).toMatchObject({ rows: 60_001, readings: 60_000, bad_rows: 1, bad_values: 0, report: { entries: 1 } })
    const report = await (await fetch(`${site.url}/api/v1/imports/${id}/report`, { headers })).text()
    expect(
      report
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([expect.objectContaining({ line: 60_002, column: 'ts', value: 'never', code: 'MDL_INGEST_FIELD_INVALID', device: 'ac-0' })])
    const stored = (await site.raw()).map(({ device, observed_at_ms, v }) => `${device},${observed_at_ms},${String(v.discharge_temperature_c)}`)
    expect(stored.sort()).toEqual([...rows].sort())
  }, 240_000)

  it('reports the same in a dry run, which stores nothing, and stores nothing twice', async () => {
    const site = await openSite()
    const file = place('mixed.csv')
    writeFileSync(
      file,
      'device,ts,power_w,colour\nac-1,1700000000000,900,red\nac-1,1700000001000,-5 W,red\nac-1,soon,1,red\nac-1,1700000002000,1e6,\n',
    )
    const bad = (out: string): string[] => out.split('\n').filter((line) => line.startsWith('line '))
    const unknown = await site.cli('import', file)
    expect([unknown.code, bad(unknown.out).length]).toEqual([1, 4])
    const dry = await site.cli('import', file, '--dry-run', ...create)
    expect([dry.code, dry.out]).toEqual([1, expect.stringContaining('1 readings would be stored; kept out: 3 rows, 0 values')])
    expect([await site.raw(), (await site.get('/devices')).items]).toEqual([[], []])
    const reportFile = place('report.ndjson')
    const first = await site.cli('import', file, ...create, '--report', reportFile)
    expect(bad(first.out)).toEqual(bad(dry.out))
    expect(bad(first.out)).toEqual([
      'line 1, colour: the type air_conditioner has no channel for this column; nothing of it is imported',
      'line 3, power_w = "-5 W": the text "-5 W" is not a number with a decimal point',
      'line 4, ts = "soon": the time is not epoch ms or ISO 8601 with Z or an offset',
      expect.stringContaining('line 5, power_w = "1000000": '),
    ])
    expect(readFileSync(reportFile, 'utf8').trim().split('\n')).toHaveLength(4)
    expect((await site.cli('import', file)).code).toBe(1)
    expect((await site.raw()).map(({ observed_at_ms, v }) => [observed_at_ms, v])).toEqual([[1_700_000_000_000, { power_w: 900 }]])
  }, 120_000)

  it('keeps out what contradicts stored readings or its own rows, fills no quarantine with it, and counts what is stored', async () => {
    const site = await openSite()
    const rows = (watts: readonly number[]): string => watts.map((power, seq) => `ac-1,${1_700_000_000_000 + seq},1,${seq},${power}\n`).join('')
    const header = 'device,ts,boot,seq,power_w\n'
    const [first, second] = [place('first.csv'), place('second.csv')]
    writeFileSync(first, header + rows([1, 2, 3]))
    expect((await site.cli('import', first, ...create)).code).toBe(0)
    // Line 3 contradicts what is stored, line 6 the row before, line 7 says the time in seconds.
    writeFileSync(second, `${header}${rows([1, 9, 3, 4])}ac-1,1700000000003,1,3,5\nac-1,1700000000,1,4,5\n`)
    for (const dry of [['--dry-run'], []]) {
      const { code, out } = await site.cli('import', second, ...dry)
      expect([code, out.split('\n').map((line) => /^line \d+, \w+/.exec(line)?.[0])]).toEqual([
        1,
        ['line 3, seq', 'line 6, seq', 'line 7, ts', undefined, undefined],
      ])
      expect(out).toContain('6 rows: 3 readings')
      expect(out).toContain('boot 1, seq 1 is stored with other content')
      expect(out).toContain('boot 1, seq 3 stands in an earlier row with other content')
      expect(out).toContain('in seconds it is 2023-11-14T22:13:20.000Z')
    }
    expect((await site.raw()).map(({ v }) => v.power_w)).toEqual([1, 2, 3, 4])
    expect((await site.get('/quarantine')).items).toEqual([])
    const { items } = (await site.get('/imports')) as { items: Array<{ progress: { rows: number }; report: { rows: number } }> }
    expect(items.map(({ progress, report }) => [progress.rows, report.rows])).toEqual([
      [3, 3],
      [6, 6],
      [6, 6],
    ])
  }, 120_000)

  it.each<readonly [string, string, readonly string[], string]>([
    ['a file without columns', 'a,b\n1,2\n', [], 'no column `ts`'],
    ['an empty file', '', [], 'empty'],
    ['a mapping of payloads', 'a,b\n1,2\n', ['--mapping', 'docs/examples/mappings/shelly-plus.yaml'], 'mapping is of payloads'],
    ['creating devices of no type', 'device,ts,power_w\nx,1,1\n', ['--create-devices'], 'needs a type'],
  ])(
    'says with exit code 2 or 1 what is wrong with %s',
    async (_name, text, flags, words) => {
      const site = await openSite()
      const file = place('wrong.csv')
      writeFileSync(file, text)
      const ended = await site.cli('import', file, ...flags)
      expect([ended.code, ended.err]).toEqual([flags[0] === '--create-devices' ? 1 : 2, expect.stringContaining(words)])
    },
    60_000,
  )

  it('works out a past day and notifies nobody', async () => {
    const site = await openSite()
    const startMs = Date.UTC(2025, 6, 14)
    const fleet = createFleet({ type: airConditioner, units: 2, seed: 'files', startMs, faultShare: 1, samplePeriodMs: 60_000, tenant: 'home' })
    const { columns } = readingLayout(airConditioner)
    const lines = [...fleet.step(startMs + 86_400_000)].flatMap(({ device, payload }) =>
      [JSON.parse(payload) as { ts: number; boot: number; seq: number; v: Record<string, unknown> }].map(({ ts, boot, seq, v }) =>
        [device, ts, boot, seq, ...columns.map((column) => cellOf(v, column))].join(','),
      ),
    )
    const file = place('day.csv')
    writeFileSync(file, [['device,ts,boot,seq', ...columns].join(','), ...lines].join('\n'))
    const hook = await site.cli('webhooks', 'add', 'http://127.0.0.1:9/none', '--json')
    const { endpoint_id: endpoint } = JSON.parse(hook.out) as { endpoint_id: string }
    const done = await site.cli('import', file, ...create)
    expect([done.code, done.out]).toEqual([0, expect.stringContaining(`${lines.length} readings stored`)])
    const device = lines[0]?.split(',')[0]
    const span = `from_ms=${startMs}&to_ms=${startMs + 86_400_000}`
    const windows = async (): Promise<number> => ((await site.get(`/windows?device=${device}&${span}`)).items as unknown[]).length
    await expect.poll(windows, { timeout: 60_000, interval: 500 }).toBeGreaterThan(0)
    expect((await site.get(`/webhooks/${endpoint}/attempts`)).items).toEqual([])
    expect((await site.get('/work-orders')).items).toEqual([])
  }, 180_000)
})

/** Cell of a column of a type's layout: an aggregate's mean, min or max. */
function cellOf(v: Readonly<Record<string, unknown>>, column: string): string {
  const [, base = '', part = 'mean'] = /^(.*?)(?:_(min|max))?$/.exec(column) ?? []
  const value = v[column] ?? v[base]
  if (typeof value === 'object' && value !== null) return String((value as Record<string, unknown>)[part])
  return v[column] === undefined || v[column] === null ? '' : String(v[column])
}

describe('export', () => {
  it('goes into an empty server, as CSV or as Parquet, and comes out as the same bytes', async () => {
    const source = await openSite()
    const header = 'device,ts,boot,seq,fw,power_w,outdoor_temperature_c,outdoor_temperature_c_min,outdoor_temperature_c_max,cooling_is_on'
    const lines = Array.from({ length: 600 }, (_, index) => {
      const key = index % 3 === 2 ? ',' : `${1 + (index >> 8)},${4_294_966_000 + index}`
      const numbers = index % 5 === 0 ? '0.1,,,' : `${index / 7},${20 + index / 1000},19.123456789012345,${22 + index / 1000}`
      return `ac-${index % 2},${1_650_000_000_000 + index * 977},${key},${index % 4 === 0 ? '=1.2' : ''},${numbers},${index % 2 === 0}`
    })
    const file = place('in.csv')
    writeFileSync(file, [header, ...lines].join('\n'))
    expect((await source.cli('import', file, ...create)).code).toBe(0)
    const [csv, parquet] = [place('out.csv'), place('out.parquet')]
    const said = await source.cli('export', csv, '--type', 'air_conditioner')
    expect([said.code, said.out]).toEqual([0, expect.stringContaining('600 rows')])
    expect((await source.cli('export', parquet, '--type', 'air_conditioner', '--format', 'parquet')).code).toBe(0)
    const text = readFileSync(csv, 'utf8')
    expect(text.split('\n')).toHaveLength(602)
    expect(text).toContain("'=1.2")
    for (const whole of [csv, parquet]) {
      const other = await openSite()
      expect(await other.cli('import', whole, ...create)).toMatchObject({ code: 0, out: expect.stringContaining('600 readings stored') })
      const again = place('again.csv')
      expect((await other.cli('export', again, '--type', 'air_conditioner')).code).toBe(0)
      expect(readFileSync(again, 'utf8') === text).toBe(true)
      await other.kill()
    }
  }, 180_000)

  it('gives hours and a stretch of one device, and says what it cannot', async () => {
    const site = await openSite()
    const file = place('in.csv')
    writeFileSync(file, ['ts,power_w', ...Array.from({ length: 180 }, (_, index) => `${1_700_000_000_000 + index * 60_000},${index}`)].join('\n'))
    expect((await site.cli('import', file, '--device', 'ac-1', ...create)).code).toBe(0)
    const out = place('hours.csv')
    const hours = await site.cli(
      'export',
      out,
      '--device',
      'ac-1',
      '--tier',
      'hourly',
      '--from',
      '2023-11-14T22:00:00Z',
      '--to',
      '2023-11-15T02:00:00Z',
    )
    expect([hours.code, hours.err.includes('exporting')]).toEqual([0, true])
    expect(readFileSync(out, 'utf8').split('\n').slice(0, 3)).toEqual([
      'device,channel,ts,mean,min,max,n',
      `ac-1,power_w,${Date.UTC(2023, 10, 14, 22)},23,0,46,47`,
      `ac-1,power_w,${Date.UTC(2023, 10, 14, 23)},76.5,47,106,60`,
    ])
    const some = await site.cli('export', out, '--device', 'ac-1', '--from', '1700000060000', '--to', '1700000180000', '--json')
    expect(JSON.parse(some.out)).toMatchObject({ rows: 2 })
    for (const [flags, code, words] of [
      [['--device', 'ac-9'], 1, 'no device ac-9'],
      [[], 2, 'either --device or --type'],
      [['--device', 'ac-1', '--from', 'monday'], 2, '--from is epoch ms'],
      [['--device', 'ac-1', '--tier', 'hourly'], 1, 'is needed for hours and days'],
    ] as const) {
      const refused = await site.cli('export', out, ...flags)
      expect([refused.code, refused.err]).toEqual([code, expect.stringContaining(words)])
    }
  }, 120_000)
})

describe('docs/files.md', () => {
  it('shows what its examples print', async () => {
    const site = await openSite()
    const page = readFileSync(join(ROOT, 'docs', 'files.md'), 'utf8')
    const examples = page.split('<!-- example: ').slice(1)
    expect(examples).toHaveLength(2)
    for (const example of examples) {
      const blocks = [...example.matchAll(/```(csv|yaml)?\n([\s\S]*?)```/g)]
      const names = new Map<string, string>()
      for (const [, kind, text] of blocks) {
        if (kind === undefined) continue
        const name = place(`example.${kind}`)
        writeFileSync(name, text ?? '')
        names.set(kind, name)
      }
      const [command = '', ...printed] = (blocks.find(([, kind]) => kind === undefined)?.[2] ?? '').trimEnd().split('\n')
      const args = command.split(' ').slice(2)
      const ended = await site.cli(...args.map((arg) => names.get(/\.(csv|yaml)$/.exec(arg)?.[1] ?? '') ?? arg))
      expect(ended.out.trimEnd().split('\n')).toEqual(printed)
      // Their days are long past.
      expect(ended.err).toMatch(/[12] readings are older than retention[.]raw_days [(]400[)]/)
    }
  }, 60_000)
})
