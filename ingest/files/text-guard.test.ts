import { describe, expect, it } from 'vitest'
import { guarded, unguarded } from './text-guard.ts'

describe('text guard', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+x', "'+x"],
    ['-x', "'-x"],
    ['@sum', "'@sum"],
    ["'quoted", "''quoted"],
    ["'=x", "''=x"],
    ['auto', 'auto'],
    ['a=b', 'a=b'],
    ['', ''],
  ])('writes %j as %j and reads it back', (text, cell) => {
    expect([guarded(text), unguarded(cell)]).toEqual([cell, text])
  })
  it('leaves a foreign cell as it is', () => {
    expect(unguarded("'s-Hertogenbosch")).toBe("'s-Hertogenbosch")
  })
})
