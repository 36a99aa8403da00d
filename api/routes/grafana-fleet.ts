/**
 * Flat rows of a fleet for boards: an answer is one JSON array of objects with plain values, as Grafana's Infinity data source takes it.
 * Times are epoch milliseconds of device time; `*` as a type stands for all, since that is how a board says it.
 */
import { Type } from 'typebox'
import { SAFETY_CLASSES } from '#kernel/alarm.ts'
import type { App, RouteContext } from '../app.ts'
import { type BoardUnit, UNIT_STATES } from '../board-ports.ts'
import { answers, tenantOf, tenantQuery } from '../requests.ts'
import { flatRows, orNull, ROWS_DEFAULT, spanOf, spanQuery, stepOf } from './grafana-rows.ts'

const ALL = '*'
const typeQuery = { type: Type.Optional(Type.String({ maxLength: 80, description: 'Only units of this type; `*` = all' })) }
const tags = ['grafana']

const UnitRow = Type.Object({
  device: Type.String(),
  type: Type.String(),
  model: orNull(Type.String()),
  firmware: orNull(Type.String()),
  batch: orNull(Type.String()),
  household: orNull(Type.String()),
  state: Type.Enum([...UNIT_STATES]),
  safety_class: orNull(Type.String()),
  fault: orNull(Type.String()),
  fault_name: orNull(Type.String()),
  alarms: Type.Integer(),
  since_ms: orNull(Type.Integer()),
  heard_at_ms: orNull(Type.Integer()),
  silent_ms: orNull(Type.Integer()),
})

export function grafanaFleetRoutes(app: App, context: RouteContext): void {
  const { ports, clock, limits } = context
  const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: limits.apiPage_MAX, default: ROWS_DEFAULT }))
  const isOf = (type: string | undefined) => (unit: BoardUnit) => type === undefined || type === ALL || unit.type === type
  app.get(
    '/grafana/types',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Rows: types of which there are units', querystring: Type.Object(tenantQuery), response: typeAnswer },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      const used = new Set((await ports.boards.units(tenant)).map(({ type }) => type))
      return [...used].sort().map((type) => ({ type, name: ports.types.find(tenant, type)?.name.en ?? type }))
    },
  )
  app.get(
    '/grafana/fleet',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Rows: units by type and state', querystring: Type.Object({ ...tenantQuery, ...typeQuery }), response: fleetAnswer },
    },
    async (request) => {
      const counts = new Map<string, { type: string; state: string; units: number }>()
      for (const { type, state } of (await ports.boards.units(tenantOf(request, request.query.tenant))).filter(isOf(request.query.type))) {
        const row = counts.get(`${type}/${state}`) ?? { type, state, units: 0 }
        counts.set(`${type}/${state}`, { ...row, units: row.units + 1 })
      }
      return [...counts.values()].sort((a, b) => (a.type < b.type ? -1 : Number(a.type > b.type)))
    },
  )
  app.get(
    '/grafana/units',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Rows: units with their state, the gravest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...typeQuery,
          limit,
          state: Type.Optional(Type.String({ maxLength: 200, description: `Only these, separated by commas: ${UNIT_STATES.join(', ')}` })),
        }),
        response: answers(200, flatRows(UnitRow)),
      },
    },
    async (request) => {
      const { tenant, type, state, limit: most = ROWS_DEFAULT } = request.query
      const states = state?.split(',')
      const units = (await ports.boards.units(tenantOf(request, tenant))).filter(isOf(type))
      const chosen = units.filter((unit) => states === undefined || states.includes(unit.state))
      const nowMs = clock.now()
      return chosen.slice(0, most).map((unit) => ({ ...unit, silent_ms: unit.heard_at_ms === null ? null : Math.max(0, nowMs - unit.heard_at_ms) }))
    },
  )
  whatHappened(app, context)
}

/** Alarms, diagnoses and the lag of ingest. */
function whatHappened(app: App, { ports, clock, limits }: RouteContext): void {
  const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: limits.apiPage_MAX, default: ROWS_DEFAULT }))
  const span = spanQuery(limits)
  app.get(
    '/grafana/alarms-over-time',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Rows: alarms raised by step of time, one column a safety class',
        querystring: Type.Object({ ...tenantQuery, ...span }),
        response: alarmAnswer,
      },
    },
    async (request) => {
      const range = spanOf(request.query, clock.now())
      const step_ms = stepOf(range, request.query.max_points)
      const rows = new Map<number, Record<string, number>>()
      for (let t = range.from_ms; t < range.to_ms; t += step_ms) {
        rows.set(t, { t, ...Object.fromEntries(SAFETY_CLASSES.map((name) => [name.toLowerCase(), 0])) })
      }
      for (const { t, safety_class, n } of await ports.boards.alarmCounts({ tenant: tenantOf(request, request.query.tenant), ...range, step_ms })) {
        const row = rows.get(t)
        if (row !== undefined) row[safety_class.toLowerCase()] = n
      }
      return [...rows.values()]
    },
  )
  app.get(
    '/grafana/faults',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Rows: faults that were diagnosed, most units first',
        querystring: Type.Object({ ...tenantQuery, ...span, limit }),
        response: faultAnswer,
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      const range = spanOf(request.query, clock.now())
      const names = new Map(ports.types.list(tenant).flatMap(({ faults }) => faults.map(({ code, name }) => [code, name.en] as const)))
      const counts = await ports.boards.faultCounts({ tenant, ...range, limit: request.query.limit ?? ROWS_DEFAULT })
      return counts.map((row) => ({ ...row, fault_name: names.get(row.fault) ?? row.fault }))
    },
  )
  app.get(
    '/grafana/diagnoses',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Rows: diagnoses that name a fault or an unknown one, newest first',
        querystring: Type.Object({ ...tenantQuery, ...span, limit }),
        response: diagnosisAnswer,
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      const range = spanOf(request.query, clock.now())
      const found = await ports.boards.diagnosesIn({ tenant, ...range, limit: request.query.limit ?? ROWS_DEFAULT })
      return found.map(({ made_at_ms, device, type, answer, fault, fault_name, probability, safety_class, next_question }) => ({
        ...{ t: made_at_ms, device, type, answer, fault, fault_name, probability, safety_class, next_question },
      }))
    },
  )
  app.get(
    '/grafana/ingest',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'One row: how far storing is behind what was acknowledged', querystring: Type.Object({}), response: ingestAnswer },
    },
    async () => [{ t: clock.now(), ...(await ports.boards.ingestLag()) }],
  )
}

const typeAnswer = answers(200, flatRows(Type.Object({ type: Type.String(), name: Type.String() })))
const fleetAnswer = answers(200, flatRows(Type.Object({ type: Type.String(), state: Type.Enum([...UNIT_STATES]), units: Type.Integer() })))
const alarmAnswer = answers(
  200,
  flatRows(Type.Object({ t: Type.Integer(), e0: Type.Integer(), e1: Type.Integer(), e2: Type.Integer(), e3: Type.Integer(), e4: Type.Integer() })),
)
const faultAnswer = answers(
  200,
  flatRows(
    Type.Object({ fault: Type.String(), fault_name: Type.String(), units: Type.Integer(), diagnoses: Type.Integer(), last_ms: Type.Integer() }),
  ),
)
const diagnosisAnswer = answers(
  200,
  flatRows(
    Type.Object({
      t: Type.Integer(),
      device: Type.String(),
      type: Type.String(),
      answer: Type.String(),
      fault: orNull(Type.String()),
      fault_name: Type.String(),
      probability: Type.Number(),
      safety_class: Type.String(),
      next_question: orNull(Type.String()),
    }),
  ),
)
const ingestAnswer = answers(200, flatRows(Type.Object({ t: Type.Integer(), lag_ms: Type.Integer(), lag_bytes: Type.Integer() })))
