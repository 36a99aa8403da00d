import { describe, expect, it } from 'vitest'
import { strictTimeParser, timeParser } from './mapping-time.ts'

const NOON = Date.UTC(2026, 0, 2, 12)

describe('timeParser of iso8601', () => {
  it.each([
    ['2026-01-02T12:00Z', 0],
    ['2026-01-02T12:00+14:00', -14],
    ['2026-01-02T12:00-14:00', 14],
    ['2026-01-02 12:00 +0530', -5.5],
  ])('reads %s', (text, hours) => {
    expect(timeParser('iso8601', 'UTC')(text)).toBe(NOON + hours * 3_600_000)
    expect(strictTimeParser('iso8601', 'UTC')(text)).toBe(NOON + hours * 3_600_000)
  })

  it.each(['2026-01-02T12:00+25:00', '2026-01-02T12:00-14:01', '2026-01-02T12:00+1401', '2026-01-02T12:00+05:60'])(
    'refuses %s, an offset that no place has',
    (text) => {
      expect(timeParser('iso8601', 'UTC')(text)).toBeUndefined()
      expect(strictTimeParser('iso8601', 'UTC')(text)).toBeUndefined()
    },
  )
})
