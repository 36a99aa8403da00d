/** Rules of a tenant: what there is, versions and their differences, trial on a share of the units, promotion, roll-back, and why a rule fired or not. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, listOf, tenantOf, tenantQuery } from '../requests.ts'

const tags = ['rules']
const params = Type.Object({ id: IdSchema })
const Version = Type.Integer({ minimum: 1 })
const Reason = Type.Optional(Type.String({ maxLength: 500 }))
const instant = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Any = Type.Object({}, { additionalProperties: true })

export function ruleRoutes(app: App, context: RouteContext): void {
  readRoutes(app, context)
  changeRoutes(app, context)
}

function readRoutes(app: App, { ports: { rules } }: RouteContext): void {
  const config = { scope: 'read' as const }
  app.get(
    '/rules',
    {
      config,
      schema: { tags, summary: 'List rules with what is in force', querystring: Type.Object(tenantQuery), response: answers(200, listOf(Any)) },
    },
    async (request) => ({ items: rules.list(tenantOf(request, request.query.tenant)), next: null }),
  )
  app.get(
    '/rules/:id/versions',
    {
      config,
      schema: {
        tags,
        summary: 'Versions of a rule, oldest first',
        params,
        querystring: Type.Object(tenantQuery),
        response: answers(200, listOf(Any)),
      },
    },
    async (request) => ({ items: rules.versions(tenantOf(request, request.query.tenant), request.params.id), next: null }),
  )
  app.get(
    '/rules/:id/history',
    {
      config,
      schema: {
        tags,
        summary: 'What was put into force, oldest first',
        params,
        querystring: Type.Object(tenantQuery),
        response: answers(200, listOf(Any)),
      },
    },
    async (request) => ({ items: rules.history(tenantOf(request, request.query.tenant), request.params.id), next: null }),
  )
  app.get(
    '/rules/:id/diff',
    {
      config,
      schema: {
        tags,
        summary: 'Fields in which two versions differ',
        params,
        querystring: Type.Object({ ...tenantQuery, from: Version, to: Version }),
        response: answers(200, listOf(Any)),
      },
    },
    async (request) => {
      const { tenant, from, to } = request.query
      return { items: rules.diff(tenantOf(request, tenant), request.params.id, { from, to }), next: null }
    },
  )
  app.get(
    '/rules/:id/why',
    {
      config,
      schema: {
        tags,
        summary: 'Which conditions of a rule held on a unit at a device time, with their values',
        params,
        querystring: Type.Object({ ...tenantQuery, device: IdSchema, at_ms: instant }),
        response: answers(200, Any),
      },
    },
    async (request) => {
      const { tenant, device, at_ms } = request.query
      return rules.why({ tenant: tenantOf(request, tenant), rule: request.params.id, device, at_ms })
    },
  )
}

function changeRoutes(app: App, { ports: { rules } }: RouteContext): void {
  const config = { scope: 'admin' as const }
  app.post(
    '/rules/:id/versions',
    {
      config,
      schema: {
        tags,
        summary: 'Save a version; nothing uses it before it is activated',
        params,
        querystring: Type.Object(tenantQuery),
        body: Type.Object({ rule: Any, note: Reason }, { additionalProperties: false }),
        response: answers(201, Any),
      },
    },
    async (request, reply) => {
      const { rule, note = '' } = request.body
      const given = { document: rule as Readonly<Record<string, unknown>>, note, actor: actorOf(request) }
      return reply.code(201).send(await rules.put(tenantOf(request, request.query.tenant), request.params.id, given))
    },
  )
  app.post(
    '/rules/:id/activate',
    {
      config,
      schema: {
        tags,
        summary: 'Put a version into force, for all units or a share of them',
        params,
        querystring: Type.Object(tenantQuery),
        body: Type.Object(
          { version: Version, share_pct: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 100 })), reason: Reason },
          { additionalProperties: false },
        ),
        response: answers(200, Any),
      },
    },
    async (request) => {
      const { version, share_pct: sharePct, reason = '' } = request.body
      return rules.activate(tenantOf(request, request.query.tenant), request.params.id, { version, sharePct, reason, actor: actorOf(request) })
    },
  )
  app.post(
    '/rules/:id/rollback',
    {
      config,
      schema: {
        tags,
        summary: 'Take back the last trial or promotion',
        params,
        querystring: Type.Object(tenantQuery),
        body: Type.Object({ reason: Reason }, { additionalProperties: false }),
        response: answers(200, Any),
      },
    },
    async (request) =>
      rules.rollBack(tenantOf(request, request.query.tenant), request.params.id, { reason: request.body.reason ?? '', actor: actorOf(request) }),
  )
}
