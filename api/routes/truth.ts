/** Truth in time: the latest value of each channel by device time, the windows of a device with their features, and gaps in what it sent. */
import { type Static, Type } from 'typebox'
import { AnomalySchema } from '#kernel/anomaly.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, foreignCursor, listOf, openSpanOf, pageOf, pageQuery, tenantOf, tenantQuery } from '../requests.ts'

const instant = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }))
const span = { from_ms: instant('Device time, included; 0 when absent'), to_ms: instant('Device time, not included; no end when absent') }

const LatestSchema = Type.Object({
  channel: Type.String(),
  value: Type.Union([Type.Number(), Type.Boolean(), Type.String()]),
  observed_at_ms: Type.Integer({ description: 'Device time of the reading that brought it' }),
  received_at_ms: Type.Integer(),
})

const WindowSchema = Type.Object({
  device: Type.String(),
  from_ms: Type.Integer(),
  to_ms: Type.Integer(),
  firmware: Type.Union([Type.String(), Type.Null()]),
  recipe_version: Type.Integer(),
  readings: Type.Integer(),
  running: Type.Integer({ description: 'Readings while running' }),
  settled: Type.Integer({ description: 'Readings that the running features rest on' }),
  is_diagnosable: Type.Boolean(),
  features: Type.Array(Type.Union([Type.Number(), Type.Null()]), { description: 'In the order of the recipe, null = not known' }),
})

const GapSchema = Type.Object({
  device: Type.String(),
  boot: Type.Integer(),
  from_seq: Type.Integer({ description: 'First number that is missing' }),
  to_seq: Type.Integer({ description: 'Last number that is missing' }),
  from_ms: Type.Integer({ description: 'Device time of the reading before' }),
  to_ms: Type.Integer({ description: 'Device time of the reading behind' }),
  opened_at_ms: Type.Integer({ description: 'Time of receipt at which it was noticed' }),
  closed_at_ms: Type.Union([Type.Integer(), Type.Null()], { description: 'Time of receipt at which it was filled, null while it is open' }),
})

const tags = ['readings']

export function truthRoutes(app: App, context: RouteContext): void {
  const { ports, limits } = context
  anomalyRoute(app, context)
  app.get(
    '/latest',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Latest value of each channel of a device, by device time',
        querystring: Type.Object({ ...tenantQuery, device: IdSchema }),
        response: answers(200, listOf(LatestSchema)),
      },
    },
    async (request) => {
      const { device } = request.query
      return { items: [...(await ports.truth.latest({ tenant: tenantOf(request, request.query.tenant), device }))], next: null }
    },
  )
  app.get(
    '/windows',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Closed windows of a device with their features, oldest first',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(limits), ...span, device: IdSchema }),
        response: answers(200, listOf(WindowSchema)),
      },
    },
    async (request) => {
      const { query } = request
      const { limit, after } = pageOf(query)
      if (after !== undefined && !/^\d{1,15}$/.test(after)) throw foreignCursor()
      const place = after === undefined ? {} : { after: { from_ms: Number(after), key: '' } }
      const source = { tenant: tenantOf(request, query.tenant), device: query.device }
      const rows = await ports.truth.rows({ ...source, kind: 'window', ...openSpanOf(query), ...place, limit })
      const items = rows.map(({ device, from_ms, to_ms, data }) => ({ device, from_ms, to_ms: to_ms ?? from_ms, ...(data as WindowData) }))
      return { items, next: nextOf(rows, limit, ({ from_ms }) => from_ms) }
    },
  )
  app.get(
    '/gaps',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Sequence numbers that are missing, or were, oldest notice first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          ...span,
          device: Type.Optional(IdSchema),
          state: Type.Optional(Type.Enum(['open', 'closed'])),
        }),
        response: answers(200, listOf(GapSchema)),
      },
    },
    async (request) => {
      const { query } = request
      const { limit, after = '0' } = pageOf(query)
      if (!/^\d{1,15}$/.test(after)) throw foreignCursor()
      const rows = await ports.truth.gaps({
        tenant: tenantOf(request, query.tenant),
        ...(query.device === undefined ? {} : { device: query.device }),
        ...(query.state === undefined ? {} : { isOpen: query.state === 'open' }),
        ...openSpanOf(query),
        after: Number(after),
        limit,
      })
      return { items: rows.map(({ id: _id, tenant: _tenant, ...gap }) => gap), next: nextOf(rows, limit, ({ id }) => id) }
    },
  )
}

function anomalyRoute(app: App, { ports, limits }: RouteContext): void {
  app.get(
    '/anomalies',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'How far a device was from its own normal, oldest first: every flagged step, of the quiet ones the highest of each hour',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(limits), ...span, device: IdSchema }),
        response: answers(200, listOf(AnomalySchema)),
      },
    },
    async (request) => {
      const { query } = request
      const { limit, after } = pageOf(query)
      if (after !== undefined && !/^\d{1,15}$/.test(after)) throw foreignCursor()
      const place = after === undefined ? {} : { after: { from_ms: Number(after), key: '' } }
      const source = { tenant: tenantOf(request, query.tenant), device: query.device }
      const rows = await ports.truth.rows({ ...source, kind: 'anomaly', ...openSpanOf(query), ...place, limit })
      const items = rows.map(({ device, from_ms, to_ms, data }) => ({ t: from_ms, to_ms: to_ms ?? from_ms, device, ...(data as AnomalyData) }))
      return { items, next: nextOf(rows, limit, ({ from_ms }) => from_ms) }
    },
  )
}

type AnomalyData = Omit<Static<typeof AnomalySchema>, 't' | 'to_ms' | 'device'>
type WindowData = Omit<Static<typeof WindowSchema>, 'device' | 'from_ms' | 'to_ms'>

function nextOf<Row>(rows: readonly Row[], limit: number, placeOf: (row: Row) => number): string | null {
  const last = rows.at(-1)
  return rows.length < limit || last === undefined ? null : Buffer.from(String(placeOf(last))).toString('base64url')
}
