/**
 * Flat rows of one appliance for boards: readings with their extremes, features against the no-fault reference with residuals, and what is
 * to be marked on the time axis: alarms, diagnoses, states of channels and gaps. A unit that does not exist has no rows.
 */
import { Type } from 'typebox'
import { derivationChannels } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, tenantOf, tenantQuery } from '../requests.ts'
import { type BoardMark, marksOf } from './grafana-marks.ts'
import { flatRows, orNull, POINTS_DEFAULT, ROWS_DEFAULT, spanOf, spanQuery } from './grafana-rows.ts'

const MARK_KINDS = ['alarm', 'diagnosis', 'channel_state', 'gap'] as const
const tags = ['grafana']
const deviceQuery = { ...tenantQuery, device: IdSchema }

export function grafanaDeviceRoutes(app: App, context: RouteContext): void {
  const { ports, clock, limits } = context
  app.get(
    '/grafana/devices',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Rows: devices of a type to choose from, the gravest first',
        querystring: Type.Object({ ...tenantQuery, type: Type.Optional(Type.String({ maxLength: 80, description: '`*` = all' })) }),
        response: answers(200, flatRows(Type.Object({ device: Type.String(), text: Type.String() }))),
      },
    },
    async (request) => {
      const { tenant, type = '*' } = request.query
      const units = (await ports.boards.units(tenantOf(request, tenant))).filter((unit) => type === '*' || unit.type === type)
      return units.slice(0, limits.apiPage_MAX).map(({ device, state }) => ({ device, text: state === 'ok' ? device : `${device} (${state})` }))
    },
  )
  app.get(
    '/grafana/channels',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: "Rows: number channels of a device's type",
        querystring: Type.Object(deviceQuery),
        response: answers(200, flatRows(Type.Object({ channel: Type.String(), unit: Type.String(), text: Type.String() }))),
      },
    },
    async (request) => {
      const channels = (await typeOf(context, tenantOf(request, request.query.tenant), request.query.device))?.channels ?? []
      return channels
        .filter(({ kind }) => kind === 'number')
        .map(({ name, unit, description }) => ({ channel: name, unit: unit ?? '', text: description.en }))
    },
  )
  app.get(
    '/grafana/features',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: "Rows: features of a device's type that are held against the reference, with the channels they are made of",
        querystring: Type.Object(deviceQuery),
        response: answers(200, flatRows(Type.Object({ feature: Type.String(), unit: Type.String(), channels: Type.String(), text: Type.String() }))),
      },
    },
    async (request) => {
      const features = (await typeOf(context, tenantOf(request, request.query.tenant), request.query.device))?.recipe?.features ?? []
      return features
        .filter(({ role }) => role !== 'driving')
        .map(({ name, unit, derive, description }) => ({
          feature: name,
          unit,
          channels: derivationChannels(derive).join(' '),
          text: description.en,
        }))
    },
  )
  lines(app, context)
  app.get(
    '/grafana/marks',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Rows: what to mark on the time axis of a device, oldest first',
        querystring: Type.Object({
          ...deviceQuery,
          ...spanQuery(limits),
          kind: Type.Optional(Type.Enum([...MARK_KINDS])),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.apiPage_MAX, default: ROWS_DEFAULT, description: 'Most of each kind' })),
        }),
        response: answers(200, flatRows(MarkRow)),
      },
    },
    async (request): Promise<readonly BoardMark[]> => {
      const { device, kind, limit = ROWS_DEFAULT } = request.query
      const span = { tenant: tenantOf(request, request.query.tenant), device, ...spanOf(request.query, clock.now() + limits.aheadMs_MAX), limit }
      return marksOf(ports, span, kind === undefined ? MARK_KINDS : [kind])
    },
  )
}

/** Readings and residuals over time. */
function lines(app: App, { ports, clock, limits }: RouteContext): void {
  app.get(
    '/grafana/readings',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Rows: one channel of a device over time with mean, min and max',
        querystring: Type.Object({ ...deviceQuery, ...spanQuery(limits), channel: Type.String({ maxLength: 200 }) }),
        response: answers(200, flatRows(ReadingRow)),
      },
    },
    async (request) => {
      const { device, channel, max_points: maxPoints = POINTS_DEFAULT } = request.query
      const { from_ms, to_ms } = spanOf(request.query, clock.now() + limits.aheadMs_MAX)
      const buckets = await ports.readings.buckets({
        ...{
          tenant: tenantOf(request, request.query.tenant),
          device,
          channels: [channel],
          maxPoints,
          maxBuckets: limits.apiBuckets_MAX,
          tier: 'auto',
        },
        ...{ from_ms: epochMs(from_ms), to_ms: epochMs(to_ms) },
      })
      return buckets.map(({ t, mean, min, max, n }) => ({ t, mean, min, max, n }))
    },
  )
  app.get(
    '/grafana/residuals',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Rows: features of a device against the no-fault reference, by window; thinned to the windows farthest from normal',
        querystring: Type.Object({ ...deviceQuery, ...spanQuery(limits), feature: Type.Optional(Type.String({ maxLength: 200 })) }),
        response: answers(200, flatRows(ResidualRow)),
      },
    },
    async (request) => {
      const { device, feature, max_points: maxPoints = POINTS_DEFAULT } = request.query
      const span = spanOf(request.query, clock.now() + limits.aheadMs_MAX)
      return [...(await ports.boards.residuals({ tenant: tenantOf(request, request.query.tenant), device, ...span, feature, maxPoints }))]
    },
  )
}

async function typeOf({ ports }: RouteContext, tenant: string, device: string) {
  const record = await ports.devices.get(tenant, device)
  return record === undefined ? undefined : ports.types.find(tenant, record.type)
}

const MarkRow = Type.Object({
  t: Type.Integer(),
  to_ms: orNull(Type.Integer()),
  kind: Type.Enum([...MARK_KINDS]),
  title: Type.String(),
  text: Type.String(),
  tags: Type.String({ description: 'Separated by commas' }),
})
const ReadingRow = Type.Object({ t: Type.Integer(), mean: Type.Number(), min: Type.Number(), max: Type.Number(), n: Type.Integer() })
const ResidualRow = Type.Object({
  t: Type.Integer({ description: 'End of the window' }),
  from_ms: Type.Integer(),
  feature: Type.String(),
  unit: Type.String(),
  observed: Type.Number(),
  expected: Type.Number({ description: 'What the unit would have shown without fault under the same conditions' }),
  low: Type.Number({ description: 'Units without fault are between low and high in about 99 of 100 windows' }),
  high: Type.Number(),
  z_score: Type.Number(),
})
