import { describe, expect, it } from 'vitest'
import { limits } from '#kernel/limits.ts'
import type { OpcuaRecord } from '#kernel/opcua-record.ts'
import { kettle, messageOf, NOW_MS } from '../builders.ts'
import { decodeMessage } from '../decode.ts'

const value = (channel: string, given: number, changes: object = {}): OpcuaRecord => ({
  node: `nsu=urn:maker;s=${channel}`,
  channel,
  declared: 'Double',
  type: 'Double',
  status: 0,
  status_name: 'Good',
  source_ms: NOW_MS,
  value: given,
  ...changes,
})
const decode = (payload: unknown) => decodeMessage(messageOf(payload, { form: 'opcua' }), kettle, limits)
const keys = (payload: unknown) => decode(payload).readings.map(({ boot, seq }) => `${boot}/${seq}`)

describe('readOpcua', () => {
  it('gives a value from the history the key that it had live, whatever stood beside it without history', () => {
    const [live, beside] = keys([value('inlet_temperature_c', 20), value('outlet_temperature_c', 30, { forgotten: true })])
    expect(keys([value('inlet_temperature_c', 20, { hist: true })])).toEqual([live])
    expect(beside).not.toBe(live)
  })

  it("takes the server's time without a source time, and the time of receipt without both", () => {
    const at = (changes: object) => decode([value('inlet_temperature_c', 20, changes)]).readings[0]?.observed_at_ms
    expect(at({ source_ms: undefined, server_ms: NOW_MS - 5 })).toBe(NOW_MS - 5)
    expect(at({ source_ms: undefined })).toBe(NOW_MS)
  })

  it('keeps two values of one channel in one millisecond as two readings', () => {
    const { readings, quarantine } = decode([value('inlet_temperature_c', 20), value('inlet_temperature_c', 21)])
    expect(readings.map(({ numbers }) => numbers[0])).toEqual([20, 21])
    expect(quarantine).toEqual([])
  })

  it('keeps out a bad value, one of another type and one of a unit that does not convert, and converts one that does', () => {
    const { readings, quarantine, refused } = decode([
      value('inlet_temperature_c', 20, { status: 0x80_0a_00_00, status_name: 'BadSensorFailure' }),
      value('inlet_temperature_c', 20, { type: 'Int32' }),
      value('inlet_temperature_c', 20, { unit: 'Pa' }),
      value('inlet_temperature_c', 50, { unit: '[degF]' }),
    ])
    expect(quarantine.map(({ code }) => code)).toEqual(['MDL_INGEST_VALUE_QUALITY', 'MDL_INGEST_VALUE_TYPE', 'MDL_INGEST_UNIT'])
    expect(readings.map(({ numbers }) => numbers[0])).toEqual([10])
    expect(refused).toBe(0)
  })

  it('refuses what no gateway wrote', () => {
    expect(decode({ node: 'x' }).quarantine.map(({ code }) => code)).toEqual(['MDL_INGEST_UNREADABLE'])
    expect(decode([{ channel: 'mode' }]).quarantine.map(({ code }) => code)).toEqual(['MDL_INGEST_UNREADABLE'])
  })
})
