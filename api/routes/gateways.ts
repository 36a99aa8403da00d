/** Gateways: create one with the devices it speaks for, list, read, replace the list, rotate the secret, revoke. Secrets are shown once. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import {
  answers,
  found,
  IdempotencyHeader,
  listOf,
  once,
  pageOf,
  pageQuery,
  ROTATION_REFUSED,
  rotationQuery,
  tenantOf,
  tenantQuery,
  toWire,
} from '../requests.ts'

const GatewaySchema = Type.Object({
  tenant: Type.String(),
  gateway: Type.String(),
  devices: Type.Array(Type.String(), { description: 'Devices it speaks for' }),
  created_at_ms: Type.Integer(),
  revoked_at_ms: Type.Union([Type.Integer(), Type.Null()]),
})
const SecretSchema = Type.String({ description: 'MQTT password; shown in this answer and never again' })

const tags = ['gateways']
const one = { params: Type.Object({ gateway: IdSchema }), querystring: Type.Object(tenantQuery) }
const write = { scope: 'devices:write' } as const

export function gatewayRoutes(app: App, context: RouteContext): void {
  const { gateways } = context.ports
  const { limits } = context
  const devices = Type.Array(IdSchema, { maxItems: limits.gatewayDevices_MAX, uniqueItems: true })
  app.post(
    '/gateways',
    {
      config: write,
      schema: {
        tags,
        summary: 'Create a gateway that speaks for devices; it logs in as `{tenant}:{gateway}`',
        headers: IdempotencyHeader,
        body: Type.Object({ tenant: Type.Optional(IdSchema), gateway: IdSchema, devices: Type.Optional(devices) }, { additionalProperties: false }),
        response: answers(201, Type.Object({ ...GatewaySchema.properties, secret: SecretSchema })),
      },
    },
    async (request, reply) => {
      const { tenant, gateway, devices: list = [] } = request.body
      const wanted = { tenant: tenantOf(request, tenant), gateway, devices: list }
      return reply.code(201).send(await once(context, request, () => gateways.create(wanted)))
    },
  )
  app.get(
    '/gateways',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List gateways',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(limits) }),
        response: answers(200, listOf(GatewaySchema)),
      },
    },
    async (request) => {
      const { limit, after } = pageOf(request.query)
      const tenant = tenantOf(request, request.query.tenant)
      const rows = await gateways.list({ tenant, limit: limit + 1, ...(after === undefined ? {} : { after }) })
      const items = rows.slice(0, limit)
      return toWire({ items, next: rows.length > limit ? (items.at(-1)?.gateway ?? null) : null })
    },
  )
  app.get(
    '/gateways/:gateway',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read a gateway', ...one, response: answers(200, GatewaySchema) } },
    async (request) =>
      found(await gateways.get(tenantOf(request, request.query.tenant), request.params.gateway), `gateway ${request.params.gateway}`),
  )
  app.put(
    '/gateways/:gateway/devices',
    {
      config: write,
      schema: {
        tags,
        summary: 'Replace the devices it speaks for; open sessions have the new rights with their next message',
        ...one,
        body: Type.Object({ devices }, { additionalProperties: false }),
        response: answers(200, GatewaySchema),
      },
    },
    async (request) => gateways.setDevices(tenantOf(request, request.query.tenant), request.params.gateway, request.body.devices),
  )
  endRoutes(app, context)
}

/** Routes that end a credential. */
function endRoutes(app: App, context: RouteContext): void {
  const { gateways } = context.ports
  app.post(
    '/gateways/:gateway/secret',
    {
      config: write,
      schema: {
        tags,
        summary: 'Rotate the secret; the old one stays valid for a while',
        description: ROTATION_REFUSED,
        params: one.params,
        querystring: Type.Object(rotationQuery),
        headers: IdempotencyHeader,
        response: answers(200, Type.Object({ gateway: Type.String(), secret: SecretSchema })),
      },
    },
    async (request) => {
      const { gateway } = request.params
      const tenant = tenantOf(request, request.query.tenant)
      return once(context, request, async () => ({ gateway, secret: await gateways.rotate(tenant, gateway, request.query.end) }))
    },
  )
  app.delete(
    '/gateways/:gateway',
    {
      config: write,
      schema: { tags, summary: 'Revoke a gateway; its sessions end, its devices stay', ...one, response: answers(204, Type.Null(), 'Revoked') },
    },
    async (request, reply) => {
      await gateways.revoke(tenantOf(request, request.query.tenant), request.params.gateway)
      return reply.code(204).send()
    },
  )
}
