/** Backtests: the rules in force, another version of one, or one that is not saved, over stored days. A job with progress; its report says what came of it. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, found, IdempotencyHeader, listOf, once, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const tags = ['backtests']
const instant = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Any = Type.Object({}, { additionalProperties: true })

export function backtestRoutes(app: App, context: RouteContext): void {
  const { limits } = context
  const { backtests } = context.ports
  app.post(
    '/backtests',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Begin a backtest of rules or of a model over stored days',
        headers: IdempotencyHeader,
        querystring: Type.Object(tenantQuery),
        body: Type.Object(
          {
            from_ms: instant,
            to_ms: instant,
            type: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
            device: Type.Optional(IdSchema),
            rule_id: Type.Optional({ ...IdSchema, description: 'Tries one rule; absent: all in force, held against what happened live' }),
            version: Type.Optional(Type.Integer({ minimum: 1 })),
            rule: Type.Optional({ ...Any, description: 'A version that is not saved' }),
            model: Type.Optional(
              Type.String({
                minLength: 1,
                maxLength: 128,
                description: "Tries a version of the type's model instead of rules; live: the one in force",
              }),
            ),
            visit_cost: Type.Optional(
              Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Cost of a visit in minor units of the currency' }),
            ),
            currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
          },
          { additionalProperties: false },
        ),
        response: answers(202, Any),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.query.tenant)
      const { rule, ...wanted } = request.body
      const backtest = { ...wanted, ...(rule === undefined ? {} : { rule: rule as Readonly<Record<string, unknown>> }) }
      return reply.code(202).send(await once(context, request, () => backtests.create(tenant, backtest, actorOf(request))))
    },
  )
  app.get(
    '/backtests',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List backtests, oldest first',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(limits) }),
        response: answers(200, listOf(Any)),
      },
    },
    async (request) => toWire(await backtests.list({ tenant: tenantOf(request, request.query.tenant), ...pageOf(request.query) })),
  )
  app.get(
    '/backtests/:id',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Read a backtest with its progress and report',
        params: Type.Object({ id: Type.String({ maxLength: 100 }) }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, Any),
      },
    },
    async (request) => found(await backtests.get(tenantOf(request, request.query.tenant), request.params.id), `backtest ${request.params.id}`),
  )
}
