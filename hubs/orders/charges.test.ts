import { describe, expect, it } from 'vitest'
import { STORY_MS } from '../hub-builders.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { changesOfMove } from './order-facts.ts'

/** An order whose price was shown, with these parts under warranty. */
const orderWith = (...covered: string[]) =>
  ({
    facts: '{}',
    quote: JSON.stringify({
      price: { currency: 'CNY', max_minor: 50_000 },
      warranty: { parts: ['compressor', 'seal'].map((part) => ({ part, is_covered: covered.includes(part) })) },
    }),
  }) as unknown as WorkOrderRow

const charge = (order: WorkOrderRow, lines: ReadonlyArray<Readonly<Record<string, unknown>>>) => {
  const total_minor = lines.reduce((sum, { amount_minor }) => sum + Number(amount_minor), 0)
  const data = { charges: { currency: 'CNY', lines, total_minor, is_agreed: false } }
  return changesOfMove(order, 'done', { actor: 'x', atMs: STORY_MS, nowMs: STORY_MS, data })
}
const refusal = (field: string) => expect.objectContaining({ code: 'MDL_API_INVALID', details: { errors: [expect.objectContaining({ field })] } })

describe('charges of an order with parts under warranty', () => {
  it('name the part of each line for a part, so that nothing is charged that is covered', () => {
    const labour = { kind: 'labour', amount_minor: 1_000 }
    expect(() => charge(orderWith('compressor'), [labour, { kind: 'part', amount_minor: 2_000 }])).toThrow(
      refusal('body.data.charges.lines[1].part') as unknown as Error,
    )
    expect(() => charge(orderWith('compressor'), [{ kind: 'part', part: 'compressor', amount_minor: 2_000 }])).toThrow(
      refusal('body.data.charges.lines') as unknown as Error,
    )
    expect(charge(orderWith('compressor'), [labour, { kind: 'part', part: 'seal', amount_minor: 2_000 }]).facts).toContain('seal')
    expect(charge(orderWith('compressor'), [{ kind: 'part', amount_minor: 0 }, labour]).facts).toContain('labour')
  })

  it('may leave it out where no part is covered', () => {
    expect(charge(orderWith(), [{ kind: 'part', amount_minor: 2_000 }]).facts).toContain('2000')
  })
})
