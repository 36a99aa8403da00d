/** A bench for tests of the hubs: a store that the test opened, a clock that stands, the small type of the builders, and what was sent kept. */
import type { Kysely } from 'kysely'
import { ManualClock } from '#kernel/clock.ts'
import { faultsOfEvent } from '#kernel/event-types.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import type { Migration } from '#kernel/migration.ts'
import type { WorkOrder, WorkOrderEvent } from '#kernel/work-order.ts'
import { STORY_MS, testType } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs, type Hubs, type HubsOptions } from './hubs.ts'
import type { CloudEvent } from './outbox-events.ts'

export interface HubBench {
  readonly hubs: Hubs
  readonly database: Kysely<HubTables>
  readonly clock: ManualClock
  /** What left, in order. */
  readonly events: CloudEvent[]
  apply(...events: readonly HubEvent[]): Promise<void>
  /** The newest order of a unit, or of all. @throws Error when there is none */
  order(device?: string): Promise<WorkOrder>
  /** Says something of the newest order, now by the clock. */
  answer(type: WorkOrderEvent['type'], data?: Record<string, unknown>, given?: { readonly actor?: string; readonly id?: string }): Promise<WorkOrder>
  /** Moves time forward and runs the timers that came due. */
  wait(ms: number): Promise<void>
  close(): Promise<void>
}

/** The store of a bench, as the test opened it; the bench closes it. */
interface BenchStore {
  readonly database: unknown
  migrate(migrations: readonly Migration[]): Promise<void>
  close(): Promise<void>
}

/** Opens a bench whose hubs are started; `options` replace those of the hubs. */
export async function openHubBench(operations: BenchStore, options: Partial<HubsOptions> = {}): Promise<HubBench> {
  await operations.migrate(hubMigrations)
  const database = operations.database as Kysely<HubTables>
  const clock = new ManualClock(STORY_MS)
  const events: CloudEvent[] = []
  const hubs = createHubs({
    database,
    catalogue: (type) => (type === testType.id ? testType : undefined),
    clock,
    log: silentLog,
    commands: { give: async () => {}, given: () => {} },
    onCommitted(committed) {
      const faults = committed.flatMap(faultsOfEvent)
      if (faults.length > 0) throw new Error(`an event breaks its published schema: ${faults.join('; ')}`)
      events.push(...committed)
    },
    ...options,
  })
  await hubs.start()
  const order = async (device?: string): Promise<WorkOrder> => {
    const [newest] = (await hubs.workOrders({ tenant: 'home', device })).items
    if (newest === undefined) throw new Error('there is no order')
    return newest
  }
  return {
    ...{ hubs, database, clock, events, order },
    apply: (...list) => hubs.apply(list),
    async answer(type, data, { actor = 'desk', id } = {}) {
      const input = { type, at_ms: clock.now(), actor, ...(data === undefined ? {} : { data }) }
      return hubs.workOrderEvent('home', id ?? (await order()).work_order_id, input, undefined)
    },
    async wait(ms) {
      await hubs.timersSettled()
      clock.advance(ms)
      await hubs.timersSettled()
    },
    async close() {
      await hubs.stop()
      await operations.close()
    },
  }
}
