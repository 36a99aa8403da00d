/** Dangers that are over before the unit's next reading, in what it stored while it was offline. */
import { describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { createRulesEngine, type RulesEngine } from './engine.ts'
import { aReading, aRule, aType } from './test-builders.ts'

const MIN = 60_000
const BEGIN = 1_700_000_000_000
const rule = aRule({
  id: 'SCALD',
  when: { channel: 'board_temperature_c', op: '>', value: 80, unit: 'c' },
  holdMs: 20_000,
  clearHoldMs: 5 * MIN,
  gapMs_MAX: 15 * MIN,
})
const anEngine = (): RulesEngine => createRulesEngine({ types: () => aType(rule), filter: () => true })

/** Minutes of device time and of receipt. */
const stored = (atMin: number, receivedMin: number, celsius: number): Reading =>
  aReading(BEGIN + atMin * MIN, { board_temperature_c: celsius }, { hist: true, received_at_ms: epochMs(BEGIN + receivedMin * MIN) })
const fresh = (atMin: number, celsius: number): Reading => aReading(BEGIN + atMin * MIN, { board_temperature_c: celsius })

const take = (engine: RulesEngine, readings: readonly Reading[]): HubEvent[] => readings.flatMap((reading) => [...engine.decide(reading)])
const told = (events: readonly HubEvent[]) =>
  events.flatMap((event) =>
    event.kind === 'alarm_raised' || event.kind === 'alarm_cleared'
      ? [[event.kind, (event.alarm.began_at_ms - BEGIN) / MIN, event.alarm.evidence.map(({ value }) => value)]]
      : [],
  )
const ALARM = [
  ['alarm_raised', 5, [90]],
  ['alarm_cleared', 5, [90]],
]
const cold = [0, 10, 15].map((at) => stored(at, 60, 20))
const hot = stored(5, 60, 90)
const backlog = [cold[0], hot, cold[1], cold[2]].filter((reading) => reading !== undefined)

describe('a danger between two stored readings', () => {
  it.each([
    ['in order', backlog],
    ['behind a fresh reading', [fresh(59, 20), ...backlog]],
    ['newest first', backlog.toReversed()],
    ['twice', [...backlog, ...backlog]],
    ['around a fresh reading', [...backlog.slice(0, 2), fresh(60, 20), ...backlog.slice(2)]],
  ])('is told a minute behind what comes %s, as the clock tells it live', (_, readings) => {
    const engine = anEngine()
    expect(take(engine, readings)).toEqual([])
    expect(engine.completeHolds(BEGIN + 60.9 * MIN)).toEqual([])
    expect(engine.nextHoldMs()).toBeLessThanOrEqual(BEGIN + 61 * MIN)
    expect(told(engine.completeHolds(BEGIN + 61 * MIN))).toEqual(ALARM)
    expect(engine.completeHolds(BEGIN + 90 * MIN)).toEqual([])
    expect(engine.statistics()).toMatchObject({ raised: 1, cleared: 1 })
    const live = anEngine()
    const raised = [fresh(0, 20), fresh(5, 90)].flatMap((reading) => [
      ...live.decide(reading),
      ...live.completeHolds(reading.received_at_ms + 30_000),
    ])
    expect(told(raised)).toEqual(ALARM.slice(0, 1))
  })

  it('is none where what comes meanwhile lies between and takes it back in time', () => {
    const engine = anEngine()
    take(engine, [fresh(59, 20), ...backlog.toReversed(), stored(5.2, 60.5, 20)])
    expect(engine.completeHolds(BEGIN + 62 * MIN)).toEqual([])
  })

  it('is told of each exposure once, with what was measured in it', () => {
    const engine = anEngine()
    take(engine, [fresh(59, 20), ...backlog, stored(20, 60, 95), stored(25, 60, 20)])
    expect(told(engine.completeHolds(BEGIN + 61 * MIN))).toEqual([...ALARM, ['alarm_raised', 20, [95]], ['alarm_cleared', 20, [95]]])
    take(engine, backlog)
    expect(engine.completeHolds(BEGIN + 90 * MIN)).toEqual([])
  })

  it('waits no longer than ten minutes for a backlog that does not end', () => {
    const engine = anEngine()
    take(engine, [fresh(59, 20), ...backlog])
    const more = Array.from({ length: 22 }, (_, index) => [stored(16 + 0.2 * index, 60.5 + 0.5 * index, index % 2 === 0 ? 90 : 20)]).flat()
    const events = more.flatMap((reading) => [...engine.completeHolds(reading.received_at_ms), ...engine.decide(reading)])
    expect(told(events)).toEqual(ALARM)
  })

  it('is told by an engine that was started anew meanwhile', () => {
    const before = anEngine()
    take(before, [fresh(59, 20), ...backlog])
    const after = anEngine()
    after.restore(JSON.parse(JSON.stringify(before.snapshot())))
    expect(told(after.completeHolds(BEGIN + 61 * MIN))).toEqual(ALARM)
  })

  it('is a record alone when it is older than a day', () => {
    const engine = anEngine()
    const late = 25 * 60
    take(engine, [fresh(late, 20), ...backlog.map((reading) => ({ ...reading, received_at_ms: epochMs(BEGIN + late * MIN) }))])
    expect(engine.completeHolds(BEGIN + (late + 20) * MIN)).toEqual([])
  })
})
