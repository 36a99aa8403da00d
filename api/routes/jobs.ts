/** Long work: backups and verifications are begun here, and every job's state, progress and report is read. They concern the whole data folder, so only an admin may begin them. */
import { isAbsolute } from 'node:path'
import { Type } from 'typebox'
import { MendlineError } from '#kernel/errors.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, found, IdempotencyHeader, listOf, once, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const orNull = Type.Union([Type.Integer(), Type.Null()])

const JobSchema = Type.Object({
  job_id: Type.String(),
  tenant: Type.String(),
  kind: Type.String({ description: 'backup, verify ...' }),
  state: Type.String({ description: 'waiting, running, done, failed' }),
  progress: Type.Unknown(),
  report: Type.Unknown({ description: 'What came of it; of a failed job {code, message}' }),
  created_by: Type.String(),
  created_at_ms: Type.Integer(),
  started_at_ms: orNull,
  ended_at_ms: orNull,
})

const tags = ['jobs']

export function jobRoutes(app: App, context: RouteContext): void {
  const { limits } = context
  const { jobs } = context.ports
  const scope = 'admin' as const
  app.get(
    '/jobs',
    {
      config: { scope },
      schema: {
        tags,
        summary: 'List jobs, oldest first',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(limits), kind: Type.Optional(Type.String({ maxLength: 64 })) }),
        response: answers(200, listOf(JobSchema)),
      },
    },
    async (request) => {
      const { kind } = request.query
      const page = pageOf(request.query)
      return toWire(await jobs.list({ tenant: tenantOf(request, request.query.tenant), ...page, ...(kind === undefined ? {} : { kind }) }))
    },
  )
  app.get(
    '/jobs/:job',
    {
      config: { scope },
      schema: {
        tags,
        summary: 'Read a job',
        params: Type.Object({ job: Type.String({ maxLength: 100 }) }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, JobSchema),
      },
    },
    async (request) => found(await jobs.get(tenantOf(request, request.query.tenant), request.params.job), `job ${request.params.job}`),
  )
  app.post(
    '/backups',
    {
      config: { scope },
      schema: {
        tags,
        summary: 'Begin a backup into a folder of the server',
        headers: IdempotencyHeader,
        querystring: Type.Object(tenantQuery),
        body: Type.Object(
          {
            directory: Type.String({ minLength: 1, maxLength: 1_000, description: 'Absolute; must not exist or be empty' }),
            keep_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500, description: 'How long it will be kept; stands in its manifest' })),
          },
          { additionalProperties: false },
        ),
        response: answers(202, JobSchema),
      },
    },
    async (request, reply) => {
      const { directory, keep_days = limits.backupKeepDays } = request.body
      if (!isAbsolute(directory)) {
        throw new MendlineError('MDL_API_INVALID', 'directory is not absolute', {
          details: { errors: [{ field: 'body.directory', reason: 'must be an absolute path on the server' }] },
        })
      }
      const job = { tenant: tenantOf(request, request.query.tenant), kind: 'backup', input: { directory, keep_days }, actor: actorOf(request) }
      return reply.code(202).send(await once(context, request, () => jobs.create(job)))
    },
  )
  app.post(
    '/verifications',
    {
      config: { scope },
      schema: {
        tags,
        summary: 'Begin to look through all that is stored',
        headers: IdempotencyHeader,
        querystring: Type.Object(tenantQuery),
        response: answers(202, JobSchema),
      },
    },
    async (request, reply) => {
      const job = { tenant: tenantOf(request, request.query.tenant), kind: 'verify', input: {}, actor: actorOf(request) }
      return reply.code(202).send(await once(context, request, () => jobs.create(job)))
    },
  )
}
