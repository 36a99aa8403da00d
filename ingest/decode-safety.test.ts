import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { limits as allLimits } from '#kernel/limits.ts'
import { kettle, messageOf, NOW_MS } from './builders.ts'
import { decodeMessage } from './decode.ts'
import { decodeForSafety, scanForSafety } from './decode-safety.ts'
import { scannerOf } from './scan.ts'

const layout = readingLayout(kettle)
const kettleColumn = (name: string): number => layout.indexOf.get(name) ?? -1
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
    ['{"board_temperature_c":"90","float_is_closed":1}', { board_temperature_c: 90, float_is_closed: 1 }],
    ['{"board_temperature_c":"900","float_is_closed":"True"}', { board_temperature_c: 200, float_is_closed: 1 }],
    ['{"board_temperature_c":"hot","float_is_closed":"0"}', { float_is_closed: 0 }],
    ['{"board_temperature_c":"","float_is_closed":"shut"}', {}],
    ['{"inlet_temperature_c":"20"}', {}],
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

  it.each([
    ['a NUL behind it', '{"seq":1,"v":{"float_is_closed":true}}\0\0'],
    ['a byte order mark before it', '\uFEFF{"seq":1,"v":{"float_is_closed":true}}'],
    ['NaN in another channel', '{"seq":1,"v":{"inlet_temperature_c":NaN,"float_is_closed":true}}'],
    ['nan of a printf', '{"seq":1,"v":{"float_is_closed":true,"inlet_temperature_c":-nan}}'],
    ['a comma too many', '{"seq":1,"v":{"float_is_closed":true,},}'],
    ['a comma missing', '{"seq":1 "v":{"float_is_closed":true}}'],
    ['a text that nobody escaped', '{"seq":1,"x":"a\nb\\q","v":{"float_is_closed":true}}'],
    ['no end', '{"seq":1,"v":{"float_is_closed":true,"board_temperature_c":1'],
    ['another object behind it', '{"seq":1,"v":{}}\n{"seq":2,"v":{"float_is_closed":true}}'],
  ])('understands what it can of a payload with %s, which is kept out of the store', (_, text) => {
    const message = messageOf(text)
    expect(decodeForSafety(message, kettle).some(({ numbers }) => numbers[kettleColumn('float_is_closed')] === 1)).toBe(true)
    expect(decodeMessage(message, kettle, allLimits)).toMatchObject({ readings: [], quarantine: [{ code: 'MDL_INGEST_UNREADABLE' }] })
  })

  it("understands a payload with a byte that is no UTF-8, and another platform's", () => {
    const bytes = Buffer.concat([Buffer.from('{"seq":6,"x":"'), Buffer.from([0xff]), Buffer.from('","v":{"float_is_closed":true}}')])
    const column = kettleColumn('float_is_closed')
    expect(decodeForSafety(messageOf(bytes), kettle)[0]?.numbers[column]).toBe(1)
    const foreign = messageOf(`{"ts":${NOW_MS},"values":{"float_is_closed":true}}\0`, { form: 'thingsboard' })
    expect(decodeForSafety(foreign, kettle)[0]?.numbers[column]).toBe(1)
  })

  it('makes no danger of a number that the end of the payload cuts, nor of what is no JSON at all', () => {
    const [cut] = decodeForSafety(messageOf('{"seq":1,"v":{"board_temperature_c":190'), kettle)
    expect(cut?.numbers[kettleColumn('board_temperature_c')]).toBeNaN()
    for (const text of ['', 'hello', '"v"', '\0\0', ']]}}', '{"v":"float_is_closed"}', '{"v":[true]}'])
      expect(decodeForSafety(messageOf(text), kettle)).toEqual([])
    // Deep nesting overflows nothing.
    expect(decodeForSafety(messageOf('['.repeat(100_000)), kettle)).toEqual([])
  })

  it('counts a danger behind a broken key, and after the 500th reading', () => {
    expect(decode('{"seq":"x","boot":[],"v":{"float_is_closed":true}}')).toMatchObject([{ boot: -1, v: { float_is_closed: 1 } }])
    expect(decode([...Array(600).fill({}), JSON.parse(payload('{"float_is_closed":true}'))])).toHaveLength(1)
  })

  it('sees the worst value of a channel that stands there twice, in one reading, so that no hold is broken by the other', () => {
    const read = (values: string) => decode(payload(values)).map(({ v }) => v)
    const span = (min: number, max: number) => ({ board_temperature_c: max, board_temperature_c_min: min, board_temperature_c_max: max })
    expect(read('{"board_temperature_c":190,"board_temperature_c":20}')).toEqual([span(20, 190)])
    expect(read('{"board_temperature_c":20,"board_temperature_c":"190"}')).toEqual([span(20, 190)])
    expect(read('{"board_temperature_c":{"max":190},"board_temperature_c":{"min":5,"max":20}}')).toEqual([span(5, 190)])
    expect(read('{"float_is_closed":true,"float_is_closed":false,"board_temperature_c":3}')).toEqual([{ float_is_closed: 1, board_temperature_c: 3 }])
    expect(read('{"float_is_closed":false,"float_is_closed":null}')).toEqual([{}])
    const many = Array.from({ length: 5_000 }, (_, index) => `"board_temperature_c":${index % 100}`).join()
    expect(read(`{${many}}`)).toEqual([span(0, 99)])
  })

  it.each([
    '"note":null,"note":null',
    '"hist":null,"hist":null',
    '"hist":true,"hist":false',
    '"fw":null,"fw":null',
    '"ts":1,"ts":2',
    '"seq":1,"seq":2',
  ])('is not put off a danger by %s', (twice) => {
    const once = `{${twice},"v":{"board_temperature_c":190}}`
    expect(decode(once)).toMatchObject([{ v: { board_temperature_c: 190 } }])
    expect(decodeForSafety(messageOf(once), kettle)).toMatchObject([{ hist: false }])
    expect(decode(`{${twice},"v":{"board_temperature_c":190},"v":{}}`)).toMatchObject([{ v: { board_temperature_c: 190 } }, { v: {} }])
  })

  it('finds nothing in what cannot be read', () => {
    for (const wrong of ['', '{', '['.repeat(100_000), 'null', '3', '{"v":3}']) expect(decode(wrong)).toEqual([])
  })
})

describe('scanForSafety', () => {
  const names = [...kettle.channels.map(({ name }) => name), 'unknown', '__proto__', 'fl\\u006fat_is_closed']
  const value = fc.oneof(
    fc.double({ noNaN: true }).map((number) => JSON.stringify(number)),
    fc.integer({ min: -50, max: 250 }).map(String),
    fc.constantFrom('true', 'false', 'null', '"E1"', '"\\u0045"', '1e999', '-0', '{"min":1,"mean":2,"max":3}', '{"max":900}', '[1]', '{}'),
  )
  const values = fc
    .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 6 })
    .map((list) => `{${list.map(([k, v]) => `"${k}":${v}`).join(',')}}`)
  const envelope = fc.record({
    ts: fc.constantFrom(
      String(NOW_MS),
      String(NOW_MS + 400_000),
      String(NOW_MS - 40 * 86_400_000),
      '1',
      'null',
      '"soon"',
      '1.5',
      `${NOW_MS / 1000}e3`,
    ),
    seq: fc.constantFrom('1', '4294967295', '4294967296', '-1', '"1"', undefined),
    boot: fc.constantFrom('2', '[]', undefined),
    fw: fc.constantFrom('"1.2"', '"1\\n2"', '7', undefined),
    hist: fc.constantFrom('true', 'false', '1', undefined),
    v: values,
  })
  const item = envelope.map(
    (fields) =>
      `{${Object.entries(fields)
        .flatMap(([name, given]) => (given === undefined ? [] : [`"${name}":${given}`]))
        .join(', ')}}`,
  )
  const right = { number: '20', boolean: 'true', text: '"E1"' } as const
  const rightItem = fc
    .tuple(fc.uniqueArray(fc.constantFrom(...kettle.channels), { maxLength: 4 }), fc.nat(99))
    .map(([channels, seq]) => `{"ts":${NOW_MS},"seq":${seq},"v":{${channels.map(({ name, kind }) => `"${name}":${right[kind]}`).join(',')}}}`)
  const payloads = fc.oneof(
    rightItem,
    item,
    fc.array(item, { maxLength: 4 }).map((list) => `[${list.join(',')}]`),
  )

  it.each([
    ['with its keys', allLimits],
    ['without keys', { ...allLimits, keyless: 'unneeded' as const }],
  ])('says the same as decodeForSafety of every payload, right, wrong and cut off, %s', (_, limits) => {
    let scanned = 0
    fc.assert(
      fc.property(
        payloads,
        fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.nat(300)),
        fc.constantFrom('tele' as const, 'event' as const, 'state' as const),
        (whole, cut, kind) => {
          const message = { ...messageOf(cut === null ? whole : whole.slice(0, cut)), kind }
          const { payload: bytes } = message
          if (scannerOf(kettle, limits).scan(message, { bytes, from: 0, to: bytes.length }) !== undefined) scanned++
          const plain = (readings: ReturnType<typeof decodeForSafety>) => readings.map((reading) => ({ ...reading, numbers: [...reading.numbers] }))
          expect(plain(scanForSafety(message, kettle, limits))).toEqual(plain(decodeForSafety(message, kettle, limits)))
        },
      ),
      { numRuns: 4_000 },
    )
    expect(scanned).toBeGreaterThan(500)
  })

  it('scans readings without a key where none is needed, alone and in lists, beside others of the same shape with one', () => {
    const limits = { ...allLimits, keyless: 'unneeded' as const }
    const [keyed, keyless] = [`{"ts":${NOW_MS},"seq":3,"boot":2,"v":{}}`, `{"ts":${NOW_MS},"boot":2,"v":{}}`]
    const keysOf = (given: string, own: typeof limits | typeof allLimits = limits) => {
      const message = messageOf(given)
      const { payload: bytes } = message
      return scannerOf(kettle, own)
        .scan(message, { bytes, from: 0, to: bytes.length })
        ?.map(({ boot, seq }) => [boot, seq])
    }
    for (let turn = 0; turn < 3; turn++)
      expect([keysOf(keyed), keysOf(keyless), keysOf(`[${keyless},${keyed}]`)]).toEqual([
        [[2, 3]],
        [[-1, 0]],
        [
          [-1, 0],
          [2, 3],
        ],
      ])
    expect(keysOf(keyless, allLimits)).toBeUndefined()
  })

  it('leaves a danger out of range to decodeForSafety, which clamps it', () => {
    const [reading] = scanForSafety(messageOf(payload('{"board_temperature_c":900}')), kettle, allLimits)
    expect(reading?.numbers[layout.indexOf.get('board_temperature_c') ?? -1]).toBe(200)
  })
})
