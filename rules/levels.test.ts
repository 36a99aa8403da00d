import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Rule } from '#catalogue/appliance-type.ts'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { checkRules } from './check-rules.ts'
import { createRulesEngine } from './engine.ts'
import { aReading, aRule, aType } from './test-builders.ts'

const MINUTE_MS = 60_000
const rule: Rule = aRule({
  safetyClass: 'E4',
  opensWorkOrder: false,
  when: { channel: 'board_temperature_c', op: '>', value: 60, unit: 'c', clearValue: 55 },
  holdMs: 2 * MINUTE_MS,
  levels: [
    { safetyClass: 'E3', afterMs: 10 * MINUTE_MS, holdMs: 0, clearHoldMs: 0, opensWorkOrder: true },
    {
      safetyClass: 'E2',
      when: { channel: 'board_temperature_c', op: '>', value: 80, unit: 'c', clearValue: 75 },
      holdMs: MINUTE_MS,
      clearHoldMs: 3 * MINUTE_MS,
      opensWorkOrder: true,
    },
  ],
})

const engineOf = () => createRulesEngine({ types: () => aType(rule), filter: () => true })
const words = (events: readonly HubEvent[], minute: number): string[] =>
  events.flatMap((event) => {
    if (event.kind === 'alarm_changed') return [`${minute} ${event.from}>${event.alarm.safety_class}`]
    return 'alarm' in event ? [`${minute} ${event.kind.replace('alarm_', '')} ${event.alarm.safety_class}`] : []
  })

/** What happens while the board has these temperatures, one a minute. */
function story(temperatures: readonly number[]): string[] {
  const engine = engineOf()
  return temperatures.flatMap((board_temperature_c, minute) => words(engine.decide(aReading(minute * MINUTE_MS, { board_temperature_c })), minute))
}

const times = (count: number, value: number): number[] => Array.from({ length: count }, () => value)

describe('levels of a rule', () => {
  it('rise when the alarm persists, and end with it', () => {
    expect(story([...times(20, 65), 50])).toEqual(['2 raised E4', '12 E4>E3', '20 cleared E4'])
  })

  it('rise when a worse bound is passed for its time, and step down with hysteresis', () => {
    const temperatures = [...times(4, 65), ...times(3, 85), ...times(3, 76), ...times(5, 70)]
    // 76 lies between the bound and its clear value; three minutes below that the level is left.
    expect(story(temperatures)).toEqual(['2 raised E4', '5 E4>E2', '13 E2>E3'])
  })

  it('go by the bound for leaving of their rule while its alarm stands, and by their own bound before they are reached', () => {
    expect(story([...times(4, 65), ...times(10, 57)])).toEqual(['2 raised E4', '12 E4>E3'])
    expect(story([...times(4, 65), 85, ...times(3, 76)])).toEqual(['2 raised E4'])
    // Before the alarm stands 57 is no more than any other value below the bound.
    expect(story([65, 57, 57, 57])).toEqual([])
  })

  it('count for an alarm that is raised when one is reached already', () => {
    expect(story(times(4, 90))).toEqual(['2 raised E2'])
  })

  it('do nothing without the alarm of their rule', () => {
    expect(story([65, 90, 40, ...times(3, 40)])).toEqual([])
  })

  it('go on from a snapshot at any place', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 50, max: 90 }), { minLength: 5, maxLength: 60 }), fc.nat(59), (temperatures, cut) => {
        let engine = engineOf()
        const told = temperatures.flatMap((board_temperature_c, minute) => {
          if (minute === cut) {
            const saved = JSON.parse(JSON.stringify(engine.snapshot()))
            engine = engineOf()
            engine.restore(saved)
          }
          return words(engine.decide(aReading(minute * MINUTE_MS, { board_temperature_c })), minute)
        })
        expect(told).toEqual(story(temperatures))
      }),
      { numRuns: 60 },
    )
  })

  it('are always between the class of the rule and their gravest, and change only while the alarm stands', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 50, max: 90 }), { maxLength: 120 }), (temperatures) => {
        const engine = engineOf()
        let standing: string | undefined
        for (const [minute, board_temperature_c] of temperatures.entries()) {
          for (const event of engine.decide(aReading(minute * MINUTE_MS, { board_temperature_c }) as Reading)) {
            if (event.kind === 'alarm_raised') standing = event.alarm.safety_class
            if (event.kind === 'alarm_cleared') standing = undefined
            if (event.kind !== 'alarm_changed') continue
            expect(event.from).toBe(standing)
            expect(event.alarm.safety_class).not.toBe(event.from)
            standing = event.alarm.safety_class
            expect(['E2', 'E3', 'E4']).toContain(standing)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['a class that is not graver', { safetyClass: 'E4', afterMs: 1, holdMs: 0, clearHoldMs: 0, opensWorkOrder: false }, /graver than E4/],
    ['a danger', { safetyClass: 'E0', afterMs: 1, holdMs: 0, clearHoldMs: 0, opensWorkOrder: false }, /does not become a danger/],
    ['neither time nor bound', { safetyClass: 'E3', holdMs: 0, clearHoldMs: 0, opensWorkOrder: false }, /needs a time or a condition/],
    ['a negative time', { safetyClass: 'E3', afterMs: -1, holdMs: 0, clearHoldMs: 0, opensWorkOrder: false }, /zero or more/],
  ] as const)('refuses a level with %s', (_, level, expected) => {
    expect(checkRules(aType({ ...rule, levels: [level] })).join()).toMatch(expected)
  })
})

describe('levels of a safety rule, by the clock', () => {
  const { levels: _, ...base } = rule
  const danger = (more: Partial<Rule> = {}): Rule => ({
    ...base,
    safetyClass: 'E1',
    levels: [{ safetyClass: 'E0', afterMs: 3 * MINUTE_MS, holdMs: 0, clearHoldMs: 0, opensWorkOrder: true }],
    ...more,
  })
  const HOT = { board_temperature_c: 70 }
  const COOL = { board_temperature_c: 40 }

  /** An engine that is asked by a clock, as the safety consumer asks it. */
  function run(watched: Rule = danger()) {
    const clock = new ManualClock(0)
    let engine = createRulesEngine({ types: () => aType(watched), filter: () => true })
    const told: string[] = []
    const events: HubEvent[] = []
    const take = (all: readonly HubEvent[]): void => {
      events.push(...all)
      told.push(...words(all, clock.now() / 1_000))
      schedule()
    }
    let cancel = (): void => {}
    const schedule = (): void => {
      cancel()
      const dueMs = engine.nextHoldMs()
      if (Number.isFinite(dueMs)) cancel = clock.after(Math.max(0, dueMs - clock.now()), () => take(engine.completeHolds(clock.now())))
    }
    return {
      told,
      events,
      engine: () => engine,
      say: (values: Readonly<Record<string, number>>) => take(engine.decide(aReading(clock.now(), values))),
      pass: (ms: number) => clock.advance(ms),
      restart() {
        const saved = JSON.parse(JSON.stringify(engine.snapshot()))
        engine = createRulesEngine({ types: () => aType(watched), filter: () => true })
        engine.restore(saved)
        schedule()
      },
    }
  }

  it('are reached when a device has told its danger once and then is quiet', () => {
    const own = run()
    own.say(HOT)
    own.pass(10 * MINUTE_MS)
    expect(own.told).toEqual(['121 raised E1', '301 E1>E0'])
    const [alarm, change] = own.events
    // At the end of the hold in device time; the second more is for messages under way.
    expect(change).toMatchObject({ kind: 'alarm_changed', at_ms: 5 * MINUTE_MS, alarm: { raised_at_ms: 2 * MINUTE_MS, safety_class: 'E0' } })
    expect(change).toMatchObject({
      alarm: { alarm_id: alarm !== undefined && 'alarm' in alarm ? alarm.alarm.alarm_id : '', evidence: [{ value: 70 }] },
    })
    expect(own.engine().statistics()).toMatchObject({ raised: 1 })
  })

  it('are told once, and end with their alarm', () => {
    const own = run()
    own.say(HOT)
    own.pass(6 * MINUTE_MS)
    own.say(HOT)
    own.pass(MINUTE_MS)
    own.say(COOL)
    own.pass(30 * MINUTE_MS)
    expect(own.told).toEqual(['121 raised E1', '301 E1>E0', '420 cleared E1'])
  })

  it('are not reached when the danger ended before their time', () => {
    const own = run()
    own.say(HOT)
    own.pass(4 * MINUTE_MS)
    own.say(COOL)
    own.pass(30 * MINUTE_MS)
    expect(own.told).toEqual(['121 raised E1', '240 cleared E1'])
  })

  it('are not reached after so long a silence that nobody knows', () => {
    const own = run(danger({ gapMs_MAX: 4 * MINUTE_MS }))
    own.say(HOT)
    own.pass(60 * MINUTE_MS)
    expect(own.told).toEqual(['121 raised E1'])
  })

  it('go on from a snapshot', () => {
    const own = run()
    own.say(HOT)
    own.pass(3 * MINUTE_MS)
    own.restart()
    own.pass(10 * MINUTE_MS)
    expect(own.told).toEqual(['121 raised E1', '301 E1>E0'])
  })

  it('count for an alarm that the clock raises when one is reached already', () => {
    const when = { channel: 'board_temperature_c', op: '>', value: 65, unit: 'c' } as const
    const own = run(danger({ levels: [{ safetyClass: 'E0', when, holdMs: MINUTE_MS, clearHoldMs: 0, opensWorkOrder: true }] }))
    own.say(HOT)
    own.pass(10 * MINUTE_MS)
    expect(own.told).toEqual(['121 raised E0'])
  })

  it('wait for the next reading where the rule is none of safety', () => {
    const own = run(danger({ safetyClass: 'E4', levels: [{ safetyClass: 'E3', afterMs: 0, holdMs: 0, clearHoldMs: 0, opensWorkOrder: true }] }))
    own.say(HOT)
    own.pass(3 * MINUTE_MS)
    expect([own.told, own.engine().nextHoldMs()]).toEqual([[], Number.POSITIVE_INFINITY])
  })
})
