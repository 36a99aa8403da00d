/** Reports of people about a unit, and the contacts of a case. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import { ContactSchema, HouseholdReportSchema, ReportAnswerSchema } from '#kernel/report.ts'
import type { App, RouteContext } from '../app.ts'
import type { ApiPorts } from '../ports.ts'
import { actorOf, answers, found, IdempotencyHeader, listOf, tenantOf, tenantQuery } from '../requests.ts'

const tags = ['reports']

export function intakeRoutes(app: App, { ports }: RouteContext): void {
  const { intake } = ports
  codeRoutes(app, ports)
  app.post(
    '/reports',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Report a trouble, a call, a complaint or a chase about a unit',
        description:
          'Answers at once: what is likely wrong and what that rests on, the next question, what to do in a danger, and the case and order it came to. Send the next answer with the `contact_id` of the first. A report that names no fault opens an order, too, when nothing is left to ask; a call, complaint or chase does not.',
        querystring: Type.Object(tenantQuery),
        headers: IdempotencyHeader,
        body: HouseholdReportSchema,
        response: answers(200, ReportAnswerSchema, 'What is likely wrong, and what follows'),
      },
    },
    async (request) =>
      intake.report(
        { ...request.body, tenant: tenantOf(request, request.query.tenant), actor: actorOf(request) },
        request.headers['idempotency-key'],
      ),
  )
  app.get(
    '/cases/:id/contacts',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Contacts about a case, oldest first',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, listOf(ContactSchema)),
      },
    },
    async (request) => {
      const items = await intake.caseContacts(tenantOf(request, request.query.tenant), request.params.id)
      return { items: found(items, `case ${request.params.id}`), next: null }
    },
  )
}

/** The code on the sticker of a unit. */
function codeRoutes(app: App, { intake }: Pick<ApiPorts, 'intake'>): void {
  const one = { params: Type.Object({ device: IdSchema }), querystring: Type.Object(tenantQuery) }
  app.post(
    '/devices/:device/intake-code',
    {
      config: { scope: 'devices:write' },
      schema: {
        tags,
        summary: 'Make the code of the reporting page of a unit; an earlier one is void',
        description: '`path` is what a sticker leads to, behind the address at which this API is reached. The token is shown this once.',
        ...one,
        response: answers(201, Type.Object({ device: Type.String(), token: Type.String(), path: Type.String() })),
      },
    },
    async (request, reply) => {
      const { device } = request.params
      const token = await intake.createIntakeCode(tenantOf(request, request.query.tenant), device)
      return reply.code(201).send({ device, token, path: `/r/${token}` })
    },
  )
  app.delete(
    '/devices/:device/intake-code',
    {
      config: { scope: 'devices:write' },
      schema: { tags, summary: 'Revoke the code of the reporting page of a unit', ...one, response: answers(204, Type.Null()) },
    },
    async (request, reply) => {
      const { device } = request.params
      found((await intake.revokeIntakeCode(tenantOf(request, request.query.tenant), device)) || undefined, `intake code of ${device}`)
      return reply.code(204).send()
    },
  )
}
