/** Remote first: what is offered to the household before a visit, and what it says to that. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import { RemoteAnswerSchema, RemoteOfferSchema } from '#kernel/remote-offer.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, found, listOf, tenantOf, tenantQuery } from '../requests.ts'

const tags = ['remote']

export function remoteRoutes(app: App, { ports }: RouteContext): void {
  app.get(
    '/work-orders/:id/remote-offers',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'What was offered before a visit and what came of it, oldest first',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, listOf(RemoteOfferSchema)),
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      found(await ports.hubs.workOrder(tenant, request.params.id), `work order ${request.params.id}`)
      return { items: [...(await ports.remote.remoteOffers(tenant, request.params.id))], next: null }
    },
  )
  app.post(
    '/remote-offers/:id/answers',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Say what the household answered',
        description:
          'A step is `done` or refused, a test accepted or refused, once. `accept` and `done` name the `text_version` that was read; without it, or with another, the answer is refused with 422.',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        body: RemoteAnswerSchema,
        response: answers(200, RemoteOfferSchema, 'The offer behind the answer'),
      },
    },
    async (request) => ports.remote.answerRemote(tenantOf(request, request.query.tenant), request.params.id, request.body, actorOf(request)),
  )
}
