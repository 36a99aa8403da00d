/** The experience hub: which open orders will bring a complaint, what is done about them and what that brings, how visits are rated, and what is known of households: tags, demand signals. */
import { Type } from 'typebox'
import {
  CustomerTagNameSchema,
  CustomerTagSchema,
  EffectSchema,
  InterventionResultSchema,
  InterventionSchema,
  NewCustomerTagSchema,
  OrderRiskSchema,
  SatisfactionSchema,
} from '#kernel/experience.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, found, listOf, nameText, pageQuery, tenantOf, tenantQuery } from '../requests.ts'
import { demandRoutes } from './demand.ts'

const tags = ['experience']
const DAY_MS = 86_400_000
const PAGE = 100
const instant = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 4_102_444_800_000, description }))

export function experienceRoutes(app: App, context: RouteContext): void {
  riskRoutes(app, context)
  interventionRoutes(app, context)
  measureRoutes(app, context)
  tagRoutes(app, context)
  demandRoutes(app, context)
}

function riskRoutes(app: App, { ports, limits }: RouteContext): void {
  const { limit } = pageQuery(limits)
  app.get(
    '/experience/risks',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Open orders by the chance that their household complains, highest first, with reasons',
        querystring: Type.Object({ ...tenantQuery, limit }),
        response: answers(200, listOf(OrderRiskSchema)),
      },
    },
    async (request) => {
      const items = await ports.experience.risks({ tenant: tenantOf(request, request.query.tenant), limit: request.query.limit ?? PAGE })
      return { items, next: null }
    },
  )
}

function interventionRoutes(app: App, { ports, limits }: RouteContext): void {
  const { experience } = ports
  const { limit } = pageQuery(limits)
  app.get(
    '/experience/interventions',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Interventions, newest first',
        querystring: Type.Object({
          ...tenantQuery,
          limit,
          state: Type.Optional(Type.Enum(['open', 'escalated', 'answered', 'lapsed', 'held_out'])),
          work_order_id: Type.Optional(IdSchema),
        }),
        response: answers(200, listOf(InterventionSchema)),
      },
    },
    async (request) => {
      const { tenant, state, work_order_id: workOrderId } = request.query
      const items = await experience.interventions({ tenant: tenantOf(request, tenant), limit: request.query.limit ?? PAGE, state, workOrderId })
      return { items, next: null }
    },
  )
  app.post(
    '/experience/interventions/:id/result',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Say what came of an intervention',
        description: 'Once; a second result is refused with 409, and so is one for an order that is held out.',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        body: InterventionResultSchema,
        response: answers(200, InterventionSchema),
      },
    },
    async (request) =>
      experience.answerIntervention(tenantOf(request, request.query.tenant), request.params.id, { ...request.body, actor: actorOf(request) }),
  )
}

function measureRoutes(app: App, { ports, clock }: RouteContext): void {
  const { experience } = ports
  app.get(
    '/experience/effect',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Complaints and satisfaction of treated orders against those that were held out, with 95 % intervals',
        querystring: Type.Object(tenantQuery),
        response: answers(200, EffectSchema),
      },
    },
    async (request) => experience.effect(tenantOf(request, request.query.tenant)),
  )
  app.get(
    '/experience/satisfaction',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'CSAT, NPS, effort and response rate of the repairs of a span, and how responders differ',
        querystring: Type.Object({
          ...tenantQuery,
          from_ms: instant('Begin; 90 days before the end when it is not given'),
          to_ms: instant('End, not included; now when it is not given'),
        }),
        response: answers(200, SatisfactionSchema),
      },
    },
    async (request) => {
      const to_ms = request.query.to_ms ?? clock.now()
      const from_ms = request.query.from_ms ?? Math.max(0, to_ms - 90 * DAY_MS)
      return experience.satisfaction({ tenant: tenantOf(request, request.query.tenant), from_ms, to_ms })
    },
  )
}

function tagRoutes(app: App, { ports }: RouteContext): void {
  const { experience } = ports
  const household = Type.String({ ...nameText(128), description: 'As the devices name it' })
  const one = { params: Type.Object({ household, tag: CustomerTagNameSchema }), querystring: Type.Object(tenantQuery) }
  app.get(
    '/experience/households/:household/tags',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Tags of a household that hold now, with what each was used for',
        params: Type.Object({ household }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, listOf(CustomerTagSchema)),
      },
    },
    async (request) => ({
      items: await experience.customerTags(tenantOf(request, request.query.tenant), request.params.household),
      next: null,
    }),
  )
  app.put(
    '/experience/households/:household/tags/:tag',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Keep a tag of a household with its consent, or renew the consent',
        description: 'Refused with MDL_HUBS_CONSENT_REQUIRED without a consent that was given and still holds.',
        ...one,
        body: NewCustomerTagSchema,
        response: answers(200, CustomerTagSchema),
      },
    },
    async (request) => {
      const key = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      return experience.putCustomerTag(key, { ...request.body, actor: actorOf(request) })
    },
  )
  app.delete(
    '/experience/households/:household/tags/:tag',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Withdraw a tag of a household with the log of its uses',
        ...one,
        response: answers(204, Type.Null()),
      },
    },
    async (request, reply) => {
      const key = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      found((await experience.deleteCustomerTag(key)) || undefined, `tag ${key.tag} of the household`)
      return reply.code(204).send(null)
    },
  )
}
