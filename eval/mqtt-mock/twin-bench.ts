/** Builder for the tests of the twin: its tables in memory, a clock that the test moves, a channel that the test listens to. */
import type { Kysely } from 'kysely'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { type Limits, limits as standard } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { createPresence, type Presence } from '../../twin/presence.ts'
import { type TwinTables, twinMigrations } from '../../twin/twin-tables.ts'

export const NOW_MS = Date.UTC(2026, 5, 1)

export async function openBench(given: Partial<Limits> = {}) {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(twinMigrations)
  const database = operations.database as unknown as Kysely<TwinTables>
  const clock = new ManualClock(NOW_MS)
  const limits: Limits = { ...standard, ...given }
  const events: HubEvent[] = []
  const failures = { left: 0 }
  const apply = async (list: readonly HubEvent[]): Promise<void> => {
    if (failures.left-- > 0) throw new Error('away')
    events.push(...list)
  }
  return {
    ...{ database, clock, limits, events, failures, apply },
    presence: (): Presence => createPresence({ database, apply, clock, log: silentLog, limits }),
    /** What the hubs heard of presence. */
    said: () => events.flatMap((event) => ('at_ms' in event && 'device' in event ? [`${event.kind} ${event.device} ${event.at_ms - NOW_MS}`] : [])),
    /** Moves the clock second by second and lets what is due settle. */
    async pass(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(1_000)
        for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      }
    },
    [Symbol.asyncDispose]: () => operations.close(),
  }
}
