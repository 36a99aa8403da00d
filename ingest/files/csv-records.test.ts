import { describe, expect, it } from 'vitest'
import { type CsvRecord, csvRecords } from './csv-records.ts'

async function read(bytes: Buffer, { step = bytes.length, delimiter }: { step?: number; delimiter?: string } = {}): Promise<CsvRecord[]> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step)
  }
  const records: CsvRecord[] = []
  for await (const some of csvRecords(chunks(), { recordBytes_MAX: 200, ...(delimiter === undefined ? {} : { delimiter }) })) records.push(...some)
  return records
}

describe('csvRecords', () => {
  it.each([1, 2, 3, 7, 1000])('reads quotes, line breaks inside them, CRLF and a byte order mark in pieces of %i bytes', async (step) => {
    const text = '\ufeffa;b;c\r\n1;"x;\r\n""y""";\r\n\r\nü;2;"";\n"last";;"q"'
    expect(await read(Buffer.from(text), { step })).toEqual([
      { line: 1, cells: ['a', 'b', 'c'] },
      { line: 2, cells: ['1', 'x;\r\n"y"', ''] },
      { line: 5, cells: ['ü', '2', '', ''] },
      { line: 6, cells: ['last', '', 'q'] },
    ])
  })

  it('refuses a file whose lines end with CR alone, of which it would read nothing, and takes CR inside quotes', async () => {
    await expect(read(Buffer.from('device,ts,t_c\rp,2026-01-01T00:00:00Z,5\r'))).rejects.toMatchObject({
      code: 'MDL_IMPORT_INVALID',
      message: expect.stringContaining('CR alone'),
    })
    expect((await read(Buffer.from('"a\rb",c\r\n1,2\r\n'))).map(({ cells }) => cells)).toEqual([
      ['a\rb', 'c'],
      ['1', '2'],
    ])
  })

  it.each([
    ['a,b', ['a', 'b']],
    ['a\tb', ['a', 'b']],
    ['"a;a;a",b', ['a;a;a', 'b']],
    ['alone', ['alone']],
  ])('finds the delimiter of %j', async (text, cells) => {
    expect((await read(Buffer.from(text)))[0]?.cells).toEqual(cells)
  })

  it.each<readonly [string, Buffer, string]>([
    ['a quote in the middle of a cell', Buffer.from('h,i\nx"y"z,1\nok,1'), 'a quote stands inside the unquoted cell 1'],
    ['text behind a quoted cell', Buffer.from('h,i\n1,"x"y\nok,1'), 'text follows the closing quote of cell 2'],
    ['bytes that are not UTF-8', Buffer.from([...Buffer.from('h,i\n'), 0xe9, 0x2c, 0x31, 0x0a, ...Buffer.from('ok,1')]), 'the line is not UTF-8'],
  ])('gives %s with its line and the reason, and goes on', async (_name, bytes, fault) => {
    const records = await read(bytes)
    expect(records.map(({ line, fault: own }) => [line, own])).toEqual([
      [1, undefined],
      [2, fault],
      [3, undefined],
    ])
    expect(records[2]?.cells).toEqual(['ok', '1'])
  })

  it('ends with a word at a record that has no end', async () => {
    await expect(read(Buffer.from(`h,i\n1,"${'x\n'.repeat(200)}`), { step: 50 })).rejects.toThrow('the record of line 2 is longer than 200 bytes')
  })
})
