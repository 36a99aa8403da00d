import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import { decodeMessage } from '../decode.ts'
import { readMappingText } from '../mapping/mapping-document.ts'
import { readingKey } from '../same-reading.ts'
import { writeParquet } from '../stores/duckdb-files.ts'
import { columnPlan } from './column-plan.ts'
import { createConflictLook } from './conflicts.ts'
import { type ImportChunk, type ImportDevice, importChunks } from './import-chunks.ts'
import { openTable } from './open-table.ts'

const folder = mkdtempSync(join(tmpdir(), 'files-import-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const NOW = Date.UTC(2026, 0, 1)

const channel = (name: string, change: Partial<Channel> = {}): Channel => ({
  ...{ name, kind: 'number', unit: 'w', min: 0, max: 5_000, step: 0, isAggregated: false, isSafety: false },
  description: { en: name, 'zh-CN': name },
  ...change,
})
const type: ApplianceType = {
  id: 'plug',
  version: '1',
  name: { en: 'plug', 'zh-CN': 'plug' },
  channels: [
    channel('power_w'),
    channel('supply_v', { unit: 'v', isAggregated: true, max: 400 }),
    channel('is_on', { kind: 'boolean', unit: 'none' }),
    channel('mode', { kind: 'text', unit: 'none' }),
  ],
  ...{ faults: [], parts: [], steps: [], rules: [], recipe: undefined },
}
const deviceOf = async (device: string): Promise<ImportDevice> =>
  device.startsWith('plug')
    ? { kind: 'known', typeName: 'plug', type }
    : { kind: 'refused', code: 'MDL_INGEST_DEVICE_UNKNOWN', reason: 'there is no such device' }

interface Options {
  readonly device?: string
  readonly mapping?: string
  readonly skip?: number
  readonly chunkRows?: number
  /** Readings that came before the file. */
  readonly before?: readonly Reading[]
  readonly keys_MAX?: number
}

let count = 0
async function chunksOf(
  content: string | Buffer,
  { device, mapping, skip = 0, chunkRows = 2_000, before = [], keys_MAX = 100 }: Options = {},
): Promise<ImportChunk[]> {
  const path = join(folder, `${count++}`)
  writeFileSync(path, content)
  const document = mapping === undefined ? undefined : readMappingText(mapping, 'test')
  const file = await openTable(path, { mapping: document, recordBytes_MAX: 10_000, scratchDirectory: folder, memoryMib: 128 })
  try {
    const plan = columnPlan(file, { device, mapping: document })
    const chunks: ImportChunk[] = []
    const stored = new Map(before.map((reading) => [readingKey(reading), reading]))
    const conflictsOf = createConflictLook(
      {
        suspects: async (keys) =>
          keys
            .flatMap(({ tenant, device, boots, seqs }) => [...seqs].map((seq, at) => readingKey({ tenant, device, boot: boots[at] ?? 0, seq })))
            .flatMap((key, index) => (stored.has(key) ? [index] : [])),
        stored: async (keys) => new Map([...stored].filter(([name]) => keys.some((key) => readingKey(key) === name))),
      },
      { importKeys_MAX: keys_MAX },
    )
    const bounds = { ...limits, importChunkRows: chunkRows }
    const options = { tenant: 'home', device, plan, skip, deviceOf, conflictsOf, now: () => epochMs(NOW), limits: bounds }
    for await (const chunk of importChunks(file, options)) chunks.push(chunk)
    return chunks
  } finally {
    file.close()
  }
}

async function importOf(content: string | Buffer, options: Options = {}) {
  const chunks = await chunksOf(content, options)
  const items = chunks.flatMap(({ messages }) =>
    messages.flatMap(({ device, payload }) => (JSON.parse(Buffer.from(payload).toString()) as object[]).map((item) => ({ device, ...item }))),
  )
  return {
    items,
    report: chunks.flatMap(({ report }) => report.map(({ line, column, value, code }) => [line, column, value, code.replace('MDL_INGEST_', '')])),
    reasons: chunks.flatMap(({ report }) => report.map(({ reason }) => reason)),
    counts: chunks.reduce((sum, { counts }) => sum + counts.bad_rows * 10_000 + counts.bad_values * 100 + counts.empty_rows, 0),
  }
}

describe('importChunks of a wide file', () => {
  it('makes readings of rows, with key, firmware, aggregates, claims and texts', async () => {
    const text = [
      'device,ts,boot,seq,fw,power_w,supply_v,supply_v_min,supply_v_max,is_on,mode',
      'plug-1,1700000000000,3,7,1.2,71.20,230,229.5,231,true,"a, b"',
      "plug-2,2023-11-14T23:13:20+01:00,,,,,,,,false,'=1+1",
      'plug-1,1700000001000,3,8,,,,,,,',
      'plug-1,1700000001000,,,,,,,,,',
    ].join('\r\n')
    const { items, report, counts } = await importOf(text)
    expect(items).toEqual([
      {
        ...{ device: 'plug-1', ts: 1_700_000_000_000, boot: 3, seq: 7, hist: true, fw: '1.2' },
        v: { power_w: 71.2, supply_v: { min: 229.5, mean: 230, max: 231 }, is_on: true, mode: 'a, b' },
      },
      { device: 'plug-1', ts: 1_700_000_001_000, boot: 3, seq: 8, hist: true, v: {} },
      { device: 'plug-2', ts: 1_700_000_000_000, hist: true, v: { is_on: false, mode: '=1+1' } },
    ])
    expect([report, counts]).toEqual([[], 1])
  })

  it('tells each wrong value and row with line, column and reason, and takes the rest', async () => {
    const good = 'plug-1,1700000000000,1,0,5,true'
    const text = [
      'device,ts,boot,seq,power_w,is_on,humidity_pct',
      `${good},`,
      'plug-1,1700000001000,1,1,5 W,true,',
      'plug-1,1700000002000,1,2,6000,1,',
      'plug-1,yesterday,1,3,1,true,',
      'plug-1,2023-11-14 23:13:20,1,3,1,true,',
      'plug-1,1700000003000,-1,3,1,true,',
      'plug-1,1700000003000,1,4.5,1,true,',
      'fridge,1700000003000,1,5,1,true,',
      'plug-1,1700000003000,1,6,1',
      `plug-1,${NOW + 3_600_000},1,7,1,true,`,
      'plug-1,1700000004000,1,8,1e400,true,4',
      'plug-1,1700000005000,1,9,"1"x,true,',
    ].join('\n')
    const { items, report, counts } = await importOf(text)
    expect(report).toEqual([
      [1, 'humidity_pct', null, 'CHANNEL_UNKNOWN'],
      [3, 'power_w', '5 W', 'VALUE_TYPE'],
      [4, 'power_w', '6000', 'VALUE_RANGE'],
      [4, 'is_on', '1', 'VALUE_TYPE'],
      [5, 'ts', 'yesterday', 'FIELD_INVALID'],
      [6, 'ts', '2023-11-14 23:13:20', 'FIELD_INVALID'],
      [7, 'boot', '-1', 'FIELD_INVALID'],
      [8, 'seq', '4.5', 'FIELD_INVALID'],
      [9, 'device', 'fridge', 'DEVICE_UNKNOWN'],
      [10, null, null, 'UNREADABLE'],
      [11, 'ts', String(NOW + 3_600_000), 'TIME_AHEAD'],
      [12, 'power_w', '1e400', 'VALUE_RANGE'],
      [13, null, null, 'UNREADABLE'],
    ])
    expect(items.map((item) => (item as { seq?: number }).seq)).toEqual([0, 1, 2, 8])
    expect(counts).toBe(8 * 10_000 + 4 * 100)
  })

  it('reads local times of a mapping and reports the hour that comes twice and the one that is skipped', async () => {
    const mapping = `{header: true, delimiter: ";", time: {column: when, format: "DD.MM.YYYY HH:mm", time_zone: Europe/Berlin}, device: {field: unit},
      columns: [{column: "P, W", channel: power_w, number: comma}]}`
    const rows = [
      'unit;when;P, W',
      'plug-1;29.03.2025 12:00;1.234,5',
      'plug-1;30.03.2025 02:30;1',
      'plug-1;26.10.2025 02:30;2',
      'plug-1;26.10.2025 12:00;3',
    ]
    const { items, report, reasons } = await importOf(rows.join('\n'), { mapping })
    expect(items).toEqual([
      { device: 'plug-1', ts: Date.UTC(2025, 2, 29, 11), hist: true, v: { power_w: 1234.5 } },
      { device: 'plug-1', ts: Date.UTC(2025, 9, 26, 11), hist: true, v: { power_w: 3 } },
    ])
    expect(report.map(([line]) => line)).toEqual([3, 4])
    expect(reasons).toEqual([expect.stringContaining('does not exist'), expect.stringContaining('comes twice')])
  })

  it('gives the same messages from every position that it can go on from', async () => {
    const rows = Array.from({ length: 700 }, (_, index) => `plug-${index % 3},${1_700_000_000_000 + index * 1000},${index % 50}`)
    const packed = gzipSync(['device,ts,power_w', ...rows].join('\n'))
    const whole = await chunksOf(packed, { chunkRows: 100 })
    expect(whole.map(({ rowsDone }) => rowsDone)).toEqual([100, 200, 300, 400, 500, 600, 700])
    for (const skip of [100, 500, 700]) {
      const rest = await chunksOf(packed, { chunkRows: 100, skip })
      expect(rest.flatMap(({ messages }) => messages)).toEqual(whole.filter(({ rowsDone }) => rowsDone > skip).flatMap(({ messages }) => messages))
    }
  })

  it('reads Parquet of declared types, with times and whole numbers, as the same readings', async () => {
    const [csv, parquet] = [join(folder, 'typed.csv'), join(folder, 'typed.parquet')]
    writeFileSync(csv, 'device,ts,boot,seq,power_w,is_on,mode\nplug-1,1700000000000,1,4294967295,0.1,true,=x\nplug-1,1700000001000,1,2,,,\n')
    const columns = [
      ...[{ name: 'device', type: 'VARCHAR' } as const, { name: 'ts', type: 'TIMESTAMP' } as const, { name: 'boot', type: 'BIGINT' } as const],
      ...[{ name: 'seq', type: 'BIGINT' } as const, { name: 'power_w', type: 'DOUBLE' } as const, { name: 'is_on', type: 'BOOLEAN' } as const],
      { name: 'mode', type: 'VARCHAR' } as const,
    ]
    await writeParquet(csv, parquet, columns, { scratchDirectory: folder, memoryMib: 128 })
    const { readFileSync } = await import('node:fs')
    const { items, report } = await importOf(readFileSync(parquet))
    expect([items, report]).toEqual([
      [
        { device: 'plug-1', ts: 1_700_000_000_000, boot: 1, seq: 4_294_967_295, hist: true, v: { power_w: 0.1, is_on: true, mode: '=x' } },
        { device: 'plug-1', ts: 1_700_000_001_000, boot: 1, seq: 2, hist: true, v: {} },
      ],
      [],
    ])
    await expect(importOf(Buffer.from('PAR1 is not all of it'))).rejects.toThrow('no Parquet')
  })
})

describe('importChunks of a long file', () => {
  const rows = ['device,ts,channel,value']
  for (let index = 0; index < 30; index++) {
    const ts = 1_700_000_000_000 + index * 1000
    rows.push(`plug-1,${ts},power_w,${index}`, `plug-1,${ts},is_on,true`, `plug-1,${ts},supply_v,230`)
  }

  it('makes one reading of rows of one device and instant, wherever a chunk ends', async () => {
    for (const chunkRows of [1, 2, 7, 1000]) {
      const { items, report } = await importOf(rows.join('\n'), { chunkRows })
      expect([items.length, report]).toEqual([30, []])
      expect(items[4]).toEqual({ device: 'plug-1', ts: 1_700_000_004_000, hist: true, v: { power_w: 4, is_on: true, supply_v: 230 } })
    }
  })

  it('tells unknown channels and wrong values with the line of their own row', async () => {
    const at = 'plug-1,1700000000000'
    const text = ['device,ts,channel,value', `${at},power_w,1`, `${at},heat,2`, `${at},supply_v,900`, `${at},mode,`].join('\n')
    const { items, report, counts } = await importOf(text)
    expect(items).toEqual([{ device: 'plug-1', ts: 1_700_000_000_000, hist: true, v: { power_w: 1 } }])
    expect(report).toEqual([
      [3, 'channel', 'heat', 'CHANNEL_UNKNOWN'],
      [4, 'value', '900', 'VALUE_RANGE'],
    ])
    expect(counts).toBe(10_000 + 100 + 1)
  })
})

describe('importChunks of rows that contradict', () => {
  const rows = [
    'device,ts,boot,seq,power_w,mode',
    'plug-1,1700000000000,1,1,10,a',
    'plug-1,1700000000000,1,1,10,a',
    'plug-1,1700000000000,1,1,11,a',
    'plug-1,1700000000001,1,1,10,a',
    'plug-1,1700000000000,1,1,10,b',
    'plug-2,1700000000000,1,1,11,a',
    'plug-1,1700000000000,2,1,11,a',
    'plug-1,1700000001000,1,2,12,a',
  ]
  const told = [
    [4, 'seq', '1', 'CONFLICT'],
    [5, 'seq', '1', 'CONFLICT'],
    [6, 'seq', '1', 'CONFLICT'],
  ]

  it('takes the first content of a key, and tells each other one with its line, in one chunk or many', async () => {
    for (const chunkRows of [1, 2, 100]) {
      const { items, report, reasons, counts } = await importOf(rows.join('\n'), { chunkRows })
      expect(report).toEqual(told)
      expect(reasons[0]).toBe('boot 1, seq 1 stands in an earlier row with other content')
      expect(items).toHaveLength(5)
      expect(counts).toBe(3 * 10_000)
    }
    const chunks = await chunksOf(rows.join('\n'))
    expect(chunks[0]?.counts).toMatchObject({ rows: 8, readings: 5, bad_rows: 3 })
  })

  it('holds rows against what is stored: the same is no conflict, other content is', async () => {
    const payload = Buffer.from('{"ts":1700000000000,"boot":1,"seq":1,"v":{"power_w":11,"mode":"a"}}')
    const message = {
      tenant: 'home',
      device: 'plug-1',
      type: 'plug',
      kind: 'tele',
      payload,
      received_at_ms: epochMs(NOW),
      maxAgeDays: 9_999,
    } as const
    const before = decodeMessage(message, type, limits).readings
    const { report, reasons } = await importOf(rows.join('\n'), { before })
    expect(report.map(([line]) => line)).toEqual([2, 3, 5, 6])
    expect(reasons[0]).toBe(`boot 1, seq 1 is stored with other content, observed at 1700000000000, received at ${NOW}`)
  })

  it('tells rows of a long file by the rows of their reading', async () => {
    const at = 'plug-1,1700000000000,1,1'
    const long = [
      'device,ts,boot,seq,channel,value',
      `${at},power_w,1`,
      `${at},mode,a`,
      `plug-2,1700000000000,1,1,power_w,1`,
      `${at},power_w,2`,
      `${at},mode,a`,
    ]
    const { items, report, counts } = await importOf(long.join('\n'))
    expect(items).toHaveLength(2)
    expect([report, counts]).toEqual([[[5, 'seq', '1', 'CONFLICT']], 2 * 10_000])
  })

  it('remembers so many keys of its own as the limit says', async () => {
    const many = ['device,ts,boot,seq,power_w']
    for (let seq = 0; seq < 20; seq++) many.push(`plug-1,${1_700_000_000_000 + seq},1,${seq},1`)
    many.push('plug-1,1700000000018,1,18,2', 'plug-1,1700000000000,1,0,2')
    expect((await importOf(many.join('\n'), { keys_MAX: 10 })).report.map(([line]) => line)).toEqual([22])
    expect((await importOf(many.join('\n'), { keys_MAX: 50 })).report.map(([line]) => line)).toEqual([22, 23])
  })
})

describe('importChunks of implausible times', () => {
  it('keeps out seconds that are read as milliseconds, and says how seconds are said', async () => {
    const rows = ['device,ts,power_w', 'plug-1,1700000000,1', 'plug-1,0,2', 'plug-1,1999-12-31T23:59:59Z,3', 'plug-1,2000-01-01T00:00:00Z,4']
    const { items, report, reasons } = await importOf(rows.join('\n'))
    expect(report).toEqual([
      [2, 'ts', '1700000000', 'TIME_BEHIND'],
      [3, 'ts', '0', 'TIME_BEHIND'],
      [4, 'ts', '1999-12-31T23:59:59Z', 'TIME_BEHIND'],
    ])
    expect(reasons[0]).toContain('1970-01-20T16:13:20.000Z')
    expect(reasons[0]).toContain('in seconds it is 2023-11-14T22:13:20.000Z, which a mapping says: time: {format: epoch_s, column: ...}')
    expect(reasons.slice(1).join()).not.toContain('seconds')
    expect(items).toMatchObject([{ ts: 946_684_800_000 }])
  })

  it('takes the seconds of a mapping that says so', async () => {
    const mapping =
      '{header: true, time: {column: ts, format: epoch_s}, device: {field: device}, columns: [{column: power_w, channel: power_w, number: point}]}'
    const { items, report } = await importOf('device,ts,power_w\nplug-1,1700000000,1\nplug-1,1700000,1', { mapping })
    expect([items.length, report]).toEqual([1, [[3, 'ts', '1700000', 'TIME_BEHIND']]])
    expect(items).toMatchObject([{ ts: 1_700_000_000_000 }])
  })
})

describe('columnPlan', () => {
  it.each<readonly [string, string, Options, string]>([
    ['a file without a time', 'device,power_w\nplug-1,1', {}, 'no column `ts`'],
    ['a file without a device', 'ts,power_w\n1,1', {}, 'no column names the device'],
    ['a device beside a column of devices', 'device,ts,power_w\nplug-1,1,1', { device: 'plug-2' }, 'names its devices'],
    ['a column named twice', 'device,ts,power_w,power_w\nplug-1,1,1,2', {}, 'power_w is there twice'],
    ['a file without a channel', 'device,ts\nplug-1,1', {}, 'no column of a channel'],
    ['an empty file', '', {}, 'the file is empty'],
    ['a mapping of payloads', 'a,b\n1,2', { device: 'plug-1', mapping: '{fields: [{field: a, channel: power_w}]}' }, 'mapping is of payloads'],
    [
      'a mapping of columns that are not there',
      'a,b\n1,2',
      { device: 'plug-1', mapping: '{header: true, time: {column: t, format: epoch_ms}, columns: [{column: c, channel: power_w}]}' },
      'no column t',
    ],
  ])('refuses %s before a row is read', async (_name, text, options, reason) => {
    await expect(importOf(text, options)).rejects.toThrow(reason)
  })
})
