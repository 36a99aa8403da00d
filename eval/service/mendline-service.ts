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
import type { RemoteOffer } from '#kernel/remote-offer.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import { createTargetGuard } from '../../hubs/dispatch/webhook-target.ts'
import { hubMigrations } from '../../hubs/hub-tables.ts'
import { createHubs, type Hubs, type HubsOptions } from '../../hubs/hubs.ts'
import { createHttpWebhook } from '../../hubs/notifiers/http-webhook.ts'
import { createOutbox, type Outbox } from '../../hubs/outbox.ts'
import { openOperations } from '../../operations/open-database.ts'
import { cityTypes } from '../../simulators/city/city-units.ts'
import type { DispatchAnswer } from '../../simulators/city/dispatch.ts'
import { createHouseholdVoice } from '../../simulators/city/household-answers.ts'
import type { CityPorts, CityService } from '../../simulators/city/service-city.ts'
import type { VisitPlan } from '../../simulators/city/visit.ts'
import { type DoorEvent, openWebhookDoor, type WebhookDoor } from '../../simulators/city/webhook-door.ts'
import { reportToHubs } from './dialogue.ts'

const TENANT = 'home'
/** The city's clock leaps and never sleeps, so nobody has to look in between. */
const NAP_MS = 86_400_000

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
export async function createMendlineService(
  ports: CityPorts,
  /** Told when a household did a remote step: the unit is measured from now on. */
  onTried: (device: string) => Promise<void> | void = () => {},
): Promise<MendlineService> {
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
    napMs: NAP_MS,
  })
  const types = new Map(cityTypes().map((type) => [type.id, type]))
  const hubs = createHubs({
    database,
    catalogue: (type) => types.get(type),
    places: placesOf(ports),
    unitOf: (_tenant, device) => ports.truth.units.get(device)?.facts,
    installedAt: (_tenant, device) => ports.truth.units.get(device)?.facts.installed_at_ms,
    clock,
    log: silentLog,
    commands: { give: async () => {}, given: () => {} },
    onCommitted: outbox.wake,
    policy: { reminders_MAX: 2 },
    napMs: NAP_MS,
  })
  const voice = createHouseholdVoice(ports.plan.seed, ports.parameters)
  const received: Array<{ atMs: number; event: DoorEvent }> = []
  const counts = { answersRefused: 0 }
  const answer = async (id: string, actor: string, { type, data }: DispatchAnswer): Promise<boolean> => {
    try {
      await hubs.workOrderEvent(TENANT, id, { type, at_ms: clock.now(), actor, data: { ...data } }, `${id}-${type}-${clock.now()}`)
      return true
    } catch (error) {
      if (!(error instanceof MendlineError)) throw error
      counts.answersRefused++
      return false
    }
  }
  /** The organisation sends nobody for advice (E4): the household calls when it wants somebody. */
  const withdraw = async (id: string, reason: string): Promise<void> => {
    await answer(id, 'desk', { type: 'cancelled', data: { reason } })
    dispatch.cancel(id)
  }
  /** The household is asked to do a step, says whether it did, and the sensors judge it; the visit waits. */
  const tryRemotely = ({ offer_id, work_order_id: id, device, text_version }: RemoteOffer): void => {
    dispatch.hold(id)
    const plan = dispatch.orders.get(id)?.plan
    const fault = plan?.fault ?? ''
    ports.customers.doRemoteStep(device, fault, async (isDone) => {
      // The household sees whether what it complained of has gone.
      const standing = ports.truth.standing(device, clock.now())
      const helped = plan?.fault === null ? standing.length === 0 : !standing.some(({ code }) => code === fault)
      const answer = isDone ? ({ answer: 'done', text_version, helped } as const) : ({ answer: 'refuse' } as const)
      try {
        await hubs.answerRemote(TENANT, offer_id, { ...answer, at_ms: clock.now(), actor: 'household' })
        if (isDone) await onTried(device)
      } catch (error) {
        // The order went another way meanwhile.
        if (!(error instanceof MendlineError)) throw error
        counts.answersRefused++
      }
    })
  }
  const door = await openWebhookDoor(clock, (event) => {
    received.push({ atMs: clock.now(), event })
    takeEvent(ports, event, { tryRemotely, withdraw })
  })
  await hubs.start()
  await outbox.start()
  door.connect((await outbox.create(TENANT, { url: door.url })).secret)
  clock.join(() => hubs.timersSettled())
  clock.join(() => outbox.settled())
  return {
    ...{ hubs, database, outbox, door, received, counts },
    find: (event) => hubs.apply([event]),
    async contact({ kind, device, fault, atMs }) {
      const type = ports.truth.units.get(device)?.type
      if (kind !== 'report') {
        await hubs.report({ tenant: TENANT, device, source: 'call_centre', actor: 'call-centre', kind, at_ms: Math.floor(atMs) })
      } else if (type !== undefined) {
        const severity = fault === undefined ? 0 : ports.truth.severity(fault, atMs)
        await reportToHubs({ hubs, voice, tenant: TENANT }, { type, device, fault: fault?.code, severity, atMs })
        // An order that came of it has left for the dispatch system before anybody hangs up.
        await outbox.settled()
      }
      if (kind !== 'report' || dispatch.standing(device) !== undefined) return
      const plan = await toldPlan(hubs, device)
      dispatch.open({ id: `call-${dispatch.orders.size + 1}`, device, source: 'call', safetyClass: fault?.safetyClass ?? 'E3', plan })
    },
    answer: async (order, given) => !order.id.startsWith('wo_') || answer(order.id, order.slot?.engineer.id ?? 'desk', given),
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
          site: facts.city,
          batch: `${facts.type}/${facts.batch}`,
          firmware: `${facts.type}/${facts.fw}`,
        }
  }
  const populations = new Map<string, number>()
  for (const [device, { type }] of places) {
    for (const [scope, value] of Object.entries(placeOf('', device))) {
      for (const key of [`${scope}/${value}`, `${type}|${scope}/${value}`]) populations.set(key, (populations.get(key) ?? 0) + 1)
    }
  }
  const count = (key: string): number => populations.get(key) ?? 0
  return {
    placeOf,
    populationOf: (_tenant: string, scope: GroupScope, value: string, types?: readonly string[]) =>
      types === undefined ? count(`${scope}/${value}`) : types.reduce((sum, type) => sum + count(`${type}|${scope}/${value}`), 0),
  }
}

interface Practice {
  readonly tryRemotely: (offer: RemoteOffer) => void
  readonly withdraw: (id: string, reason: string) => Promise<void>
}

/** What the dispatch system makes of a webhook. */
function takeEvent({ dispatch, clock }: CityPorts, { type, data }: DoorEvent, { tryRemotely, withdraw }: Practice): void {
  const offer = type === 'mendline.remote.offered.v1' ? (data.offer as RemoteOffer) : undefined
  if (offer?.kind === 'step') tryRemotely(offer)
  const match = /^mendline\.work_order\.(\w+)\.v1$/.exec(type)
  if (match === null) return
  const order = data.work_order as WorkOrder | undefined
  if (order === undefined) return
  const id = order.work_order_id
  const known = dispatch.orders.get(id)
  switch (match[1]) {
    case 'opened': {
      const source = order.diagnosis_id !== null ? 'diagnosis' : order.alarm_id !== null ? 'alarm' : 'call'
      if (known !== undefined) return
      dispatch.open({ id, device: order.device, source, safetyClass: order.safety_class, plan: planOf(order) })
      return
    }
    case 'triaged':
      // Nobody is sent for advice that the household does not want, or that did not help.
      if (known?.state === 'held' && order.safety_class === 'E4') clock.at(clock.now(), () => withdraw(id, 'advice needs no visit'))
      else dispatch.release(id)
      return
    case 'done':
      dispatch.finish(id)
      return
    case 'amended':
      if (known !== undefined && known.visits === 0) known.plan = planOf(order)
      return
    case 'reopened':
      if (order.safety_class === 'E4' && known?.visits === 0)
        clock.at(clock.now(), () => withdraw(id, 'done by the household, and advice needs no visit'))
      else dispatch.reopen(id, planOf(order))
      return
    case 'cancelled':
    case 'closed':
      dispatch.cancel(id)
      return
    default:
  }
}

/** What the agent at the telephone reads of a unit: the fault that was told of it last, if that still stands. */
async function toldPlan(hubs: Hubs, device: string): Promise<VisitPlan | undefined> {
  const { items } = await hubs.diagnoses({ tenant: TENANT, device })
  const last = items.toSorted((a, b) => b.made_at_ms - a.made_at_ms)[0]
  if (last?.answer !== 'fault' || last.fault === null) return undefined
  return { fault: last.fault, rivals: last.rivals.map(({ fault }) => fault), parts: last.parts, skills: last.skills }
}

const planOf = ({ packet }: WorkOrder): VisitPlan => ({
  fault: packet.fault,
  rivals: packet.rivals.map(({ fault }) => fault),
  parts: packet.parts.map(({ part, probability }) => ({ part, probability })),
  skills: packet.skills,
})
