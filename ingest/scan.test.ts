import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { limits } from '#kernel/limits.ts'
import { kettle, messageOf, NOW_MS } from './builders.ts'
import { decodeByJson } from './decode.ts'
import { scannerOf } from './scan.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const scan = (payload: Uint8Array, type: ApplianceType = kettle) =>
  scannerOf(type, limits).scan(messageOf(payload), { bytes: payload, from: 0, to: payload.length })

/** The scanner says the same as JSON, or nothing. Gives whether it said something. */
function agrees(payload: Uint8Array): boolean {
  const scanned = scan(payload)
  if (scanned === undefined) return false
  const { readings, quarantine, refused } = decodeByJson(messageOf(payload), kettle, limits)
  // Object.is tells 0 from -0.
  expect({ readings: scanned, quarantine: [], refused: 0 }).toStrictEqual({ readings, quarantine, refused })
  for (const [index, { numbers }] of scanned.entries())
    for (const [column, value] of numbers.entries()) expect(value).toBe(readings[index]?.numbers[column])
  return true
}

// --- payloads of the contract, and ones that are almost that ---
const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r ')
const digits = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: length })
const decimal = fc
  .tuple(
    fc.constantFrom('', '', '-'),
    fc.integer({ min: 0, max: 200 }),
    fc.option(digits(18), { nil: undefined }),
    fc.constantFrom('', '', '', 'e0', 'E-3', 'e+1', 'e'),
  )
  .map(([sign, whole, fraction, exponent]) => `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${exponent}`)
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value))
const number = fc.oneof(
  { weight: 6, arbitrary: decimal },
  { weight: 2, arbitrary: double },
  { weight: 1, arbitrary: fc.constantFrom('-0', '0', '00', '1.', '.5', '1e999', '9007199254740993', '-9007199254740992', '123456789012345678') },
)
const text = fc.oneof(fc.string({ maxLength: 70 }), fc.constantFrom('boil', 'E-04', '', 'ü', '\u007f', '\\')).map((value) => JSON.stringify(value))
const aggregate = fc
  .tuple(
    fc.shuffledSubarray(['min', 'mean', 'max'], { minLength: 2 }),
    fc.array(number, { minLength: 4, maxLength: 4 }),
    fc.constantFrom('', '', '"n":1', '"max":9'),
  )
  .map(([names, values, more]) => `{${[...names.map((name, index) => `"${name}":${values[index]}`), ...(more === '' ? [] : [more])].join(',')}}`)
const value = fc.oneof({ weight: 5, arbitrary: number }, text, aggregate, fc.constantFrom('true', 'false', 'null', '[]', '{}', 'tru', 'nul'))
const fitting: Readonly<Record<string, fc.Arbitrary<string>>> = {
  inlet_temperature_c: fc.oneof(number, fc.constant('null')),
  outlet_temperature_c: fc.oneof(number, aggregate),
  board_temperature_c: fc.oneof(number, aggregate),
  float_is_closed: fc.constantFrom('true', 'false', 'null'),
  mode: fc.oneof(fc.constantFrom('"boil"', '"off"', '""'), text),
}
const channel = fc
  .constantFrom(...Object.keys(fitting))
  .chain((name) => fc.oneof({ weight: 9, arbitrary: fitting[name] ?? value }, { weight: 1, arbitrary: value }).map((given) => [name, given] as const))
const anyChannel = fc.oneof(
  { weight: 20, arbitrary: channel },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('mod', 'modes', '__proto__', 'mode\\u0000', 'outlet_temperature_c_min', ''), value) },
)
const values = fc
  .array(fc.tuple(space, anyChannel, space), { maxLength: 6 })
  .map((list) => `{${list.map(([before, [name, given], after]) => `${before}"${name}"${after}:${before}${given}${after}`).join(',')}}`)
const fields = fc.record({
  ts: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: NOW_MS - 1_000_000, max: NOW_MS + 1_000 }).map(String) },
    fc.constantFrom(String(NOW_MS + 400_000), '1', '-0', '1.78e12', `${NOW_MS}.0`, 'null', `0${NOW_MS}`),
  ),
  seq: fc.oneof({ weight: 9, arbitrary: fc.nat().map(String) }, fc.constantFrom(undefined, 'null', '4294967295', '4294967296', '-1', '"1"', '01')),
  boot: fc.oneof({ weight: 9, arbitrary: fc.nat(9).map(String) }, fc.constantFrom(undefined, 'null', '99999999999')),
  hist: fc.constantFrom(undefined, undefined, 'true', 'false', '1', 'null'),
  fw: fc.oneof(fc.constantFrom(undefined, undefined, '"1.4.2"', 'null', '3', '""'), text),
  v: fc.oneof({ weight: 19, arbitrary: values }, fc.constantFrom('null', '[]', undefined)),
  more: fc.oneof({ weight: 19, arbitrary: fc.constant(undefined) }, fc.constantFrom('"seq":5', '"x":1', '"__proto__":{}')),
})
const reading = fc
  .tuple(fields, fc.shuffledSubarray(['ts', 'seq', 'boot', 'hist', 'fw', 'v'] as const, { minLength: 6 }), space)
  .map(([given, order, gap]) => {
    const parts = order.flatMap((name) => (given[name] === undefined ? [] : [`"${name}"${gap}:${gap}${given[name]}`]))
    return `{${gap}${[...parts, ...(given.more === undefined ? [] : [given.more])].join(`${gap},${gap}`)}${gap}}`
  })
const payload = fc.oneof(
  { weight: 6, arbitrary: reading },
  { weight: 2, arbitrary: fc.array(reading, { maxLength: 4 }).map((list) => `[${list.join(',')}]`) },
  { weight: 1, arbitrary: fc.tuple(reading, fc.constantFrom(',', ' x', ' ', '}', '\u0000', '\ufeff')).map(([given, tail]) => given + tail) },
)

describe('the byte scanner', () => {
  it('says what JSON says, or nothing, of payloads that are nearly right', () => {
    let said = 0
    fc.assert(
      fc.property(payload, (given) => {
        if (agrees(bytesOf(given))) said++
      }),
      { numRuns: 6_000 },
    )
    // A scanner that always gave up would agree, too.
    expect(said).toBeGreaterThan(150)
  })

  it.each([
    [
      'right payloads',
      `[{"ts":${NOW_MS},"seq":7,"boot":3,"hist":false,"fw":"1.4.2","v":{"inlet_temperature_c":-20.25,"outlet_temperature_c":{"min":60,"mean":70.5,"max":80},"float_is_closed":true,"board_temperature_c":null,"mode":"boil"}}]`,
    ],
    // All but the list, the aggregate and the text, which have no shape.
    [
      'payloads of a shape that came before',
      `{"ts":${NOW_MS},"seq":   7,"boot":3,"hist":true,"fw":"1.4.2","v":{"inlet_temperature_c":-20.25,"float_is_closed": true,"board_temperature_c":null,"outlet_temperature_c":70.5}}`,
    ],
  ])('says what JSON says, or nothing, of %s with bytes changed, cut and put in', (_, right) => {
    const change = fc.tuple(
      fc.nat(right.length - 1),
      fc.constantFrom('set', 'cut', 'put', 'end'),
      fc.oneof(fc.constantFrom(...'0123456789-+.eE{}[],:" \\/tfn'.split('').map((letter) => letter.charCodeAt(0))), fc.nat(255)),
    )
    let said = 0
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = [...bytesOf(right)]
        for (const [at, kind, byte] of changes) {
          if (kind === 'set') bytes[at] = byte
          else if (kind === 'cut') bytes.splice(at, 1)
          else if (kind === 'put') bytes.splice(at, 0, byte)
          else bytes.length = Math.min(bytes.length, at)
        }
        scan(bytesOf(right))
        if (agrees(Uint8Array.from(bytes))) said++
      }),
      { numRuns: 10_000 },
    )
    expect(said).toBeGreaterThan(100)
  })

  it('reads every number as JSON does', () => {
    const wide: ApplianceType = {
      ...kettle,
      id: 'wide',
      channels: kettle.channels.map((given) => ({ ...given, min: -Number.MAX_VALUE, max: Number.MAX_VALUE })),
    }
    const token = fc.oneof(
      number,
      double,
      fc.tuple(digits(18), digits(25)).map(([whole, fraction]) => `${BigInt(whole)}.${fraction}`),
    )
    fc.assert(
      fc.property(token, (given) => {
        const scanned = scan(bytesOf(`{"ts":${NOW_MS},"seq":1,"v":{"inlet_temperature_c":${given}}}`), wide)
        let expected: number | undefined
        try {
          expected = JSON.parse(given)
        } catch {}
        if (expected === undefined || !Number.isFinite(expected)) expect(scanned).toBeUndefined()
        else expect(scanned?.[0]?.numbers[0]).toBe(expected)
      }),
      { numRuns: 10_000 },
    )
  })

  it.each([
    ['a reading of numbers', `{"ts":${NOW_MS},"seq":1,"boot":2,"hist":false,"fw":"1.0","v":{"inlet_temperature_c":20.5}}`],
    ['spaces before a sequence number', `{"ts":${NOW_MS},"seq":       1,"boot":2,"v":{}}`],
    ['a list', `[{"ts":${NOW_MS},"seq":1,"v":{"float_is_closed":true}},{"ts":${NOW_MS},"seq":2,"v":{"mode":"boil"}}]`],
    ['an aggregate', `{"ts":${NOW_MS},"seq":1,"v":{"outlet_temperature_c":{"max":3,"mean":2,"min":1}}}`],
    ['other channels than before', `{"v":{"mode":"off","board_temperature_c":1e1},"seq":1,"ts":${NOW_MS}}`],
  ])('takes %s', (_, given) => {
    expect(agrees(bytesOf(given))).toBe(true)
  })

  it.each([
    ['no seq', `{"ts":${NOW_MS},"v":{}}`],
    ['a channel twice', `{"ts":${NOW_MS},"seq":1,"v":{"mode":null,"mode":"x"}}`],
    ['a field twice', `{"ts":${NOW_MS},"seq":1,"seq":2,"v":{}}`],
    ['a value out of range', `{"ts":${NOW_MS},"seq":1,"v":{"inlet_temperature_c":151}}`],
    ['a time that cannot be', `{"ts":1,"seq":1,"v":{}}`],
    ['an empty list', '[]'],
    ['501 readings', `[${Array(501).fill(`{"ts":${NOW_MS},"seq":1,"v":{}}`).join(',')}]`],
  ])('leaves %s to JSON', (_, given) => {
    expect(scan(bytesOf(given))).toBeUndefined()
  })

  it('makes the same keys of bytes that JSON.stringify wrote as decoding makes of their content', () => {
    const keyless = { ...limits, keyless: 'of bytes' as const }
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -20, max: 150 }),
      fc.constantFrom(-0, 0.1, 1e-9, 12.5),
    )
    const item = fc.record(
      {
        ts: fc.integer({ min: NOW_MS - 1_000_000, max: NOW_MS }),
        boot: fc.nat(9),
        hist: fc.boolean(),
        fw: fc.constantFrom('1.4.2', 'ü', 'a"b'),
        v: fc.record({ inlet_temperature_c: number, float_is_closed: fc.boolean(), mode: fc.constantFrom('boil', '\\', null) }, { requiredKeys: [] }),
      },
      { requiredKeys: ['ts', 'v'] },
    )
    let scanned = 0
    fc.assert(
      fc.property(fc.oneof(item, fc.array(item, { minLength: 1, maxLength: 4 })), (given) => {
        const message = messageOf(JSON.stringify(given))
        const readings = scannerOf(kettle, keyless).scan(message, { bytes: message.payload, from: 0, to: message.payload.length })
        if (readings === undefined) return
        scanned++
        expect(readings).toStrictEqual(decodeByJson(message, kettle, limits).readings)
      }),
      { numRuns: 3_000 },
    )
    expect(scanned).toBeGreaterThan(500)
  })

  it('reads only its range of the bytes, whatever stands around it', () => {
    const given = `{"ts":${NOW_MS},"seq":1,"boot":2,"v":{"inlet_temperature_c":20.5}}`
    const around = bytesOf(`5${given}5"}}`)
    const scanner = scannerOf(kettle, limits)
    expect(scanner.scan(messageOf(given), { bytes: around, from: 1, to: 1 + given.length })).toStrictEqual(scan(bytesOf(given)))
    for (let to = 0; to < given.length; to++) expect(scanner.scan(messageOf(given), { bytes: around, from: 1, to: 1 + to })).toBeUndefined()
  })

  it('keeps devices with different fields, channels and firmwares apart, more of them than it keeps shapes', () => {
    const names = ['inlet_temperature_c', 'outlet_temperature_c', 'board_temperature_c']
    const payloads = Array.from({ length: 12 }, (_, device) => {
      const fw = device % 2 === 0 ? `"fw":"1.${device}",` : ''
      const channels = names.slice(device % 3).map((name, index) => `"${name}":${20 + device + index}`)
      return bytesOf(`{${fw}"ts":${NOW_MS},"seq":${device}${device % 4 === 0 ? ',"boot":5' : ''},"v":{${channels.join(',')}}}`)
    })
    for (let round = 0; round < 50; round++) for (const payload of payloads) expect(agrees(payload)).toBe(true)
  })

  it('says nothing of what came before where readings are used again', () => {
    const reusing = scannerOf({ ...kettle }, { ...limits, areReadingsReused: true })
    const values = [
      '"inlet_temperature_c":20',
      '"outlet_temperature_c":{"min":1,"mean":2,"max":3}',
      '"float_is_closed":true,"inlet_temperature_c":5',
      '',
    ]
    for (let seq = 0; seq < 60; seq++) {
      const payload = bytesOf(`{"ts":${NOW_MS},"seq":${seq},"v":{${values[(seq * 7 + (seq >> 2)) % values.length]}}}`)
      const range = { bytes: payload, from: 0, to: payload.length }
      expect(reusing.scan(messageOf(payload), range)).toStrictEqual(decodeByJson(messageOf(payload), kettle, limits).readings)
    }
  })

  it('takes nothing where the limits leave no room for its shape', () => {
    const given = bytesOf(`{"ts":${NOW_MS},"seq":1,"v":{"inlet_temperature_c":1,"mode":"x"}}`)
    const range = { bytes: given, from: 0, to: given.length }
    for (const tight of [{ jsonDepth_MAX: 3 }, { channelsPerReading_MAX: 1 }, { textLength_MAX: 0 }])
      expect(scannerOf(kettle, { ...limits, ...tight }).scan(messageOf(given), range)).toBeUndefined()
  })
})
