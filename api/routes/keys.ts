/** API keys: making, listing and revoking them, for admins. A key's secret is in the answer that makes it and nowhere else. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { SCOPES } from '../keys.ts'
import { answers, IdempotencyHeader, listOf, nameText, once, tenantOf, tenantQuery } from '../requests.ts'

const KeySchema = Type.Object({
  id: Type.String(),
  tenant: Type.String(),
  scopes: Type.Array(Type.Enum([...SCOPES])),
  label: Type.String(),
  created_at_ms: Type.Integer(),
  revoked_at_ms: Type.Union([Type.Integer(), Type.Null()]),
})

const NewKeySchema = Type.Object(
  {
    scopes: Type.Array(Type.Enum([...SCOPES]), { minItems: 1, maxItems: SCOPES.length, uniqueItems: true }),
    label: Type.Optional(Type.String({ ...nameText(100), minLength: 0, description: 'Who uses it' })),
  },
  { additionalProperties: false },
)

const tags = ['keys']
const config = { scope: 'admin' } as const

export function keyRoutes(app: App, context: RouteContext): void {
  const { keys } = context.ports
  app.post(
    '/keys',
    {
      config,
      schema: {
        tags,
        summary: 'Make an API key of a tenant; the answer shows its token once',
        headers: IdempotencyHeader,
        querystring: Type.Object(tenantQuery),
        body: NewKeySchema,
        response: answers(201, Type.Object({ ...KeySchema.properties, token: Type.String() })),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.query.tenant)
      const { scopes, label = '' } = request.body
      return reply.code(201).send(await once(context, request, () => keys.create({ tenant, scopes, label })))
    },
  )
  app.get(
    '/keys',
    {
      config,
      schema: { tags, summary: 'List keys, revoked ones included', querystring: Type.Object(tenantQuery), response: answers(200, listOf(KeySchema)) },
    },
    async (request) => ({ items: await keys.list(tenantOf(request, request.query.tenant)), next: null }),
  )
  app.delete(
    '/keys/:id',
    {
      config,
      schema: {
        tags,
        summary: 'Revoke a key; it ends with the next request',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        response: answers(204, Type.Null(), 'Revoked'),
      },
    },
    async (request, reply) => {
      await keys.revoke(tenantOf(request, request.query.tenant), request.params.id)
      return reply.code(204).send()
    },
  )
}
