import { describe, expect, it } from 'vitest'
import { limits } from '#kernel/limits.ts'
import { kettle, messageOf, NOW_MS } from '../builders.ts'
import { decodeMessage } from '../decode.ts'
import { decodeForSafety } from '../decode-safety.ts'

const decode = (payload: unknown) => {
  const { readings, quarantine, refused } = decodeMessage(messageOf(payload, { form: 'thingsboard' }), kettle, limits)
  return {
    readings: readings.map(({ observed_at_ms, numbers, boot }) => [observed_at_ms, numbers[0], boot]),
    quarantine: quarantine.map(({ code, field }) => [code, field]),
    refused,
  }
}
const keyOf = (payload: unknown, received = NOW_MS) =>
  decodeMessage(messageOf(payload, { form: 'thingsboard', received_at_ms: received as never }), kettle, limits).readings[0]?.seq

describe('readThingsboard', () => {
  it.each([
    ['{key: value} with the time of receipt', { inlet_temperature_c: 22.5 }, [[NOW_MS, 22.5, -1]]],
    ['{ts, values}', { ts: NOW_MS - 5, values: { inlet_temperature_c: 22.5 } }, [[NOW_MS - 5, 22.5, -1]]],
    [
      'a list of {ts, values}',
      [
        { ts: NOW_MS - 2000, values: { inlet_temperature_c: 22.5 } },
        { ts: NOW_MS - 1000, values: { inlet_temperature_c: 22.7 } },
      ],
      [
        [NOW_MS - 2000, 22.5, -1],
        [NOW_MS - 1000, 22.7, -1],
      ],
    ],
    ['a list of {key: value}', [{ inlet_temperature_c: 1 }], [[NOW_MS, 1, -1]]],
    ['values without ts, as gateways may send', [{ values: { inlet_temperature_c: 3 } }], [[NOW_MS, 3, -1]]],
  ])('reads %s', (_name, payload, expected) => {
    expect(decode(payload)).toEqual({ readings: expected, quarantine: [], refused: 0 })
  })

  it('names what it keeps out by its place in the payload', () => {
    expect(decode([{ ts: NOW_MS, values: { inlet_temperature_c: '22', humidity: 1 } }, { mode: 7 }, 5]).quarantine).toEqual([
      ['MDL_INGEST_VALUE_TYPE', '[0].values.inlet_temperature_c'],
      ['MDL_INGEST_CHANNEL_UNKNOWN', '[0].values.humidity'],
      ['MDL_INGEST_VALUE_TYPE', '[1].mode'],
      ['MDL_INGEST_FIELD_INVALID', '[2]'],
    ])
    expect(decode({ ts: 'now', values: {} })).toMatchObject({ quarantine: [['MDL_INGEST_FIELD_INVALID', 'ts']], refused: 1 })
    expect(decode('{')).toMatchObject({ quarantine: [['MDL_INGEST_UNREADABLE', '']], refused: 1 })
  })

  it('gives the same key to the same reading, and another to another', () => {
    const reading = { ts: NOW_MS - 5, values: { inlet_temperature_c: 22.5 } }
    expect(keyOf(reading)).toBe(keyOf(reading, NOW_MS + 900))
    expect(keyOf({ ts: NOW_MS - 5, values: { inlet_temperature_c: 22.6 } })).not.toBe(keyOf(reading))
  })

  it('shows dangers to the safety rules, also beside a wrong time', () => {
    const message = messageOf({ ts: 'now', values: { board_temperature_c: 999 } }, { form: 'thingsboard' })
    expect(decodeForSafety(message, kettle).map((reading) => [reading.observed_at_ms, reading.numbers[2]])).toEqual([[NOW_MS, 200]])
  })

  it('keeps what was said of a stranger, under the one who said it', () => {
    const { readings, quarantine } = decodeMessage(messageOf('{"a":1}', { form: 'stray', context: 'Device B' }), undefined, limits)
    expect(readings).toEqual([])
    expect(quarantine).toMatchObject([{ code: 'MDL_INGEST_DEVICE_UNKNOWN', field: 'Device B', device: 'kettle-1' }])
  })
})
