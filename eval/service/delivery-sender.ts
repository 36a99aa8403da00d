/**
 * The sender of the deliveries section, a process of its own so that it can be killed: real hubs, the emergency hub, both outboxes and HTTP,
 * over files. Its clock runs faster than the machine's, so that the retries of three days fit into minutes; deadlines of HTTP are real. It
 * says on its output how far it applied the plan, and at last that nothing is owed any more.
 */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Alarm } from '#kernel/alarm.ts'
import { type Clock, epochMs, systemClock } from '#kernel/clock.ts'
import { contentId } from '#kernel/ids.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { applianceTypes } from '../../catalogue/registry.ts'
import { createTargetGuard } from '../../hubs/dispatch/webhook-target.ts'
import { type EmergencyHubOptions, openEmergencyHub } from '../../hubs/emergency/emergency-hub.ts'
import { emergencyMigrations } from '../../hubs/emergency/emergency-tables.ts'
import { createWebhookLanes, EMERGENCY_ENDPOINT } from '../../hubs/emergency/webhook-lanes.ts'
import { hubMigrations } from '../../hubs/hub-tables.ts'
import { createHubs, type HubsOptions } from '../../hubs/hubs.ts'
import { createHttpWebhook } from '../../hubs/notifiers/http-webhook.ts'
import { createOutbox, type Outbox } from '../../hubs/outbox.ts'
import { openOperations } from '../../operations/open-database.ts'

export interface SenderOrders {
  readonly folder: string
  readonly seed: string
  /** First step of the plan that is not known to be applied, and how many there are. */
  readonly from: number
  readonly steps: number
  readonly receivers: ReadonlyArray<{ readonly url: string; readonly secret: string; readonly name: string }>
  /** Instant of the machine at which the clock showed `startMs`. */
  readonly originMs: number
  readonly startMs: number
  readonly speed: number
}

const TENANT = 'home'
const HTTP_TIMEOUT_MS = 1_500
/** Every such step is a danger. */
const DANGER_EVERY = 8
const LOOK_MS = 200

/** Milliseconds of the machine between two steps. */
const STEP_MS = 15

const orders = JSON.parse(process.argv[2] ?? '') as SenderOrders
const clock = fastClock(orders)
const stage = await open()
console.log('ready')
for (let step = orders.from; step < orders.steps; step++) {
  await apply(step)
  console.log(`applied ${step}`)
  await pause(STEP_MS)
}
for (;;) {
  const [pending, dead] = await owed()
  if (pending + dead === 0) break
  // What was given up is sent again by hand, as an operator does.
  if (pending === 0) {
    console.log(`replayed ${dead}`)
    for (const { endpoint_id } of (await stage.lanes.list({ tenant: TENANT })).items) await stage.lanes.replay(TENANT, endpoint_id)
  }
  await pause(LOOK_MS)
}
console.log('settled')
await stage.stop()

function fastClock({ originMs, startMs, speed }: SenderOrders): Clock {
  return {
    now: () => epochMs(Math.round(startMs + (systemClock.now() - originMs) * speed)),
    monotonicMs: () => systemClock.monotonicMs() * speed,
    after: (delayMs, task) => systemClock.after(delayMs / speed, task),
  }
}

async function open() {
  const log = silentLog
  const operations = await openOperations({ file: join(orders.folder, 'operations.sqlite'), log })
  await operations.migrate(hubMigrations)
  const book = await openOperations({ file: join(orders.folder, 'emergency.sqlite'), log })
  await book.migrate(emergencyMigrations)
  const database = operations.database as unknown as HubsOptions['database']
  const bookOutbox = book.database as unknown as HubsOptions['database']
  const guard = createTargetGuard({ allowLoopback: true, allowRanges: [] })
  const bounds = { ...limits, deliveryTimeoutMs: HTTP_TIMEOUT_MS, deliveriesInFlight_MAX: 64 }
  const random = createRandom(`${orders.seed}/sender/${orders.from}`)
  const ports = { clock, log, limits: bounds, guard, random }
  const outbox = createOutbox({ ...ports, database, notifier: createHttpWebhook({ guard }) })
  const lane = createOutbox({ ...ports, database: bookOutbox, notifier: createHttpWebhook({ guard }), endpointPrefix: EMERGENCY_ENDPOINT })
  const typeOf = (id: string) => applianceTypes.find((type) => type.id === id)
  const ruleOf = ({ type, rule }: Alarm) => typeOf(type)?.rules.find(({ id }) => id === rule)
  const shared = { catalogue: typeOf, clock, log }
  const hubs = createHubs({
    ...shared,
    database,
    hasEmergencyPath: true,
    commands: { give: async () => {}, given: () => {} },
    onCommitted: outbox.wake,
  })
  const emergencies = await openEmergencyHub({
    ...{
      ...shared,
      database: book.database as unknown as EmergencyHubOptions['database'],
      ruleOf,
      pastDangerMs: 86_400_000,
      linkLifeMs: 604_800_000,
      callers: {},
    },
    ...{ publicUrl: undefined, locale: 'en', fallback: [], placeOf: () => ({}), onCommitted: lane.wake },
  })
  const lanes = createWebhookLanes({ ordinary: outbox, emergency: lane, ordinaryDatabase: database, emergencyDatabase: bookOutbox })
  const known = await lanes.list({ tenant: TENANT })
  for (const { url, secret, name } of orders.receivers) {
    if (!known.items.some((endpoint) => endpoint.url === url)) await lanes.create(TENANT, { url, secret, description: name })
  }
  await lanes.mirror()
  await hubs.start()
  await emergencies.start()
  for (const one of [outbox, lane]) await one.start()
  const stop = async (): Promise<void> => {
    for (const part of [outbox, lane, hubs, emergencies]) await part.stop()
    for (const store of [operations, book]) await store.close()
  }
  return { hubs, emergencies, lanes, outboxes: [outbox, lane] as readonly Outbox[], stop }
}

async function owed(): Promise<[pending: number, dead: number]> {
  const counts = await Promise.all(stage.outboxes.map((outbox) => outbox.statistics()))
  const sum = (state: string): number => counts.reduce((total, count) => total + (count[state] ?? 0), 0)
  return [sum('pending'), sum('dead')]
}

/** One step of the plan: a finding with its order, which is accepted and withdrawn (a standing one would tell of itself without end), or a danger that is acknowledged and resolved. The same again changes nothing. */
async function apply(step: number): Promise<void> {
  const device = `unit-${step}`
  const isDanger = step % DANGER_EVERY === DANGER_EVERY - 1
  const alarm = alarmOf(device, isDanger ? 'GW-R08A' : 'FR-R01A')
  const event = { kind: 'alarm_raised', key: `${alarm.alarm_id}/raised`, alarm } as const
  if (isDanger) {
    await stage.emergencies.apply([event])
    const found = (await stage.emergencies.list({ tenant: TENANT, device })).items[0]
    if (found === undefined) throw new Error(`the danger of ${device} is not in the book`)
    await stage.emergencies.acknowledge({ tenant: TENANT, id: found.emergency_id, by: 'test', via: 'api', note: '' })
    await stage.emergencies.resolve({ tenant: TENANT, id: found.emergency_id, by: 'test', reason: 'over' })
  }
  await stage.hubs.apply([event])
  const [order] = (await stage.hubs.workOrders({ tenant: TENANT, device })).items
  if (order === undefined) throw new Error(`${device} has no order`)
  for (const type of ['accepted', 'cancelled'] as const) {
    const answer = { type, at_ms: alarm.raised_at_ms, actor: 'engineer-7', data: {} }
    await stage.hubs.workOrderEvent(TENANT, order.work_order_id, answer, `${order.work_order_id}-${type}`)
  }
}

/** The same alarm each time it is asked for, also after a kill. */
function alarmOf(device: string, rule: string): Alarm {
  const type = applianceTypes.find(({ rules }) => rules.some(({ id }) => id === rule))
  const found = type?.rules.find(({ id }) => id === rule)
  if (type === undefined || found === undefined) throw new Error(`no type has the rule ${rule}`)
  const atMs = orders.startMs
  return {
    ...{ alarm_id: contentId('al', TENANT, device, rule, atMs), tenant: TENANT, device, type: type.id, rule, rule_version: found.version },
    ...{ safety_class: found.safetyClass, fault: found.fault, title: found.title.en, began_at_ms: atMs, raised_at_ms: atMs },
    ...{ received_at_ms: atMs, cleared_at_ms: null, evidence: [] },
  }
}
