/**
 * `node eval/service/sort-repairs.ts SEED [UNITS] [DAYS] [TIMES] [FILE]` lives through policy (c) in a city of development in which bad, phantom
 * and mis-coded repairs are TIMES as frequent as in the frozen city, and sorts them by what became of each: caught, or why not. Good repairs
 * that were reopened or got a sign stand beside them. Cities of the evaluation are refused, since whoever reads this goes on to choose something.
 */
import { writeFileSync } from 'node:fs'
import { DAY_MS } from '../../simulators/city/city-clock.ts'
import { type CityParameters, cityParameters } from '../../simulators/city/city-parameters.ts'
import { createCityUnits } from '../../simulators/city/city-units.ts'
import type { CityVisit } from '../../simulators/city/dispatch.ts'
import { SERVICE_SEEDS } from '../../simulators/city/frozen.ts'
import { caughtOf, WAIT_DAYS } from './repairs-caught.ts'
import { type PolicyRun, runPolicy } from './run-policy.ts'
import { createSignals } from './signals.ts'

const [seed = 'city-dev-1', units = '400', days = '90', times = '4', file = ''] = process.argv.slice(2)
if ((SERVICE_SEEDS as readonly string[]).includes(seed)) {
  console.error(`${seed} is a city of the evaluation; nothing is chosen by it`)
  process.exit(2)
}
const { repair } = cityParameters
const parameters: CityParameters = {
  ...cityParameters,
  repair: {
    badShare: repair.badShare * Number(times),
    phantomShare: repair.phantomShare * Number(times),
    wrongCodeShare: repair.wrongCodeShare * Number(times),
  },
}
const plan = { seed, units: Number(units), days: Number(days) }
const cityUnits = createCityUnits(plan)
const signals = await createSignals({ plan, units: cityUnits, threads: 1 })
const lived = await runPolicy('mendline', { plan, units: cityUnits, signals, parameters })
const lines = await sortRepairs(lived)
if (file !== '') writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
for (const [key, count] of [...Map.groupBy(lines, ({ key }) => key)].map(([key, all]) => [key, all.length] as const).sort()) {
  console.log(`${String(count).padStart(5)}  ${key}`)
}
console.log(JSON.stringify(caughtOf(lived)))
await lived.close()
await signals.stop()

async function sortRepairs(one: PolicyRun) {
  const { run, mendline } = one
  if (mendline === undefined) return []
  const dayOf = (atMs: number): number => Math.round((10 * (atMs - run.endMs)) / DAY_MS + 10 * plan.days) / 10
  const lines = []
  for (const visit of run.dispatch.visits) {
    if (!visit.order.startsWith('wo_') || visit.atMs >= run.endMs - WAIT_DAYS * DAY_MS) continue
    const kind = visit.isWrongCode ? 'miscoded' : visit.kind
    if (!['miscoded', 'bad', 'phantom', 'repaired'].includes(kind)) continue
    const { order, rows, moves, windows, signs } = await recordsOf(one, visit)
    const verification = rows.find(({ done_at_ms }) => done_at_ms >= visit.atMs)
    const verdict = verification?.verdict === null || verification === undefined ? null : JSON.parse(verification.verdict)
    const told = mendline.received.filter(
      ({ event, atMs }) =>
        event.subject === visit.order && atMs >= visit.atMs && (event.type.includes('reopened') || event.type === 'mendline.repair.sign.v1'),
    )
    const called = run.customers.contacts.find(
      (contact) =>
        contact.kind === 'report' && contact.device === visit.device && contact.atMs > visit.atMs && contact.atMs <= visit.atMs + 30 * DAY_MS,
    )
    const isCaught =
      kind === 'miscoded'
        ? told.some(({ event }) => event.data.sign === 'miscoded_repair')
        : (told[0]?.atMs ?? Number.POSITIVE_INFINITY) < (called?.atMs ?? Number.POSITIVE_INFINITY)
    const type = run.truth.units.get(visit.device)?.type.id
    const how = `${verification?.method ?? 'no watch'}/${verification?.state ?? '-'}, ${windows.filter((one) => one === verification?.verification_id).length > 0 ? 'windows' : 'no window'}`
    lines.push({
      key: `${kind}: ${isCaught ? 'caught' : called === undefined ? 'missed' : 'called'}; ${how}`,
      type,
      device: visit.device,
      fault: visit.fault?.code,
      code: visit.code,
      cause: order?.cause,
      orderFault: order?.fault,
      hasAlarm: order?.alarm_id !== null,
      hasDiagnosis: order?.diagnosis_id !== null,
      visitDay: dayOf(visit.atMs),
      severity: visit.fault === null ? 0 : run.truth.severity(visit.fault, visit.atMs - 1),
      calledDay: called === undefined ? null : dayOf(called.atMs),
      told: told.map(({ event, atMs }) => `${dayOf(atMs)} ${event.type} ${String(event.data.sign ?? '')} ${String(event.data.reason ?? '')}`),
      signs,
      probabilities: verification?.probabilities,
      before: (verification === undefined ? [] : JSON.parse(verification.before))
        .map(({ feature, z_score }: { feature: string; z_score: number | null }) => `${feature} ${z_score?.toFixed(1)}`)
        .join(', '),
      seen: (verification?.seen === null || verification === undefined ? [] : JSON.parse(verification.seen)).map(
        ({ window_to_ms, residuals }: { window_to_ms: number; residuals: ReadonlyArray<{ feature: string; z_score: number | null }> }) =>
          `${dayOf(window_to_ms)}: ${residuals
            .filter(({ z_score }) => Math.abs(z_score ?? 0) >= 2)
            .map(({ feature, z_score }) => `${feature} ${z_score?.toFixed(1)}`)
            .join(', ')}`,
      ),
      windows: windows.filter((one) => one === verification?.verification_id).length,
      watches: rows.map(
        ({ method, state, done_at_ms, judged_at_ms }) =>
          `${method}/${state} ${dayOf(done_at_ms)} ${judged_at_ms === null ? '' : dayOf(judged_at_ms)}`,
      ),
      verdict,
      moves,
      truth: run.truth
        .of(visit.device)
        .map(({ code, truth: { onset_ms }, endedMs }) => `${code} ${dayOf(onset_ms)} ${endedMs === undefined ? '' : dayOf(endedMs)}`),
    })
  }
  return lines
}

async function recordsOf({ mendline, run }: PolicyRun, visit: CityVisit) {
  if (mendline === undefined) throw new Error('nothing was recorded')
  const { database } = mendline
  const order = await database.selectFrom('hub_work_orders').selectAll().where('work_order_id', '=', visit.order).executeTakeFirst()
  const rows = await database.selectFrom('hub_verifications').selectAll().where('work_order_id', '=', visit.order).orderBy('done_at_ms').execute()
  const windows = await database.selectFrom('hub_repair_windows').select('verification_id').where('work_order_id', '=', visit.order).execute()
  const moves = await database.selectFrom('hub_work_order_moves').selectAll().where('work_order_id', '=', visit.order).execute()
  const signs = await database.selectFrom('hub_repair_signs').selectAll().where('work_order_id', '=', visit.order).execute()
  return {
    order,
    rows,
    windows: windows.map(({ verification_id }) => verification_id),
    moves: moves.map((move) => JSON.stringify(move)).map((text) => text.slice(0, 300)),
    signs: signs.map(({ sign, body }) => `${sign} ${body}`),
    end: run.endMs,
  }
}
