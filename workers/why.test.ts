import { serialize } from 'node:v8'
import { describe, expect, it } from 'vitest'
import type { Rule } from '#catalogue/appliance-type.ts'
import type { Reading } from '#kernel/reading.ts'
import { aReading, aRule, aType } from '../rules/test-builders.ts'
import { explainRule } from './why.ts'

const MINUTE_MS = 60_000
const rule: Rule = aRule({
  safetyClass: 'E3',
  when: { channel: 'board_temperature_c', op: '>', value: 60, unit: 'c' },
  gapMs_MAX: 60 * MINUTE_MS,
})

/** Asks at a minute; readings at these minutes are stored, and checkpoints of a unit of which nothing was known. */
function why(at: number, { readings, checkpoints, own = rule }: { readings: readonly number[]; checkpoints: readonly number[]; own?: Rule }) {
  const state = serialize({ fold: { quality: undefined, rules: undefined } })
  return explainRule(
    { tenant: 'home', device: 'd1', type: 'kettle', rule: 'R1', at_ms: at * MINUTE_MS },
    {
      types: () => aType(own),
      activations: [],
      derived: {
        checkpoint: async ({ at_ms }) => {
          const found = checkpoints.findLast((minute) => minute * MINUTE_MS <= at_ms)
          return found === undefined ? undefined : { at_ms: found * MINUTE_MS, state }
        },
        rows: async () => [],
      },
      async *history({ from_ms, to_ms }): AsyncIterable<Reading> {
        for (const minute of readings)
          if (minute * MINUTE_MS >= from_ms && minute * MINUTE_MS <= to_ms) yield aReading(minute * MINUTE_MS, { board_temperature_c: 70 })
      },
    },
  )
}

describe('why a rule fired', () => {
  it.each([
    ['behind a checkpoint and a reading', 365, [300, 355, 361], [0, 360], { reading_at_ms: 361 * MINUTE_MS, folded_from_ms: 360 * MINUTE_MS }],
    ['behind a checkpoint, before its first reading', 363, [300, 355, 367], [0, 360], { reading_at_ms: 355 * MINUTE_MS, folded_from_ms: 0 }],
    ['behind the only checkpoint of a unit that fell silent', 9_000, [300, 355], [360], { reading_at_ms: 355 * MINUTE_MS, folded_from_ms: 0 }],
    ['behind two checkpoints', 730, [355, 400], [0, 360, 720], { reading_at_ms: 400 * MINUTE_MS, folded_from_ms: 360 * MINUTE_MS }],
  ])('is told at a time %s', async (_, at, readings, checkpoints, expected) => {
    expect(await why(at, { readings, checkpoints })).toMatchObject({ verdict: 'fired', ...expected })
  })

  it('is refused at a time before the first reading', async () => {
    await expect(why(200, { readings: [300], checkpoints: [0, 180] })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('tells a danger that the clock completed, as it was told live', async () => {
    const own: Rule = { ...rule, safetyClass: 'E0', holdMs: 70 * MINUTE_MS, gapMs_MAX: 15 * MINUTE_MS }
    const of = (at: number) => why(at, { readings: [300], checkpoints: [], own })
    expect(await of(369)).toMatchObject({ verdict: 'waits' })
    expect(await of(371)).toMatchObject({ verdict: 'fired', raised_at_ms: 370 * MINUTE_MS })
  })
})
