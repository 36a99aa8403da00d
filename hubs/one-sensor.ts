/**
 * One faulty sensor is one cause. A sensor that does not move departs from what physics demands, too, so two alarms name two faults for one
 * part: that it stands still, and that it drifts. The standing still explains the departure, whichever was found first: the order of the departure
 * becomes that of the stuck sensor while nobody has promised to serve it, and a departure that comes behind joins the order that is there.
 * Another sensor of the unit, a danger (E0, E1) and a diagnosis, which names no sensor, stay causes of their own.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { isFaultOfSensor, judgedSensors } from '#catalogue/sensor-faults.ts'
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import { CHANNEL_STATE_RULE } from '#kernel/channel-state.ts'
import { noteQuiet } from './alarm-handling.ts'
import type { Finding, KnownOrder, Route } from './cases.ts'
import { mergeCase } from './grouping/group-orders.ts'
import type { WorkOrderRow } from './hub-tables.ts'
import type { HubTransaction } from './hub-transaction.ts'
import { isDanger, opensOrder } from './quiet-alarms.ts'
import { storedDiagnosis } from './stored-findings.ts'
import { isOpenPhase } from './work-order-states.ts'
import { amendOrder, moveOrder, type Opening, orderRow, remarkOrder, SYSTEM_ACTOR } from './work-orders.ts'

export interface Found {
  readonly finding: Finding
  readonly opening: Opening
}

/** A finding as the cause that it comes to, with its route where the sensor decides that. */
export interface Joined extends Found {
  readonly route?: Route
  readonly reason?: string
}

/** Orders of the unit as they are stored and as `cases.ts` sees them. */
export interface UnitOrders {
  readonly rows: readonly WorkOrderRow[]
  readonly known: readonly KnownOrder[]
}

/** What is known of a finding's sensors; `stuck` is the fault of a sensor that does not move. */
interface SensorFinding extends Found {
  readonly type: ApplianceType
  readonly stuck: string
  readonly alarm: Alarm
  readonly open: ReadonlyArray<{ readonly row: WorkOrderRow; readonly known: KnownOrder }>
  readonly heard: readonly HeardAlarm[]
}

interface HeardAlarm {
  readonly alarm: Alarm
  readonly sensors: ReadonlySet<string>
  /** What holds back its order. */
  readonly quietBy: string | null
}

/** Joins the alarms of one sensor; other findings pass as they came. Undefined when what explains the alarm is held back, and so is the alarm. */
export async function joinBySensor(hub: HubTransaction, found: Found, { rows, known }: UnitOrders): Promise<Joined | undefined> {
  const { alarm } = found.opening
  const type = alarm === undefined ? undefined : hub.catalogue(alarm.type)
  const stuck = type?.sensorFaults?.stuck
  if (alarm === undefined || type === undefined || stuck === undefined || !isFaultOfSensor(type, alarm.fault)) return found
  if (sensorsOf(hub, alarm).size === 0 || (alarm.fault !== stuck && isDanger(alarm))) return found
  const open = rows.flatMap((row) => {
    const order = known.find(({ id }) => id === row.work_order_id)
    return order !== undefined && isOpenPhase(order.phase) ? [{ row, known: order }] : []
  })
  const settledMs = Math.max(...rows.map(({ cause, settled_at_ms }) => (cause === stuck ? (settled_at_ms ?? 0) : 0)), 0)
  const heard = await heardAlarms(hub, alarm, Math.min(alarm.raised_at_ms, ...open.map(({ row }) => row.opened_at_ms)))
  // What stood before the last repair of a stuck sensor and has ceased says nothing any more.
  const counts = ({ alarm: { fault, raised_at_ms, cleared_at_ms } }: HeardAlarm): boolean =>
    fault !== stuck || cleared_at_ms === null || raised_at_ms > settledMs
  const sensor: SensorFinding = { ...found, type, stuck, alarm, open, heard: heard.filter(counts) }
  return alarm.fault === stuck ? joinStuck(hub, sensor) : joinDeparture(hub, sensor)
}

/** A departure of a sensor that is known not to move is a finding of that. */
async function joinDeparture(hub: HubTransaction, sensor: SensorFinding): Promise<Joined | undefined> {
  const { finding, opening, stuck, alarm, open } = sensor
  const hasOwn = open.some(({ row }) => row.cause === alarm.fault)
  // Somebody is on the way to that order, or it is of another sensor as well: it is told.
  if (hasOwn && !open.some(({ row }) => row.cause === stuck)) return { finding, opening }
  const explaining = explanationsOf(sensor, sensorsOf(hub, alarm))
  const [first] = explaining
  if (first === undefined) return { finding, opening }
  const spoken = explaining.find(({ quietBy }) => quietBy === null)
  if (spoken === undefined && first.quietBy !== null) {
    await noteQuiet(hub, alarm, first.quietBy)
    return undefined
  }
  const as = { cause: stuck, fault: stuck, alarm: (spoken ?? first).alarm }
  return { finding: { ...finding, cause: stuck }, opening: { ...opening, ...as } }
}

/** A sensor that does not move takes over the order of its departure. */
async function joinStuck(hub: HubTransaction, sensor: SensorFinding): Promise<Joined> {
  const { finding, opening, type, stuck, alarm, open, heard } = sensor
  const own = sensorsOf(hub, alarm)
  const asFound: Joined = { finding, opening }
  const departed = open.find(
    ({ row }) => row.cause !== stuck && isFaultOfSensor(type, row.cause) && !isDanger({ safety_class: row.safety_class as SafetyClass }),
  )
  if (departed === undefined) return asFound
  const { row, known } = departed
  const told = heard.filter(
    ({ alarm: { fault, raised_at_ms }, quietBy }) => fault === row.cause && quietBy === null && raised_at_ms >= row.opened_at_ms,
  )
  if (!told.some(({ sensors }) => areShared(sensors, own)) || (await standsForGroup(hub, row))) return asFound
  const others = told.filter(({ sensors }) => explanationsOf(sensor, sensors).length === 0)
  if (others.length > 0 || row.diagnosis_id !== null) {
    await leaveToOthers(hub, row, others)
    return {
      finding,
      opening: withDepartures(
        opening,
        told.filter((one) => !others.includes(one)),
      ),
    }
  }
  const reason = `${[...own].join(' or ')} does not move, which explains ${row.cause}`
  const isGraver = opening.safetyClass < row.safety_class
  const keeper = open.find((order) => order.row.cause === stuck)
  if (known.phase !== 'waiting') {
    if (keeper === undefined && !isGraver) return { ...asFound, route: { kind: 'remark', id: row.work_order_id, reason } }
    await remarkOrder(hub, row, 'finding', { actor: SYSTEM_ACTOR, atMs: finding.atMs, reason, data: { alarm_id: alarm.alarm_id } })
    return asFound
  }
  const safetyClass = isGraver ? opening.safetyClass : (row.safety_class as SafetyClass)
  const joined = { finding, opening: { ...withDepartures(opening, told), safetyClass } }
  if (keeper === undefined) return { ...joined, route: { kind: 'amend', id: row.work_order_id }, reason }
  const data = { work_order_id: keeper.row.work_order_id, case_id: keeper.row.case_id }
  await moveOrder(hub, row, 'cancelled', { actor: SYSTEM_ACTOR, atMs: Math.max(finding.atMs, row.opened_at_ms), reason, data })
  await mergeCase(hub, row, await orderRow(hub, keeper.row.work_order_id))
  return joined
}

/** The order has been for the sensor since it departed, and is as grave as its gravest alarm: as when the departures come behind. */
function withDepartures(opening: Opening, departures: readonly HeardAlarm[]): Opening {
  const alarms = departures.map(({ alarm }) => alarm)
  const [safetyClass = opening.safetyClass] = [opening.safetyClass, ...alarms.map(({ safety_class }) => safety_class)].sort()
  return { ...opening, safetyClass, atMs: Math.min(opening.atMs, ...alarms.map(({ raised_at_ms }) => raised_at_ms)) }
}

/** Sensors that an alarm speaks of: the channel of a state, or what a sensor rule holds against each other. */
function sensorsOf(hub: HubTransaction, alarm: Alarm): ReadonlySet<string> {
  if (alarm.rule.startsWith(CHANNEL_STATE_RULE)) return new Set([alarm.rule.slice(alarm.rule.lastIndexOf(':') + 1)])
  const rule = hub.ruleOf(alarm)
  return new Set(rule === undefined ? [] : judgedSensors(rule))
}

const areShared = (some: ReadonlySet<string>, others: ReadonlySet<string>): boolean => [...some].some((sensor) => others.has(sensor))

/** Alarms of a stuck sensor among those, earliest first. */
const explanationsOf = ({ heard, stuck }: SensorFinding, sensors: ReadonlySet<string>): HeardAlarm[] =>
  heard.filter((other) => other.alarm.fault === stuck && areShared(other.sensors, sensors)).sort((a, b) => byTime(a.alarm, b.alarm))

const byTime = (a: Alarm, b: Alarm): number => a.raised_at_ms - b.raised_at_ms || (a.alarm_id < b.alarm_id ? -1 : 1)

/** Alarms of the unit that open orders and stand, or were raised from an instant on. */
async function heardAlarms(hub: HubTransaction, { tenant, device }: Alarm, fromMs: number): Promise<HeardAlarm[]> {
  const rows = await hub.database
    .selectFrom('hub_alarms as a')
    .leftJoin('hub_alarm_handling as h', 'h.alarm_id', 'a.alarm_id')
    .select(['a.body as body', 'a.cleared_at_ms as cleared_at_ms', 'h.quiet_by as quiet_by'])
    .where('a.tenant', '=', tenant)
    .where('a.device', '=', device)
    .where('a.body', '!=', '')
    .where((where) => where.or([where('a.cleared_at_ms', 'is', null), where('a.raised_at_ms', '>=', fromMs)]))
    .execute()
  return rows.flatMap(({ body, cleared_at_ms, quiet_by }): HeardAlarm[] => {
    const alarm: Alarm = { ...(JSON.parse(body) as Alarm), cleared_at_ms }
    return opensOrder(hub, alarm) ? [{ alarm, sensors: sensorsOf(hub, alarm), quietBy: quiet_by }] : []
  })
}

/** The order is that of a group wider than a unit, whose cause is not this sensor. */
async function standsForGroup(hub: HubTransaction, { work_order_id }: WorkOrderRow): Promise<boolean> {
  const group = await hub.database
    .selectFrom('hub_alarm_groups')
    .select('group_id')
    .where('work_order_id', '=', work_order_id)
    .where('scope', '!=', 'unit')
    .executeTakeFirst()
  return group !== undefined
}

/** The order rests on what a stuck sensor does not explain, and tells of that alone. */
async function leaveToOthers(hub: HubTransaction, row: WorkOrderRow, others: readonly HeardAlarm[]): Promise<void> {
  const first = others.map(({ alarm }) => alarm).sort(byTime)[0]
  const diagnosis = await storedDiagnosis(hub, row.diagnosis_id)
  const openedAtMs = diagnosis === undefined && first !== undefined ? first.raised_at_ms : row.opened_at_ms
  const step = { actor: SYSTEM_ACTOR, atMs: openedAtMs, reason: 'another sensor does not move', data: {} }
  await amendOrder(hub, row, { diagnosis, alarm: first, openedAtMs, step })
}
