import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import type { RuleActivation } from './rule-book.ts'
import { RuleRegistry } from './rule-registry.ts'
import { type RuleTables, ruleMigrations } from './rule-tables.ts'
import { aRule, aType } from './test-builders.ts'

const type = aType(aRule({ version: 1, safetyClass: 'E3', when: { channel: 'power_w', op: '>', value: 1, unit: 'w' } }))
const types = { list: () => [type], find: (_: string, name: string) => (name === type.id ? type : undefined) }
const document = { type: 'kettle', safety_class: 'E3', title: 'hot', when: { channel: 'power_w', op: '>', value: 50, unit: 'w' } }
const given = { document, note: '', actor: 'anna' }
const how = { reason: '', actor: 'anna' }

let operations: Operations
let registry: RuleRegistry
let told: Array<readonly RuleActivation[]>
beforeEach(async () => {
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(ruleMigrations)
  told = []
  registry = new RuleRegistry({
    database: operations.database as unknown as Kysely<RuleTables>,
    types,
    clock: new ManualClock(1_000),
    onChange: async (activations) => told.push(activations),
  })
  await registry.start()
})
afterEach(() => operations.close())

describe('registry of rules', () => {
  it('takes changes that come at once one after the other', async () => {
    const saved = await Promise.all([registry.put('home', 'R1', given), registry.put('home', 'R1', given), registry.put('home', 'R1', given)])
    expect(saved.map(({ version }) => version)).toEqual([2, 3, 4])
    await Promise.all([2, 3, 4].map((version) => registry.activate('home', 'R1', { ...how, version })))
    expect(registry.history('home', 'R1').map(({ live_version, from_ms }) => [live_version, from_ms])).toEqual([
      [2, 1_000],
      [3, 1_001],
      [4, 1_002],
    ])
    expect(told.at(-1)).toHaveLength(3)
  })

  it('goes on after a change that was refused', async () => {
    const refused = registry.put('home', 'R1', { ...given, document: { ...document, title: '' } })
    const taken = registry.put('home', 'R1', given)
    await expect(refused).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    expect((await taken).version).toBe(2)
  })

  it('bounds the rules of each tenant by itself', async () => {
    for (let count = 0; count < 1_000; count++) await registry.put('home', `own-${count}`, given)
    await expect(registry.put('home', 'own-1000', given)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect((await registry.put('other', 'own-1000', given)).version).toBe(1)
  })

  it('bounds how often a rule is put into force, and lets it be rolled back then', async () => {
    await registry.put('home', 'R1', given)
    for (let count = 0; count < 500; count++) await registry.activate('home', 'R1', { ...how, version: 1 + (count % 2) })
    await expect(registry.activate('home', 'R1', { ...how, version: 1 })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect(await registry.rollBack('home', 'R1', how)).toMatchObject({ live_version: 1 })
  })

  it('takes back one promotion more with each roll-back, never the bad version again', async () => {
    await registry.put('home', 'R1', given)
    await registry.put('home', 'R1', given)
    await registry.activate('home', 'R1', { ...how, version: 2 })
    await registry.activate('home', 'R1', { ...how, version: 3 })
    expect(await registry.rollBack('home', 'R1', how)).toMatchObject({ live_version: 2 })
    expect(await registry.rollBack('home', 'R1', how)).toMatchObject({ live_version: 1 })
    await expect(registry.rollBack('home', 'R1', how)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    await registry.activate('home', 'R1', { ...how, version: 3 })
    await registry.activate('home', 'R1', { ...how, version: 2, sharePct: 10 })
    expect(await registry.rollBack('home', 'R1', how)).toMatchObject({ live_version: 3, canary_version: null })
    expect(await registry.rollBack('home', 'R1', how)).toMatchObject({ live_version: 1 })
    expect(registry.history('home', 'R1').map(({ is_roll_back }) => is_roll_back)).toEqual([false, false, true, true, false, false, true, true])
  })

  it.each([
    ['a part of a millisecond', { hold_ms: 1.5 }, 'body.rule.hold_ms'],
    ['a part of a millisecond within', { when: { not: { held: document.when, for_ms: 1.5 } } }, 'body.rule.when.not.for_ms'],
    ['a gap that breaks every hold', { gap_ms_max: 1 }, 'body.rule.gap_ms_max'],
    ['a channel less itself', { when: { all: [{ ...document.when, minus: 'power_w' }] } }, 'body.rule.when.all[0].minus'],
  ])('refuses %s in a new version, by field', async (_, change, field) => {
    const errors = [{ field, reason: expect.any(String) }]
    await expect(registry.put('home', 'R1', { ...given, document: { ...document, ...change } })).rejects.toMatchObject({ details: { errors } })
  })

  it('refuses a danger of the catalogue under a milder class; a rule of its class, of another fault or of none is taken', async () => {
    const own = { ...types, list: () => [airConditioner], find: () => airConditioner }
    const database = operations.database as unknown as Kysely<RuleTables>
    const ofAir = new RuleRegistry({ database, types: own, clock: new ManualClock(1_000), onChange: async () => {} })
    await ofAir.start()
    const put = (id: string, change: object) =>
      ofAir.put('home', id, { ...given, document: { ...document, type: 'air_conditioner', advice: 'switch it off', ...change } })
    const danger = airConditioner.faults.find(({ safetyClass }) => safetyClass === 'E1')?.code
    const milder = airConditioner.faults.find(({ safetyClass }) => safetyClass > 'E1')?.code
    const errors = [{ field: 'body.rule.safety_class', reason: expect.stringContaining(`${danger} is of class E1`) }]
    await expect(put('own', { fault: danger })).rejects.toMatchObject({ code: 'MDL_API_INVALID', details: { errors } })
    for (const [id, change] of [
      ['a', { fault: danger, safety_class: 'E1' }],
      ['b', { fault: milder }],
      ['c', {}],
    ] as const)
      expect((await put(id, change)).version).toBe(1)
  })

  it('goes on with a version that was saved before such were refused', async () => {
    const { version } = await registry.put('home', 'R1', given)
    const row = { tenant: 'home', rule_id: 'R1', version: version + 1, type: 'kettle', note: '', created_by: 'anna', created_at_ms: 0 }
    const old = JSON.stringify({ ...document, hold_ms: 1.5, gap_ms_max: 1 })
    const database = operations.database as unknown as Kysely<RuleTables>
    await database
      .insertInto('rule_versions')
      .values({ ...row, document: old })
      .execute()
    const again = new RuleRegistry({ database, types, clock: new ManualClock(1_000), onChange: async () => {} })
    await again.start()
    expect(await again.activate('home', 'R1', { ...how, version: version + 1 })).toMatchObject({ live_version: version + 1 })
    expect(again.current('home', 'R1')?.holdMs).toBe(1.5)
  })

  it('says that a rule is not there when it is to be rolled back', async () => {
    await expect(registry.rollBack('home', 'NONE', how)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    await expect(registry.rollBack('home', 'R1', how)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
  })

  it('names the type of a rule as the tenant named it, and activates it by the id that readings carry', async () => {
    const own = { ...aType(), id: 'home.pump' }
    const ownTypes = { list: () => [own], find: (_: string, name: string) => (name === 'pump' ? own : undefined) }
    const parts = { database: operations.database as unknown as Kysely<RuleTables>, types: ownTypes, clock: new ManualClock(1_000) }
    const others = new RuleRegistry({ ...parts, onChange: async (activations) => told.push(activations) })
    await others.put('home', 'P1', { ...given, document: { ...document, type: 'pump' } })
    expect(await others.activate('home', 'P1', { ...how, version: 1 })).toMatchObject({ type: 'pump' })
    expect(others.history('home', 'P1')).toMatchObject([{ type: 'pump' }])
    expect(told.at(-1)).toMatchObject([{ type: 'home.pump' }])
  })
})
