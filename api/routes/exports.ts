/** Exports: stored readings, hours or days as one file of CSV or Parquet, made by a job and fetched when it is done. */
import { createReadStream } from 'node:fs'
import { Type } from 'typebox'
import { MendlineError } from '#kernel/errors.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, defined, found, IdempotencyHeader, listOf, once, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const instant = (description: string) => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description })
const format = Type.Enum(['csv', 'parquet'])
const tier = Type.Enum(['raw', 'hourly', 'daily'])
const ExportSchema = Type.Object({
  export_id: Type.String(),
  tenant: Type.String(),
  state: Type.Enum(['waiting', 'running', 'done', 'failed']),
  device: Type.Optional(Type.String()),
  type: Type.Optional(Type.String()),
  from_ms: Type.Integer(),
  to_ms: Type.Integer(),
  ...{ format, tier, progress: Type.Unknown(), report: Type.Unknown() },
  created_at_ms: Type.Integer(),
  started_at_ms: Type.Union([Type.Integer(), Type.Null()]),
  ended_at_ms: Type.Union([Type.Integer(), Type.Null()]),
})

const tags = ['exports']
const params = Type.Object({ export_id: Type.String({ minLength: 1, maxLength: 100 }) })
const querystring = Type.Object(tenantQuery)

export function exportRoutes(app: App, context: RouteContext): void {
  createRoute(app, context)
  recordRoutes(app, context)
}

function createRoute(app: App, context: RouteContext): void {
  const { ports, clock, limits } = context
  app.post(
    '/exports',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Begin an export of a device, or of all devices of a type',
        headers: IdempotencyHeader,
        querystring,
        body: Type.Object(
          {
            tenant: Type.Optional(IdSchema),
            device: Type.Optional(IdSchema),
            type: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
            from_ms: Type.Optional(instant('Device time, included; everything when absent (raw only)')),
            to_ms: Type.Optional(instant('Device time, not included; now when absent')),
            format: Type.Optional(format),
            tier: Type.Optional(tier),
          },
          { additionalProperties: false },
        ),
        response: answers(202, ExportSchema),
      },
    },
    async (request, reply) => {
      const { tenant: named, device, type, from_ms, to_ms = clock.now() + limits.aheadMs_MAX, format: form = 'csv', tier: own = 'raw' } = request.body
      const faults = [
        ...((device === undefined) === (type === undefined) ? [{ field: 'body.device', reason: 'either device or type' }] : []),
        ...(from_ms === undefined && own !== 'raw' ? [{ field: 'body.from_ms', reason: 'is needed for hours and days' }] : []),
        ...((from_ms ?? 0) >= to_ms ? [{ field: 'body.from_ms', reason: 'must be less than to_ms' }] : []),
      ]
      if (faults.length > 0)
        throw new MendlineError('MDL_API_INVALID', faults.map(({ reason }) => reason).join('; '), { details: { errors: faults } })
      const tenant = tenantOf(request, named ?? request.query.tenant)
      const wanted = { ...defined({ device, type }), from_ms: from_ms ?? 0, to_ms, format: form, tier: own }
      return reply.code(202).send(await once(context, request, () => ports.exports.create(tenant, wanted, actorOf(request))))
    },
  )
}

function recordRoutes(app: App, { ports: { exports }, limits }: RouteContext): void {
  const config = { scope: 'read' } as const
  app.get(
    '/exports',
    {
      config,
      schema: {
        tags,
        summary: 'List exports, oldest first',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(limits) }),
        response: answers(200, listOf(ExportSchema)),
      },
    },
    async (request) => toWire(await exports.list({ ...pageOf(request.query), tenant: tenantOf(request, request.query.tenant) })),
  )
  app.get(
    '/exports/:export_id',
    { config, schema: { tags, summary: 'Read an export', params, querystring, response: answers(200, ExportSchema) } },
    async (request) => {
      const { export_id } = request.params
      return found(await exports.get(tenantOf(request, request.query.tenant), export_id), `export ${export_id}`)
    },
  )
  const bytes = { 200: { description: 'The file', content: { 'application/octet-stream': { schema: Type.String() } } } } as Record<number, object>
  app.get(
    '/exports/:export_id/file',
    { config, schema: { tags, summary: 'Fetch the file of an export that is done', params, querystring, response: bytes } },
    async (request, reply) => {
      const { export_id } = request.params
      const tenant = tenantOf(request, request.query.tenant)
      const record = found(await exports.get(tenant, export_id), `export ${export_id}`)
      const path = found(await exports.file(tenant, export_id), `file of the export ${export_id} (its state is ${record.state})`)
      const name = `${record.device ?? record.type ?? 'readings'}-${record.tier}.${record.format}`
      return reply
        .type(record.format === 'csv' ? 'text/csv; charset=utf-8' : 'application/vnd.apache.parquet')
        .header('content-disposition', `attachment; filename="${name}"`)
        .send(createReadStream(path))
    },
  )
  app.delete(
    '/exports/:export_id',
    { config, schema: { tags, summary: 'End an export and drop its file', params, querystring, response: answers(204, Type.Null()) } },
    async (request, reply) => {
      await exports.remove(tenantOf(request, request.query.tenant), request.params.export_id)
      return reply.code(204).send(null)
    },
  )
}
