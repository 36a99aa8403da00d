/**
 * Imports: a file of readings is sent whole or in pieces, becomes a job, and has a record with its progress and a report of every bad row.
 * Bodies are streams to the disk, so the bound on JSON bodies is not theirs; that of a piece and of a file is.
 */
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import { MendlineError } from '#kernel/errors.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, defined, found, IdempotencyHeader, listOf, once, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const orNull = (schema: ReturnType<typeof Type.Unknown>) => Type.Union([schema, Type.Null()])
const ImportSchema = Type.Object({
  import_id: Type.String(),
  tenant: Type.String(),
  state: Type.Enum(['uploading', 'waiting', 'running', 'done', 'failed']),
  name: Type.String(),
  dry_run: Type.Boolean(),
  bytes: Type.Integer(),
  received_bytes: Type.Integer({ description: 'Where the next piece begins' }),
  progress: orNull(Type.Unknown()),
  report: orNull(Type.Unknown()),
  created_at_ms: Type.Integer(),
  started_at_ms: Type.Union([Type.Integer(), Type.Null()]),
  ended_at_ms: Type.Union([Type.Integer(), Type.Null()]),
})
/** What a file may be called on the wire; what it is, its first bytes say. */
const BODIES = ['application/octet-stream', 'text/csv', 'text/tab-separated-values', 'application/gzip', 'application/vnd.apache.parquet']

const tags = ['imports']
const write = { scope: 'devices:write' } as const
const params = Type.Object({ import_id: Type.String({ minLength: 1, maxLength: 100 }) })
const querystring = Type.Object(tenantQuery)
const wanted = {
  device: Type.Optional({ ...IdSchema, description: 'Device of every row, where no column names it' }),
  type: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Appliance type of the devices that are created' })),
  dry_run: Type.Optional(Type.Boolean({ description: 'Reports, stores nothing' })),
  create_devices: Type.Optional(Type.Boolean({ description: 'Devices that are not there are made' })),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
}

export function importRoutes(app: App, context: RouteContext): void {
  // The body is left a stream.
  app.addContentTypeParser(BODIES, (_request, payload, done) => done(null, payload))
  sendRoutes(app, context)
  recordRoutes(app, context)
}

function sendRoutes(app: App, context: RouteContext): void {
  const { imports } = context.ports
  const { limits } = context
  app.post(
    '/imports',
    {
      config: write,
      schema: {
        tags,
        summary: 'Begin an import: JSON announces a file that is sent in pieces, any other body is the file itself',
        headers: IdempotencyHeader,
        querystring: Type.Object({ ...tenantQuery, ...wanted }),
        body: Type.Union([
          Type.Object(
            {
              tenant: Type.Optional(IdSchema),
              bytes: Type.Integer({ minimum: 1, maximum: limits.importBytes_MAX, description: 'Bytes of the whole file' }),
              mapping: Type.Optional(Type.String({ maxLength: 65_536, description: 'Mapping of columns, YAML' })),
              ...wanted,
            },
            { additionalProperties: false },
          ),
          // A stream, which no schema describes.
          Type.Unsafe<Readable>(Type.Object({ readable: Type.Literal(true) })),
        ]),
        response: answers(201, ImportSchema),
      },
    },
    async (request, reply) => {
      const { body, query } = request
      if (!isStream(body)) {
        const { tenant: named, name = 'upload', ...rest } = body
        const tenant = tenantOf(request, named ?? query.tenant)
        const record = await once(context, request, () => imports.create(tenant, { ...defined(rest), bytes: rest.bytes, name }, actorOf(request)))
        return reply.code(201).send(record)
      }
      const { tenant: named, name = 'upload', ...rest } = query
      const tenant = tenantOf(request, named)
      const bytes = Number(request.headers['content-length'])
      if (!Number.isSafeInteger(bytes) || bytes < 1) throw invalidHeader('content-length', 'must say how many bytes the file has')
      const { import_id } = await imports.create(tenant, { ...defined(rest), bytes, name }, actorOf(request))
      return reply.code(201).send(await imports.append(tenant, import_id, { from: 0, bytes: body, isWhole: true }))
    },
  )
  app.put(
    '/imports/:import_id/content',
    {
      config: write,
      schema: {
        tags,
        summary: `Send a piece of the file, at most ${limits.importPieceBytes_MAX} bytes, from where the last one ended`,
        params,
        querystring,
        headers: Type.Object({
          'content-range': Type.Optional(Type.String({ pattern: '^bytes \\d{1,15}-\\d{1,15}/\\d{1,15}$', description: 'Absent: the whole file' })),
        }),
        body: Type.Unsafe<Readable>(Type.Object({ readable: Type.Literal(true) })),
        response: answers(200, ImportSchema),
      },
    },
    async (request) => {
      if (!isStream(request.body)) throw invalidHeader('content-type', `must be one of ${BODIES.join(', ')}`)
      const from = Number(/^bytes (\d+)-/.exec(request.headers['content-range'] ?? '')?.[1] ?? 0)
      const tenant = tenantOf(request, request.query.tenant)
      return imports.append(tenant, request.params.import_id, { from, bytes: request.body, isWhole: false })
    },
  )
}

const isStream = (body: unknown): body is Readable => typeof body === 'object' && body !== null && Symbol.asyncIterator in body

const invalidHeader = (name: string, reason: string): MendlineError =>
  new MendlineError('MDL_API_INVALID', `${name} ${reason}`, { details: { errors: [{ field: `headers.${name}`, reason }] } })

function recordRoutes(app: App, context: RouteContext): void {
  const { imports } = context.ports
  app.get(
    '/imports',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List imports, oldest first',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(context.limits) }),
        response: answers(200, listOf(ImportSchema)),
      },
    },
    async (request) => toWire(await imports.list({ ...pageOf(request.query), tenant: tenantOf(request, request.query.tenant) })),
  )
  app.get(
    '/imports/:import_id',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read an import', params, querystring, response: answers(200, ImportSchema) } },
    async (request) => {
      const { import_id } = request.params
      return found(await imports.get(tenantOf(request, request.query.tenant), import_id), `import ${import_id}`)
    },
  )
  const ndjson = { 200: { description: 'NDJSON', content: { 'application/x-ndjson': { schema: Type.String() } } } } as Record<number, object>
  app.get(
    '/imports/:import_id/report',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Every bad row with line, column, value and reason, one JSON record a line',
        ...{ params, querystring, response: ndjson },
      },
    },
    async (request, reply) => {
      const { import_id } = request.params
      const path = found(await imports.report(tenantOf(request, request.query.tenant), import_id), `import ${import_id}`)
      return reply.type('application/x-ndjson').send(createReadStream(path))
    },
  )
  app.delete(
    '/imports/:import_id',
    {
      config: write,
      schema: {
        tags,
        summary: 'End an import and drop its upload and report; what was stored stays',
        ...{ params, querystring, response: answers(204, Type.Null()) },
      },
    },
    async (request, reply) => {
      await imports.remove(tenantOf(request, request.query.tenant), request.params.import_id)
      return reply.code(204).send(null)
    },
  )
}
