import { describe, expect, it } from 'vitest'
import { blocksOf, pageOf } from './page.ts'

describe('the page of the evaluation', () => {
  it('keeps the blocks of sections in their order, and names those not measured', () => {
    const page = pageOf(
      ['a', 'b', 'c'],
      new Map([
        ['c', '## C\n\n| x |'],
        ['a', '## A'],
      ]),
    )
    expect(page.indexOf('## A')).toBeLessThan(page.indexOf('- b: not measured yet'))
    expect(page.indexOf('- b: not measured yet')).toBeLessThan(page.indexOf('## C'))
    expect(blocksOf(page).get('c')).toBe('## C\n\n| x |')
    expect(pageOf(['a', 'b', 'c'], blocksOf(page))).toBe(page)
  })
})
