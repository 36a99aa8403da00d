import { describe, expect, it } from 'vitest'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { kettle, messageOf, NOW_MS, readingOf } from './builders.ts'
import { decodeMessage } from './decode.ts'
import { hasSameContent } from './same-reading.ts'

const decode = (payload: unknown, changes: Partial<AcceptedMessage> = {}) => decodeMessage(messageOf(payload, changes), kettle, limits)
const envelope = { ts: NOW_MS, seq: 7, boot: 3 }
const DAY_MS = 86_400_000

describe('decodeMessage', () => {
  it('takes every sort of value, and null for absent', () => {
    const v = {
      inlet_temperature_c: 20.5,
      outlet_temperature_c: { min: 60, mean: 70, max: 80 },
      board_temperature_c: null,
      float_is_closed: true,
      mode: 'boil',
    }
    const { readings, quarantine, refused } = decode({ ...envelope, hist: true, fw: '1.2', v })
    const values = {
      inlet_temperature_c: 20.5,
      outlet_temperature_c: 70,
      outlet_temperature_c_min: 60,
      outlet_temperature_c_max: 80,
      float_is_closed: 1,
    }
    const changes = { boot: 3, seq: 7, hist: true, fw: '1.2', received_at_ms: epochMs(NOW_MS), texts: [['mode', 'boil']] as const }
    expect({ readings, quarantine, refused }).toEqual({ readings: [readingOf(values, changes)], quarantine: [], refused: 0 })
  })

  it('takes an array in its order', () => {
    const { readings } = decode([1, 2, 3].map((seq) => ({ ...envelope, seq, v: { inlet_temperature_c: seq } })))
    expect(readings.map(({ seq }) => seq)).toEqual([1, 2, 3])
  })

  // Each row: what `v` holds, the code, the path. The good channel beside it must count.
  const wrongValues: ReadonlyArray<readonly [string, string, string]> = [
    ['{"inlet_temperature_c":150.1}', 'MDL_INGEST_VALUE_RANGE', 'v.inlet_temperature_c'],
    ['{"inlet_temperature_c":-40.1}', 'MDL_INGEST_VALUE_RANGE', 'v.inlet_temperature_c'],
    ['{"inlet_temperature_c":1e999}', 'MDL_INGEST_VALUE_RANGE', 'v.inlet_temperature_c'],
    ['{"inlet_temperature_c":-1e999}', 'MDL_INGEST_VALUE_RANGE', 'v.inlet_temperature_c'],
    ['{"inlet_temperature_c":"20"}', 'MDL_INGEST_VALUE_TYPE', 'v.inlet_temperature_c'],
    ['{"inlet_temperature_c":true}', 'MDL_INGEST_VALUE_TYPE', 'v.inlet_temperature_c'],
    ['{"inlet_temperature_c":[20]}', 'MDL_INGEST_VALUE_TYPE', 'v.inlet_temperature_c'],
    ['{"inlet_temperature_c":{"min":1,"mean":2,"max":3}}', 'MDL_INGEST_VALUE_TYPE', 'v.inlet_temperature_c'],
    ['{"outlet_temperature_c":{"min":1,"max":3}}', 'MDL_INGEST_VALUE_TYPE', 'v.outlet_temperature_c'],
    ['{"outlet_temperature_c":{"min":1,"mean":"2","max":3}}', 'MDL_INGEST_VALUE_TYPE', 'v.outlet_temperature_c'],
    ['{"outlet_temperature_c":{"min":1,"mean":2,"max":1e999}}', 'MDL_INGEST_VALUE_RANGE', 'v.outlet_temperature_c.max'],
    ['{"outlet_temperature_c":{"min":-99,"mean":2,"max":3}}', 'MDL_INGEST_VALUE_RANGE', 'v.outlet_temperature_c.min'],
    ['{"outlet_temperature_c":{"min":3,"mean":1,"max":5}}', 'MDL_INGEST_VALUE_RANGE', 'v.outlet_temperature_c.mean'],
    ['{"outlet_temperature_c":{"min":5,"mean":4.95,"max":1}}', 'MDL_INGEST_VALUE_RANGE', 'v.outlet_temperature_c.mean'],
    ['{"float_is_closed":1}', 'MDL_INGEST_VALUE_TYPE', 'v.float_is_closed'],
    ['{"float_is_closed":"true"}', 'MDL_INGEST_VALUE_TYPE', 'v.float_is_closed'],
    ['{"mode":3}', 'MDL_INGEST_VALUE_TYPE', 'v.mode'],
    [`{"mode":"${'x'.repeat(65)}"}`, 'MDL_INGEST_VALUE_TYPE', 'v.mode'],
    ['{"inlet_temperature_c":20,"inlet_temperature_c":90}', 'MDL_INGEST_CONFLICT', 'v.inlet_temperature_c'],
    ['{"inlet_temperature_c":20,"\\u0069nlet_temperature_c":20}', 'MDL_INGEST_CONFLICT', 'v.inlet_temperature_c'],
    ['{"mode":"boil","mode":"keep"}', 'MDL_INGEST_CONFLICT', 'v.mode'],
    ['{"outlet_temperature_c":{"min":1,"min":2,"mean":2,"max":3}}', 'MDL_INGEST_VALUE_TYPE', 'v.outlet_temperature_c'],
    ['{"unknown":1}', 'MDL_INGEST_CHANNEL_UNKNOWN', 'v.unknown'],
    ['{"__proto__":{"polluted":1}}', 'MDL_INGEST_CHANNEL_UNKNOWN', 'v.__proto__'],
    ['{"constructor":1}', 'MDL_INGEST_CHANNEL_UNKNOWN', 'v.constructor'],
    ['{"outlet_temperature_c_min":1}', 'MDL_INGEST_CHANNEL_UNKNOWN', 'v.outlet_temperature_c_min'],
  ]
  it.each(wrongValues)('keeps only the wrong value out: %s', (values, code, field) => {
    const payload = `{"ts":${NOW_MS},"seq":7,"boot":3,"v":${values.slice(0, -1)},"board_temperature_c":40}}`
    const { readings, quarantine, refused } = decode(payload)
    expect(quarantine.map((entry) => [entry.code, entry.field])).toEqual([[code, field]])
    expect(new TextDecoder().decode(quarantine[0]?.raw)).toBe(payload)
    expect(quarantine[0]?.observed_at_ms).toBe(NOW_MS)
    expect(readings.map((reading) => hasSameContent(reading, readingOf({ board_temperature_c: 40 }, { seq: 7, boot: 3 })))).toEqual([true])
    expect(refused).toBe(0)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  it('says what a channel that stands there twice holds', () => {
    const { quarantine, readings } = decode(`{"ts":${NOW_MS},"v":{"inlet_temperature_c":20,"inlet_temperature_c":"x","inlet_temperature_c":null}}`)
    expect(quarantine.map(({ reason }) => reason)).toEqual(['the channel stands there 3 times: 20, "x", null'])
    expect(readings).toHaveLength(1)
  })

  it.each([
    ['reported', '{"reported":{"a":1,"a":2}}', 'reported.a'],
    ['reported', '{"reported":{"a":{"b":1e400}}}', 'reported.a.b'],
    ['ack', '{"state":"done","state":"refused"}', 'state'],
    ['ack', '{"state":"done","data":{"x":[-1e400]}}', 'data.x[0]'],
  ] as const)('keeps what the twin cannot take: %s %s', (kind, payload, field) => {
    expect(decode(payload, { kind }).quarantine).toMatchObject([{ code: 'MDL_TWIN_INVALID', field }])
  })

  const bounds: ReadonlyArray<readonly [string, number]> = [
    ['inlet_temperature_c', 150],
    ['inlet_temperature_c', -40],
    ['inlet_temperature_c', 0],
  ]
  it.each(bounds)('takes %s at %d', (name, value) => {
    expect(decode({ ...envelope, v: { [name]: value } }).quarantine).toEqual([])
  })

  // Each row: the whole payload, the code and the path; nothing of the reading counts.
  const refusedWhole: ReadonlyArray<readonly [string, unknown, string, string]> = [
    ['bad JSON', '{"ts":', 'MDL_INGEST_UNREADABLE', ''],
    ['an empty payload', '', 'MDL_INGEST_UNREADABLE', ''],
    ['NaN', `{"ts":${NOW_MS},"seq":1,"boot":1,"v":{"inlet_temperature_c":NaN}}`, 'MDL_INGEST_UNREADABLE', ''],
    ['bytes that are not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'MDL_INGEST_UNREADABLE', ''],
    ['deep nesting', '['.repeat(9) + ']'.repeat(9), 'MDL_INGEST_UNREADABLE', ''],
    ['very deep nesting', '['.repeat(100_000), 'MDL_INGEST_UNREADABLE', ''],
    ['a number', '3', 'MDL_INGEST_FIELD_INVALID', ''],
    ['null', 'null', 'MDL_INGEST_FIELD_INVALID', ''],
    ['no ts', { seq: 1, boot: 1, v: {} }, 'MDL_INGEST_FIELD_INVALID', 'ts'],
    ['ts as text', { ...envelope, ts: '1', v: {} }, 'MDL_INGEST_FIELD_INVALID', 'ts'],
    ['a broken ts', { ...envelope, ts: 1.5, v: {} }, 'MDL_INGEST_FIELD_INVALID', 'ts'],
    ['ts beyond dates', { ...envelope, ts: 8_640_000_000_000_001, v: {} }, 'MDL_INGEST_FIELD_INVALID', 'ts'],
    ['seq below 0', { ...envelope, seq: -1, v: {} }, 'MDL_INGEST_FIELD_INVALID', 'seq'],
    ['seq above uint32', { ...envelope, seq: 4_294_967_296, v: {} }, 'MDL_INGEST_FIELD_INVALID', 'seq'],
    ['boot as text', { ...envelope, boot: '3', v: {} }, 'MDL_INGEST_FIELD_INVALID', 'boot'],
    ['ts twice', `{"ts":${NOW_MS},"seq":1,"ts":${NOW_MS},"v":{}}`, 'MDL_INGEST_FIELD_INVALID', 'ts'],
    ['seq twice', `{"ts":${NOW_MS},"seq":1,"seq":2,"v":{}}`, 'MDL_INGEST_FIELD_INVALID', 'seq'],
    ['v twice', `{"ts":${NOW_MS},"seq":1,"v":{"mode":"a"},"v":{}}`, 'MDL_INGEST_FIELD_INVALID', 'v'],
    ['no v', envelope, 'MDL_INGEST_FIELD_INVALID', 'v'],
    ['v as a list', { ...envelope, v: [] }, 'MDL_INGEST_FIELD_INVALID', 'v'],
    [
      '5,000 channels',
      { ...envelope, v: Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`c${index}`, 1])) },
      'MDL_INGEST_FIELD_INVALID',
      'v',
    ],
    ['501 readings', Array.from({ length: 501 }, () => ({ ...envelope, v: {} })), 'MDL_INGEST_TOO_MANY_READINGS', ''],
    ['a time 5 min and 1 ms ahead', { ...envelope, ts: NOW_MS + 300_001, v: {} }, 'MDL_INGEST_TIME_AHEAD', 'ts'],
    ['a time 30 days and 1 ms behind', { ...envelope, ts: NOW_MS - 30 * DAY_MS - 1, v: {} }, 'MDL_INGEST_TIME_BEHIND', 'ts'],
  ]
  it.each(refusedWhole)('sets aside whole: %s', (_, payload, code, field) => {
    const { readings, quarantine, refused, message } = decode(payload)
    expect(quarantine.map((entry) => [entry.code, entry.field])).toEqual([[code, field]])
    expect(quarantine[0]?.raw).toEqual(message.payload)
    expect([readings, refused]).toEqual([[], 1])
  })

  it('takes times at the edges, and old ones where the device may be late by years', () => {
    for (const ts of [NOW_MS + 300_000, NOW_MS - 30 * DAY_MS]) expect(decode({ ...envelope, ts, v: {} }).readings).toHaveLength(1)
    expect(decode({ ...envelope, ts: NOW_MS - 3_000 * DAY_MS, v: {} }, { maxAgeDays: 3_650 }).readings).toHaveLength(1)
  })

  it('keeps both times of a reading whose clock cannot be', () => {
    const { quarantine } = decode({ ...envelope, ts: NOW_MS + DAY_MS, v: {} })
    expect(quarantine[0]).toMatchObject({ observed_at_ms: NOW_MS + DAY_MS, received_at_ms: NOW_MS })
  })

  it('leaves only a wrong hist or fw out', () => {
    const { readings, quarantine } = decode({ ...envelope, hist: 1, fw: 2, v: { inlet_temperature_c: 1 } })
    expect(quarantine.map(({ field }) => field)).toEqual(['hist', 'fw'])
    expect(readings).toMatchObject([{ hist: false, fw: undefined }])
  })

  it('names the reading of an array that is wrong and takes the others', () => {
    const good = { ...envelope, v: { inlet_temperature_c: 1 } }
    const { readings, quarantine, refused } = decode([
      good,
      5,
      { ...good, seq: 'x' },
      { ...good, seq: 8, v: { inlet_temperature_c: 'x', mode: 'boil' } },
    ])
    expect(quarantine.map(({ field }) => field)).toEqual(['[1]', '[2].seq', '[3].v.inlet_temperature_c'])
    expect([readings.map(({ seq }) => seq), refused]).toEqual([[7, 8], 2])
  })

  it('bounds the entries of one payload and says how many more there were', () => {
    const v = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`c${index}`, 1]))
    const { quarantine } = decode({ ...envelope, v })
    expect(quarantine).toHaveLength(limits.quarantinePerPayload_MAX)
    expect(quarantine.at(-1)?.reason).toContain('and 81 more')
  })

  it('gives a reading without seq a key of its content, the same each time it is sent', () => {
    const keyOf = (payload: unknown) => decode(payload).readings.map(({ boot, seq }) => [boot, seq])[0]
    const one = keyOf({ ts: NOW_MS, v: { inlet_temperature_c: 1 } })
    expect(one).toEqual(keyOf({ ts: NOW_MS, v: { inlet_temperature_c: 1 } }))
    expect(one).not.toEqual(keyOf({ ts: NOW_MS, v: { inlet_temperature_c: 2 } }))
    expect(one?.[0]).toBe(-1)
    expect(Number.isSafeInteger(one?.[1])).toBe(true)
    expect(keyOf({ ts: NOW_MS + 1, v: {} })?.[1]).toBeGreaterThan(one?.[1] ?? 0)
  })

  it('takes seq without boot as boot 0', () => {
    expect(decode({ ts: NOW_MS, seq: 4, v: {} }).readings).toMatchObject([{ boot: 0, seq: 4 }])
  })

  it('takes an event with values and one without', () => {
    expect(decode({ ...envelope, type: 'start', v: { inlet_temperature_c: 9 } }, { kind: 'event' }).readings).toHaveLength(1)
    expect(decode({ ...envelope, type: 'reset' }, { kind: 'event' }).readings).toHaveLength(1)
  })

  it.each([
    ['state', '{"online":true}'],
    ['reported', '{"reported":{"is_on":true},"desired_version":2}'],
    ['ack', '{"state":"done"}'],
  ] as const)('finds no readings in %s', (kind, payload) => {
    expect(decode(payload, { kind })).toMatchObject({ readings: [], quarantine: [], refused: 0 })
  })

  it.each([
    ['reported', '{"online":true}', 'reported', 'MDL_TWIN_INVALID'],
    ['reported', '{"reported":{},"desired_version":"2"}', 'desired_version', 'MDL_TWIN_INVALID'],
    ['reported', '{"reported":{},"ts":99999999999999}', 'ts', 'MDL_INGEST_TIME_AHEAD'],
    ['ack', '{"state":"ok"}', 'state', 'MDL_TWIN_INVALID'],
    ['ack', 'done', '', 'MDL_INGEST_UNREADABLE'],
  ] as const)('sets a wrong %s aside with its field: %s', (kind, payload, field, code) => {
    expect(decode(payload, { kind })).toMatchObject({ readings: [], quarantine: [{ field, code, kind }], refused: 1 })
  })

  it('sets aside what comes from a device of an unknown type', () => {
    const { quarantine } = decodeMessage(messageOf({ ...envelope, v: {} }), undefined, limits)
    expect(quarantine.map(({ code }) => code)).toEqual(['MDL_INGEST_TYPE_UNKNOWN'])
  })

  it('keeps what nobody claims of another broker under its topic, and says of what is cut how long it was', () => {
    const unclaimed = (context: object) => decode({ a: 1 }, { form: 'unclaimed', device: '', type: '', context: JSON.stringify(context) })
    expect(unclaimed({ topic: 'plug/x/SENSOR' })).toMatchObject({
      ...{ readings: [], refused: 1 },
      quarantine: [{ code: 'MDL_INGEST_MAPPING_UNKNOWN', field: 'plug/x/SENSOR' }],
    })
    expect(unclaimed({ topic: 'x', bytes: 200_000 }).quarantine).toMatchObject([
      { code: 'MDL_INGEST_UNREADABLE', field: 'x', reason: expect.stringContaining('200000 bytes') },
    ])
  })
})
