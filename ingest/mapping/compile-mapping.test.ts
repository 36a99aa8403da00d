import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { compileMapping } from './compile-mapping.ts'
import { readMappingText } from './mapping-document.ts'

/** Fields of a payload of which a mapping says that nobody reads them, and those whose time is none. */
function complaintsOf(mapping: string, payload: unknown): string[] {
  const found: string[] = []
  const message = { received_at_ms: epochMs(1_780_000_000_000) } as AcceptedMessage
  const options = { type: airConditioner, limits, mappingOf: () => undefined, complain: (_code: string, field: string) => void found.push(field) }
  compileMapping(readMappingText(mapping, 'test')).read(payload, message, options)
  return found
}

const FIELDS = 'fields: [{field: x, channel: compressor_frequency_hz}]'

describe('compileMapping', () => {
  it.each<[pattern: string, unread: readonly string[]]>([
    ['a', ['ab', 'c.a', 'c.list[0].a', 'c.list[1].b']],
    ['a*', ['c.a', 'c.list[0].a', 'c.list[1].b']],
    ['c.*', ['a', 'ab']],
    ['*a', ['ab', 'c.list[1].b']],
    ['c.list[*].a', ['a', 'ab', 'c.a', 'c.list[1].b']],
    ['*list*b', ['a', 'ab', 'c.a', 'c.list[0].a']],
    ['*', []],
  ])('ignores by the pattern %s', (pattern, unread) => {
    const payload = { a: 1, ab: 1, c: { a: 1, list: [{ a: 1 }, { b: 1 }] } }
    expect(complaintsOf(`ignore: ['${pattern}']\n${FIELDS}`, payload)).toEqual(unread)
  })

  it('takes no more time for patterns and paths that are made to cost', () => {
    const patterns = Array.from({ length: 256 }, (_, index) => `"*a*b${index}"`).join(', ')
    const leaves = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`k${index}`, 1]))
    const begunMs = performance.now()
    expect(complaintsOf(`ignore: [${patterns}]\n${FIELDS}`, { ['a'.repeat(480)]: leaves })).toHaveLength(2_000)
    expect(performance.now() - begunMs).toBeLessThan(4_000)
  })

  it('takes no more time for a time of many blanks', () => {
    const begunMs = performance.now()
    complaintsOf(`time: {field: t, format: iso8601}\n${FIELDS}`, { t: `2026-01-01 00:00${' '.repeat(120_000)}x`, x: 1 })
    expect(performance.now() - begunMs).toBeLessThan(1_000)
  })
})
