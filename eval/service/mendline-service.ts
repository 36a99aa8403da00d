/**
 * Policy (c): the real hubs decide. What the platform finds goes into them, their webhooks leave by the real outbox over HTTP to the city's
 * dispatch system, whose signatures it checks, and its answers come back to the hubs. Only the clock is the city's.
 */
import type { GroupScope } from '#kernel/alarm-group.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import { createTargetGuard } from '../../hubs/dispatch/webhook-target.ts'
import { hubMigrations } from '../../hubs/hub-tables.ts'
import { createHubs, type Hubs, type HubsOptions } from '../../hubs/hubs.ts'
import { createHttpWebhook } from '../../hubs/notifiers/http-webhook.ts'
import { createOutbox, type Outbox } from '../../hubs/outbox.ts'
import { openOperations } from '../../operations/open-database.ts'
import { cityTypes } from '../../simulators/city/city-units.ts'
import type { CityPorts, CityService } from '../../simulators/city/service-city.ts'
import type { VisitPlan } from '../../simulators/city/visit.ts'
import { type DoorEvent, openWebhookDoor, type WebhookDoor } from '../../simulators/city/webhook-door.ts'

const TENANT = 'home'

export interface MendlineService extends CityService {
  readonly hubs: Hubs
  readonly database: HubsOptions['database']
  readonly outbox: Outbox
  readonly door: WebhookDoor
  /** Every webhook in order of arrival, with the city's time. */
  readonly received: ReadonlyArray<{ readonly atMs: number; readonly event: DoorEvent }>
  readonly counts: { answersRefused: number }
  /** What the platform found. */
  find(event: HubEvent): Promise<void>
  stop(): Promise<void>
}

/** Opens the hubs over an empty store and registers the city's dispatch system with them. */
export async function createMendlineService(ports: CityPorts): Promise<MendlineService> {
  const { clock, dispatch } = ports
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as HubsOptions['database']
  const guard = createTargetGuard({ allowLoopback: true, allowRanges: [] })
  const outbox = createOutbox({
    database,
    clock,
    log: silentLog,
    limits,
    notifier: createHttpWebhook({ guard }),
    guard,
    random: createRandom('city'),
  })
  const types = new Map(cityTypes().map((type) => [type.id, type]))
  const hubs = createHubs({
    database,
    catalogue: (type) => types.get(type),
    places: placesOf(ports),
    clock,
    log: silentLog,
    commands: { give: async () => {}, given: () => {} },
    onCommitted: outbox.wake,
  })
  const received: Array<{ atMs: number; event: DoorEvent }> = []
  const counts = { answersRefused: 0 }
  const door = await openWebhookDoor(clock, (event) => {
    received.push({ atMs: clock.now(), event })
    takeEvent(ports, event)
  })
  await hubs.start()
  await outbox.start()
  door.connect((await outbox.create(TENANT, { url: door.url })).secret)
  clock.join(() => outbox.settled())
  return {
    ...{ hubs, database, outbox, door, received, counts },
    find: (event) => hubs.apply([event]),
    async contact({ kind, device, fault }) {
      if (kind !== 'report' || dispatch.standing(device) !== undefined) return
      dispatch.open({ id: `call-${dispatch.orders.size + 1}`, device, source: 'call', safetyClass: fault?.safetyClass ?? 'E3', plan: undefined })
    },
    async answer(order, { type, data }) {
      if (!order.id.startsWith('wo_')) return true
      try {
        const key = `${order.id}-${type}-${clock.now()}`
        const actor = order.slot?.engineer.id ?? 'desk'
        await hubs.workOrderEvent(TENANT, order.id, { type, at_ms: clock.now(), actor, data: { ...data } }, key)
        return true
      } catch (error) {
        if (!(error instanceof MendlineError)) throw error
        counts.answersRefused++
        return false
      }
    },
    async stop() {
      await outbox.stop()
      await hubs.stop()
      await door.stop()
      await operations.close()
    },
  }
}

function placesOf({ truth }: CityPorts) {
  const places = new Map([...truth.units.values()].map(({ facts }) => [facts.device, facts]))
  const placeOf = (_tenant: string, device: string): Partial<Record<GroupScope, string>> => {
    const facts = places.get(device)
    return facts === undefined
      ? {}
      : {
          household: facts.household,
          building: facts.building,
          outage_area: facts.area,
          batch: `${facts.type}/${facts.batch}`,
          firmware: `${facts.type}/${facts.fw}`,
        }
  }
  const populations = new Map<string, number>()
  for (const device of places.keys()) {
    for (const [scope, value] of Object.entries(placeOf('', device)))
      populations.set(`${scope}/${value}`, (populations.get(`${scope}/${value}`) ?? 0) + 1)
  }
  return { placeOf, populationOf: (_tenant: string, scope: GroupScope, value: string) => populations.get(`${scope}/${value}`) ?? 0 }
}

/** What the dispatch system makes of a webhook. */
function takeEvent({ dispatch }: CityPorts, { type, data }: DoorEvent): void {
  const match = /^mendline\.work_order\.(\w+)\.v1$/.exec(type)
  if (match === null) return
  const order = data.work_order as WorkOrder
  const id = order.work_order_id
  const known = dispatch.orders.get(id)
  switch (match[1]) {
    case 'opened': {
      const source = order.diagnosis_id !== null ? 'diagnosis' : order.alarm_id !== null ? 'alarm' : 'call'
      if (known === undefined) dispatch.open({ id, device: order.device, source, safetyClass: order.safety_class, plan: planOf(order) })
      return
    }
    case 'amended':
      if (known !== undefined && known.visits === 0) known.plan = planOf(order)
      return
    case 'reopened':
      dispatch.reopen(id, planOf(order))
      return
    case 'cancelled':
    case 'closed':
      dispatch.cancel(id)
      return
    default:
  }
}

const planOf = ({ packet }: WorkOrder): VisitPlan => ({
  fault: packet.fault,
  rivals: packet.rivals.map(({ fault }) => fault),
  parts: packet.parts.map(({ part, probability }) => ({ part, probability })),
  skills: packet.skills,
})
