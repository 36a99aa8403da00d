import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import type { RuleActivation } from './rule-book.ts'
import { writeRule } from './rule-document.ts'
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

  describe('of a danger', () => {
    const gas = gasWaterHeater.rules.find(({ id }) => id === 'GW-R08A')
    const documentOf = (change: object) => ({ ...given, document: { ...(gas && writeRule(gas, 'gas_water_heater')), ...change } })
    const bound = (value: number) => documentOf({ when: { channel: 'room_gas_lel_pct', op: '>=', value, unit: 'lel_pct', clear_value: 5 } })
    const ofGas = async (): Promise<RuleRegistry> => {
      const own = { list: () => [gasWaterHeater], find: () => gasWaterHeater }
      const database = operations.database as unknown as Kysely<RuleTables>
      const opened = new RuleRegistry({ database, types: own, clock: new ManualClock(1_000), onChange: async () => {} })
      await opened.start()
      return opened
    }
    const field = (name: string) => ({ code: 'MDL_API_INVALID', details: { errors: [{ field: name, reason: expect.any(String) }] } })

    it('refuses a version that warns less than the catalogue, by field, and takes one that warns more', async () => {
      const rules = await ofGas()
      await expect(rules.put('home', 'GW-R08A', documentOf({ safety_class: 'E1' }))).rejects.toMatchObject(field('body.rule.safety_class'))
      await expect(rules.put('home', 'GW-R08A', bound(100))).rejects.toMatchObject(field('body.rule.when.value'))
      await expect(rules.put('home', 'GW-R08A', documentOf({ hold_ms: 1 }))).rejects.toMatchObject(field('body.rule.hold_ms'))
      expect(await rules.put('home', 'GW-R08A', bound(6))).toMatchObject({ version: 2 })
    })

    it('puts nothing into force that warns less than what is; the way back is the roll-back', async () => {
      const rules = await ofGas()
      for (const value of [6, 8]) await rules.put('home', 'GW-R08A', bound(value))
      await rules.activate('home', 'GW-R08A', { ...how, version: 2 })
      await expect(rules.activate('home', 'GW-R08A', { ...how, version: 3 })).rejects.toMatchObject(field('body.version'))
      expect(rules.current('home', 'GW-R08A')).toMatchObject({ version: 2 })
      expect(await rules.rollBack('home', 'GW-R08A', how)).toMatchObject({ live_version: 1 })
      expect(await rules.activate('home', 'GW-R08A', { ...how, version: 3 })).toMatchObject({ live_version: 3 })
      expect(await rules.activate('home', 'GW-R08A', { ...how, version: 1 })).toMatchObject({ live_version: 1 })
    })

    it('puts no version into force, nor back, that was saved before it would have been refused', async () => {
      const rules = await ofGas()
      const database = operations.database as unknown as Kysely<RuleTables>
      for (const version of [2, 3]) {
        const row = { tenant: 'home', rule_id: 'GW-R08A', version, type: 'gas_water_heater', note: '', created_by: 'anna', created_at_ms: 0 }
        const { document: old } = bound(version === 2 ? 100 : 6)
        await database
          .insertInto('rule_versions')
          .values({ ...row, document: JSON.stringify(old) })
          .execute()
      }
      const was = { tenant: 'home', rule_id: 'GW-R08A', type: 'gas_water_heater', canary_version: null, canary_share_pct: null }
      const by = { activated_by: 'anna', reason: '', is_roll_back: 0 }
      await database
        .insertInto('rule_activations')
        .values({ ...was, ...by, from_ms: 1, live_version: 2 })
        .execute()
      await rules.start()
      expect(rules.current('home', 'GW-R08A')).toMatchObject({ version: 2, when: { value: 100 } })
      await rules.activate('home', 'GW-R08A', { ...how, version: 3 })
      await expect(rules.activate('home', 'GW-R08A', { ...how, version: 2 })).rejects.toMatchObject(field('body.version'))
      await expect(rules.rollBack('home', 'GW-R08A', how)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
      expect(await rules.activate('home', 'GW-R08A', { ...how, version: 1 })).toMatchObject({ live_version: 1 })
    })

    it('of one of its own compares with what is in force alone, and keeps its class', async () => {
      const own = (safety_class: string, value: number) => ({
        ...given,
        document: { ...document, safety_class, advice: 'leave', when: { ...document.when, value } },
      })
      await registry.put('home', 'OWN', own('E0', 50))
      await registry.put('home', 'OWN', own('E0', 60))
      await registry.activate('home', 'OWN', { ...how, version: 1 })
      await expect(registry.put('home', 'OWN', own('E1', 50))).rejects.toMatchObject(field('body.rule.safety_class'))
      await expect(registry.activate('home', 'OWN', { ...how, version: 2 })).rejects.toMatchObject(field('body.version'))
      expect(await registry.rollBack('home', 'OWN', how)).toMatchObject({ live_version: null })
      expect(await registry.activate('home', 'OWN', { ...how, version: 2 })).toMatchObject({ live_version: 2 })
    })
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
