import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { writeParquet } from '../stores/duckdb-files.ts'
import { chunksOf, folder, type ImportWish, importOf, NOW } from './import-builders.ts'

afterAll(() => rmSync(folder, { recursive: true, force: true }))

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

describe('columnPlan', () => {
  it.each<readonly [string, string, ImportWish, string]>([
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
