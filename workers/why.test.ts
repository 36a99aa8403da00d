import { serialize } from 'node:v8'
import { describe, expect, it } from 'vitest'
import type { Rule } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import type { RuleActivation } from '../rules/rule-book.ts'
import { aReading, aRule, aType } from '../rules/test-builders.ts'
import { explainRule } from './why.ts'

const MINUTE_MS = 60_000
const rule: Rule = aRule({
  safetyClass: 'E3',
  when: { channel: 'board_temperature_c', op: '>', value: 60, unit: 'c' },
  gapMs_MAX: 60 * MINUTE_MS,
})

/** Asks at a minute; readings at these minutes are stored, and checkpoints of a unit of which nothing was known. */
interface Stored {
  readonly readings: readonly number[]
  readonly checkpoints: readonly number[]
  readonly own?: Rule
  readonly activations?: readonly RuleActivation[]
  /** By how much the unit's clock is slow. */
  readonly slowMs?: number
}

function why(at: number, { readings, checkpoints, own = rule, activations = [], slowMs = 0 }: Stored) {
  const state = serialize({ fold: { quality: undefined, rules: undefined } })
  return explainRule(
    { tenant: 'home', device: 'd1', type: 'kettle', rule: 'R1', at_ms: at * MINUTE_MS },
    {
      types: () => aType(own),
      activations,
      derived: {
        checkpoint: async ({ at_ms }) => {
          const found = checkpoints.findLast((minute) => minute * MINUTE_MS <= at_ms)
          return found === undefined ? undefined : { at_ms: found * MINUTE_MS, state }
        },
        rows: async () => [],
      },
      async *history({ from_ms, to_ms }): AsyncIterable<Reading> {
        for (const minute of readings)
          if (minute * MINUTE_MS >= from_ms && minute * MINUTE_MS <= to_ms) {
            const received_at_ms = epochMs(minute * MINUTE_MS + slowMs)
            yield aReading(minute * MINUTE_MS, { board_temperature_c: 70 }, { received_at_ms })
          }
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

  it('tells the same of a unit whose clock is hours slow', async () => {
    const own: Rule = { ...rule, safetyClass: 'E0', holdMs: 70 * MINUTE_MS, gapMs_MAX: 15 * MINUTE_MS }
    const of = (at: number) => why(at, { readings: [300], checkpoints: [], own, slowMs: 180 * MINUTE_MS })
    expect(await of(369)).toMatchObject({ verdict: 'waits' })
    expect(await of(371)).toMatchObject({ verdict: 'fired', raised_at_ms: 370 * MINUTE_MS })
  })

  it('is told by the class of the version in force at that time: one that became a danger, as it was before and since', async () => {
    const live = (version: number, safetyClass: Rule['safetyClass']): Rule => ({ ...rule, version, safetyClass })
    const from = (minute: number, own: Rule): RuleActivation => ({
      ...{ tenant: 'home', type: 'kettle', rule_id: 'R1', from_ms: minute * MINUTE_MS, canary: null },
      live: own,
    })
    const activations = [from(100, live(2, 'E3')), from(500, live(3, 'E0'))]
    const of = (at: number) => why(at, { readings: [300, 310, 600, 610], checkpoints: [0], activations })
    expect(await of(310)).toMatchObject({ verdict: 'fired', rule_version: 2, safety_class: 'E3' })
    expect(await of(610)).toMatchObject({ verdict: 'fired', rule_version: 3, safety_class: 'E0' })
  })
})
