import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from './operations/open-database.ts'
import { type RuleTables, ruleMigrations } from './rules/rule-tables.ts'
import { aRule, aType } from './rules/test-builders.ts'
import { openRules, rulePort } from './rules-join.ts'

const when = { channel: 'power_w', op: '>', value: 1, unit: 'w' } as const
const type = aType(aRule({ id: 'FIRE', safetyClass: 'E0', when }), aRule({ id: 'MILD', safetyClass: 'E3', when }))
const documentOf = (safety_class: string) => ({
  ...{ type: 'kettle', safety_class, title: 'hot', advice: 'switch it off', when: { ...when, value: 0.5 } },
  opens_work_order: true,
})

describe('port of the rules', () => {
  it('tells the change of a danger as a system alarm, and that of another rule to nobody', async () => {
    const operations = await openOperations({ file: ':memory:', log: silentLog })
    await operations.migrate(ruleMigrations)
    const database = operations.database as unknown as Kysely<RuleTables>
    const types = { byId: () => type, list: () => [type], find: () => type }
    const clock = new ManualClock(1_000)
    const rules = await openRules({ database, types, clock })
    const events: HubEvent[] = []
    const pipeline = { call: async <Answer>() => undefined as Answer }
    const port = rulePort(rules, { pipeline, devices: { get: () => undefined }, types, tell: async (told) => void events.push(...told), clock })
    for (const [id, safetyClass] of [
      ['FIRE', 'E0'],
      ['MILD', 'E3'],
    ] as const) {
      await port.put('home', id, { document: documentOf(safetyClass), note: '', actor: 'anna' })
      expect(events).toHaveLength(id === 'FIRE' ? 0 : 2)
      await port.activate('home', id, { version: 2, reason: 'too loud', actor: 'anna' })
      await port.rollBack('home', id, { reason: 'too quiet', actor: 'ben' })
    }
    expect(events).toMatchObject([
      {
        kind: 'system_alarm',
        tenant: 'home',
        subject: 'safety-rule',
        detail: { rule_id: 'FIRE', live_version: 2, actor: 'anna', reason: 'too loud' },
      },
      {
        kind: 'system_alarm',
        tenant: 'home',
        subject: 'safety-rule',
        detail: { rule_id: 'FIRE', live_version: 1, actor: 'ben', reason: 'too quiet' },
      },
    ])
    await operations.close()
  })
})
