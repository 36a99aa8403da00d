import { describe, expect, it } from 'vitest'
import { shown } from './import-report.ts'

describe('a value in the report', () => {
  it.each([
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [12.5, '12.5'],
    ['865 W', '865 W'],
    [true, 'true'],
    [{ min: 1 }, '{"min":1}'],
    [null, null],
    ['x'.repeat(101), `${'x'.repeat(100)}…`],
  ])('shows %s', (value, expected) => {
    expect(shown(value)).toBe(expected)
  })
})
