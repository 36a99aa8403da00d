/** Mappings of users for payloads of others: register a version, list, read. Versions are never changed or removed, since records name them. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, found, IdempotencyHeader, listOf, once, tenantOf, tenantQuery } from '../requests.ts'

const MappingSchema = Type.Object({
  mapping: Type.String(),
  version: Type.Integer(),
  match: Type.Unknown(),
  definition: Type.String({ description: 'The YAML as it was registered' }),
  created_at_ms: Type.Integer(),
})

const NewMappingSchema = Type.Object(
  { definition: Type.String({ minLength: 1, maxLength: 65_536, description: 'YAML, see docs/payloads/mapping.md' }) },
  { additionalProperties: false },
)

const tags = ['mappings']

export function mappingRoutes(app: App, context: RouteContext): void {
  const { mappings } = context.ports
  const querystring = Type.Object(tenantQuery)
  app.get(
    '/mappings',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'List mappings, the newest version of each', querystring, response: answers(200, listOf(MappingSchema)) },
    },
    async (request) => ({ items: mappings.list(tenantOf(request, request.query.tenant)), next: null }),
  )
  app.get(
    '/mappings/:mapping',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Read a mapping', params: Type.Object({ mapping: IdSchema }), querystring, response: answers(200, MappingSchema) },
    },
    async (request) => found(mappings.get(tenantOf(request, request.query.tenant), request.params.mapping), `mapping ${request.params.mapping}`),
  )
  app.post(
    '/mappings',
    {
      config: { scope: 'devices:write' },
      schema: {
        tags,
        summary: 'Register a mapping, or the next version of one; the newest again changes nothing',
        headers: IdempotencyHeader,
        querystring,
        body: NewMappingSchema,
        response: answers(201, MappingSchema),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.query.tenant)
      return reply.code(201).send(await once(context, request, () => mappings.register(tenant, request.body.definition)))
    },
  )
}
