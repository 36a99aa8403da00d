import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tryMapping } from './mapping.ts'

const folder = join(import.meta.dirname, '..', 'docs', 'examples', 'mappings')
const AT = '1780000000000'
const sampleOf = (name: string) => [`${name}.json`, `${name}.ndjson`].find((file) => existsSync(join(folder, file))) ?? 'none'
const run = (name: string, changes: (yaml: string) => string = (yaml) => yaml) => {
  const file = join(folder, `${name}.yaml`)
  const changed = changes(readFileSync(file, 'utf8'))
  if (changed === readFileSync(file, 'utf8')) return tryMapping(file, join(folder, sampleOf(name)), { at: AT })
  const temporary = join('/tmp', `ways-mapping-${process.pid}-${name}.yaml`)
  writeFileSync(temporary, changed)
  return tryMapping(temporary, join(folder, sampleOf(name)), { at: AT })
}

const EXPECTED: Readonly<Record<string, ReadonlyArray<readonly [at: string, values: object]>>> = {
  'tasmota-plug': [['2018-01-17T17:59:50.000Z', { power_w: 9, voltage_v: 231, current_a: 0.089, power_factor_ratio: 0.43, energy_wh: 1956 }]],
  'shelly-plus': [
    [
      '2026-01-01T00:00:00.250Z',
      { power_w: 8.9, voltage_v: 237.5, current_a: 0.062, board_temperature_c: 46.2, switch_is_on: true, energy_kwh: 0.050982 },
    ],
  ],
  'zigbee2mqtt-leak': [
    ['2026-05-28T20:26:40.000Z', { battery_pct: 100, battery_voltage_v: 3.045, leak_is_detected: false }],
    ['2026-05-28T20:26:40.000Z', { battery_pct: 100, battery_voltage_v: 3.035, leak_is_detected: false }],
  ],
  'zigbee2mqtt-switch': [
    ['2020-02-26T19:44:09.000Z', { power_w: 0, energy_wh: 320, board_temperature_c: 16, left_is_on: false, right_is_on: false }],
  ],
  'meter-list': [
    ['2026-03-28T11:00:00.000Z', { flow_lpm: 20.575, supply_temperature_c: 40, error_code_count: 31, mode: 'off' }],
    ['2026-03-29T10:00:00.000Z', { flow_lpm: 1, error_code_count: 10, mode: 'heating' }],
  ],
}

describe('mapping test', () => {
  it('has an expectation for each example', () => {
    expect(
      readdirSync(folder)
        .filter((file) => file.endsWith('.yaml'))
        .map((file) => file.slice(0, -5)),
    ).toEqual(Object.keys(EXPECTED).sort())
  })

  it.each(Object.keys(EXPECTED))('reads the sample of %s', (name) => {
    expect(run(name).readings.map(({ at, values }) => [at, values])).toEqual(EXPECTED[name])
  })

  it('says of each piece that it keeps out where it stands and why', () => {
    expect(run('meter-list').refused).toEqual([
      { field: 'rows[2].flow[0]', code: 'MDL_INGEST_VALUE_TYPE', reason: 'the text "6,0.1" is not a number with a decimal comma' },
      { field: 'rows[2].t', code: 'MDL_INGEST_VALUE_TYPE', reason: 'a string has no scale, offset or unit' },
      { field: 'rows[2].err', code: 'MDL_INGEST_VALUE_TYPE', reason: 'the text "xyz" is not a number in hexadecimal' },
      { field: 'rows[2].mode', code: 'MDL_INGEST_VALUE_TYPE', reason: `"5" is none of the table's 2 words` },
      { field: 'rows[2].new', code: 'MDL_INGEST_CHANNEL_UNKNOWN', reason: 'no field of the mapping reads this, nor does ignore name it' },
      { field: 'rows[2].at', code: 'MDL_INGEST_FIELD_INVALID', reason: 'the time is not DD.MM.YYYY HH:mm:ss' },
    ])
    expect(run('meter-list').readings[0]?.fw).toBe('2.1')
    for (const name of Object.keys(EXPECTED).filter((other) => other !== 'meter-list')) expect(run(name).refused).toEqual([])
  })

  it('converts nothing that is not declared', () => {
    const { refused } = run('zigbee2mqtt-leak', (yaml) => yaml.replace(', number: point', ''))
    expect(refused.map(({ field, code }) => [field, code])).toEqual([
      ['line 1: battery', 'MDL_INGEST_VALUE_TYPE'],
      ['line 2: battery', 'MDL_INGEST_VALUE_TYPE'],
    ])
    expect(run('tasmota-plug', (yaml) => yaml.replace('unit: kWh', 'unit: V')).refused.map(({ field, code }) => [field, code])).toEqual([
      ['ENERGY.Total', 'MDL_INGEST_UNIT'],
    ])
    expect(run('tasmota-plug', (yaml) => yaml.replace(', ENERGY.Period', '')).refused.map(({ field }) => field)).toEqual(['ENERGY.Period'])
  })

  it.each([
    ['an unknown field', 'fields: [{field: a, channel: b, factor: 2}]', /fields\.0.*factor/],
    ['fields and columns', 'fields: [{field: a, channel: b}]\ncolumns: [{column: 1, channel: c}]', /either fields/],
    ['neither', 'mapping: x', /either fields/],
    ['a path that is none', 'fields: [{field: "a..b", channel: b}]', /no path/],
    ['a time zone that there is not', 'time: {field: t, format: iso8601, time_zone: Mars/Base}\nfields: [{field: a, channel: b}]', /Mars/],
    ['a topic of the contract', 'match: {topic: mend/v1/#}\nfields: [{field: a, channel: b}]', /match.topic/],
    ['a filter for everything', 'match: {topic: "#"}\nfields: [{field: a, channel: b}]', /match.topic/],
    ['a channel twice', 'fields: [{field: a, channel: b}, {field: c, channel: b}]', /channel b/],
    ['no YAML', 'fields: [', /mapping/],
    ['aliases', 'ignore: &a [x]\nfields: *a', /alias/i],
    ['a pattern that costs', 'ignore: ["*a*b*"]\nfields: [{field: a, channel: b}]', /more than two/],
  ])('refuses a mapping with %s', (_name, yaml, expected) => {
    expect(() => run('meter-list', () => yaml)).toThrow(expected)
  })

  it('reads a recording in columns by the same language', () => {
    const csv = join('/tmp', `ways-mapping-${process.pid}.csv`)
    writeFileSync(csv, '11/06/2012 00:00:01;79;80\nnever;1;1\n')
    expect(tryMapping(join(folder, '..', 'tracebase.yaml'), csv, {})).toEqual({
      readings: [{ at: '2012-06-10T22:00:01.000Z', values: { power_w: 79 } }],
      refused: [{ field: 'line 2', code: 'MDL_REPLAY_INVALID', reason: 'the time is not DD/MM/YYYY HH:mm:ss' }],
    })
  })
})
