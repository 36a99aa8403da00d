import { describe, expect, it } from 'vitest'
import { limits } from '#kernel/limits.ts'
import { kettle, messageOf, NOW_MS } from './builders.ts'
import { type DecodeOptions, decodeMessage } from './decode.ts'
import { FOLD, isThrough, STORE } from './reading-pool.ts'

const reusing = { ...limits, reuse: 'when through' as const }
const said = (seq: number, values: Readonly<Record<string, unknown>>, fw?: string) =>
  messageOf(JSON.stringify({ ts: NOW_MS + seq, seq, boot: 2, ...(fw === undefined ? {} : { fw }), v: values }))
const decoded = (message: ReturnType<typeof said>, options: DecodeOptions = reusing) => {
  const [reading] = decodeMessage(message, kettle, options).readings
  if (reading === undefined) throw new Error('the message has a reading')
  return reading
}
/** What a reading says, whatever it is made of. */
const content = ({ boot, seq, observed_at_ms, received_at_ms, hist, fw, numbers, texts }: ReturnType<typeof decoded>) => ({
  ...{ boot, seq, observed_at_ms, received_at_ms, hist, fw },
  numbers: [...numbers],
  texts,
})
const first = { inlet_temperature_c: 20, float_is_closed: true }
const second = { outlet_temperature_c: 90 }

describe('readings that are used again', () => {
  it('is another one only when store and fold are through with it', () => {
    decoded(said(1, first))
    const reading = decoded(said(2, first))
    isThrough(reading, STORE)
    isThrough(reading, STORE)
    expect(decoded(said(3, first))).not.toBe(reading)
    isThrough(reading, FOLD)
    expect(decoded(said(4, first))).toBe(reading)
    expect(decoded(said(5, first))).not.toBe(reading)
  })

  it('says nothing of what it was before', () => {
    const messages = Array.from({ length: 40 }, (_, seq) => said(seq, seq % 3 === 0 ? second : first, seq % 2 === 0 ? '1.0' : undefined))
    for (const message of messages) {
      const reading = decoded(message)
      expect(content(reading)).toStrictEqual(content(decoded(message, limits)))
      isThrough(reading, STORE)
      isThrough(reading, FOLD)
    }
  })

  it('is left alone where it is a copy with other content', () => {
    decoded(said(1, first))
    const reading = decoded(said(2, first))
    const copy = { ...reading, fw: undefined }
    isThrough(copy, STORE)
    isThrough(copy, FOLD)
    expect(decoded(said(3, second)).numbers).not.toBe(copy.numbers)
  })
})
