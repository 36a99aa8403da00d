/** The twin of a device: settings as they should be and as it says they are, what differs, who changed what, and whether it is there. */
import { Type } from 'typebox'
import { MendlineError } from '#kernel/errors.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, Request, RouteContext } from '../app.ts'
import { actorOf, answers, etagNumber, found, INSTANT_MAX, listOf, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const tags = ['twin']
const one = { params: Type.Object({ device: IdSchema }), querystring: Type.Object(tenantQuery) }
const settings = Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.Unknown())
const integerOrNull = Type.Union([Type.Integer({ minimum: 0, maximum: INSTANT_MAX }), Type.Null()])

const DesiredSchema = Type.Object({
  version: Type.Integer(),
  desired: settings,
  expires_at_ms: integerOrNull,
  is_expired: Type.Boolean(),
  set_at_ms: Type.Integer(),
  set_by: Type.String(),
})

const TwinSchema = Type.Object({
  tenant: Type.String(),
  device: Type.String(),
  presence: Type.Union([Type.Object({ state: Type.Enum(['online', 'offline', 'unknown']), since_ms: Type.Integer() }), Type.Null()], {
    description: 'null = never seen; unknown = there before the server went down and not back yet',
  }),
  desired: Type.Union([DesiredSchema, Type.Null()]),
  reported: Type.Union([
    Type.Object({ settings, observed_at_ms: Type.Integer(), received_at_ms: Type.Integer(), desired_version: integerOrNull }),
    Type.Null(),
  ]),
  delta: settings,
  is_in_sync: Type.Boolean(),
})

const ChangeSchema = Type.Object({
  sequence: Type.Integer(),
  at_ms: Type.Integer(),
  recorded_at_ms: Type.Integer(),
  version: integerOrNull,
  actor: Type.String(),
  change: Type.Unknown(),
})

const OrderSchema = Type.Object(
  { desired: settings, expires_at_ms: Type.Optional(integerOrNull) },
  { additionalProperties: false, description: 'expires_at_ms null or absent = until others come' },
)
const PatchSchema = Type.Object({ desired: Type.Optional(settings), expires_at_ms: Type.Optional(integerOrNull) }, { additionalProperties: false })
const MatchHeader = Type.Object({
  'if-match': Type.Optional(Type.String({ maxLength: 40, description: 'ETag that the caller saw; "0" = none yet' })),
})

export function twinRoutes(app: App, { ports, limits }: RouteContext): void {
  const { twin, devices } = ports
  const known = async (request: Request & { readonly query: { readonly tenant?: string }; readonly params: { readonly device: string } }) => {
    const tenant = tenantOf(request, request.query.tenant)
    const { device } = request.params
    found(await devices.get(tenant, device), `device ${device}`)
    return { tenant, device }
  }
  app.get(
    '/devices/:device/twin',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read the twin of a device', ...one, response: answers(200, TwinSchema) } },
    async (request) => {
      const { tenant, device } = await known(request)
      return twin.twin(tenant, device)
    },
  )
  app.get(
    '/devices/:device/twin/history',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Changes of desired or reported settings, newest first',
        params: one.params,
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          kind: Type.Optional(Type.Enum(['desired', 'reported'], { default: 'desired' })),
        }),
        response: answers(200, listOf(ChangeSchema)),
      },
    },
    async (request) => {
      const kind = request.query.kind === 'reported' ? 'reported' : 'desired'
      return toWire(await twin.history({ ...(await known(request)), kind, ...pageOf(request.query) }))
    },
  )
  app.get(
    '/devices/:device/desired',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read the desired settings', ...one, response: answers(200, DesiredSchema) } },
    async (request, reply) => {
      const { tenant, device } = await known(request)
      const desired = found(await twin.desired(tenant, device), `desired settings of ${device}`)
      return reply.header('etag', `"${desired.version}"`).send(desired)
    },
  )
  for (const method of ['PUT', 'PATCH'] as const) {
    const isPatch = method === 'PATCH'
    app.route({
      method,
      url: '/devices/:device/desired',
      config: { scope: 'commands:write' },
      schema: {
        tags,
        summary: isPatch ? 'Change desired settings by merge (RFC 7396)' : 'Replace the desired settings',
        description: 'The next version; sent at once and at each subscription. Held to the settings that the type declares, where it declares some.',
        ...one,
        headers: MatchHeader,
        body: isPatch ? PatchSchema : OrderSchema,
        response: answers(200, DesiredSchema),
      },
      handler: async (request, reply) => {
        const body = request.body as { readonly desired?: Record<string, unknown>; readonly expires_at_ms?: number | null }
        if (isPatch && body.desired === undefined && body.expires_at_ms === undefined) throw nothingToChange()
        const desired = await twin.orderSettings({
          ...{ tenant: tenantOf(request, request.query.tenant), device: request.params.device, actor: actorOf(request) },
          ...{ desired: body.desired ?? {}, expiresAtMs: body.expires_at_ms, isPatch },
          expectedVersion: etagNumber(request.headers['if-match']),
        })
        return reply.header('etag', `"${desired.version}"`).send(desired)
      },
    })
  }
}

const nothingToChange = (): MendlineError =>
  new MendlineError('MDL_API_INVALID', 'the patch names neither desired nor expires_at_ms', {
    details: { errors: [{ field: 'body', reason: 'names neither desired nor expires_at_ms' }] },
  })
