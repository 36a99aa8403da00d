/**
 * `node eval/service/sort-visits.ts SEED [UNITS] [DAYS]` lives through policy (c) in a city of development and sorts its visits that found no
 * fault by what sent them, and its wear faults that a household had to call about by what was told of them. Cities of the evaluation are
 * refused, since whoever reads this goes on to choose something.
 */
import { writeFileSync } from 'node:fs'
import { DAY_MS } from '../../simulators/city/city-clock.ts'
import { createCityUnits } from '../../simulators/city/city-units.ts'
import { SERVICE_SEEDS } from '../../simulators/city/frozen.ts'
import { growthOf } from '../../simulators/fault-growth.ts'
import { measure } from './measures.ts'
import type { MendlineService } from './mendline-service.ts'
import { type PolicyRun, runPolicy } from './run-policy.ts'
import { createSignals } from './signals.ts'

interface Told {
  readonly atMs: number
  readonly answer: string
  readonly fault: string | null
  readonly probability: number
  readonly source: string
}

const [seed = 'city-dev-1', units = '1000', days = '90', file = ''] = process.argv.slice(2)
if ((SERVICE_SEEDS as readonly string[]).includes(seed)) {
  console.error(`${seed} is a city of the evaluation; nothing is chosen by it`)
  process.exit(2)
}
const plan = { seed, units: Number(units), days: Number(days) }
const cityUnits = createCityUnits(plan)
const signals = await createSignals({ plan, units: cityUnits, threads: 1 })
const lived = await runPolicy('mendline', { plan, units: cityUnits, signals })
const lines = [...(await needlessVisits(lived)), ...(await lateFaults(lived))]
if (file !== '') writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
for (const [key, count] of [...Map.groupBy(lines, ({ key }) => key)].map(([key, all]) => [key, all.length] as const).sort((a, b) => b[1] - a[1])) {
  console.log(`${String(count).padStart(5)}  ${key}`)
}
console.log(JSON.stringify(measure(lived.run)))
await lived.close()
await signals.stop()

async function toldOf({ database }: MendlineService, device: string): Promise<Told[]> {
  const rows = await database.selectFrom('hub_diagnoses').selectAll().where('device', '=', device).orderBy('made_at_ms').execute()
  return rows.map(({ made_at_ms, answer, fault, body }) => {
    const { probability, source } = JSON.parse(body) as { probability: number; source: string }
    return { atMs: made_at_ms, answer, fault, probability: Math.round(probability * 1000) / 1000, source }
  })
}

/** Visits that ended nothing since there was nothing to end, or it was not found. */
async function needlessVisits({ run, mendline }: PolicyRun) {
  if (mendline === undefined) return []
  const lines = []
  for (const visit of run.dispatch.visits) {
    if (!(visit.kind === 'no_fault_found' || (visit.kind === 'guessed' && visit.fault === null))) continue
    const order = run.dispatch.orders.get(visit.order)
    const unit = run.truth.units.get(visit.device)
    const told = await toldOf(mendline, visit.device)
    const rows = await mendline.database.selectFrom('hub_work_orders').selectAll().where('work_order_id', '=', visit.order).execute()
    const contacts = run.customers.contacts.filter(({ device, kind, atMs }) => device === visit.device && kind === 'report' && atMs <= visit.atMs)
    const row = rows[0]
    const source = row === undefined ? 'call' : row.alarm_id !== null ? 'alarm' : contacts.length > 0 ? 'report' : 'diagnosis'
    const earlier = run.dispatch.visits.filter(({ device, atMs }) => device === visit.device && atMs < visit.atMs).length
    const ofFault = told.filter(({ fault, atMs }) => fault === order?.plan?.fault && atMs <= visit.atMs)
    const last = told.findLast(({ atMs }) => atMs <= visit.atMs)
    const sound = visit.fault === null ? 'sound' : `has ${visit.fault.code}`
    const kind = `${source} ${unit?.type.id} ${order?.plan?.fault ?? '-'}`
    lines.push({
      key: `no fault: ${kind}; ${sound}${earlier > 0 ? '; visited before' : ''}${order !== undefined && order.visits > 1 ? '; again' : ''}`,
      device: visit.device,
      isOwn: (unit?.faults.length ?? 0) > 0,
      openedDays: ((order?.openedMs ?? 0) - run.endMs) / DAY_MS + plan.days,
      visitDays: (visit.atMs - run.endMs) / DAY_MS + plan.days,
      class: order?.safetyClass,
      opened: ofFault[0],
      confirmations: ofFault.length,
      spanDays: ofFault.length > 0 ? ((ofFault.at(-1)?.atMs ?? 0) - (ofFault[0]?.atMs ?? 0)) / DAY_MS : 0,
      last,
      told: told.map(({ atMs, answer, fault, probability, source: by }) =>
        [Math.round(((atMs - run.endMs) / DAY_MS + plan.days) * 10) / 10, answer, fault, probability, by].join(' '),
      ),
      truth: run.truth.of(visit.device).map(({ code, truth: { onset_ms: onsetMs }, endedMs }) => ({
        code,
        onset: (onsetMs - run.endMs) / DAY_MS + plan.days,
        ended: endedMs === undefined ? null : (endedMs - run.endMs) / DAY_MS + plan.days,
      })),
    })
  }
  return lines
}

/** Wear faults that the household called about, or would have, before anybody ended them. */
async function lateFaults({ run, mendline }: PolicyRun) {
  if (mendline === undefined) return []
  const lines = []
  for (const fault of run.truth.faults) {
    const type = run.truth.units.get(fault.device)?.type
    const calledMs = run.customers.wouldCallMs(fault)
    if (type === undefined || calledMs === undefined || growthOf(type, fault.code).days[0] < 2) continue
    const isOnTime = fault.endedMs !== undefined && fault.endedMs < calledMs
    const told = await toldOf(mendline, fault.device)
    const before = told.filter(({ atMs, fault: named }) => named !== null && atMs < calledMs && atMs >= fault.truth.onset_ms)
    const named = before.find((one) => one.fault === fault.code)
    const orders = [...run.dispatch.orders.values()].filter(
      ({ device, openedMs }) => device === fault.device && openedMs < calledMs && openedMs > fault.truth.onset_ms,
    )
    const why = isOnTime
      ? `in time by ${fault.endedBy ?? ''}`
      : before.length === 0
        ? 'nothing told'
        : named === undefined
          ? `another named (${before.at(-1)?.fault})`
          : orders.length === 0
            ? 'named, no order'
            : `named ${calledMs - named.atMs < 2 * DAY_MS ? 'late' : calledMs - named.atMs < 5 * DAY_MS ? '2 to 5 days ahead' : 'early'}, order ${orders.at(-1)?.state} after ${orders.at(-1)?.visits} visits`
    lines.push({
      key: `wear: ${type.id} ${fault.code}: ${why}`,
      device: fault.device,
      calledDays: (calledMs - run.endMs) / DAY_MS + plan.days,
      onsetDays: (fault.truth.onset_ms - run.endMs) / DAY_MS + plan.days,
      endedDays: fault.endedMs === undefined ? null : (fault.endedMs - run.endMs) / DAY_MS + plan.days,
      told: told.map(({ atMs, answer, fault: code, probability, source }) =>
        [Math.round(((atMs - run.endMs) / DAY_MS + plan.days) * 10) / 10, answer, code, probability, source].join(' '),
      ),
      orders: orders.map(({ source, state, plan: told, visits, openedMs, closedMs }) => ({
        source,
        state,
        visits,
        fault: told?.fault,
        opened: (openedMs - run.endMs) / DAY_MS + plan.days,
        closed: closedMs === undefined ? null : (closedMs - run.endMs) / DAY_MS + plan.days,
      })),
    })
  }
  return lines
}
