import { describe, expect, it } from 'vitest'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { limits } from '#kernel/limits.ts'
import type { Unit } from '#kernel/units.ts'
import { channels, kettle, messageOf, NOW_MS } from '../builders.ts'
import { decodeMessage } from '../decode.ts'
import { decodeForSafety } from '../decode-safety.ts'

const number = (name: string, unit: Unit) => ({ ...channels.inlet, name, unit, min: -1e9, max: 1e9 })

/** Channels with the names of the RFC's examples. */
const sensor: ApplianceType = {
  ...kettle,
  id: 'sensor',
  channels: [
    number('voltage', 'v'),
    number('current', 'a'),
    number('temp', 'c'),
    number('power_w', 'w'),
    number('energy_kwh', 'kwh'),
    number('power_w_sum', 'wh'),
    number('humidity_pct', 'pct'),
    { ...channels.mode, name: 'label' },
    { ...channels.float, name: 'open' },
  ],
}
const decode = (pack: unknown, changes = {}) => {
  const { readings, quarantine } = decodeMessage(messageOf(pack, { form: 'senml', maxAgeDays: 36_500, ...changes }), sensor, limits)
  const columns = ['voltage', 'current', 'temp', 'power_w', 'energy_kwh', 'power_w_sum', 'humidity_pct', 'open']
  return {
    readings: readings.map(({ observed_at_ms, numbers, texts }) => [
      observed_at_ms,
      Object.fromEntries([...columns.map((name, index) => [name, numbers[index]] as const).filter(([, value]) => !Number.isNaN(value)), ...texts]),
    ]),
    refused: quarantine.map(({ code, field, reason }) => [code, field, reason] as const),
  }
}

describe('readSenml', () => {
  it('reads the measurements of one instant (RFC 8428, 5.1.2)', () => {
    const { readings, refused } = decode([
      { bn: 'urn:dev:ow:10e2073a01080063:', n: 'voltage', u: 'V', v: 120.1 },
      { n: 'current', u: 'A', v: 1.2 },
    ])
    expect(readings).toEqual([[NOW_MS, { voltage: 120.1, current: 1.2 }]])
    expect(refused).toEqual([])
  })

  it('reads base time, base unit and times relative to them (RFC 8428, 5.1.2)', () => {
    const { readings, refused } = decode([
      { bn: 'urn:dev:ow:10e2073a0108006:', bt: 1.276020076001e9, bu: 'A', bver: 5, n: 'voltage', u: 'V', v: 120.1 },
      { n: 'current', t: -5, v: 1.2 },
      { n: 'current', t: -4, v: 1.3 },
      { n: 'current', t: -1, v: 1.6 },
      { n: 'current', v: 1.7 },
    ])
    expect(readings).toEqual([
      [1_276_020_076_001, { voltage: 120.1, current: 1.7 }],
      [1_276_020_071_001, { current: 1.2 }],
      [1_276_020_072_001, { current: 1.3 }],
      [1_276_020_075_001, { current: 1.6 }],
    ])
    expect(refused).toEqual([])
  })

  it('reads numbers, texts and claims, and keeps data out (RFC 8428, 5.1.4)', () => {
    const { readings, refused } = decode([
      { bn: 'urn:dev:ow:10e2073a01080063:', n: 'temp', u: 'Cel', v: 23.1 },
      { n: 'label', vs: 'Machine Room' },
      { n: 'open', vb: false },
      { n: 'nfc-reader', vd: 'aGkgCg' },
    ])
    expect(readings).toEqual([[NOW_MS, { temp: 23.1, label: 'Machine Room', open: 0 }]])
    expect(refused).toEqual([['MDL_INGEST_CHANNEL_UNKNOWN', '[3].vd', 'the type sensor has no channel nfc-reader']])
  })

  it('takes times below 2^28 as seconds from the receipt, and others as instants', () => {
    expect(
      decode([
        { n: 'temp', t: -60, v: 1 },
        { n: 'temp', t: 60, v: 2 },
        { bt: 2 ** 28, n: 'temp', v: 3 },
      ]).readings.map(([ts]) => ts),
    ).toEqual([NOW_MS - 60_000, NOW_MS + 60_000, 2 ** 28 * 1000])
  })

  it('adds base value and base sum, and makes energy of a sum of power', () => {
    const { readings } = decode([
      { bv: 20, n: 'temp', u: 'Cel', v: 1.5 },
      { n: 'voltage', u: 'V' },
      { bv: 0, n: 'power_w', u: 'W', v: 100, s: 7200 },
      { n: 'open', vb: true },
    ])
    expect(readings).toEqual([[NOW_MS, { temp: 21.5, voltage: 20, power_w: 100, power_w_sum: 2, open: 1 }]])
    expect(decode([{ bs: 3_600_000, n: 'energy_kwh', u: 'kW', s: 3600 }]).readings).toEqual([[NOW_MS, { energy_kwh: 1001 }]])
  })

  it.each([
    ['Cel', 'temp', 21, 21],
    ['K', 'temp', 300, 26.85],
    ['mA', 'current', 1500, 1.5],
    ['kW', 'power_w', 1.2, 1200],
    ['Wh', 'energy_kwh', 2500, 2.5],
    ['J', 'energy_kwh', 3_600_000, 1],
    ['%RH', 'humidity_pct', 45.5, 45.5],
    ['/', 'humidity_pct', 0.5, 50],
  ])('converts %s to the unit of %s', (u, n, v, expected) => {
    expect(decode([{ n, u, v }]).readings).toEqual([[NOW_MS, { [n]: expected }]])
  })

  it.each([
    ['another dimension', { n: 'temp', u: 'V', v: 21 }, 'MDL_INGEST_UNIT', '[0].v'],
    ['a unit that no registry has', { n: 'temp', u: 'degC', v: 21 }, 'MDL_INGEST_UNIT', '[0].v'],
    ['a sum without a unit', { n: 'energy_kwh', s: 21 }, 'MDL_INGEST_UNIT', '[0].s'],
    ['a text for a number', { n: 'temp', vs: '21' }, 'MDL_INGEST_VALUE_TYPE', '[0].vs'],
    ['a number as text', { n: 'temp', v: '21' }, 'MDL_INGEST_VALUE_TYPE', '[0].v'],
    ['two values', { n: 'temp', v: 21, vs: '21' }, 'MDL_INGEST_FIELD_INVALID', '[0]'],
    ['a name that is no text', { n: 7, v: 21 }, 'MDL_INGEST_FIELD_INVALID', '[0].n'],
    ['a value beyond the channel', { n: 'temp', v: 1e12 }, 'MDL_INGEST_VALUE_RANGE', '[0].v'],
  ])('keeps out %s and nothing else', (_name, record, code, field) => {
    const { readings, refused } = decode([record, { n: 'voltage', v: 230 }])
    expect(refused.map(([given, place]) => [given, place])).toEqual([[code, field]])
    expect(readings).toContainEqual([NOW_MS, { voltage: 230 }])
  })

  it.each([
    ['of a later version', [{ bver: 11, n: 'temp', v: 1 }]],
    ['with a field that must be understood', [{ n: 'temp', v: 1, new_: 1 }]],
    ['that is no list', { n: 'temp', v: 1 }],
  ])('refuses a pack %s whole', (_name, pack) => {
    const { readings, refused } = decode(pack)
    expect(readings).toEqual([])
    expect(refused.map(([code]) => code)).toEqual(['MDL_INGEST_UNREADABLE'])
  })

  it('shows dangers to the safety rules, an over-range as the bound', () => {
    const message = messageOf([{ n: 'board_temperature_c', u: 'Cel', v: 5000, t: 1e9 }], { form: 'senml' })
    expect(decodeForSafety(message, kettle).map((reading) => [reading.observed_at_ms, reading.numbers[2]])).toEqual([[NOW_MS, 200]])
  })
})
