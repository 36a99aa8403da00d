import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { type Condition, type Rule, readingLayout } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { isSafetyRule } from './compile-rules.ts'
import { createRulesEngine } from './engine.ts'
import { aReading, aRule, aType } from './test-builders.ts'

const MIN = 60_000
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)
const hot: Condition = { channel: 'board_temperature_c', op: '>', value: 80, unit: 'c', clearValue: 70 }

const anEngine = (...rules: Rule[]) => createRulesEngine({ types: (id) => (id === 'kettle' ? aType(...rules) : undefined), filter: () => true })

describe('rules engine with late readings', () => {
  const late = (minute: number, receivedMinute: number, value: number) =>
    aReading(minute * MIN, { board_temperature_c: value }, { received_at_ms: epochMs(receivedMinute * MIN), hist: true })

  it('raises and ends a danger that a late reading shows, once', () => {
    const engine = anEngine(aRule({ when: hot }))
    engine.decide(aReading(100 * MIN, { board_temperature_c: 20 }))
    const events = engine.decide(late(50, 101, 90))
    expect(events.map((event) => event.kind)).toEqual(['alarm_raised', 'alarm_cleared'])
    expect(engine.decide(late(51, 102, 90))).toEqual([])
    expect(engine.decide(late(50, 103, 90))).toEqual([])
    expect(engine.decide(late(20, 103, 90))).toHaveLength(2)
  })

  it.each<[string, Partial<Rule>, Reading]>([
    ['an ordinary rule', { safetyClass: 'E3' }, late(50, 101, 90)],
    ['a rule whose hold time one reading cannot fill', { holdMs: MIN }, late(50, 101, 90)],
    ['a reading older than a day', {}, late(50, 50 + 24 * 60 + 1, 90)],
  ])('raises nothing for %s', (_, rule, reading) => {
    const engine = anEngine(aRule({ when: hot, ...rule }))
    engine.decide(aReading(100 * MIN, { board_temperature_c: 20 }))
    expect(engine.decide(reading)).toEqual([])
    expect(engine.statistics().late).toBe(1)
  })

  it('raises a danger again that only history showed and that holds on (a leak of the days while a device was away)', () => {
    const engine = anEngine(aRule({ when: hot, holdMs: 2 * MIN }))
    const now = 3 * 24 * 60
    const told = range(0, 60).flatMap((minute) => engine.decide(late(minute, now, 90)))
    expect(told.map(({ kind }) => kind)).toEqual(['alarm_raised'])
    const live = aReading(now * MIN, { board_temperature_c: 90 }, { received_at_ms: epochMs(now * MIN) })
    const restored = anEngine(aRule({ when: hot, holdMs: 2 * MIN }))
    restored.restore(JSON.parse(JSON.stringify(engine.snapshot())))
    const events = restored.decide(live)
    expect(events.map(({ kind }) => kind)).toEqual(['alarm_cleared', 'alarm_raised'])
    const [, again] = events
    expect(again?.kind === 'alarm_raised' && [again.alarm.began_at_ms, again.alarm.raised_at_ms]).toEqual([(now - 2) * MIN, now * MIN])
    const after = aReading((now + 1) * MIN, { board_temperature_c: 90 }, { received_at_ms: epochMs((now + 1) * MIN) })
    expect(restored.decide(after)).toEqual([])
  })

  it('takes what is not marked as stored for what is now, however slow the clock: a hold is completed by the clock, the alarm is no stored one', () => {
    const engine = anEngine(aRule({ when: hot, holdMs: 2 * MIN }))
    const slow = (hist: boolean) =>
      anEngine(aRule({ when: hot })).decide(aReading(0, { board_temperature_c: 90 }, { received_at_ms: epochMs(25 * 60 * MIN), hist }))
    expect(slow(false).map((event) => event.kind === 'alarm_raised' && event.alarm.hist)).toEqual([undefined])
    expect(slow(true).map((event) => event.kind === 'alarm_raised' && event.alarm.hist)).toEqual([true])
    engine.decide(aReading(0, { board_temperature_c: 90 }, { received_at_ms: epochMs(25 * 60 * MIN) }))
    expect(engine.completeHolds(25 * 60 * MIN + 3 * MIN).map(({ kind }) => kind)).toEqual(['alarm_raised'])
  })

  it('does not raise a danger again that was told while the device was there', () => {
    const engine = anEngine(aRule({ when: hot }))
    const at = (minute: number) => aReading(minute * MIN, { board_temperature_c: 90 }, { received_at_ms: epochMs(minute * MIN) })
    expect(engine.decide(at(10))).toHaveLength(1)
    for (const day of range(1, 3)) expect(engine.decide(at(10 + day * 24 * 60))).toEqual([])
  })

  /** What a backlog of [minute, value] raises after a live reading at minute 100, as `rule's begin - raised`, in minutes. */
  const backlog = (rule: Partial<Rule>, readings: ReadonlyArray<readonly [minute: number, value: number]>, live = 20): string[] => {
    const engine = anEngine(aRule({ when: hot, ...rule }))
    engine.decide(aReading(100 * MIN, { board_temperature_c: live }))
    return readings.flatMap(([minute, value]) =>
      engine
        .decide(late(minute, 101, value))
        .flatMap((event) => (event.kind === 'alarm_raised' ? [`${event.alarm.began_at_ms / MIN} - ${event.alarm.raised_at_ms / MIN}`] : [])),
    )
  }
  const held = { holdMs: 2 * MIN }
  const rising: Condition = { channel: 'board_temperature_c', rateOverMs: 5 * MIN, op: '>', value: 1, unit: 'k_per_min' }

  it.each<[string, Partial<Rule>, ReadonlyArray<readonly [number, number]>, string[]]>([
    ['a danger of the hold time once', held, [30, 31, 32, 33, 34].map((minute) => [minute, 90]), ['30 - 32']],
    [
      'nothing that ceased within the hold time',
      held,
      [
        [30, 90],
        [31, 60],
        [32, 90],
        [33, 90],
      ],
      [],
    ],
    [
      'nothing over a gap',
      held,
      [
        [30, 90],
        [41, 90],
      ],
      [],
    ],
    [
      'nothing out of two backlogs that lie further apart than the gap',
      held,
      [
        [45, 90],
        [46, 90],
        [30, 90],
        [31, 90],
      ],
      [],
    ],
    [
      'out of two pieces in the wrong order what they show in order, where the gap lets a hold go on',
      held,
      [
        [40, 90],
        [41, 90],
        [30, 90],
        [31, 90],
      ],
      ['30 - 40'],
    ],
    ['a danger once though its backlog comes twice', held, [30, 31, 32, 33, 30, 31, 32, 33].map((minute) => [minute, 90]), ['30 - 32']],
    ['two dangers that lie apart', held, [30, 31, 32, 50, 51, 52].map((minute) => [minute, 90]), ['30 - 32', '50 - 52']],
    ['a rate', { when: rising }, [0, 1, 2, 3, 4, 5, 6].map((minute) => [30 + minute, 20 + 2 * minute]), ['35 - 35']],
  ])('raises of a backlog %s', (_, rule, readings, expected) => {
    expect(backlog(rule, readings)).toEqual(expected)
  })

  it('does not mix the hold of a backlog with the live one', () => {
    const engine = anEngine(aRule({ when: hot, holdMs: 2 * MIN }))
    const kinds = (reading: Reading) => engine.decide(reading).map((event) => event.kind)
    expect(kinds(aReading(100 * MIN, { board_temperature_c: 90 }))).toEqual([])
    expect(kinds(late(30, 101, 20))).toEqual([])
    expect(kinds(aReading(101 * MIN, { board_temperature_c: 90 }))).toEqual([])
    expect(kinds(late(31, 102, 20))).toEqual([])
    expect(kinds(aReading(102 * MIN, { board_temperature_c: 90 }))).toEqual(['alarm_raised'])
    expect([95, 96, 97, 98].flatMap((minute) => kinds(late(minute, 103, 90)))).toEqual([])
  })

  it.each<[string, ReadonlyArray<readonly [number, number]>, ReadonlyArray<readonly [number, number]>, string[]]>([
    [
      'began before the unit fell silent',
      [
        [30, 90],
        [31, 90],
        [100, 20],
      ],
      [
        [32, 90],
        [33, 90],
      ],
      ['30 - 33'],
    ],
    [
      'began before and ended between',
      [
        [30, 90],
        [31, 90],
        [100, 20],
      ],
      [
        [32, 20],
        [33, 90],
        [34, 90],
      ],
      [],
    ],
    [
      'had ended before the unit fell silent',
      [
        [30, 90],
        [31, 90],
        [32, 20],
        [100, 20],
      ],
      [
        [33, 90],
        [34, 90],
      ],
      [],
    ],
    [
      'was too long before',
      [
        [10, 90],
        [11, 90],
        [100, 20],
      ],
      [
        [32, 90],
        [33, 90],
      ],
      [],
    ],
  ])('goes on in a backlog with a hold only where it follows: one that %s', (_, live, stored, expected) => {
    const engine = anEngine(aRule({ when: hot, holdMs: 3 * MIN }))
    expect(live.flatMap(([minute, value]) => engine.decide(aReading(minute * MIN, { board_temperature_c: value })))).toEqual([])
    const restarted = anEngine(aRule({ when: hot, holdMs: 3 * MIN }))
    restarted.restore(JSON.parse(JSON.stringify(engine.snapshot())))
    const events = stored.flatMap(([minute, value]) => restarted.decide(late(minute, 101, value)))
    expect(
      events.flatMap((event) => (event.kind === 'alarm_raised' ? [`${event.alarm.began_at_ms / MIN} - ${event.alarm.raised_at_ms / MIN}`] : [])),
    ).toEqual(expected)
  })

  it('goes on within the hold of a backlog after a restart', () => {
    const rule = aRule({ when: hot, holdMs: 2 * MIN })
    const first = anEngine(rule)
    first.decide(aReading(100 * MIN, { board_temperature_c: 20 }))
    for (const minute of [30, 31]) first.decide(late(minute, 101, 90))
    const second = anEngine(rule)
    second.restore(JSON.parse(JSON.stringify(first.snapshot())))
    expect(second.decide(late(32, 102, 90)).map((event) => event.kind)).toEqual(['alarm_raised', 'alarm_cleared'])
  })

  it('raises nothing for a late repetition out of an alarm that is over', () => {
    const engine = anEngine(aRule({ when: hot }))
    for (const [minute, value] of [
      [0, 90],
      [1, 90],
      [2, 20],
    ] as const)
      engine.decide(aReading(minute * MIN, { board_temperature_c: value }))
    expect(engine.decide(late(1, 3, 90))).toEqual([])
  })

  it('begins anew, and does not fall silent, when the clock of the device is set back', () => {
    const engine = anEngine(aRule({ when: hot, holdMs: MIN }))
    engine.decide(aReading(1000 * MIN, { board_temperature_c: 20 }))
    expect(engine.decide(aReading(10 * MIN, { board_temperature_c: 90 }))).toEqual([])
    expect(engine.decide(aReading(11 * MIN, { board_temperature_c: 90 }))).toHaveLength(1)
    expect(engine.statistics().clockSetBack).toBe(1)
  })

  /** The board at each minute, rising by 2 K a minute, with readings whose clock is wrong by some minutes. */
  const risingWith = (wrongBy: Readonly<Record<number, number>>, isSplit = false): string[] => {
    const rule = aRule({ when: rising, holdMs: 2 * MIN })
    let engine = anEngine(rule)
    return range(0, 10).flatMap((minute) => {
      const at = 1000 + minute + (wrongBy[minute] ?? 0)
      const received_at_ms = epochMs((1000 + minute) * MIN)
      const events = engine.decide(aReading(at * MIN, { board_temperature_c: 25 + 2 * minute }, { received_at_ms }))
      const before = engine
      if (isSplit) engine = anEngine(rule)
      if (isSplit) engine.restore(JSON.parse(JSON.stringify(before.snapshot())))
      return events.map((event) => `${event.kind}@${minute}`)
    })
  }

  it.each<[string, Record<number, number>]>([
    ['none is wrong', {}],
    ['one is 10 minutes behind', { 3: -10 }],
    ['one is an hour behind', { 4: -60 }],
    ['one within the hold is behind', { 6: -10 }],
    ['two apart are behind', { 2: -10, 4: -60 }],
    ['one is 4 minutes ahead', { 3: 4 }],
    ['one within the hold is ahead', { 6: 4 }],
  ])('keeps rates and holds when of the readings %s', (_, wrongBy) => {
    expect(risingWith(wrongBy)).toEqual(['alarm_raised@7'])
    expect(risingWith(wrongBy, true)).toEqual(['alarm_raised@7'])
  })

  it('sees a danger at once in the one reading whose clock is wrong, and keeps its alarm', () => {
    const engine = anEngine(aRule({ when: hot }))
    engine.decide(aReading(1000 * MIN, { board_temperature_c: 20 }))
    const kinds = (minute: number, value: number) => engine.decide(aReading(minute * MIN, { board_temperature_c: value })).map(({ kind }) => kind)
    expect([kinds(10, 90), kinds(1001, 90), kinds(1002, 20)]).toEqual([['alarm_raised'], [], ['alarm_cleared']])
    expect(engine.statistics()).toMatchObject({ clockAstray: 1, clockSetBack: 0, late: 0 })
  })

  it('sees no greater rate in the one reading whose clock is wrong', () => {
    const engine = anEngine(aRule({ when: rising }))
    const at = (minute: number, by = 0) =>
      engine.decide(
        aReading((1000 + minute + by) * MIN, { board_temperature_c: 20 + 0.9 * minute }, { received_at_ms: epochMs((1000 + minute) * MIN) }),
      )
    expect([at(0), at(10), at(20, -30), at(30)].flat()).toEqual([])
  })

  it('begins a rate anew when the clock stays back', () => {
    const engine = anEngine(aRule({ when: rising }))
    const at = (minute: number, value: number) => engine.decide(aReading(minute * MIN, { board_temperature_c: value })).length
    expect([at(1000, 20), at(1001, 20), at(10, 20), at(11, 20), at(13, 40), at(16, 40)]).toEqual([0, 0, 0, 0, 0, 1])
    expect(engine.statistics()).toMatchObject({ clockAstray: 1, clockSetBack: 1 })
  })

  it('follows a clock that is put ahead for good', () => {
    const engine = anEngine(aRule({ when: hot }))
    const at = (minute: number, by: number) =>
      engine.decide(aReading((1000 + minute + by) * MIN, { board_temperature_c: 20 }, { received_at_ms: epochMs((1000 + minute) * MIN) }))
    for (const minute of range(0, 2)) at(minute, 0)
    for (const minute of range(3, 9)) at(minute, 4)
    expect(engine.statistics()).toMatchObject({ clockAstray: 1, clockSetBack: 0, late: 0 })
  })

  it('goes on with a snapshot of before', () => {
    const engine = anEngine(aRule({ when: rising }))
    engine.decide(aReading(1000 * MIN, { board_temperature_c: 20 }))
    const saved = JSON.parse(JSON.stringify(engine.snapshot()))
    delete saved.holds
    for (const device of saved.devices) {
      delete device.prevMs
      delete device.receivedMs
      delete device.behindMs
      delete device.aheadMs
    }
    const restored = anEngine(aRule({ when: rising }))
    restored.restore(saved)
    expect(restored.decide(aReading(990 * MIN, { board_temperature_c: 21 }))).toEqual([])
    expect(restored.decide(aReading(1005 * MIN, { board_temperature_c: 40 }))).toHaveLength(1)
  })

  it('finds a full tray in the backlog of a unit that was offline', () => {
    const engine = createRulesEngine({ types: () => airConditioner, filter: isSafetyRule })
    const { columns } = readingLayout(airConditioner)
    const numbers = (given: Readonly<Record<string, number>>) => Float64Array.from(columns, (column) => given[column] ?? Number.NaN)
    const unit = { device: 'd1', type: 'air_conditioner', received_at_ms: epochMs(90 * MIN) }
    const full = { ...unit, numbers: numbers({ condensate_float_is_closed: 1, cooling_is_on: 1 }), hist: true }
    engine.decide(aReading(90 * MIN, {}, { ...unit, numbers: numbers({ condensate_float_is_closed: 0, cooling_is_on: 1 }) }))
    const events = Array.from({ length: 12 }, (_, index) => engine.decide(aReading(30 * MIN + index * 10_000, {}, full))).flat()
    expect(events.map((event) => ('alarm' in event ? `${event.kind} ${event.alarm.rule}` : event.kind))).toEqual([
      'alarm_raised AC-R08',
      'alarm_cleared AC-R08',
    ])
  })
})
