import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { timeParser } from '../ingest/mapping/mapping-time.ts'
import { lineParser, type Parsed, readMapping } from './replay-mapping.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-mapping-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let count = 0
const file = (text: string): string => {
  const path = join(folder, `${count++}.yaml`)
  writeFileSync(path, text)
  return path
}
const shown = (parsed: Parsed): unknown =>
  parsed.kind === 'sample' ? [new Date(parsed.sample.timeMs).toISOString(), parsed.sample.values] : parsed.kind

describe('timeParser', () => {
  it.each([
    ['epoch_ms', 'UTC', '1767225600000', '2026-01-01T00:00:00.000Z'],
    ['epoch_s', 'UTC', '1767225600.5', '2026-01-01T00:00:00.500Z'],
    ['iso8601', 'UTC', '2026-01-01T01:00:00+01:00', '2026-01-01T00:00:00.000Z'],
    ['DD/MM/YYYY HH:mm:ss', 'Europe/Berlin', '11/06/2012 00:00:01', '2012-06-10T22:00:01.000Z'],
    ['DD/MM/YYYY HH:mm:ss', 'Europe/Berlin', '11/01/2012 00:00:01', '2012-01-10T23:00:01.000Z'],
    ['DD/MM/YYYY HH:mm:ss', 'Europe/Berlin', '28/10/2012 01:59:59', '2012-10-27T23:59:59.000Z'],
    ['DD/MM/YYYY HH:mm:ss', 'Europe/Berlin', '28/10/2012 02:30:00', '2012-10-28T00:30:00.000Z'],
    ['DD/MM/YYYY HH:mm:ss', 'Europe/Berlin', '28/10/2012 03:00:00', '2012-10-28T02:00:00.000Z'],
    ['DD/MM/YYYY HH:mm:ss', 'Europe/Berlin', '25/03/2012 01:59:59', '2012-03-25T00:59:59.000Z'],
    ['DD/MM/YYYY HH:mm:ss', 'Europe/Berlin', '25/03/2012 02:30:00', '2012-03-25T01:30:00.000Z'],
    ['DD/MM/YYYY HH:mm:ss', 'Europe/Berlin', '25/03/2012 03:00:00', '2012-03-25T01:00:00.000Z'],
    ['iso8601', 'Europe/Berlin', '2018-01-17T18:59:50', '2018-01-17T17:59:50.000Z'],
    ['iso8601', 'UTC', '2018-01-17 18:59:50.1234567Z', '2018-01-17T18:59:50.123Z'],
    ['iso8601', 'UTC', '2018-01-17', '2018-01-17T00:00:00.000Z'],
    ['YYYY-MM-DD HH:mm', 'Asia/Kolkata', '2026-01-01 05:30', '2026-01-01T00:00:00.000Z'],
    ['YYYYMMDD', 'America/St_Johns', '20260701', '2026-07-01T02:30:00.000Z'],
  ])('reads %s in %s: %s', (format, zone, text, expected) => {
    expect(new Date(timeParser(format, zone)(text) ?? Number.NaN).toISOString()).toBe(expected)
  })
  it.each([
    ['DD/MM/YYYY', '31/06/2012'],
    ['DD/MM/YYYY', '06/2012'],
    ['DD/MM/YYYY HH:mm', '01/06/2012 24:00'],
    ['epoch_ms', 'soon'],
    ['epoch_s', ''],
    ['iso8601', '01/06/2012x'],
    ['iso8601', '2012-02-31T00:00:00Z'],
    ['iso8601', '2012-02-01T25:00:00Z'],
  ])('has no instant for %s: %s', (format, text) => {
    expect(timeParser(format, 'UTC')(text)).toBeUndefined()
  })
  it('refuses a pattern without a date and a zone that there is not', () => {
    expect(() => timeParser('HH:mm', 'UTC')).toThrow(/no YYYY/)
    expect(() => timeParser('YYYYMMDD', 'Europe/Atlantis')).toThrow(/no Europe\/Atlantis/)
  })
})

describe('lineParser', () => {
  it('reads a recording without header by column number', () => {
    const parse = lineParser(readMapping(join(import.meta.dirname, '..', 'docs', 'examples', 'tracebase.yaml')))
    const lines = ['11/06/2012 00:00:01;79;80', '', '11/06/2012 00:00:02;;80', '11/06/2012 00:00:03;x;80', 'never;1;1']
    expect(lines.map((line) => shown(parse(line)))).toEqual([
      ['2012-06-10T22:00:01.000Z', { power_w: 79 }],
      'skipped',
      ['2012-06-10T22:00:02.000Z', {}],
      'bad',
      'bad',
    ])
  })
  it('reads columns by name, with scale, offset and quotes', () => {
    const text = 'header: true\ntime: {column: t, format: epoch_s}\ncolumns: [{column: "a, b", channel: supply_c, scale: 0.5, offset: -10}]\n'
    const parse = lineParser(readMapping(file(text)))
    expect(['t,"a, b"', '0,"50"'].map((line) => shown(parse(line)))).toEqual(['skipped', ['1970-01-01T00:00:00.000Z', { supply_c: 15 }]])
    expect(() => lineParser(readMapping(file(text)))('t,b')).toThrow(/no column a, b/)
  })
})

describe('readMapping', () => {
  it.each([
    ['is not there', () => join(folder, 'none.yaml'), /ENOENT/],
    ['lacks the time', () => file('columns: [{column: 1, channel: power_w}]'), /time/],
    ['has a channel of another form', () => file('time: {column: 1, format: epoch_s}\ncolumns: [{column: 2, channel: Power}]'), /columns.0.channel/],
    ['has an unknown field', () => file('time: {column: 1, format: epoch_s}\ncolumns: [{column: 2, channel: power_w, factor: 2}]'), /factor/],
    ['names columns without a header', () => file('time: {column: t, format: epoch_s}\ncolumns: [{column: 2, channel: power_w}]'), /header/],
  ])('refuses a mapping that %s', (_name, make, expected) => {
    expect(() => readMapping(make())).toThrow(expected)
  })
})
