import { describe, expect, it } from 'vitest'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { kettle, messageOf, NOW_MS } from './builders.ts'
import { decodeForSafety } from './decode-safety.ts'

const layout = readingLayout(kettle)
const decode = (payload: unknown) =>
  decodeForSafety(messageOf(payload), kettle).map((reading) => ({
    ts: reading.observed_at_ms,
    boot: reading.boot,
    v: Object.fromEntries(
      [...layout.columns.entries()].flatMap(([index, name]) => (Number.isNaN(reading.numbers[index]) ? [] : [[name, reading.numbers[index]]])),
    ),
  }))
const payload = (values: string, ts: unknown = NOW_MS) => `{"ts":${ts},"seq":1,"boot":2,"v":${values}}`

describe('decodeForSafety', () => {
  it.each([
    ['{"board_temperature_c":120}', { board_temperature_c: 120 }],
    ['{"board_temperature_c":250}', { board_temperature_c: 200 }],
    ['{"board_temperature_c":1e999}', { board_temperature_c: 200 }],
    ['{"board_temperature_c":-99}', { board_temperature_c: -30 }],
    [
      '{"board_temperature_c":{"min":10,"mean":20,"max":900}}',
      { board_temperature_c: 20, board_temperature_c_min: 10, board_temperature_c_max: 200 },
    ],
    ['{"board_temperature_c":{"max":900}}', { board_temperature_c: 200, board_temperature_c_max: 200 }],
    ['{"float_is_closed":true,"unknown":1}', { float_is_closed: 1 }],
    ['{"inlet_temperature_c":999}', {}],
    ['{"board_temperature_c":"900","float_is_closed":1}', {}],
  ])('reads %s', (values, expected) => {
    expect(decode(payload(values))).toEqual([{ ts: NOW_MS, boot: 2, v: expected }])
  })

  it.each([NOW_MS + 400_000, 1, '"soon"', 'null', 1.5])('takes the time of receipt for the clock %s', (ts) => {
    expect(decode(payload('{"float_is_closed":true}', ts))).toEqual([{ ts: NOW_MS, boot: 2, v: { float_is_closed: 1 } }])
  })

  it('goes by the limits that it is given', () => {
    const ahead = messageOf(payload('{"float_is_closed":true}', NOW_MS + 400_000))
    const tsOf = (aheadMs_MAX: number) => decodeForSafety(ahead, kettle, { aheadMs_MAX, textLength_MAX: 1 }).map((reading) => reading.observed_at_ms)
    expect([tsOf(399_999), tsOf(400_000)]).toEqual([[NOW_MS], [NOW_MS + 400_000]])
  })

  it('counts a danger behind a broken key, and after the 500th reading', () => {
    expect(decode('{"seq":"x","boot":[],"v":{"float_is_closed":true}}')).toMatchObject([{ boot: -1, v: { float_is_closed: 1 } }])
    expect(decode([...Array(600).fill({}), JSON.parse(payload('{"float_is_closed":true}'))])).toHaveLength(1)
  })

  it('finds nothing in what cannot be read', () => {
    for (const wrong of ['', '{', '['.repeat(100_000), 'null', '3', '{"v":3}']) expect(decode(wrong)).toEqual([])
  })
})
