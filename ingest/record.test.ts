import { describe, expect, it } from 'vitest'
import { type AcceptedMessage, MESSAGE_KINDS } from '#kernel/accepted-message.ts'
import { epochMs } from '#kernel/clock.ts'
import { decodeRecord, encodeRecord } from './record.ts'

const message = (changes: Partial<AcceptedMessage> = {}): AcceptedMessage => ({
  tenant: 'home',
  device: 'ac-1',
  type: 'air_conditioner',
  kind: 'tele',
  payload: new Uint8Array([0, 255, 123]),
  received_at_ms: epochMs(1_780_000_000_123),
  maxAgeDays: 30,
  ...changes,
})
const plain = (given: AcceptedMessage) => ({ ...given, payload: [...given.payload] })

describe('record', () => {
  it.each(MESSAGE_KINDS)('gives back a message of kind %s', (kind) => {
    const given = message({ kind })
    expect(plain(decodeRecord(encodeRecord(given)))).toEqual(plain(given))
  })

  it('gives back a command id, an empty payload and names beyond ASCII', () => {
    const given = message({ kind: 'ack', commandId: 'c-9', payload: new Uint8Array(0), type: '空调' })
    expect(plain(decodeRecord(encodeRecord(given)))).toEqual(plain(given))
  })

  it('begins with the version and stays at the documented layout', () => {
    const bytes = encodeRecord(message())
    expect([...bytes.subarray(0, 2)]).toEqual([1, 0])
    expect(bytes.length).toBe(22 + 4 + 4 + 15 + 3)
  })

  it('copies the payload', () => {
    const given = message()
    const bytes = encodeRecord(given)
    given.payload[0] = 99
    expect(decodeRecord(bytes).payload[0]).toBe(0)
  })

  it('refuses an unknown version, an unknown kind, and every cut of the head', () => {
    const bytes = encodeRecord(message({ payload: new Uint8Array(0) }))
    expect(() => decodeRecord(bytes.with(0, 2))).toThrow(expect.objectContaining({ code: 'MDL_JOURNAL_CORRUPT' }))
    expect(() => decodeRecord(bytes.with(1, 200))).toThrow(expect.objectContaining({ code: 'MDL_JOURNAL_CORRUPT' }))
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeRecord(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'MDL_JOURNAL_CORRUPT' }))
    }
  })
})
