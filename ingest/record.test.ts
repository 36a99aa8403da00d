import { describe, expect, it } from 'vitest'
import { type AcceptedMessage, MESSAGE_FORMS, MESSAGE_KINDS } from '#kernel/accepted-message.ts'
import { epochMs } from '#kernel/clock.ts'
import { decodeRecord, encodeRecord, placeOfName } from './record.ts'

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

  it('tells records apart whose names differ in one place only, whatever came before', () => {
    const names = ['ac-1', 'ac-2', 'bc-1', 'ac-11', 'ac', 'a', 'aü-1', 'a\u0000-1']
    const given = names.flatMap((device) =>
      MESSAGE_KINDS.flatMap((kind) => [
        message({ device, kind }),
        message({ device, kind, tenant: 'hom' }),
        message({ device, kind, type: 'heater' }),
      ]),
    )
    const timed = [...given, ...given.toReversed(), ...given].map((one, index) => ({
      ...one,
      received_at_ms: epochMs(index),
      maxAgeDays: index % 40,
    }))
    for (const one of timed) expect(plain(decodeRecord(encodeRecord(one)))).toEqual(plain(one))
  })

  it('gives numbered devices places of their own, as many as chance would', () => {
    const placesOf = (name: (index: number) => string): number =>
      new Set(
        Array.from({ length: 1_000 }, (_, index) => {
          const end = Buffer.from(name(index)).subarray(-8)
          return placeOfName(end.readInt32LE(0), end.readInt32LE(4))
        }),
      ).size
    // 1,000 balls in 16,384 boxes fill 970 of them on average.
    expect(placesOf((index) => `homebench-${index}`)).toBeGreaterThan(900)
    expect(placesOf((index) => `home-device-${index}`)).toBeGreaterThan(900)
    expect(placesOf((index) => `00:1a:${(index * 4_099).toString(16).padStart(8, '0')}`)).toBeGreaterThan(900)
  })

  it('begins with the version and stays at the documented layout', () => {
    const bytes = encodeRecord(message())
    expect([...bytes.subarray(0, 2)]).toEqual([1, 0])
    expect(bytes.length).toBe(22 + 4 + 4 + 15 + 3)
  })

  it.each(MESSAGE_FORMS)('gives back the form %s with and without its context', (form) => {
    for (const given of [message({ form }), message({ form, context: 'plug@3 ü', commandId: 'c-9' })]) {
      const bytes = encodeRecord(given)
      expect(bytes[0]).toBe(2)
      expect(plain(decodeRecord(bytes))).toEqual(plain(given))
    }
  })

  it('reads version 1 as it was written by release 0.1.0', () => {
    const written = '010000b0874804e779420000000000003e4004040f00' + '686f6d65' + '61632d31' + '6169725f636f6e646974696f6e6572' + '7b227473223a317d'
    const bytes = Buffer.from(written, 'hex')
    expect(decodeRecord(bytes)).toMatchObject({
      tenant: 'home',
      device: 'ac-1',
      type: 'air_conditioner',
      kind: 'tele',
      received_at_ms: 1_780_000_000_123,
      maxAgeDays: 30,
    })
    expect(Buffer.from(decodeRecord(bytes).payload).toString()).toBe('{"ts":1}')
    expect(decodeRecord(bytes)).not.toHaveProperty('form')
  })

  it('copies the payload', () => {
    const given = message()
    const bytes = encodeRecord(given)
    given.payload[0] = 99
    expect(decodeRecord(bytes).payload[0]).toBe(0)
  })

  it('refuses an unknown version, an unknown kind, and every cut of the head', () => {
    const bytes = encodeRecord(message({ payload: new Uint8Array(0) }))
    expect(() => decodeRecord(bytes.with(0, 3))).toThrow(expect.objectContaining({ code: 'MDL_JOURNAL_CORRUPT' }))
    expect(() => decodeRecord(bytes.with(1, 200))).toThrow(expect.objectContaining({ code: 'MDL_JOURNAL_CORRUPT' }))
    const withForm = encodeRecord(message({ payload: new Uint8Array(0), form: 'mapped', context: 'plug@1' }))
    expect(() => decodeRecord(withForm.with(22, 200))).toThrow(expect.objectContaining({ code: 'MDL_JOURNAL_CORRUPT' }))
    for (const whole of [bytes, withForm]) {
      for (let length = 0; length < whole.length; length++) {
        expect(() => decodeRecord(whole.subarray(0, length))).toThrow(expect.objectContaining({ code: 'MDL_JOURNAL_CORRUPT' }))
      }
    }
  })
})
