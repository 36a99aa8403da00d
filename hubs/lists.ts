/** Reads the hubs' records for the API: lists of one tenant, newest first, by keyset cursors that stay true while records are added. */

import { type Kysely, sql } from 'kysely'
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import type { PartsDemand } from '#kernel/parts-demand.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import type { AlarmGroupRow } from './alarm-tables.ts'
import type { CaseRow, EmergencyRow, HubTables } from './hub-tables.ts'
import type { Label } from './labels.ts'
import { toWorkOrder } from './orders/order-record.ts'
import { findOrder } from './work-orders.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** Cursor of the next page, null on the last. */
  readonly next: string | null
}

export interface ListQuery {
  readonly tenant: string
  readonly device?: string | undefined
  readonly state?: string | undefined
  readonly fault?: string | undefined
  readonly safetyClass?: string | undefined
  readonly answer?: string | undefined
  readonly outlet?: string | undefined
  readonly engineer?: string | undefined
  /** `next` of the page before. */
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

/** A case as the API gives it. */
export type Case = Omit<CaseRow, 'is_past_danger'> & { readonly is_past_danger: boolean }

/** A move or remark of an order's history. */
export interface MoveRecord {
  readonly sequence: number
  readonly kind: string
  readonly type: string
  readonly from: string
  readonly to: string
  readonly actor: string
  /** Key by which it was told; null = Mendline by itself. */
  readonly told_by: string | null
  readonly at_ms: number
  readonly recorded_at_ms: number
  readonly reason: string
  readonly data: unknown
}

/** Need of a part over all open orders. */
export interface PartTotal {
  readonly part: string
  readonly name: string
  readonly orders: number
  readonly quantity: number
  /** Sum of quantity x probability: what will be used on average. */
  readonly expected_quantity: number
}

export interface HubLists {
  workOrders(query: ListQuery): Promise<Page<WorkOrder>>
  workOrder(tenant: string, id: string): Promise<WorkOrder | undefined>
  /** History of an order, oldest first. */
  workOrderMoves(tenant: string, id: string): Promise<readonly MoveRecord[]>
  cases(query: ListQuery): Promise<Page<Case>>
  diagnoses(query: ListQuery): Promise<Page<Diagnosis>>
  diagnosis(tenant: string, id: string): Promise<Diagnosis | undefined>
  alarms(query: ListQuery): Promise<Page<Alarm>>
  alarm(tenant: string, id: string): Promise<Alarm | undefined>
  emergencies(query: ListQuery): Promise<Page<EmergencyRow>>
  alarmGroups(query: Pick<ListQuery, 'tenant' | 'after' | 'limit'>): Promise<Page<AlarmGroupRow>>
  /** Alarms a group, of the groups that began between two device times; of all tenants when none is named. */
  compression(
    tenant: string | undefined,
    span: { readonly from_ms: number; readonly to_ms: number },
  ): Promise<{ alarms: number; groups: number; ratio: number }>
  labels(query: ListQuery): Promise<Page<Label>>
  partsNeeds(query: ListQuery): Promise<Page<PartsDemand>>
  partsTotals(tenant: string): Promise<readonly PartTotal[]>
}

/** Creates the reader over the hubs' tables. */
export function createHubLists(database: Kysely<HubTables>): HubLists {
  const page = createPager(database)
  return {
    async workOrders(query) {
      const keys = { time: 'created_at_ms', id: 'work_order_id' }
      const filters = {
        device: query.device,
        state: query.state,
        fault: query.fault,
        safety_class: query.safetyClass,
        outlet: query.outlet,
        engineer: query.engineer,
      }
      return mapPage(await page<HubTables['hub_work_orders']>('hub_work_orders', keys, { query, filters }), toWorkOrder)
    },
    async workOrder(tenant, id) {
      const row = await findOrder({ database }, tenant, id)
      return row === undefined ? undefined : toWorkOrder(row)
    },
    async workOrderMoves(tenant, id) {
      const rows = await database
        .selectFrom('hub_work_order_moves')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('work_order_id', '=', id)
        .orderBy('sequence')
        .execute()
      return rows.map(({ from_state, to_state, data, work_order_id: _id, tenant: _tenant, ...row }) => ({
        ...row,
        from: from_state,
        to: to_state,
        data: JSON.parse(data) as unknown,
      }))
    },
    async cases(query) {
      const filters = { device: query.device, state: query.state, cause: query.fault, safety_class: query.safetyClass }
      const rows = await page<CaseRow>('hub_cases', { time: 'created_at_ms', id: 'case_id' }, { query, filters })
      return mapPage(rows, (row) => ({ ...row, is_past_danger: row.is_past_danger === 1 }))
    },
    async diagnoses(query) {
      const filters = { device: query.device, fault: query.fault, answer: query.answer }
      const rows = await page<{ body: string }>('hub_diagnoses', { time: 'made_at_ms', id: 'diagnosis_id' }, { query, filters })
      return mapPage(rows, (row) => JSON.parse(row.body) as Diagnosis)
    },
    async diagnosis(tenant, id) {
      const row = await database
        .selectFrom('hub_diagnoses')
        .select('body')
        .where('tenant', '=', tenant)
        .where('diagnosis_id', '=', id)
        .executeTakeFirst()
      return row === undefined ? undefined : (JSON.parse(row.body) as Diagnosis)
    },
    async alarms(query) {
      const filters = { device: query.device, safety_class: query.safetyClass }
      const keys = { time: 'raised_at_ms', id: 'alarm_id' }
      const rows = await page<HubTables['hub_alarms']>('hub_alarms', keys, { query, filters })
      const known = { items: rows.items.filter((row) => row.body !== ''), next: rows.next }
      return mapPage(known, toAlarm)
    },
    async alarm(tenant, id) {
      const row = await database.selectFrom('hub_alarms').selectAll().where('tenant', '=', tenant).where('alarm_id', '=', id).executeTakeFirst()
      return row === undefined || row.body === '' ? undefined : toAlarm(row)
    },
    emergencies: (query) =>
      page('hub_emergencies', { time: 'created_at_ms', id: 'emergency_id' }, { query, filters: { device: query.device, state: query.state } }),
    labels: (query) =>
      page('hub_labels', { time: 'labelled_at_ms', id: 'label_id' }, { query, filters: { device: query.device, cause: query.fault } }),
    ...createGroupLists(database, page),
    ...createPartsLists(database, page),
  }
}

const toAlarm = (row: HubTables['hub_alarms']): Alarm => ({ ...(JSON.parse(row.body) as Alarm), cleared_at_ms: row.cleared_at_ms })

function createGroupLists(database: Kysely<HubTables>, page: Pager): Pick<HubLists, 'alarmGroups' | 'compression'> {
  return {
    async alarmGroups(query) {
      const groups = await page<AlarmGroupRow>('hub_alarm_groups', { time: 'from_ms', id: 'group_id' }, { query, filters: {} })
      return mapPage(groups, ({ bucket_ms: _bucket, ...group }) => group as AlarmGroupRow)
    },
    async compression(tenant, { from_ms, to_ms }) {
      const row = await database
        .selectFrom('hub_alarm_groups')
        .select((select) => [select.fn.countAll<number>().as('groups'), select.fn.sum<number>('alarms').as('alarms')])
        .$if(tenant !== undefined, (query) => query.where('tenant', '=', tenant ?? ''))
        .where('from_ms', '>=', from_ms)
        .where('from_ms', '<', to_ms)
        .executeTakeFirstOrThrow()
      const [alarms, groups] = [Number(row.alarms ?? 0), Number(row.groups)]
      return { alarms, groups, ratio: groups === 0 ? 1 : alarms / groups }
    },
  }
}

function createPartsLists(database: Kysely<HubTables>, page: Pager): Pick<HubLists, 'partsNeeds' | 'partsTotals'> {
  return {
    partsNeeds: (query) =>
      page('hub_parts_needs', { time: 'opened_at_ms', id: "work_order_id || '/' || part" }, { query, filters: { device: query.device } }),
    async partsTotals(tenant) {
      const rows = await database
        .selectFrom('hub_parts_needs')
        .select((select) => [
          'part',
          select.fn.min('name').as('name'),
          select.fn.countAll<number>().as('orders'),
          select.fn.sum<number>('quantity').as('quantity'),
          sql<number>`sum(quantity * probability)`.as('expected_quantity'),
        ])
        .where('tenant', '=', tenant)
        .groupBy('part')
        .orderBy('part')
        .execute()
      return rows.map((row) => ({
        ...row,
        orders: Number(row.orders),
        quantity: Number(row.quantity),
        expected_quantity: Number(row.expected_quantity),
      }))
    },
  }
}

interface PageRequest {
  readonly query: ListQuery
  readonly filters: Readonly<Record<string, string | undefined>>
}

type Pager = <T>(table: string, keys: { readonly time: string; readonly id: string }, request: PageRequest) => Promise<Page<T>>

/** Pages through a table by (time, id) descending. Table and key names are constants of this file, never input. */
export function createPager(database: Kysely<HubTables>): Pager {
  return async <T>(table: string, keys: { readonly time: string; readonly id: string }, { query, filters }: PageRequest) => {
    const limit = Math.min(Math.max(1, query.limit ?? 100), limits.apiPage_MAX)
    const time = sql.ref(keys.time)
    const id = sql.raw(keys.id)
    const conditions = [sql`tenant = ${query.tenant}`]
    for (const [column, value] of Object.entries(filters)) if (value !== undefined) conditions.push(sql`${sql.ref(column)} = ${value}`)
    if (query.after !== undefined) {
      const cursor = readCursor(query.after)
      conditions.push(sql`(${time} < ${cursor.time} OR (${time} = ${cursor.time} AND ${id} < ${cursor.id}))`)
    }
    const statement = sql<T & { page_time: number; page_id: string }>`SELECT *, ${time} AS page_time, ${id} AS page_id FROM ${sql.table(table)}
      WHERE ${sql.join(conditions, sql` AND `)} ORDER BY ${time} DESC, ${id} DESC LIMIT ${limit + 1}`
    const { rows } = await statement.execute(database)
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1) : undefined
    const items = shown.map(({ page_time: _time, page_id: _id, ...row }) => row as T)
    return { items, next: last === undefined ? null : JSON.stringify([Number(last.page_time), last.page_id]) }
  }
}

/** Place behind which a page begins. @throws MendlineError MDL_API_INVALID for a text that is none */
export function readCursor(text: string): { readonly time: number; readonly id: string } {
  try {
    const [time, id] = JSON.parse(text) as [unknown, unknown]
    if (typeof time === 'number' && typeof id === 'string') return { time, id }
  } catch (cause) {
    throw new MendlineError('MDL_API_INVALID', 'the cursor cannot be read', { cause })
  }
  throw new MendlineError('MDL_API_INVALID', 'the cursor cannot be read')
}

export const mapPage = <A, B>(page: Page<A>, change: (item: A) => B): Page<B> => ({ items: page.items.map(change), next: page.next })
