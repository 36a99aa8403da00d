import sparkplug from 'sparkplug-payload'
import { describe, expect, it } from 'vitest'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { limits } from '#kernel/limits.ts'
import { readSparkplug } from '#kernel/sparkplug-payload.ts'
import { channels, kettle, messageOf, NOW_MS } from '../builders.ts'
import { decodeMessage } from '../decode.ts'
import { decodeForSafety } from '../decode-safety.ts'

const codec = sparkplug.get('spBv1.0')
if (codec === null) throw new Error('sparkplug-payload knows no spBv1.0')
type Payload = Parameters<typeof codec.encodePayload>[0]
type Metric = NonNullable<Payload['metrics']>[number]
/** Metrics as the library's users write them; the payload's other fields may be left out. */
const encode = (metrics: ReadonlyArray<Partial<Metric>>, payload: Partial<Payload> = {}): Uint8Array =>
  codec.encodePayload({ timestamp: NOW_MS, seq: 1, metrics: metrics as Metric[], ...payload })

const numbers = ['a', 'b', 'c', 'd'].map((name) => ({ ...channels.inlet, name, min: -1e12, max: 1e12 }))
const press: ApplianceType = { ...kettle, id: 'press', channels: [...numbers, channels.float, channels.mode] }

const decode = (payload: Uint8Array, context?: unknown) => {
  const message = messageOf(payload, { form: 'sparkplug', ...(context === undefined ? {} : { context: JSON.stringify(context) }) })
  const { readings, quarantine } = decodeMessage(message, press, limits)
  const names = ['a', 'b', 'c', 'd', 'float_is_closed']
  return {
    readings: readings.map(({ observed_at_ms, hist, numbers: row, texts }) => [
      observed_at_ms - NOW_MS,
      hist,
      Object.fromEntries([...names.map((name, index) => [name, row[index]] as const).filter(([, value]) => !Number.isNaN(value)), ...texts]),
    ]),
    refused: quarantine.map(({ code, field }) => [code, field]),
  }
}

describe('readSparkplugForm', () => {
  it('reads a birth: names, datatypes, signs, one reading a time, nothing of the node', () => {
    const payload = encode([
      { name: 'bdSeq', type: 'Int64', value: 3 },
      { name: 'Node Control/Rebirth', type: 'Boolean', value: false },
      { name: 'Inputs/a', alias: 1, type: 'Int32', value: -7, timestamp: NOW_MS - 5 },
      { name: 'b', alias: 2, type: 'Double', value: 0.1, timestamp: NOW_MS - 5 },
      { name: 'c', alias: 3, type: 'Float', value: 1.5 },
      { name: 'd', alias: 4, type: 'Int64', value: 2 ** 39, timestamp: NOW_MS - 5 },
      { name: 'float_is_closed', type: 'Boolean', value: true },
      { name: 'mode', type: 'String', value: 'eco' },
    ])
    expect(decode(payload)).toEqual({
      readings: [
        [-5, false, { a: -7, b: 0.1, d: 2 ** 39 }],
        [0, false, { c: 1.5, float_is_closed: 1, mode: 'eco' }],
      ],
      refused: [],
    })
  })

  it.each([
    ['the first', ['A/a', 'B/a'], 95, 'metrics[1]', 'B/a claims channel a at the time of A/a, which stands'],
    ['the exact name, which comes second', ['A/a', 'a'], 41, 'metrics[0]', 'A/a claims channel a at the time of a, which stands'],
    ['the exact name, which comes first', ['a', 'B/a'], 95, 'metrics[1]', 'B/a claims channel a at the time of a, which stands'],
  ] as const)('keeps of two metrics for one channel and time %s, and sets the other aside', (_name, [one, other], stored, field, reason) => {
    const payload = encode([
      { name: one, type: 'Double', value: 95 },
      { name: other, type: 'Double', value: 41 },
      { name: 'B/a', type: 'Double', value: 7, timestamp: NOW_MS - 1 },
    ])
    expect(decode(payload)).toEqual({
      readings: [
        [0, false, { a: stored }],
        [-1, false, { a: 7 }],
      ],
      refused: [['MDL_INGEST_CONFLICT', field]],
    })
    expect(decodeMessage(messageOf(payload, { form: 'sparkplug' }), press, limits).quarantine.map((entry) => entry.reason)).toEqual([reason])
  })

  it.each([[[95, 41]], [[41, 95]]])('shows the safety rules both of two metrics for one channel, each with its neighbours: %j', ([one, other]) => {
    const payload = encode([
      { name: 'A/board_temperature_c', type: 'Double', value: one },
      { name: 'B/board_temperature_c', type: 'Double', value: other },
      { name: 'float_is_closed', type: 'Boolean', value: true },
    ])
    const seen = decodeForSafety(messageOf(payload, { form: 'sparkplug' }), kettle).map(({ observed_at_ms, numbers: row, texts }) => ({
      observed_at_ms,
      texts,
      values: [...row].filter((value) => !Number.isNaN(value)),
    }))
    const shown = (value: number | undefined) => ({ observed_at_ms: NOW_MS, texts: [], values: expect.arrayContaining([value, 1]) as number[] })
    expect(seen).toEqual([shown(other), shown(one)])
  })

  it('names aliases by what the record carries, keeps history apart, and takes null as absent', () => {
    const payload = encode([
      { alias: 1, type: 'Double', value: 4, timestamp: NOW_MS - 9, isHistorical: true },
      { alias: 1, type: 'Double', value: 5 },
      { alias: 2, type: 'Double', value: null, isNull: true },
    ])
    const births = [
      [1, 'a', 10],
      [2, 'b', 10],
    ]
    expect(decode(payload, births)).toEqual({
      readings: [
        [-9, true, { a: 4 }],
        [0, false, { a: 5 }],
      ],
      refused: [],
    })
  })

  it('keeps out an alias that no birth named, and reads the others', () => {
    const payload = encode([
      { alias: 9, type: 'Double', value: 4 },
      { alias: 1, type: 'Double', value: 5 },
    ])
    expect(decode(payload, [[1, 'a', 10]])).toEqual({ readings: [[0, false, { a: 5 }]], refused: [['MDL_INGEST_BIRTH_UNKNOWN', 'metrics[0]']] })
  })

  it.each([
    ['a text in a number channel', { name: 'a', type: 'String', value: '5' }, 'MDL_INGEST_VALUE_TYPE'],
    ['a number in a claim', { name: 'float_is_closed', type: 'Int32', value: 1 }, 'MDL_INGEST_VALUE_TYPE'],
    ['another datatype than its birth', { alias: 1, type: 'Int32', value: 5 }, 'MDL_INGEST_VALUE_TYPE'],
    [
      'a template',
      { name: 'a', type: 'Template', value: { metrics: [], parameters: [], templateRef: 't', isDefinition: false } },
      'MDL_INGEST_VALUE_TYPE',
    ],
    ['an unknown channel', { name: 'x', type: 'Double', value: 5 }, 'MDL_INGEST_CHANNEL_UNKNOWN'],
    ['a value that is not finite', { name: 'a', type: 'Double', value: Number.NaN }, 'MDL_INGEST_VALUE_RANGE'],
    ['bad quality', { name: 'a', type: 'Double', value: 5, properties: { Quality: { type: 'Int32', value: 0 } } }, 'MDL_INGEST_VALUE_QUALITY'],
  ] as const)('keeps out %s and converts nothing', (_name, metric, code) => {
    const { readings, refused } = decode(encode([metric as unknown as Partial<Metric>, { name: 'b', type: 'Double', value: 1 }]), [[1, 'c', 10]])
    expect(refused.map(([given]) => given)).toEqual([code])
    expect(readings).toEqual([[0, false, { b: 1 }]])
  })

  it('keeps out a whole number beyond its datatype and a value in the field of another', () => {
    // UInt8 300, and Double whose value stands in int_value: name(1) datatype(4) int_value(10).
    const metric = (datatype: number, value: number[]) => [0x0a, 1, 0x61, 0x20, datatype, 0x50, ...value]
    const payload = (inner: number[]) => new Uint8Array([0x12, inner.length, ...inner])
    expect(decode(payload(metric(5, [0xac, 0x02]))).refused).toEqual([['MDL_INGEST_VALUE_TYPE', 'metrics[0]']])
    expect(decode(payload(metric(10, [5]))).refused).toEqual([['MDL_INGEST_VALUE_TYPE', 'metrics[0]']])
    expect(decode(payload(metric(1, [0xfb, 0x01]))).readings).toEqual([[0, false, { a: -5 }]])
    expect(decode(payload(metric(3, [0xfb, 0xff, 0xff, 0xff, 0x0f]))).readings).toEqual([[0, false, { a: -5 }]])
  })

  it('gives the same key to a message that is sent twice', () => {
    const payload = encode([{ name: 'a', type: 'Double', value: 4, timestamp: NOW_MS - 1 }])
    const keyOf = (bytes: Uint8Array) => decodeMessage(messageOf(bytes, { form: 'sparkplug' }), press, limits).readings[0]?.seq
    expect(keyOf(payload)).toBe(keyOf(encode([{ name: 'a', type: 'Double', value: 4, timestamp: NOW_MS - 1 }], { seq: 77 })))
  })

  it('refuses bytes that are no payload, whatever they are cut to', () => {
    const payload = encode([{ name: 'a', type: 'Double', value: 4 }])
    expect(decode(new Uint8Array([0xff, 0xff, 0xff])).refused).toEqual([['MDL_INGEST_UNREADABLE', '']])
    for (let length = 0; length < payload.length; length++) expect(() => decode(payload.subarray(0, length))).not.toThrow()
  })

  it('shows dangers to the safety rules, an over-range as the bound', () => {
    const message = messageOf(encode([{ name: 'board_temperature_c', type: 'Double', value: 999 }]), { form: 'sparkplug' })
    expect(decodeForSafety(message, kettle).map((reading) => reading.numbers[2])).toEqual([200])
  })
})

describe('readSparkplug', () => {
  it("reads what the project's own library of the specification reads", () => {
    const payload = encode([
      { name: 'a', alias: 7, type: 'Int32', value: -1, timestamp: 12, isHistorical: true, metadata: { description: 'x' } },
      { name: 'b', type: 'Text', value: 'ü' },
    ])
    const theirs = codec.decodePayload(payload)
    const ours = readSparkplug(payload)
    expect([ours?.timestamp, ours?.seq]).toEqual([Number(theirs.timestamp), Number(theirs.seq)])
    expect(ours?.metrics.map(({ name, alias, timestamp }) => [name, alias, timestamp])).toEqual(
      theirs.metrics?.map(({ name, alias, timestamp }) => [
        name ?? undefined,
        alias === undefined || alias === null || Number(alias) === 0 ? undefined : Number(alias),
        timestamp === undefined || timestamp === null || Number(timestamp) === 0 ? undefined : Number(timestamp),
      ]),
    )
    expect(ours?.metrics[1]?.value).toEqual({ kind: 'string', value: 'ü' })
  })
})
