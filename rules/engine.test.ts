import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Condition, Rule } from '#catalogue/appliance-type.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { isSafetyRule } from './compile-rules.ts'
import { createRulesEngine } from './engine.ts'
import { aReading, aRule, aType } from './test-builders.ts'

const MIN = 60_000
const hot: Condition = { channel: 'board_temperature_c', op: '>', value: 80, unit: 'c', clearValue: 70 }

const anEngine = (...rules: Rule[]) => createRulesEngine({ types: (id) => (id === 'kettle' ? aType(...rules) : undefined), filter: () => true })

/** Events as `kind@minute`, of readings given as [minute, value]. */
function run(rule: Partial<Rule>, readings: ReadonlyArray<readonly [minute: number, value: number]>): string[] {
  const engine = anEngine(aRule({ when: hot, ...rule }))
  return readings.flatMap(([minute, value]) =>
    engine
      .decide(aReading(minute * MIN, { board_temperature_c: value }))
      .map((event) => `${event.kind === 'alarm_raised' ? 'raised' : 'cleared'}@${minute}`),
  )
}

describe('rules engine in event time', () => {
  it.each<[string, Partial<Rule>, ReadonlyArray<readonly [number, number]>, string[]]>([
    ['raises at once without hold time', {}, [[0, 81]], ['raised@0']],
    ['does not raise at the bound itself', {}, [[0, 80]], []],
    [
      'raises once',
      {},
      [
        [0, 81],
        [1, 82],
        [2, 83],
      ],
      ['raised@0'],
    ],
    [
      'waits for the hold time',
      { holdMs: 2 * MIN },
      [
        [0, 81],
        [1, 81],
        [2, 81],
      ],
      ['raised@2'],
    ],
    [
      'never sees a clear hold through where readings are further apart than the gap',
      { clearHoldMs: 60 * MIN },
      [
        [0, 81],
        [1_440, 60],
        [2_880, 60],
      ],
      ['raised@0'],
    ],
    [
      'clears by one record that is well again, however long after, where there is no clear hold',
      { clearHoldMs: 0 },
      [
        [0, 81],
        [1_440, 75],
        [2_880, 60],
      ],
      ['raised@0', 'cleared@2880'],
    ],
    [
      'begins the hold anew when the condition ceases',
      { holdMs: 2 * MIN },
      [
        [0, 81],
        [1, 60],
        [2, 81],
        [3, 81],
        [4, 81],
      ],
      ['raised@4'],
    ],
    [
      'stays raised within the hysteresis',
      {},
      [
        [0, 81],
        [1, 75],
        [2, 71],
      ],
      ['raised@0'],
    ],
    [
      'clears below the hysteresis',
      {},
      [
        [0, 81],
        [1, 75],
        [2, 70],
      ],
      ['raised@0', 'cleared@2'],
    ],
    [
      'needs the full bound again after clearing',
      {},
      [
        [0, 81],
        [1, 70],
        [2, 75],
        [3, 81],
      ],
      ['raised@0', 'cleared@1', 'raised@3'],
    ],
    [
      'waits for the clear hold',
      { clearHoldMs: 2 * MIN },
      [
        [0, 81],
        [1, 60],
        [2, 60],
        [3, 60],
      ],
      ['raised@0', 'cleared@3'],
    ],
    [
      'begins the clear hold anew',
      { clearHoldMs: 2 * MIN },
      [
        [0, 81],
        [1, 60],
        [2, 90],
        [3, 60],
        [4, 60],
        [5, 60],
      ],
      ['raised@0', 'cleared@5'],
    ],
    [
      'breaks a hold by a gap',
      { holdMs: 12 * MIN },
      [
        [0, 81],
        [11, 81],
        [15, 81],
        [23, 81],
      ],
      ['raised@23'],
    ],
    [
      'keeps a hold over a pause as long as the gap',
      { holdMs: 10 * MIN },
      [
        [0, 81],
        [10, 81],
      ],
      ['raised@10'],
    ],
    [
      'breaks a clear hold by a gap',
      { clearHoldMs: 5 * MIN },
      [
        [0, 81],
        [1, 60],
        [12, 60],
        [17, 60],
      ],
      ['raised@0', 'cleared@17'],
    ],
    [
      'keeps an alarm over a gap',
      {},
      [
        [0, 81],
        [60, 75],
        [61, 60],
      ],
      ['raised@0', 'cleared@61'],
    ],
  ])('%s', (_, rule, readings, expected) => {
    expect(run(rule, readings)).toEqual(expected)
  })

  it('leaves a rule as it is when the reading lacks the channel', () => {
    const engine = anEngine(aRule({ when: { not: hot }, holdMs: MIN }))
    expect(engine.decide(aReading(0, { power_w: 1 }))).toEqual([])
    expect(engine.decide(aReading(2 * MIN, { power_w: 1 }))).toEqual([])
    expect(engine.decide(aReading(3 * MIN, { board_temperature_c: 20 }))).toEqual([])
    expect(engine.decide(aReading(4 * MIN, { power_w: 1 }))).toEqual([])
    expect(engine.decide(aReading(5 * MIN, { board_temperature_c: 20 }))).toHaveLength(1)
  })

  it('decides a rate over its span and not before it', () => {
    const engine = anEngine(aRule({ when: { channel: 'board_temperature_c', rateOverMs: 5 * MIN, op: '>', value: 1, unit: 'k_per_min' } }))
    const at = (minute: number, value: number) => engine.decide(aReading(minute * MIN, { board_temperature_c: value })).length
    expect([at(0, 20), at(2, 24), at(4, 28), at(5, 24.9), at(7, 30)]).toEqual([0, 0, 0, 0, 1])
  })

  it('forgets a rate over a gap', () => {
    const engine = anEngine(aRule({ when: { channel: 'board_temperature_c', rateOverMs: 5 * MIN, op: '>', value: 1, unit: 'k_per_min' } }))
    expect(engine.decide(aReading(0, { board_temperature_c: 20 }))).toEqual([])
    expect(engine.decide(aReading(20 * MIN, { board_temperature_c: 90 }))).toEqual([])
  })

  it('names the alarm by tenant, device, rule and begin, with the values of the conditions', () => {
    const when: Condition = { all: [hot, { channel: 'board_temperature_c', minus: 'outdoor_temperature_c', op: '>', value: 45, unit: 'k' }] }
    const readings = [
      aReading(0, { board_temperature_c: 90, outdoor_temperature_c: 30 }),
      aReading(MIN, { board_temperature_c: 91, outdoor_temperature_c: 30 }),
    ]
    const raise = () => {
      const engine = anEngine(aRule({ when, holdMs: MIN }))
      return readings.flatMap((reading) => engine.decide(reading))[0]
    }
    const event = raise()
    expect(event).toEqual(raise())
    expect(event).toMatchObject({ kind: 'alarm_raised', alarm: { began_at_ms: 0, raised_at_ms: MIN, cleared_at_ms: null } })
    expect(event?.kind === 'alarm_raised' && event.alarm.evidence).toEqual([
      { condition: 'board_temperature_c > 80 °C', value: 91, unit: 'c' },
      { condition: 'board_temperature_c - outdoor_temperature_c > 45 K', value: 61, unit: 'k' },
    ])
  })

  it('refuses a type whose rules fail the check, and ignores a type that nobody described', () => {
    const engine = anEngine(aRule({ when: { ...hot, unit: 'w' } }))
    expect(() => engine.decide(aReading(0, {}))).toThrow(/not in w/)
    expect(engine.decide(aReading(0, {}, { type: 'toaster' }))).toEqual([])
  })

  it('runs only the rules of its filter', () => {
    const rules = [aRule({ id: 'S', when: hot }), aRule({ id: 'O', when: hot, safetyClass: 'E3' })]
    const engine = createRulesEngine({ types: () => aType(...rules), filter: isSafetyRule })
    expect(engine.decide(aReading(0, { board_temperature_c: 90 })).map((event) => 'alarm' in event && event.alarm.rule)).toEqual(['S'])
  })
})

describe('rules engine over a snapshot', () => {
  const rules = [
    aRule({ id: 'A', when: hot, holdMs: 2 * MIN, clearHoldMs: 3 * MIN }),
    aRule({
      id: 'B',
      when: { any: [hot, { channel: 'board_temperature_c', rateOverMs: 4 * MIN, op: '>', value: 5, unit: 'k_per_min', clearValue: 1 }] },
    }),
    aRule({ id: 'C', when: { not: { channel: 'power_w', op: '<', value: 50, unit: 'w', clearValue: 60 } }, clearHoldMs: MIN }),
  ]
  const step = fc.record({
    device: fc.constantFrom('d1', 'd2'),
    afterMin: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 3 }) }, { weight: 1, arbitrary: fc.integer({ min: -30, max: 30 }) }),
    hist: fc.boolean(),
    values: fc.record({ board_temperature_c: fc.integer({ min: 60, max: 90 }), power_w: fc.integer({ min: 40, max: 70 }) }, { requiredKeys: [] }),
  })

  it('gives the same events wherever the run is split', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(60), (steps, at) => {
        let minute = 1000
        const readings = steps.map(({ device, afterMin, hist, values }, seq) => {
          minute += afterMin
          return aReading(minute * MIN, values as Record<string, number>, { device, hist, seq })
        })
        const whole = anEngine(...rules)
        const first = anEngine(...rules)
        const second = anEngine(...rules)
        const expected = readings.flatMap((reading) => whole.decide(reading))
        const events: HubEvent[] = readings.slice(0, at).flatMap((reading) => first.decide(reading))
        second.restore(JSON.parse(JSON.stringify(first.snapshot())))
        events.push(...readings.slice(at).flatMap((reading) => second.decide(reading)))
        expect(events).toEqual(expected)
      }),
      { numRuns: 300 },
    )
  })

  it('forgets the state of a rule whose version changed, and keeps the others', () => {
    const engine = anEngine(...rules)
    engine.decide(aReading(0, { board_temperature_c: 90, power_w: 70 }))
    const [, second, third] = rules
    const changed = anEngine({ ...rules[0], version: 2 } as Rule, { ...second, version: 2 } as Rule, third as Rule)
    changed.restore(engine.snapshot())
    const events = changed.decide(aReading(MIN, { board_temperature_c: 90, power_w: 70 }))
    expect(events.map((event) => 'alarm' in event && event.alarm.rule)).toEqual(['B'])
  })
})
