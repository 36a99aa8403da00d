/** The chain of work orders as data: the process of the organisation in versions, its outlets and its engineers. */
import { Type } from 'typebox'
import { CrewSchema, OutletSchema } from '#kernel/crew.ts'
import { IdSchema } from '#kernel/ids.ts'
import { ServiceTermsSchema, TermsVersionSchema } from '#kernel/service-terms.ts'
import { type NewProcess, NewProcessSchema, ProcessVersionSchema } from '#kernel/work-order-process.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, etagNumber, found, listOf, tenantOf, tenantQuery } from '../requests.ts'

const tags = ['work orders']
const byTenant = Type.Object(tenantQuery)

export function orderChainRoutes(app: App, context: RouteContext): void {
  processRoutes(app, context)
  crewRoutes(app, context)
  termsRoutes(app, context)
}

function termsRoutes(app: App, { ports }: RouteContext): void {
  const { orderChain } = ports
  const params = Type.Object({ type: Type.String({ minLength: 1, maxLength: 64 }) })
  app.get(
    '/service-terms/:type',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Prices and warranties in force for a type',
        params,
        querystring: byTenant,
        response: answers(200, TermsVersionSchema),
      },
    },
    async (request) => {
      const { type } = request.params
      return found(await orderChain.serviceTerms(tenantOf(request, request.query.tenant), type), `terms for the type ${type}`)
    },
  )
  app.put(
    '/service-terms/:type',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Put prices and warranties of a type into force',
        description: 'They hold for packets that are made from now on; what an order has shown stays.',
        params,
        querystring: byTenant,
        body: ServiceTermsSchema,
        response: answers(200, TermsVersionSchema),
      },
    },
    async (request) =>
      orderChain.putServiceTerms({
        tenant: tenantOf(request, request.query.tenant),
        type: request.params.type,
        terms: request.body,
        actor: actorOf(request),
      }),
  )
}

function processRoutes(app: App, { ports }: RouteContext): void {
  const { orderChain } = ports
  app.get(
    '/processes',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Processes of work orders by version, newest first; the one that ships is the last',
        querystring: byTenant,
        response: answers(200, listOf(ProcessVersionSchema)),
      },
    },
    async (request, reply) => {
      const items = await orderChain.processes(tenantOf(request, request.query.tenant))
      return reply.header('etag', `"${items[0]?.version ?? 0}"`).send({ items, next: null })
    },
  )
  app.get(
    '/processes/:version',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Read a version of the process',
        params: Type.Object({ version: Type.Integer({ minimum: 0, maximum: 1_000_000 }) }),
        querystring: byTenant,
        response: answers(200, ProcessVersionSchema),
      },
    },
    async (request) => {
      const { version } = request.params
      const versions = await orderChain.processes(tenantOf(request, request.query.tenant))
      return found(
        versions.find((entry) => entry.version === version),
        `version ${version} of the process`,
      )
    },
  )
  app.put(
    '/processes',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Put a new version of the process into force',
        description:
          'Refused with every fault at once (MDL_HUBS_PROCESS_INVALID) when a state is unreachable or never ends, or a guard or timer is unknown or cannot work. Orders stay under the version they were opened under; with `open_orders=move` those in a state that the new one has come along.',
        querystring: Type.Object({ ...tenantQuery, open_orders: Type.Optional(Type.Enum(['keep', 'move'], { default: 'keep' })) }),
        headers: Type.Object({
          'if-match': Type.Optional(Type.String({ maxLength: 40, description: 'ETag of `GET /processes` that the caller saw' })),
        }),
        body: NewProcessSchema,
        response: answers(200, Type.Object({ ...ProcessVersionSchema.properties, moved_orders: Type.Integer() }), 'The version that is in force now'),
      },
    },
    async (request) =>
      orderChain.replaceProcess({
        tenant: tenantOf(request, request.query.tenant),
        process: request.body as NewProcess,
        actor: actorOf(request),
        openOrders: request.query.open_orders ?? 'keep',
        expectedVersion: etagNumber(request.headers['if-match']),
      }),
  )
}

function crewRoutes(app: App, { ports }: RouteContext): void {
  const { orderChain } = ports
  const { outlet: _outlet, ...outletFields } = OutletSchema.properties
  const { engineer: _engineer, ...engineerFields } = CrewSchema.properties
  app.get(
    '/outlets',
    { config: { scope: 'read' }, schema: { tags, summary: 'Outlets by name', querystring: byTenant, response: answers(200, listOf(OutletSchema)) } },
    async (request) => ({ items: await orderChain.outlets(tenantOf(request, request.query.tenant)), next: null }),
  )
  app.put(
    '/outlets/:id',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Register an outlet or change it',
        description: 'New orders go to the outlet whose areas, types and skills fit; the narrowest area wins.',
        params: Type.Object({ id: IdSchema }),
        querystring: byTenant,
        body: Type.Object(outletFields, { additionalProperties: false }),
        response: answers(200, OutletSchema),
      },
    },
    async (request) => orderChain.putOutlet(tenantOf(request, request.query.tenant), { outlet: request.params.id, ...request.body }),
  )
  app.get(
    '/engineers',
    { config: { scope: 'read' }, schema: { tags, summary: 'Engineers by name', querystring: byTenant, response: answers(200, listOf(CrewSchema)) } },
    async (request) => ({ items: await orderChain.engineers(tenantOf(request, request.query.tenant)), next: null }),
  )
  app.put(
    '/engineers/:id',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Register an engineer or change one',
        params: Type.Object({ id: IdSchema }),
        querystring: byTenant,
        body: Type.Object(engineerFields, { additionalProperties: false }),
        response: answers(200, CrewSchema),
      },
    },
    async (request) => orderChain.putEngineer(tenantOf(request, request.query.tenant), { engineer: request.params.id, ...request.body }),
  )
}
