import fc from 'fast-check'
import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import { openOperations } from '../operations/open-database.ts'
import { cleared, diagnosed, raised, STORY_MS, testType } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs } from './hubs.ts'

const RUNS = 60

/** What the hubs hold after the events, applied in batches of the given size. */
async function outcomeOf(events: readonly HubEvent[], batch: number): Promise<unknown> {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const catalogue = (type: string) => (type === testType.id ? testType : undefined)
  const commands: string[] = []
  const given = (list: ReadonlyArray<{ commandId: string }>): void => void commands.push(...list.map(({ commandId }) => commandId))
  const options = { database, catalogue, clock: new ManualClock(STORY_MS), log: silentLog }
  const hubs = createHubs({ ...options, commands: { give: async () => {}, given } })
  for (let from = 0; from < events.length; from += batch) await hubs.apply(events.slice(from, from + batch))
  await hubs.start()
  const query = { tenant: 'home', limit: 1_000 }
  const orders = (await hubs.workOrders(query)).items.map(({ revision: _revision, ...order }) => order)
  const cases = (await hubs.cases(query)).items
  const needs = (await hubs.partsNeeds(query)).items
  const alarms = (await hubs.alarms(query)).items
  const types = await database.selectFrom('outbox_events').select(['type', 'subject']).execute()
  const once = types.filter(({ type }) => /opened|raised|advice/.test(type)).map(({ type, subject }) => `${type} ${subject}`)
  await operations.close()
  return { orders, cases, needs, alarms, once: once.sort(), commands: commands.sort() }
}

/** Findings of three units: causes that are no rivals, so that the order in which they come may not matter. */
const event = fc
  .record({
    kind: fc.constantFrom('diagnosis', 'weak', 'alarm', 'cleared', 'danger', 'silent'),
    device: fc.constantFrom('unit-1', 'unit-2', 'unit-3'),
    fault: fc.constantFrom('T-01', 'T-02', 'T-03'),
    hour: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ kind, device, fault, hour }): HubEvent => {
    if (kind === 'diagnosis') return diagnosed({ device, fault, hour })
    if (kind === 'weak') return diagnosed({ device, fault, hour, probability: 0.3, diagnosis_id: `weak-${device}-${fault}-${hour}` })
    if (kind === 'alarm') return raised({ device, hour })
    if (kind === 'cleared') return cleared({ device, hour })
    if (kind === 'danger') return raised({ device, hour, rule: 'fire', fault: 'T-03', safety_class: 'E0' })
    return diagnosed({ device, hour, answer: 'no_fault', fault: null })
  })

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let index = result.length - 1; index > 0; index--) {
    const other = random.integer(0, index)
    const kept = result[index] as T
    result[index] = result[other] as T
    result[other] = kept
  }
  return result
}

describe('hubs under any order', () => {
  it('makes the same orders, cases, needs, emergencies and single notices whatever the order, repetition and batches', async () => {
    const property = fc.asyncProperty(
      fc.array(event, { minLength: 1, maxLength: 25 }),
      fc.integer(),
      fc.integer({ min: 1, max: 7 }),
      async (events, seed, batch) => {
        const random = createRandom(String(seed))
        const repeated = shuffled([...events, ...events.filter(() => random.chance(0.4))], random)
        const inOrder = [...events].sort((a, b) => (a.key < b.key ? -1 : 1))
        expect(await outcomeOf(repeated, batch)).toEqual(await outcomeOf(inOrder, 1))
      },
    )
    await fc.assert(property, { numRuns: RUNS })
  }, 60_000)

  it('makes the very same records, ids and revisions when the units are interleaved otherwise', async () => {
    const rivals = [{ fault: 'T-01', fault_name: '', probability: 0.2 }]
    const story = (device: string): HubEvent[] => [
      diagnosed({ device, hour: 1 }),
      diagnosed({ device, hour: 2, fault: 'T-02', rivals }),
      raised({ device, hour: 3, rule: 'fire', fault: 'T-03', safety_class: 'E0' }),
      diagnosed({ device, hour: 4, fault: 'T-02', rivals }),
    ]
    const [a, b] = [story('unit-1'), story('unit-2')]
    const oneByOne = await outcomeOf([...a, ...b], 1)
    const zipped = a.flatMap((first, index) => [first, ...b.slice(index, index + 1)])
    expect(await outcomeOf(zipped, 3)).toEqual(oneByOne)
  })
})
