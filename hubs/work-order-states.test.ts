import { describe, expect, it } from 'vitest'
import { WORK_ORDER_STATES, type WorkOrderState } from '#kernel/work-order.ts'
import { standardProcess } from './orders/standard-process.ts'
import { checkMove } from './work-order-states.ts'

const outcome = { cause: 'AC-01', parts_used: [], parts_returned: [], minutes: 30 }

/** One row a state, one column a state to go to, in the order of the contract: `x` may, `o` may with an outcome, `e` not in a danger. */
const TABLE = `
                   op tr re sc of ac rf en on wp we do ve ro ca rt cl
opened             .  x  e  x  x  x  x  .  .  .  .  .  .  .  x  x  .
triaged            .  .  e  x  x  x  x  .  .  .  .  .  .  .  x  x  .
remote_offered     .  x  .  x  x  x  x  .  .  .  .  o  .  .  x  x  .
scheduled          .  .  .  .  x  x  x  .  .  .  .  .  .  .  x  x  .
offered            .  .  .  x  .  x  x  .  .  .  .  .  .  .  x  x  .
accepted           .  .  .  x  .  .  x  x  x  x  x  .  .  .  x  x  .
refused            .  x  .  x  x  x  .  .  .  .  .  .  .  .  x  x  .
en_route           .  .  .  x  .  x  .  .  x  .  .  .  .  .  x  .  .
on_site            .  .  .  x  .  .  .  .  .  x  x  o  .  .  x  x  .
waiting_for_part   .  .  .  x  .  x  .  x  x  .  .  .  .  .  x  x  .
waiting_for_expert .  .  .  x  .  x  .  x  x  .  .  .  .  .  x  x  .
done               .  .  .  .  .  .  .  .  .  .  .  .  x  x  .  .  x
verified           .  .  .  .  .  .  .  .  .  .  .  .  .  x  .  .  x
reopened           .  x  e  x  x  x  .  .  .  .  .  .  .  .  x  x  .
cancelled          .  .  .  .  .  .  .  .  .  .  .  .  .  x  .  .  x
returned           .  x  .  x  x  x  .  .  .  .  .  .  .  .  x  .  x
closed             .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
`

const rows = TABLE.trim()
  .split('\n')
  .slice(1)
  .map((line) => line.trim().split(/\s+/))
const pairs = rows.flatMap(([from, ...cells]) => cells.map((cell, index) => ({ from: from as WorkOrderState, to: WORK_ORDER_STATES[index], cell })))

const codeOf = (action: () => void): string => {
  try {
    action()
    return 'ok'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('checkMove', () => {
  it('knows each pair of the 17 states', () => {
    expect(pairs).toHaveLength(WORK_ORDER_STATES.length ** 2)
    expect(rows.map(([from]) => from)).toEqual([...WORK_ORDER_STATES])
  })

  it.each(pairs)('$from -> $to is "$cell"', ({ from, to, cell }) => {
    if (to === undefined) throw new Error('the table has a column too many')
    const attempt = (safetyClass: 'E0' | 'E3', given: typeof outcome | undefined) =>
      codeOf(() => checkMove(standardProcess, { from, to, safetyClass, outcome: given, reason: 'it must be' }))
    expect(attempt('E3', outcome)).toBe(cell === '.' ? 'MDL_HUBS_ILLEGAL_MOVE' : 'ok')
    expect(attempt('E3', undefined)).toBe({ '.': 'MDL_HUBS_ILLEGAL_MOVE', o: 'MDL_HUBS_OUTCOME_REQUIRED' }[cell] ?? 'ok')
    expect(attempt('E0', outcome)).toBe(cell === '.' || cell === 'e' ? 'MDL_HUBS_ILLEGAL_MOVE' : 'ok')
  })

  it.each(['on_site', 'waiting_for_part', 'waiting_for_expert'] as const)('lets nobody leave %s for cancelled without outcome or reason', (from) => {
    const leave = (given: { outcome?: typeof outcome; reason?: string }) =>
      codeOf(() => checkMove(standardProcess, { from, to: 'cancelled', safetyClass: 'E3', outcome: given.outcome, reason: given.reason ?? '' }))
    expect(leave({})).toBe('MDL_HUBS_OUTCOME_REQUIRED')
    expect(leave({ reason: '  ' })).toBe('MDL_HUBS_OUTCOME_REQUIRED')
    expect(leave({ reason: 'the household was away' })).toBe('ok')
    expect(leave({ outcome })).toBe('ok')
  })

  it('asks nothing of who cancels an order that nobody travelled for', () => {
    const cancel = (from: WorkOrderState) =>
      codeOf(() => checkMove(standardProcess, { from, to: 'cancelled', safetyClass: 'E3', outcome: undefined }))
    expect((['opened', 'scheduled', 'accepted', 'en_route'] as const).map(cancel)).toEqual(['ok', 'ok', 'ok', 'ok'])
  })

  it('reaches every state from the initial one', () => {
    const seen = new Set<WorkOrderState>([standardProcess.initial])
    for (const state of seen) for (const next of standardProcess.states[state].next) seen.add(next)
    expect(seen.size).toBe(WORK_ORDER_STATES.length)
  })
})
