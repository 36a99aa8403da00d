/** Webhooks: endpoints of both lanes, their deliveries and attempts, a test event, and the dead letters once more, all or one. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, found, IdempotencyHeader, listOf, once, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const url = Type.String({ minLength: 8, maxLength: 2_000, pattern: '^https?://' })
const types = Type.Array(Type.String({ minLength: 1, maxLength: 100, pattern: '^[a-z0-9_.]+\\*?$' }), {
  maxItems: 50,
  description: 'Event types; a `*` at the end stands for any rest; empty = all',
})
const description = Type.String({ maxLength: 200 })

const secret = Type.String({ pattern: '^whsec_[A-Za-z0-9+/=]{32,96}$', description: 'Signing secret (Standard Webhooks)' })

const NewWebhookSchema = Type.Object(
  {
    ...{ url, types: Type.Optional(types), description: Type.Optional(description), secret: Type.Optional(secret) },
    lane: Type.Optional(
      Type.Enum(['ordinary', 'emergency'], { description: '`emergency` = a second endpoint that takes emergencies alone, by a path of their own' }),
    ),
  },
  { additionalProperties: false },
)
const ChangeSchema = Type.Object(
  { url: Type.Optional(url), types: Type.Optional(types), description: Type.Optional(description), enabled: Type.Optional(Type.Boolean()) },
  { additionalProperties: false, minProperties: 1 },
)
const WebhookSchema = Type.Object({
  endpoint_id: Type.String(),
  tenant: Type.String(),
  url: Type.String(),
  types: Type.Array(Type.String()),
  description: Type.String(),
  enabled: Type.Boolean(),
  disabled_reason: Type.Union([Type.String(), Type.Null()]),
  lane: Type.Enum(['ordinary', 'emergency']),
  created_at_ms: Type.Integer(),
})
const AnySchema = Type.Object({})
const laneSchema = Type.Enum(['ordinary', 'emergency'])
const AttemptSchema = Type.Object({
  endpoint_id: Type.String(),
  event_id: Type.String(),
  attempt: Type.Integer(),
  at_ms: Type.Integer(),
  duration_ms: Type.Integer(),
  status: Type.Union([Type.Integer(), Type.Null()], { description: 'null = no answer' }),
  error: Type.Union([Type.String(), Type.Null()]),
  response: Type.String({ description: 'Beginning of the answer' }),
  lane: laneSchema,
})
const DeliverySchema = Type.Object({
  endpoint_id: Type.String(),
  event_id: Type.String(),
  subject: Type.String(),
  sequence: Type.Integer(),
  state: Type.Enum(['pending', 'delivered', 'dead']),
  attempt_count: Type.Integer(),
  next_at_ms: Type.Integer(),
  updated_at_ms: Type.Integer(),
  lane: laneSchema,
})

const tags = ['webhooks']
const one = { params: Type.Object({ id: IdSchema }), querystring: Type.Object(tenantQuery) }

export function webhookRoutes(app: App, context: RouteContext): void {
  const { webhooks } = context.ports
  app.post(
    '/webhooks',
    {
      config: { scope: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Create an endpoint; the answer shows its signing secret once',
        headers: IdempotencyHeader,
        querystring: Type.Object(tenantQuery),
        body: NewWebhookSchema,
        response: answers(201, Type.Object({ ...WebhookSchema.properties, secret: Type.String() })),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.query.tenant)
      return reply.code(201).send(await once(context, request, () => webhooks.create(tenant, { ...request.body, types: request.body.types ?? [] })))
    },
  )
  app.get(
    '/webhooks',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List endpoints',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(context.limits) }),
        response: answers(200, listOf(WebhookSchema)),
      },
    },
    async (request) => toWire(await webhooks.list({ tenant: tenantOf(request, request.query.tenant), ...pageOf(request.query) })),
  )
  app.get(
    '/webhooks/:id',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read an endpoint', ...one, response: answers(200, WebhookSchema) } },
    async (request) => found(await webhooks.get(tenantOf(request, request.query.tenant), request.params.id), `webhook ${request.params.id}`),
  )
  app.patch(
    '/webhooks/:id',
    {
      config: { scope: 'webhooks:write' },
      schema: { tags, summary: 'Change an endpoint', ...one, body: ChangeSchema, response: answers(200, WebhookSchema) },
    },
    async (request) =>
      found(await webhooks.update(tenantOf(request, request.query.tenant), request.params.id, request.body), `webhook ${request.params.id}`),
  )
  app.delete(
    '/webhooks/:id',
    { config: { scope: 'webhooks:write' }, schema: { tags, summary: 'Remove an endpoint', ...one, response: answers(204, Type.Null(), 'Removed') } },
    async (request, reply) => {
      const isRemoved = await webhooks.remove(tenantOf(request, request.query.tenant), request.params.id)
      found(isRemoved ? true : undefined, `webhook ${request.params.id}`)
      return reply.code(204).send()
    },
  )
  deliveryRoutes(app, context)
}

function deliveryRoutes(app: App, context: RouteContext): void {
  const { webhooks } = context.ports
  app.post(
    '/webhooks/:id/secret',
    {
      config: { scope: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Rotate the signing secret; the old one signs beside it for a day',
        description:
          'Refused (409 MDL_API_CONFLICT) while an older secret still signs beside the one in force, unless `end` says which of the two ends now.',
        params: one.params,
        querystring: Type.Object({
          ...tenantQuery,
          end: Type.Optional(
            Type.Enum(['older', 'newer'], { description: 'Ends at once: the `older`, or the `newer` that no receiver has taken up' }),
          ),
        }),
        headers: IdempotencyHeader,
        response: answers(200, Type.Object({ secret, previous_until_ms: Type.Integer() })),
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      return once(context, request, () => webhooks.rotateSecret(tenant, request.params.id, request.query.end))
    },
  )
  app.get(
    '/webhooks/:id/attempts',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List deliveries with status, latest first',
        params: one.params,
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(context.limits) }),
        response: answers(200, listOf(AttemptSchema)),
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      found(await webhooks.get(tenant, request.params.id), `webhook ${request.params.id}`)
      return toWire(await webhooks.attempts({ tenant, id: request.params.id, ...pageOf(request.query) }))
    },
  )
  app.get(
    '/webhooks/:id/deliveries',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List deliveries in a state, oldest first; `dead` are the dead letters',
        params: one.params,
        querystring: Type.Object({
          ...tenantQuery,
          state: Type.Optional(Type.Enum(['pending', 'delivered', 'dead'], { default: 'dead' })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: context.limits.apiPage_MAX, default: 100 })),
        }),
        response: answers(200, listOf(DeliverySchema)),
      },
    },
    async (request) => {
      const { tenant: named, state = 'dead', limit = 100 } = request.query
      const tenant = tenantOf(request, named)
      found(await webhooks.get(tenant, request.params.id), `webhook ${request.params.id}`)
      return { items: await webhooks.deliveries({ tenant, id: request.params.id, state, limit }), next: null }
    },
  )
  resendRoutes(app, context)
}

function resendRoutes(app: App, context: RouteContext): void {
  const { webhooks } = context.ports
  app.post(
    '/webhooks/:id/test',
    {
      config: { scope: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Send mendline.test.v1',
        ...one,
        headers: IdempotencyHeader,
        response: answers(202, AnySchema, 'Put into the outbox'),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.query.tenant)
      return reply.code(202).send(await once(context, request, () => webhooks.sendTest(tenant, request.params.id)))
    },
  )
  app.post(
    '/webhooks/:id/replay',
    {
      config: { scope: 'webhooks:write' },
      schema: {
        tags,
        summary: 'Send the dead letters of the endpoint again: all, or one event',
        params: one.params,
        querystring: Type.Object({ ...tenantQuery, event_id: Type.Optional({ ...IdSchema, description: 'Only this event' }) }),
        headers: IdempotencyHeader,
        response: answers(202, AnySchema, 'Put into the outbox'),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.query.tenant)
      found(await webhooks.get(tenant, request.params.id), `webhook ${request.params.id}`)
      return reply.code(202).send(await once(context, request, () => webhooks.replay(tenant, request.params.id, request.query.event_id)))
    },
  )
}
