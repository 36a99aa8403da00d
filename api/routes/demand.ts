/** Demand signals of households: consent, what was told, the queue of those who follow it up, and what came of it. */
import { Type } from 'typebox'
import {
  DemandConsentSchema,
  DemandKindSchema,
  DemandResultSchema,
  DemandSignalSchema,
  NewDemandConsentSchema,
  NewDemandSignalSchema,
} from '#kernel/demand-signal.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, found, listOf, nameText, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const tags = ['experience']
const household = Type.String({ ...nameText(128), description: 'As the devices name it' })
const ofHousehold = { params: Type.Object({ household }), querystring: Type.Object(tenantQuery) }
const one = { params: Type.Object({ household, kind: DemandKindSchema }), querystring: Type.Object(tenantQuery) }

export function demandRoutes(app: App, context: RouteContext): void {
  consentRoutes(app, context)
  householdRoutes(app, context)
  queueRoutes(app, context)
}

function consentRoutes(app: App, { ports: { experience } }: RouteContext): void {
  const path = '/experience/households/:household/demand-consent'
  app.get(
    path,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The consent of a household to demand signals that holds now',
        ...ofHousehold,
        response: answers(200, DemandConsentSchema),
      },
    },
    async (request) => {
      const of = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      return found(await experience.demandConsent(of), 'consent of the household to demand signals')
    },
  )
  app.put(
    path,
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Keep the consent of a household to demand signals, or renew it',
        description:
          'Refused with MDL_HUBS_CONSENT_REQUIRED, by field, without a text that was read and a consent that was given and still holds. One older than that which stands changes nothing, one older than its withdrawal is refused, too. Signals end with the consent.',
        ...ofHousehold,
        body: NewDemandConsentSchema,
        response: answers(200, DemandConsentSchema),
      },
    },
    async (request) => {
      const of = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      return experience.putDemandConsent(of, { ...request.body, actor: actorOf(request) })
    },
  )
  app.delete(
    path,
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Withdraw the consent of a household to demand signals; its signals go at once, with their log',
        ...ofHousehold,
        response: answers(204, Type.Null()),
      },
    },
    async (request, reply) => {
      const of = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      found((await experience.withdrawDemandConsent(of)) || undefined, 'consent of the household to demand signals')
      return reply.code(204).send(null)
    },
  )
}

function householdRoutes(app: App, { ports: { experience } }: RouteContext): void {
  app.get(
    '/experience/households/:household/demand-signals',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Demand signals of a household that hold now, with who told them and to whom they were shown',
        ...ofHousehold,
        response: answers(200, listOf(DemandSignalSchema)),
      },
    },
    async (request) => {
      const of = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      return { items: await experience.demandOf(of, actorOf(request)), next: null }
    },
  )
  app.put(
    '/experience/households/:household/demand-signals/:kind',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Keep that a household wants or will likely need something, one signal of a kind',
        description:
          'Refused with MDL_HUBS_CONSENT_REQUIRED where the household has no consent that holds and the body brings none. Told again of a later instant it is renewed, and opened anew where it was answered before; of the same or an earlier one it changes nothing.',
        ...one,
        body: NewDemandSignalSchema,
        response: answers(200, DemandSignalSchema),
      },
    },
    async (request) => {
      const key = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      return experience.putDemandSignal(key, { ...request.body, actor: actorOf(request) })
    },
  )
  app.delete(
    '/experience/households/:household/demand-signals/:kind',
    {
      config: { scope: 'orders:write' },
      schema: { tags, summary: 'Take a demand signal away with its log; the consent stays', ...one, response: answers(204, Type.Null()) },
    },
    async (request, reply) => {
      const key = { tenant: tenantOf(request, request.query.tenant), ...request.params }
      found((await experience.deleteDemandSignal(key)) || undefined, `demand signal ${key.kind} of the household`)
      return reply.code(204).send(null)
    },
  )
}

function queueRoutes(app: App, { ports: { experience }, limits }: RouteContext): void {
  app.get(
    '/experience/demand-signals',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Demand signals that hold now, oldest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          kind: Type.Optional(DemandKindSchema),
          state: Type.Optional(Type.Enum(['open', 'answered'])),
          owner: Type.Optional(Type.Enum(['call_centre', 'outlet'])),
          outlet: Type.Optional(IdSchema),
        }),
        response: answers(200, listOf(DemandSignalSchema)),
      },
    },
    async (request) => {
      const { tenant, kind, state, owner, outlet } = request.query
      const query = { tenant: tenantOf(request, tenant), reader: actorOf(request), kind, state, owner, outlet }
      return toWire(await experience.demandSignals({ ...query, ...pageOf(request.query) }))
    },
  )
  app.post(
    '/experience/demand-signals/:id/result',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Say what came of a demand signal',
        description: 'Once; a second result is refused with 409.',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        body: DemandResultSchema,
        response: answers(200, DemandSignalSchema),
      },
    },
    async (request) => {
      const of = { tenant: tenantOf(request, request.query.tenant), id: request.params.id }
      return experience.answerDemand(of, { ...request.body, actor: actorOf(request) })
    },
  )
}
