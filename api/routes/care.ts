/** Care by use: what is due of a unit or of all, that it was done, and what households want to hear of. */
import { Type } from 'typebox'
import { CARE_KINDS, CareChoiceSchema, CareDoneSchema, CareSchema, NewCareChoiceSchema } from '#kernel/care.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, IdempotencyHeader, listOf, nameText, once, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const tags = ['care']
const household = Type.String({ ...nameText(128), description: 'As the devices name it' })
const kind = Type.Enum([...CARE_KINDS])

export function careRoutes(app: App, context: RouteContext): void {
  const { ports, limits } = context
  app.get(
    '/care',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List maintenance that is due, longest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          who: Type.Optional(Type.Enum(['household', 'engineer'])),
        }),
        response: answers(200, listOf(CareSchema)),
      },
    },
    async (request) => {
      const { tenant, who } = request.query
      return toWire(await ports.care.careDue({ tenant: tenantOf(request, tenant), who, ...pageOf(request.query) }))
    },
  )
  app.get(
    '/devices/:device/care',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Care of a unit: what is due, and how far the rest is from it',
        params: Type.Object({ device: IdSchema }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, listOf(CareSchema)),
      },
    },
    async (request) => {
      const of = { tenant: tenantOf(request, request.query.tenant), device: request.params.device }
      return { items: [...(await ports.care.careOf(of))], next: null }
    },
  )
  app.post(
    '/devices/:device/care/:task/done',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Say that a task was done; it is counted anew from then',
        params: Type.Object({ device: IdSchema, task: IdSchema }),
        querystring: Type.Object(tenantQuery),
        headers: IdempotencyHeader,
        body: CareDoneSchema,
        response: answers(200, CareSchema),
      },
    },
    async (request) => {
      const of = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      return once(context, request, () => ports.care.careDone(of, request.body))
    },
  )
  choiceRoutes(app, context)
}

function choiceRoutes(app: App, { ports }: RouteContext): void {
  app.get(
    '/households/:household/care-choices',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What a household wants to hear of care, with when it said so; without a choice it is told',
        params: Type.Object({ household }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, listOf(CareChoiceSchema)),
      },
    },
    async (request) => {
      const items = await ports.care.careChoices(tenantOf(request, request.query.tenant), request.params.household)
      return { items: [...items], next: null }
    },
  )
  app.put(
    '/households/:household/care-choices/:kind',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Opt a household out of a kind of care, or in again',
        params: Type.Object({ household, kind }),
        querystring: Type.Object(tenantQuery),
        body: NewCareChoiceSchema,
        response: answers(200, CareChoiceSchema),
      },
    },
    async (request) => {
      const of = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      return ports.care.chooseCare(of, { ...request.body, actor: actorOf(request) })
    },
  )
}
