/**
 * Claiming: one-time tokens by which an appliance gets its own secret, codes by which a household takes a device as its own with consent,
 * the release of it, and the audit of all steps. `POST /claim` needs no API key: the token is what is proven.
 */
import { Type } from 'typebox'
import { DEFAULT_TENANT, IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import {
  actorOf,
  answers,
  defined,
  found,
  IdempotencyHeader,
  listOf,
  nameText,
  once,
  pageOf,
  pageQuery,
  tenantOf,
  tenantQuery,
  toWire,
} from '../requests.ts'

const text = nameText
const ConsentSchema = Type.Object(
  {
    who: text(128),
    text_version: text(64),
    purposes: Type.Array(text(64), { minItems: 1, maxItems: 32, uniqueItems: true }),
  },
  { additionalProperties: false },
)
const ClaimSchema = Type.Object({
  claim_id: Type.String(),
  tenant: Type.String(),
  device: Type.String(),
  household: Type.String(),
  consent: Type.Object({ ...ConsentSchema.properties, given_at_ms: Type.Integer() }),
  released_at_ms: Type.Union([Type.Integer(), Type.Null()]),
  release_reason: Type.Union([Type.String(), Type.Null()]),
})
const AuditSchema = Type.Object({
  id: Type.String(),
  tenant: Type.String(),
  at_ms: Type.Integer(),
  actor: Type.String(),
  action: Type.String(),
  subject: Type.String(),
  details: Type.Object({}),
})

const DAY_MS = 86_400_000
const tags = ['claims']
const write = { scope: 'devices:write' } as const
const querystring = Type.Object(tenantQuery)

export function claimRoutes(app: App, context: RouteContext): void {
  provisioningRoutes(app, context)
  householdRoutes(app, context)
  listRoutes(app, context)
}

function provisioningRoutes(app: App, context: RouteContext): void {
  const { provisioning } = context.ports
  const { limits } = context
  const Wanted = Type.Object(
    { device: IdSchema, type: Type.Optional(text(64)), model: Type.Optional(text(128)), serial: Type.Optional(text(128)) },
    { additionalProperties: false },
  )
  app.post(
    '/claim-tokens',
    {
      config: write,
      schema: {
        tags,
        summary: 'Make one-time claim tokens, one a device; devices that are new are registered',
        headers: IdempotencyHeader,
        body: Type.Object(
          {
            tenant: Type.Optional(IdSchema),
            valid_ms: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 3_650 * DAY_MS, default: 365 * DAY_MS })),
            devices: Type.Array(Wanted, { minItems: 1, maxItems: limits.apiDevicesPerRequest_MAX }),
          },
          { additionalProperties: false },
        ),
        response: answers(201, listOf(Type.Object({ device: Type.String(), token: Type.String(), expires_at_ms: Type.Integer() }))),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.body.tenant)
      const { devices, valid_ms: validMs = 365 * DAY_MS } = request.body
      const options = { validMs, actor: actorOf(request) }
      const items = await once(context, request, () => provisioning.createTokens(tenant, devices, options))
      return reply.code(201).send({ items, next: null })
    },
  )
  app.post(
    '/claim',
    {
      schema: {
        tags,
        summary: 'An appliance gives its claim token and gets its own secret; the same nonce again gives the same secret for a while',
        body: Type.Object(
          { tenant: Type.Optional(IdSchema), device: IdSchema, token: text(64), nonce: Type.String({ minLength: 16, maxLength: 64 }) },
          { additionalProperties: false },
        ),
        response: answers(200, Type.Object({ user_name: Type.String(), client_id: Type.String(), secret: Type.String() })),
      },
    },
    async (request) => {
      const { tenant = DEFAULT_TENANT, ...given } = request.body
      const secret = await provisioning.provision({ tenant, ...given }, request.ip)
      const name = `${tenant}:${given.device}`
      return { user_name: name, client_id: name, secret }
    },
  )
}

function householdRoutes(app: App, context: RouteContext): void {
  const { claims } = context.ports
  app.post(
    '/devices/:device/claim-code',
    {
      config: write,
      schema: {
        tags,
        summary: 'Make the code for the label of an appliance; the one before ends',
        ...{ params: Type.Object({ device: IdSchema }), querystring, headers: IdempotencyHeader },
        response: answers(200, Type.Object({ device: Type.String(), code: Type.String() })),
      },
    },
    async (request) => {
      const { device } = request.params
      const tenant = tenantOf(request, request.query.tenant)
      return once(context, request, async () => ({ device, code: await claims.newCode(tenant, device, actorOf(request)) }))
    },
  )
  app.post(
    '/claims',
    {
      config: write,
      schema: {
        tags,
        summary: 'A household claims the device of a code, with the consent that was given',
        headers: IdempotencyHeader,
        body: Type.Object(
          { tenant: Type.Optional(IdSchema), code: text(40), household: text(128), consent: ConsentSchema },
          { additionalProperties: false },
        ),
        response: answers(201, ClaimSchema),
      },
    },
    async (request, reply) => {
      const { tenant: named, ...claim } = request.body
      const tenant = tenantOf(request, named)
      return reply.code(201).send(await once(context, request, () => claims.claim(tenant, claim, actorOf(request))))
    },
  )
  app.delete(
    '/claims/:claim_id',
    {
      config: write,
      schema: {
        tags,
        summary: 'Release a claim (move-out); the record of the consent stays',
        params: Type.Object({ claim_id: text(64) }),
        querystring: Type.Object({ ...tenantQuery, reason: Type.Optional(text(128)) }),
        response: answers(200, ClaimSchema),
      },
    },
    async (request) => {
      const { tenant, reason = 'released' } = request.query
      return claims.release(tenantOf(request, tenant), request.params.claim_id, { reason, actor: actorOf(request) })
    },
  )
}

function listRoutes(app: App, context: RouteContext): void {
  const { claims } = context.ports
  const page = { ...tenantQuery, ...pageQuery(context.limits) }
  app.get(
    '/claims/:claim_id',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Read a claim', params: Type.Object({ claim_id: text(64) }), querystring, response: answers(200, ClaimSchema) },
    },
    async (request) => found(await claims.get(tenantOf(request, request.query.tenant), request.params.claim_id), `claim ${request.params.claim_id}`),
  )
  app.get(
    '/claims',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List claims, ended ones included',
        querystring: Type.Object({ ...page, device: Type.Optional(IdSchema), household: Type.Optional(text(128)) }),
        response: answers(200, listOf(ClaimSchema)),
      },
    },
    async (request) => {
      const { device, household } = request.query
      const tenant = tenantOf(request, request.query.tenant)
      return toWire(await claims.list({ ...pageOf(request.query), ...defined({ device, household }), tenant }))
    },
  )
  app.get(
    '/audit',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Audit of provisioning and claiming, oldest first',
        querystring: Type.Object({ ...page, subject: Type.Optional(IdSchema) }),
        response: answers(200, listOf(AuditSchema)),
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      return toWire(await claims.audit({ ...pageOf(request.query), ...defined({ subject: request.query.subject }), tenant }))
    },
  )
}
