/**
 * Reads the hubs' records for boards: how each unit stands, and what happened in a span of device time, counted in the database where
 * counts will do. Everything is of one tenant; lists are bounded by the caller.
 */
import { type Kysely, sql } from 'kysely'
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubTables } from './hub-tables.ts'

interface Span {
  readonly tenant: string
  readonly from_ms: number
  readonly to_ms: number
}

/** What is known against a unit; units of which nothing was said are absent. */
export interface UnitStanding {
  readonly device: string
  /** Last answer of the models. */
  readonly answer: string | null
  readonly fault: string | null
  readonly diagnosis_id: string | null
  readonly answered_at_ms: number | null
  /** Gravest class of the alarms that stand, and since when the first of them. */
  readonly alarm_class: string | null
  readonly alarms: number
  readonly alarmed_at_ms: number | null
}

export interface HubBoards {
  /** Last answers and standing alarms by unit. */
  standings(tenant: string): Promise<readonly UnitStanding[]>
  /** Alarms raised, by step of the span and safety class. */
  alarmCounts(
    span: Span & { readonly step_ms: number },
  ): Promise<ReadonlyArray<{ readonly t: number; readonly safety_class: string; readonly n: number }>>
  /** Named faults, most units first. */
  faultCounts(span: Span & { readonly limit: number }): Promise<ReadonlyArray<FaultCount>>
  /** Newest first; of one device, or of all. */
  diagnosesIn(span: Span & { readonly device?: string | undefined; readonly limit: number }): Promise<readonly Diagnosis[]>
  /** Alarms of a device that stood at some time of the span, newest first. */
  alarmsOf(span: Span & { readonly device: string; readonly limit: number }): Promise<readonly Alarm[]>
}

interface FaultCount {
  readonly fault: string
  readonly units: number
  readonly diagnoses: number
  readonly last_ms: number
}

/** Creates the reader over the hubs' tables. */
export function createHubBoards(database: Kysely<HubTables>): HubBoards {
  return {
    standings: (tenant) => standings(database, tenant),
    async alarmCounts({ tenant, from_ms, to_ms, step_ms }) {
      const step = sql<number>`(raised_at_ms - ${from_ms}) / ${step_ms}`
      const rows = await database
        .selectFrom('hub_alarms')
        .select(['safety_class', step.as('step'), sql<number>`count(*)`.as('n')])
        .where('tenant', '=', tenant)
        .where('raised_at_ms', '>=', from_ms)
        .where('raised_at_ms', '<', to_ms)
        .where('body', '!=', '')
        .groupBy(['safety_class', 'step'])
        .execute()
      return rows.map((row) => ({ t: from_ms + Math.floor(Number(row.step)) * step_ms, safety_class: row.safety_class, n: Number(row.n) }))
    },
    async faultCounts({ tenant, from_ms, to_ms, limit }) {
      const rows = await database
        .selectFrom('hub_diagnoses')
        .select(['fault', sql<number>`count(DISTINCT device)`.as('units'), sql<number>`count(*)`.as('n'), sql<number>`max(made_at_ms)`.as('last_ms')])
        .where('tenant', '=', tenant)
        .where('made_at_ms', '>=', from_ms)
        .where('made_at_ms', '<', to_ms)
        .where('answer', '=', 'fault')
        .groupBy('fault')
        .orderBy('units', 'desc')
        .orderBy('fault')
        .limit(limit)
        .execute()
      return rows.map(({ fault, units, n, last_ms }) => ({
        fault: fault ?? '',
        units: Number(units),
        diagnoses: Number(n),
        last_ms: Number(last_ms),
      }))
    },
    async diagnosesIn({ tenant, from_ms, to_ms, device, limit }) {
      const all = database
        .selectFrom('hub_diagnoses')
        .select('body')
        .where('tenant', '=', tenant)
        .where('made_at_ms', '>=', from_ms)
        .where('made_at_ms', '<', to_ms)
        .orderBy('made_at_ms', 'desc')
        .limit(limit)
      const rows = await (device === undefined ? all.where('answer', 'in', ['fault', 'unknown_fault']) : all.where('device', '=', device)).execute()
      return rows.map(({ body }) => JSON.parse(body) as Diagnosis)
    },
    async alarmsOf({ tenant, device, from_ms, to_ms, limit }) {
      const rows = await database
        .selectFrom('hub_alarms')
        .select(['body', 'cleared_at_ms'])
        .where('tenant', '=', tenant)
        .where('device', '=', device)
        .where('raised_at_ms', '<', to_ms)
        .where((where) => where.or([where('cleared_at_ms', 'is', null), where('cleared_at_ms', '>', from_ms)]))
        .where('body', '!=', '')
        .orderBy('raised_at_ms', 'desc')
        .limit(limit)
        .execute()
      return rows.map(({ body, cleared_at_ms }) => ({ ...(JSON.parse(body) as Alarm), cleared_at_ms }))
    },
  }
}

async function standings(database: Kysely<HubTables>, tenant: string): Promise<UnitStanding[]> {
  const [answers, alarms] = await Promise.all([
    database.selectFrom('hub_device_answers').selectAll().where('tenant', '=', tenant).execute(),
    database
      .selectFrom('hub_alarms')
      .select(['device', sql<string>`min(safety_class)`.as('class'), sql<number>`count(*)`.as('n'), sql<number>`min(raised_at_ms)`.as('since_ms')])
      .where('tenant', '=', tenant)
      .where('cleared_at_ms', 'is', null)
      .groupBy('device')
      .execute(),
  ])
  const alarmed = new Map(alarms.map((row) => [row.device, row]))
  const answered = new Map(answers.map((row) => [row.device, row]))
  return [...new Set([...answered.keys(), ...alarmed.keys()])].sort().map((device) => {
    const [answer, alarm] = [answered.get(device), alarmed.get(device)]
    return {
      device,
      answer: answer?.answer ?? null,
      fault: answer?.fault ?? null,
      diagnosis_id: answer?.diagnosis_id ?? null,
      answered_at_ms: answer?.made_at_ms ?? null,
      alarm_class: alarm?.class ?? null,
      alarms: Number(alarm?.n ?? 0),
      alarmed_at_ms: alarm === undefined ? null : Number(alarm.since_ms),
    }
  })
}
