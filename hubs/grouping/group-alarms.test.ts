import fc from 'fast-check'
import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { GroupScope, UnitPlace } from '#kernel/alarm-group.ts'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { raised, STORY_MS, testType } from '../hub-builders.ts'
import { type HubTables, hubMigrations } from '../hub-tables.ts'
import { createHubs, type Hubs } from '../hubs.ts'
import { CHAIN_MS, type GroupableAlarm, type GroupingPlaces, groupAlarms } from './group-alarms.ts'

/** A hundred units: ten a building, fifty an area, every fourth with firmware 2. */
const placeOf = (_: string, device: string): UnitPlace => {
  const number = Number(device.slice(5))
  return {
    unit: device,
    building: `b${Math.floor(number / 10)}`,
    outage_area: number < 50 ? 'north' : 'south',
    firmware: number % 4 === 0 ? 'fw2' : 'fw1',
  }
}
const POPULATION: Readonly<Partial<Record<GroupScope, (value: string) => number>>> = {
  building: () => 10,
  outage_area: () => 50,
  firmware: (value) => (value === 'fw2' ? 25 : 75),
}
const standing = { placeOf, populationOf: (_: string, scope: GroupScope, value: string) => POPULATION[scope]?.(value) ?? 0 }
const alarm = (number: number, began_at_ms: number): GroupableAlarm => ({
  alarm_id: `a${number}-${began_at_ms}`,
  tenant: 'home',
  device: `unit-${number}`,
  cause: 'T-01',
  safety_class: 'E3',
  began_at_ms,
})
const numbers = (count: number, from = 0, step = 1): number[] => Array.from({ length: count }, (_, index) => from + index * step)
const words = (alarms: readonly GroupableAlarm[]) =>
  groupAlarms(alarms, standing).map(({ scope, scope_value, units }) => `${scope} ${scope_value} ${units}`)

describe('groups of alarms', () => {
  it.each<[string, GroupableAlarm[], string[]]>([
    ['a unit that repeats itself', [alarm(1, 0), alarm(1, 60_000)], ['unit unit-1 1']],
    ['two units far apart', [alarm(1, 0), alarm(60, 0)], ['unit unit-1 1', 'unit unit-60 1']],
    ['a building', numbers(8).map((number) => alarm(number, number * 1_000)), ['building b0 8']],
    ['an area', numbers(40).map((number) => alarm(number, number * 1_000)), ['outage_area north 40']],
    ['a firmware', numbers(25, 0, 4).map((number) => alarm(number, number * 1_000)), ['firmware fw2 25']],
    ['a building and a stranger', [...numbers(8).map((number) => alarm(number, 0)), alarm(77, 0)], ['building b0 8', 'unit unit-77 1']],
    [
      'two days of a building',
      [...numbers(8).map((number) => alarm(number, 0)), ...numbers(8).map((number) => alarm(number, 86_400_000))],
      ['building b0 8', 'building b0 8'],
    ],
  ])('take %s for what it is', (_, alarms, expected) => {
    expect([...words(alarms)].sort()).toEqual(expected)
  })

  it('do not reach over a longer pause', () => {
    expect(words([alarm(1, 0), alarm(2, CHAIN_MS + 1), alarm(3, 2 * CHAIN_MS + 2)])).toHaveLength(3)
    expect(words([alarm(1, 0), alarm(2, CHAIN_MS), alarm(3, 2 * CHAIN_MS)])).toHaveLength(1)
  })

  it('of thousands of households are found by asking once where each unit stands', () => {
    let asked = 0
    const pairs = {
      placeOf: (_: string, device: string) => {
        asked++
        return { unit: device, household: `h${Math.floor(Number(device.slice(5)) / 2)}` }
      },
      populationOf: () => 2,
    }
    const groups = groupAlarms(
      numbers(4_000).map((number) => alarm(number, 0)),
      pairs,
    )
    expect(groups).toHaveLength(2_000)
    expect(asked).toBe(4_000)
  })

  it('are the same in whatever order alarms come, and each alarm is in one of them', () => {
    const alarms = fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 0, max: 200 })), { maxLength: 120 })
    fc.assert(
      fc.property(alarms, fc.infiniteStream(fc.nat()), (given, random) => {
        const own = [...new Map(given.map(([number, minute]) => [`${number}/${minute}`, alarm(number, minute * 60_000)])).values()]
        const shuffled = own
          .map((item) => [random.next().value, item] as const)
          .sort((a, b) => a[0] - b[0])
          .map(([, item]) => item)
        const groups = groupAlarms(own, standing)
        expect(groupAlarms(shuffled, standing)).toEqual(groups)
        expect(groups.flatMap(({ members }) => members).sort()).toEqual(own.map(({ alarm_id }) => alarm_id).sort())
      }),
      { numRuns: 100 },
    )
  })
})

describe('a storm of one cause', () => {
  const storm = (units: number, rule = 'protection'): HubEvent[] =>
    numbers(units).map((number) => raised({ device: `unit-${number}`, rule, ...(rule === 'fire' ? { safety_class: 'E0', fault: 'T-03' } : {}) }))

  async function hubsOf(places: GroupingPlaces = standing) {
    const operations = await openOperations({ file: ':memory:', log: silentLog })
    await operations.migrate(hubMigrations)
    const database = operations.database as unknown as Kysely<HubTables>
    const hubs = createHubs({ database, catalogue: () => testType, places, clock: new ManualClock(STORY_MS), log: silentLog })
    const openOrders = async () => (await hubs.workOrders({ tenant: 'home', limit: 500 })).items.filter(({ state }) => state !== 'cancelled')
    return { hubs, openOrders, close: () => operations.close() }
  }

  it('that comes at once is one group with one order', async () => {
    const { hubs, openOrders, close } = await hubsOf()
    await hubs.apply(storm(30))
    expect(await hubs.alarmGroups({ tenant: 'home' })).toMatchObject({
      items: [{ scope: 'outage_area', scope_value: 'north', alarms: 30, units: 30 }],
    })
    expect((await hubs.workOrders({ tenant: 'home', limit: 500 })).items).toHaveLength(1)
    expect(await openOrders()).toHaveLength(1)
    expect(await hubs.compression('home', { from_ms: 0, to_ms: Number.MAX_SAFE_INTEGER })).toEqual({ alarms: 30, groups: 1, ratio: 30 })
    await close()
  })

  it('that comes one by one ends with one order, on the unit that was first', async () => {
    const { hubs, openOrders, close } = await hubsOf()
    for (const event of storm(30)) await hubs.apply([event])
    const orders = await openOrders()
    expect(orders).toHaveLength(1)
    const { items } = await hubs.alarmGroups({ tenant: 'home' })
    const lead = (await hubs.alarms({ tenant: 'home', limit: 500 })).items.find(({ alarm_id }) => alarm_id === items[0]?.lead_alarm_id)
    expect(orders[0]?.device).toBe(lead?.device)
    await close()
  })

  it('of dangers holds no order back', async () => {
    const { hubs, openOrders, close } = await hubsOf()
    await hubs.apply(storm(12, 'fire'))
    expect(await openOrders()).toHaveLength(12)
    expect((await hubs.emergencies({ tenant: 'home', limit: 500 })).items).toHaveLength(12)
    await close()
  })

  it.each<[string, (hubs: Hubs) => Promise<unknown>, HubEvent]>([
    [
      'is in maintenance',
      (hubs) => hubs.planMaintenance('home', { scope: 'unit', scope_value: 'unit-9', from_ms: 0, to_ms: 2 * STORY_MS, reason: 'repair' }, 'anna'),
      raised({ device: 'unit-9', began_at_ms: STORY_MS + 3_500_000 }),
    ],
    ['has a rule that opens none', async () => {}, raised({ device: 'unit-9', rule: 'evidence-only', began_at_ms: STORY_MS + 3_500_000 })],
  ])('whose first unit %s has its order on the next one', async (_, plan, first) => {
    for (const events of [
      [first, ...storm(5)],
      [...storm(5), first],
    ]) {
      const { hubs, openOrders, close } = await hubsOf()
      await plan(hubs)
      for (const event of events) await hubs.apply([event])
      expect((await hubs.alarmGroups({ tenant: 'home' })).items).toMatchObject([{ scope: 'building', alarms: 6 }])
      expect((await openOrders()).map(({ device }) => device)).toEqual(['unit-0'])
      await close()
    }
  })

  it('that cannot be grouped raises its dangers all the same', async () => {
    const noPlaces = {
      placeOf: () => {
        throw new Error('the registry is broken')
      },
      populationOf: () => 0,
    }
    const { hubs, openOrders, close } = await hubsOf(noPlaces)
    await hubs.apply([...storm(2, 'fire'), ...storm(3, 'no-fault-named').slice(2)])
    expect((await hubs.emergencies({ tenant: 'home', limit: 500 })).items).toHaveLength(2)
    expect(await openOrders()).toHaveLength(3)
    await close()
  })

  it('in a maintenance window opens no order, a danger does', async () => {
    const { hubs, openOrders, close } = await hubsOf()
    const window = { scope: 'outage_area', scope_value: 'north', from_ms: STORY_MS, to_ms: STORY_MS + 86_400_000, reason: 'mains work' }
    await hubs.planMaintenance('home', window, 'anna')
    await hubs.apply([
      raised({ device: 'unit-1' }),
      raised({ device: 'unit-70' }),
      raised({ device: 'unit-2', rule: 'fire', safety_class: 'E0', fault: 'T-03' }),
    ])
    expect((await openOrders()).map(({ device }) => device).sort()).toEqual(['unit-2', 'unit-70'])
    await expect(hubs.planMaintenance('home', { ...window, to_ms: 0 }, 'anna')).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    for (const [change, field] of [
      [{ scope_value: ' ' }, 'body.scope_value'],
      [{ scope: 'all' }, 'body.scope_value'],
      [{ to_ms: Number.MAX_SAFE_INTEGER }, 'body.to_ms'],
    ] as const)
      await expect(hubs.planMaintenance('home', { ...window, ...change }, 'anna')).rejects.toMatchObject({ details: { errors: [{ field }] } })
    const [alarm] = (await hubs.alarms({ tenant: 'home', limit: 1 })).items
    for (const snooze_until_ms of [1_000, Number.MAX_SAFE_INTEGER])
      await expect(hubs.handleAlarm('home', alarm?.alarm_id ?? '', { snooze_until_ms }, 'anna')).rejects.toMatchObject({
        details: { errors: [{ field: 'body.snooze_until_ms' }] },
      })
    await close()
  })

  it('is acknowledged, assigned and snoozed; a snooze holds the rule on that unit only', async () => {
    const { hubs, openOrders, close } = await hubsOf()
    await hubs.apply([
      raised({ device: 'unit-1', rule: 'evidence-only', hour: 1 }),
      raised({ device: 'unit-1', hour: 1, rule: 'no-fault-named', fault: null }),
    ])
    const { items } = await hubs.alarms({ tenant: 'home', limit: 10 })
    const own = items.find(({ rule }) => rule === 'no-fault-named')
    const handled = await hubs.handleAlarm(
      'home',
      own?.alarm_id ?? '',
      { acknowledge: true, assign_to: 'ben', snooze_until_ms: STORY_MS + 30 * 3_600_000 },
      'anna',
    )
    expect(handled).toMatchObject({ acknowledged_by: 'anna', assigned_to: 'ben', snoozed_until_ms: STORY_MS + 30 * 3_600_000 })
    await expect(hubs.handleAlarm('home', 'none', { acknowledge: true }, 'anna')).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    await expect(hubs.handleAlarm('other', own?.alarm_id ?? '', { acknowledge: true }, 'anna')).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    expect(await openOrders()).toHaveLength(1)
    await hubs.apply([raised({ device: 'unit-2', hour: 20, rule: 'no-fault-named', fault: null })])
    expect(await openOrders()).toHaveLength(2)
    await close()
  })
})
