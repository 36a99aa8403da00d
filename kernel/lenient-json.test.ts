import { describe, expect, it } from 'vitest'
import { understand } from './lenient-json.ts'

const read = (text: string): readonly unknown[] => understand(new TextEncoder().encode(text))

describe('text that is nearly JSON', () => {
  it('has the words of JSON and of printf, however they are written', () => {
    expect(read('[true,FALSE,null,inf,-Infinity,1.5]')).toEqual([[true, false, null, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5]])
  })

  it('knows no other word, and none that every object has', () => {
    for (const word of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'nan', 'yes']) {
      expect(read(`{"v":${word},"w":1}`)).toEqual([{ w: 1 }])
      expect(read(`[${word}]`)).toEqual([[]])
    }
  })
})
