/** Reports of people about a unit, and the contacts of a case. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import { ContactSchema, HouseholdReportSchema, ReportAnswerSchema } from '#kernel/report.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, found, IdempotencyHeader, listOf, tenantOf, tenantQuery } from '../requests.ts'

export function intakeRoutes(app: App, { ports }: RouteContext): void {
  const { intake } = ports
  const tags = ['reports']
  app.post(
    '/reports',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Report a trouble, a call, a complaint or a chase about a unit',
        description:
          'Answers at once: what is likely wrong and what that rests on, the next question, what to do in a danger, and the case and order it came to. Send the next answer with the `contact_id` of the first. Without a fault that can be named no order is opened.',
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
