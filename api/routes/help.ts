/** Help during visits: the queue of experts at a distance, matched by skill, and parts that are brought with a promise of when. */
import { Type } from 'typebox'
import { EndHelpSchema, HELP_KINDS, HELP_STATES, HelpFiguresSchema, HelpRequestSchema, NewHelpSchema, TakeHelpSchema } from '#kernel/help.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, IdempotencyHeader, listOf, once, tenantOf, tenantQuery } from '../requests.ts'

const tags = ['help']
const one = { params: Type.Object({ id: IdSchema }), querystring: Type.Object(tenantQuery) }
const instant = Type.Integer({ minimum: 0, maximum: 4_102_444_800_000 })

export function helpRoutes(app: App, context: RouteContext): void {
  const { ports, limits } = context
  app.get(
    '/help-requests',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List requests for help, the gravest class first, then who has waited longest',
        querystring: Type.Object({
          ...tenantQuery,
          kind: Type.Optional(Type.Enum([...HELP_KINDS])),
          state: Type.Optional(Type.Enum([...HELP_STATES])),
          work_order: Type.Optional(IdSchema),
          expert: Type.Optional({ ...IdSchema, description: 'Only what the registered skills of this engineer cover' }),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.apiPage_MAX, default: 100 })),
        }),
        response: answers(200, listOf(HelpRequestSchema)),
      },
    },
    async (request) => {
      const { tenant, work_order: workOrderId, ...query } = request.query
      return { items: [...(await ports.help.helpQueue({ tenant: tenantOf(request, tenant), workOrderId, ...query }))], next: null }
    },
  )
  app.get(
    '/help-figures',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'How long help took, and which promises were kept',
        querystring: Type.Object({ ...tenantQuery, kind: Type.Enum([...HELP_KINDS]), from_ms: instant, to_ms: instant }),
        response: answers(200, HelpFiguresSchema),
      },
    },
    async (request) => ports.help.helpFigures({ ...request.query, tenant: tenantOf(request, request.query.tenant) }),
  )
  app.get(
    '/help-requests/:id',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read a request for help', ...one, response: answers(200, HelpRequestSchema) } },
    async (request) => ports.help.helpRequest(tenantOf(request, request.query.tenant), request.params.id),
  )
  writeRoutes(app, context)
}

function writeRoutes(app: App, context: RouteContext): void {
  const { help } = context.ports
  app.post(
    '/work-orders/:id/help-requests',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Ask for an expert or for parts during a visit; while a request of the kind stands, that is the answer',
        ...one,
        headers: IdempotencyHeader,
        body: NewHelpSchema,
        response: answers(201, HelpRequestSchema, 'The request'),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.query.tenant)
      return reply.code(201).send(await once(context, request, () => help.askHelp(tenant, request.params.id, request.body)))
    },
  )
  app.post(
    '/help-requests/:id/take',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Take a request: an engineer whose skills cover it, or whoever brings the parts, with a promise',
        ...one,
        body: TakeHelpSchema,
        response: answers(200, HelpRequestSchema),
      },
    },
    async (request) => help.takeHelp(tenantOf(request, request.query.tenant), request.params.id, request.body),
  )
  app.post(
    '/help-requests/:id/end',
    {
      config: { scope: 'orders:write' },
      schema: { tags, summary: 'Say how it ended', ...one, body: EndHelpSchema, response: answers(200, HelpRequestSchema) },
    },
    async (request) => help.endHelp(tenantOf(request, request.query.tenant), request.params.id, request.body),
  )
}
