/** Public keys of devices and gateways: who holds the private one logs in by a token (JWT) in place of the secret. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, defined, IdempotencyHeader, listOf, once, tenantOf, tenantQuery } from '../requests.ts'

const KeySchema = Type.Object({
  key_id: Type.String({ description: 'Thumbprint of the key (RFC 7638); `kid` of its tokens, where they have one' }),
  alg: Type.String(),
  created_at_ms: Type.Integer(),
})

const NewKeySchema = Type.Object(
  {
    alg: Type.Enum(['ES256', 'EdDSA', 'RS256']),
    jwk: Type.Optional(Type.Object({}, { description: 'Public key (RFC 7517); this or pem' })),
    pem: Type.Optional(Type.String({ maxLength: 4_096, description: 'Public key (SubjectPublicKeyInfo)' })),
  },
  { additionalProperties: false },
)

const tags = ['devices']
const write = { scope: 'devices:write' } as const
const querystring = Type.Object(tenantQuery)

export function principalKeyRoutes(app: App, context: RouteContext): void {
  const { principalKeys } = context.ports
  for (const kind of ['device', 'gateway'] as const) {
    const path = `/${kind}s/:principal/keys`
    const params = Type.Object({ principal: IdSchema })
    app.post(
      path,
      {
        config: write,
        schema: {
          tags,
          summary: `Register a public key of a ${kind} for logins by token`,
          ...{ params, querystring, headers: IdempotencyHeader, body: NewKeySchema },
          response: answers(201, KeySchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(request, request.query.tenant)
        const { alg, ...key } = request.body
        return reply.code(201).send(await once(context, request, () => principalKeys.add(tenant, request.params.principal, { alg, ...defined(key) })))
      },
    )
    app.get(
      path,
      {
        config: { scope: 'read' },
        schema: { tags, summary: `List the keys of a ${kind}`, params, querystring, response: answers(200, listOf(KeySchema)) },
      },
      async (request) => ({ items: principalKeys.list(tenantOf(request, request.query.tenant), request.params.principal), next: null }),
    )
    app.delete(
      `${path}/:key_id`,
      {
        config: write,
        schema: {
          tags,
          summary: `Remove a key of a ${kind}; its sessions end`,
          params: Type.Object({ ...params.properties, key_id: Type.String({ maxLength: 64 }) }),
          ...{ querystring, response: answers(204, Type.Null(), 'Removed') },
        },
      },
      async (request, reply) => {
        await principalKeys.remove(tenantOf(request, request.query.tenant), request.params.principal, request.params.key_id)
        return reply.code(204).send()
      },
    )
  }
}
