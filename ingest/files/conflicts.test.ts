import { rmSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { decodeMessage } from '../decode.ts'
import { chunksOf, folder, importOf, NOW, type } from './import-builders.ts'

afterAll(() => rmSync(folder, { recursive: true, force: true }))

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
