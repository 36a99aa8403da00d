/** Models: list, read, bring one's own, let it look on beside the live one, promote, roll back, drift, and train from what is stored. */
import { Type } from 'typebox'
import { MendlineError } from '#kernel/errors.ts'
import type { App, RouteContext } from '../app.ts'
import type { ReportCosts } from '../model-ports.ts'
import { actorOf, answers, defined, IdempotencyHeader, listOf, once, tenantOf, tenantQuery } from '../requests.ts'

const Model = Type.Unknown({
  description:
    'version, type, state (candidate, shadow, live, retired), source, algorithm, created_at_ms, created_by, since when, objection (why it gives no diagnosis, or null)',
})
const Report = Type.Unknown({ description: 'See docs/models.md' })

const tags = ['models']
/** Base64 of the largest model, and some. */
const UPLOAD_BYTES_MAX = 24 * 1024 * 1024
const params = Type.Object({ version: Type.String({ minLength: 1, maxLength: 120 }) })
const tenantOnly = Type.Object(tenantQuery)
const money = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000, description }))
const costs = {
  currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
  false_alarm: money('A visit that finds nothing, in minor units'),
  wrong_name: money('A second visit, since the first came for another fault'),
  missed: money('A fault that the household had to find'),
  alert_budget_per_1000_unit_weeks: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000 })),
}
const reason = Type.Optional(Type.String({ maxLength: 500, description: 'Stands in the history' }))

export function modelRoutes(app: App, context: RouteContext): void {
  readRoutes(app, context)
  changeRoutes(app, context)
  trainRoutes(app, context)
}

function readRoutes(app: App, context: RouteContext): void {
  const { models } = context.ports
  const config = { scope: 'read' } as const
  app.get(
    '/models',
    { config, schema: { tags, summary: 'List models, those of the program first', querystring: tenantOnly, response: answers(200, listOf(Model)) } },
    async (request) => ({ items: models.list(tenantOf(request, request.query.tenant)), next: null }),
  )
  app.get(
    '/models/drift',
    {
      config,
      schema: {
        tags,
        summary: 'What models see now against what they were made for, by firmware and season',
        querystring: tenantOnly,
        response: answers(200, listOf(Report)),
      },
    },
    async (request) => ({ items: await models.drift(tenantOf(request, request.query.tenant)), next: null }),
  )
  app.get(
    '/models/history',
    {
      config,
      schema: {
        tags,
        summary: 'Who changed which model when and why, newest first',
        querystring: tenantOnly,
        response: answers(200, listOf(Report)),
      },
    },
    async (request) => ({ items: await models.moves(tenantOf(request, request.query.tenant)), next: null }),
  )
  app.get(
    '/models/features',
    {
      config,
      schema: {
        tags,
        summary: 'Names of the inputs that a model of a type may have',
        querystring: Type.Object({ ...tenantQuery, type: Type.String({ minLength: 1, maxLength: 64 }) }),
        response: answers(200, Report),
      },
    },
    async (request) => models.features(tenantOf(request, request.query.tenant), request.query.type),
  )
  app.get(
    '/models/:version',
    { config, schema: { tags, summary: 'Read a model with its card and history', params, querystring: tenantOnly, response: answers(200, Model) } },
    async (request) => models.get(tenantOf(request, request.query.tenant), request.params.version),
  )
  app.get(
    '/models/:version/report',
    {
      config,
      schema: {
        tags,
        summary: 'What a shadow did beside the live model: agreement, gains, new false alarms, cost',
        params,
        querystring: Type.Object({ ...tenantQuery, ...costs }),
        response: answers(200, Report),
      },
    },
    async (request) => {
      const { tenant, ...given } = request.query
      return models.report(tenantOf(request, tenant), request.params.version, defined(given) as ReportCosts)
    },
  )
}

function changeRoutes(app: App, context: RouteContext): void {
  const { models } = context.ports
  const config = { scope: 'admin' } as const
  app.post(
    '/models',
    {
      config,
      bodyLimit: UPLOAD_BYTES_MAX,
      schema: {
        tags,
        summary: 'Bring a model of your own (ONNX); it is checked and becomes a candidate',
        querystring: tenantOnly,
        body: Type.Object(
          {
            manifest: Type.Unknown({ description: 'See docs/models.md' }),
            parity: Type.Unknown({ description: '`rows` and `probabilities` (or `scores`)' }),
            model: Type.String({ minLength: 1, description: 'The file, base64' }),
          },
          { additionalProperties: false },
        ),
        response: answers(201, Model),
      },
    },
    async (request, reply) => {
      const { manifest, parity, model } = request.body
      const bytes = new Uint8Array(Buffer.from(model, 'base64'))
      if (bytes.length === 0) {
        const why = 'must be the file in base64'
        throw new MendlineError('MDL_API_INVALID', `model ${why}`, { details: { errors: [{ field: 'body.model', reason: why }] } })
      }
      const added = await models.add(tenantOf(request, request.query.tenant), { manifest, parity, model: bytes }, actorOf(request))
      return reply.code(201).send(added)
    },
  )
  app.post(
    '/models/:version/shadow',
    {
      config,
      schema: {
        tags,
        summary: 'Let a model look on beside the live one, or end that',
        ...{ params, querystring: tenantOnly, response: answers(200, Model) },
        body: Type.Object({ on: Type.Boolean() }, { additionalProperties: false }),
      },
    },
    async (request) =>
      models.shadow(tenantOf(request, request.query.tenant), request.params.version, { isOn: request.body.on, actor: actorOf(request) }),
  )
  app.post(
    '/models/:version/promote',
    {
      config,
      schema: {
        tags,
        summary: 'Put a model into force; refused with reasons when its shadow report is worse, unless forced',
        ...{ params, querystring: tenantOnly, response: answers(200, Model) },
        body: Type.Object(
          { force: Type.Optional(Type.Boolean()), reason, costs: Type.Optional(Type.Object(costs)) },
          { additionalProperties: false },
        ),
      },
    },
    async (request) => {
      const { force = false, reason: why = '', costs: given = {} } = request.body
      const how = { isForced: force, reason: why, actor: actorOf(request), costs: defined(given) as ReportCosts }
      return models.promote(tenantOf(request, request.query.tenant), request.params.version, how)
    },
  )
  app.post(
    '/models/rollback',
    {
      config,
      schema: {
        tags,
        summary: 'Go back to the model that was in force before',
        querystring: tenantOnly,
        body: Type.Object({ type: Type.String({ minLength: 1, maxLength: 64 }), reason }, { additionalProperties: false }),
        response: answers(200, Model),
      },
    },
    async (request) => {
      const { type, reason: why = '' } = request.body
      return models.rollBack(tenantOf(request, request.query.tenant), type, { reason: why, actor: actorOf(request) })
    },
  )
}

function trainRoutes(app: App, context: RouteContext): void {
  const { models } = context.ports
  app.post(
    '/models/trainings',
    {
      config: { scope: 'admin' },
      bodyLimit: UPLOAD_BYTES_MAX,
      schema: {
        tags,
        summary: 'Train a model from stored readings and labels; it becomes a candidate',
        headers: IdempotencyHeader,
        querystring: tenantOnly,
        body: Type.Object(
          {
            type: Type.String({ minLength: 1, maxLength: 64 }),
            from_ms: Type.Integer({ minimum: 0 }),
            to_ms: Type.Integer({ minimum: 0 }),
            labels: Type.Optional(Type.String({ maxLength: 16_000_000, description: 'CSV device,from,to,fault; absent: the outcomes of visits' })),
            assume_healthy: Type.Optional(Type.Boolean({ description: 'Time that no label speaks of counts as without fault (default true)' })),
          },
          { additionalProperties: false },
        ),
        response: answers(202, Type.Unknown()),
      },
    },
    async (request, reply) => {
      const { type, from_ms, to_ms, ...rest } = request.body
      const tenant = tenantOf(request, request.query.tenant)
      const job = await once(context, request, () => models.train(tenant, { type, from_ms, to_ms, ...defined(rest) }, actorOf(request)))
      return reply.code(202).send(job)
    },
  )
  app.get(
    '/models/trainings/:job',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Read a training: state, progress, report',
        params: Type.Object({ job: Type.String({ maxLength: 100 }) }),
        querystring: tenantOnly,
        response: answers(200, Type.Unknown()),
      },
    },
    async (request) => models.training(tenantOf(request, request.query.tenant), request.params.job),
  )
}
