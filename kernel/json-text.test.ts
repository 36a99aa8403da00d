import { describe, expect, it } from 'vitest'
import { hasRepeatedName, isRepeated, jsonFault, jsonField, parseJson } from './json-text.ts'
import { createRandom } from './random.ts'

describe('parseJson', () => {
  it.each<readonly [string, string, unknown]>([
    ['{"a":1,"a":2}', 'a', [1, 2]],
    ['{"a":1,"b":{"c":[{"d":"x","d":{"e":1},"d":null}]}}', 'b.c[0].d', ['x', { e: 1 }, null]],
    ['[{"ts":1},{"ts":2,"v":{"p":1,"\\u0070":"2:"}}]', '[1].v.p', [1, '2:']],
    ['{"a":[],"a":[1]}', 'a', [[], [1]]],
    ['{"__proto__":1,"__proto__":2}', '__proto__', [1, 2]],
    ['{"a\\"b":1, "a\\"b" : -2.5e1 }', 'a"b', [1, -25]],
  ])('holds all values of a name that stands twice in %s', (text, field, values) => {
    const value = parseJson(text)
    const fault = jsonFault(value)
    expect(fault === undefined ? undefined : jsonField('', fault.path)).toBe(field)
    expect(fault?.reason).toContain('more than once')
    const found = fault?.path.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], value)
    expect([isRepeated(found), found]).toEqual([true, values])
  })

  it.each([
    '{"a":":","b":"\\"\\\\:{"}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '"a:b"',
    '17',
    'null',
    '{}',
    '{"__proto__":{"a":1}}',
    '{"a":[1,1]}',
  ])('is JSON.parse for %s', (text) => {
    expect(hasRepeatedName(text, JSON.parse(text))).toBe(false)
    expect(parseJson(text)).toEqual(JSON.parse(text))
    expect(jsonFault(parseJson(text))).toBeUndefined()
  })

  it('finds a repeated name at any depth, without the stack', () => {
    const deep = `${'{"a":'.repeat(50_000)}{"b":1,"b":2}${'}'.repeat(50_000)}`
    expect(jsonFault(parseJson(deep))?.path).toHaveLength(50_001)
  })

  it('agrees with JSON.parse on random texts, and finds the name that is put in twice', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = createRandom(String(seed))
      const make = (depth: number): unknown => {
        const kind = Math.floor(random.uniform() * (depth > 3 ? 4 : 6))
        if (kind === 4) return Array.from({ length: Math.floor(random.uniform() * 4) }, () => make(depth + 1))
        if (kind === 5)
          return Object.fromEntries(Array.from({ length: Math.floor(random.uniform() * 4) }, (_, at) => [`"k${at}:\\`, make(depth + 1)]))
        return [null, true, random.uniform() * 1e6 - 5e5, ':"{}[],\\ü\n'][kind]
      }
      const value = { first: make(0), second: make(0) }
      const text = JSON.stringify(value, null, seed % 3)
      expect(parseJson(text), `seed ${seed}`).toEqual(value)
      const twice = `${text.trimEnd().slice(0, -1)},"second":${JSON.stringify(value.second)}}`
      expect(parseJson(twice), `seed ${seed}`).toEqual({ first: value.first, second: [value.second, value.second] })
    }
  })
})

describe('jsonFault', () => {
  it.each([
    ['{"desired":{"a":1e400}}', 'body.desired.a'],
    ['[1,[2,-1e999]]', 'body[1][1]'],
  ])('names the number in %s that no double holds', (text, field) => {
    const fault = jsonFault(JSON.parse(text))
    expect([jsonField('body', fault?.path ?? []), fault?.reason]).toEqual([field, expect.stringContaining('not finite')])
  })
})
