import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { learnFile } from './learn-file.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'learn-file-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const file = (name: string, content: string | Buffer): string => {
  writeFileSync(join(directory, name), content)
  return join(directory, name)
}

describe('a file that nobody described', () => {
  it('has its time and its numbers found, packed or not', async () => {
    const csv = '\uFEFFDatum;Leistung [W];Raum;2nd probe\n2026-01-01 00:00;12.5;Keller;1\n2026-01-01 00:01;13;Keller;2\n'
    for (const path of [file('my pump.csv', csv), file('my pump.csv.gz', gzipSync(csv))]) {
      const { name, channels, mapping } = await learnFile(path)
      expect([name, channels]).toEqual(['my-pump', ['leistung_w', 'c_2nd_probe']])
      expect(JSON.parse(mapping)).toEqual({
        header: true,
        delimiter: ';',
        time: { column: 'Datum', format: 'iso8601', time_zone: 'UTC' },
        columns: [
          { column: 'Leistung [W]', channel: 'leistung_w' },
          { column: '2nd probe', channel: 'c_2nd_probe' },
        ],
      })
    }
  })

  it('takes epoch seconds and milliseconds for what they are', async () => {
    const { mapping } = await learnFile(file('epoch.csv', 'at,a-b,a b\n1767225600,1,2\n1767225660,1,2\n'))
    expect(JSON.parse(mapping)).toMatchObject({ time: { column: 'at', format: 'epoch_s' }, columns: [{ channel: 'a_b' }, { channel: 'a_b_2' }] })
  })

  it('has channels of columns in which values are missing, whatever word says so', async () => {
    const path = file('holes.csv', 'ts,a,b,c,state\n2026-01-01,1,NaN,,on\n2026-01-02,n/a,2,null,-\n2026-01-03,3,-1,4,off\n')
    expect((await learnFile(path)).channels).toEqual(['a', 'b', 'c'])
  })

  it.each([
    ['no times', 'a,b\n1,2\n'],
    ['no numbers', 'ts,b\n2026-01-01T00:00:00Z,open\n'],
    ['no rows', 'ts,b\n'],
    ['nothing', ''],
    ['a column twice', 'ts,b,b\n2026-01-01T00:00:00Z,1,2\n'],
  ])('is refused with %s', async (_, csv) => {
    await expect(learnFile(file('bad.csv', csv))).rejects.toMatchObject({ code: 'MDL_IMPORT_INVALID' })
  })
})
