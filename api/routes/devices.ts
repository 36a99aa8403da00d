/** Devices: create one or many, list, read, say something else of one, rotate the secret, revoke. Secrets are shown once. */
import { type Static, Type } from 'typebox'
import { renamedFields } from '#kernel/field-errors.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { App, RouteContext } from '../app.ts'
import {
  actorOf,
  answers,
  found,
  IdempotencyHeader,
  LifeInstant,
  listOf,
  nameText,
  once,
  pageOf,
  pageQuery,
  ROTATION_REFUSED,
  rotationQuery,
  tenantOf,
  tenantQuery,
  toWire,
} from '../requests.ts'

const text = (maxLength: number) => Type.Optional(nameText(maxLength))

const newDeviceSchema = ({ deviceAgeDays_MAX }: Pick<Limits, 'deviceAgeDays_MAX'>) =>
  Type.Object(
    {
      tenant: Type.Optional(IdSchema),
      device: IdSchema,
      type: Type.String({ minLength: 1, maxLength: 64, description: 'Appliance type, see /types' }),
      model: text(128),
      serial: text(128),
      firmware: text(64),
      installed_at_ms: Type.Optional(LifeInstant),
      site: text(128),
      household: text(128),
      building: text(128),
      outage_area: text(128),
      batch: text(128),
      max_age_days: Type.Optional(
        Type.Integer({ minimum: 1, maximum: deviceAgeDays_MAX, description: 'How far behind the receipt its clock may be' }),
      ),
      time_zone: Type.Optional(
        Type.String({ minLength: 1, maxLength: 64, description: 'IANA name, e.g. Europe/Berlin; its local days are those of daily aggregates' }),
      ),
    },
    { additionalProperties: false },
  )

const orNull = (schema: ReturnType<typeof Type.Integer> | ReturnType<typeof Type.String>) => Type.Union([schema, Type.Null()])

const words = Type.Optional(Type.Union([nameText(128), Type.Null()]))
const AttributesSchema = Type.Object(
  {
    ...{ model: words, serial: words, site: words, household: words, building: words, outage_area: words, batch: words },
    installed_at_ms: Type.Optional(Type.Union([LifeInstant, Type.Null()])),
  },
  { additionalProperties: false, minProperties: 1 },
)

export const DeviceSchema = Type.Object({
  tenant: Type.String(),
  device: Type.String(),
  type: Type.String(),
  model: orNull(Type.String()),
  serial: orNull(Type.String()),
  firmware: orNull(Type.String()),
  installed_at_ms: orNull(Type.Integer()),
  site: orNull(Type.String()),
  household: orNull(Type.String()),
  building: orNull(Type.String()),
  outage_area: orNull(Type.String({ description: 'What shares a supply or network; a silent unit is judged by its neighbours there' })),
  batch: orNull(Type.String({ description: 'Production batch' })),
  max_age_days: Type.Integer(),
  time_zone: orNull(Type.String()),
  created_at_ms: Type.Integer(),
  revoked_at_ms: orNull(Type.Integer()),
})

const SecretSchema = Type.String({ description: 'MQTT password; shown in this answer and never again' })
const CreatedSchema = Type.Object({ ...DeviceSchema.properties, secret: SecretSchema })

const params = Type.Object({ device: IdSchema })
const tags = ['devices']

export function deviceRoutes(app: App, context: RouteContext): void {
  attributeRoute(app, context)
  const { devices } = context.ports
  const { limits } = context
  const NewDeviceSchema = newDeviceSchema(limits)
  app.post(
    '/devices',
    {
      config: { scope: 'devices:write' },
      schema: {
        tags,
        summary: 'Create one device or many; all or none',
        headers: IdempotencyHeader,
        body: Type.Union([NewDeviceSchema, Type.Array(NewDeviceSchema, { minItems: 1, maxItems: limits.apiDevicesPerRequest_MAX })]),
        response: answers(201, Type.Union([CreatedSchema, Type.Array(CreatedSchema)]), 'As many as were sent, each with its secret'),
      },
    },
    async (request, reply) => {
      const { body } = request
      const list: ReadonlyArray<Static<typeof NewDeviceSchema>> = Array.isArray(body) ? body : [body]
      const wanted = list.map((device) => ({ ...device, tenant: tenantOf(request, device.tenant) }))
      const created = await once(context, request, () => devices.create(wanted)).catch((error: unknown) =>
        Promise.reject(renamedFields(error, (field) => (Array.isArray(body) ? field : field.replace(/^body\[0\]/, 'body')))),
      )
      return reply.code(201).send(Array.isArray(body) ? created : created[0])
    },
  )
  app.get(
    '/devices',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List devices',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          type: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Devices of this type only' })),
        }),
        response: answers(200, listOf(DeviceSchema)),
      },
    },
    async (request) => {
      const { limit, after } = pageOf(request.query)
      const tenant = tenantOf(request, request.query.tenant)
      const rows = await devices.list({ tenant, type: request.query.type, limit: limit + 1, ...(after === undefined ? {} : { after }) })
      const items = rows.slice(0, limit)
      const last = items.at(-1)
      return toWire({ items, next: rows.length > limit && last !== undefined ? `${last.tenant}:${last.device}` : null })
    },
  )
  const one = { params, querystring: Type.Object(tenantQuery) }
  app.get(
    '/devices/:device',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read a device', ...one, response: answers(200, DeviceSchema) } },
    async (request) => found(await devices.get(tenantOf(request, request.query.tenant), request.params.device), `device ${request.params.device}`),
  )
  app.post(
    '/devices/:device/secret',
    {
      config: { scope: 'devices:write' },
      schema: {
        tags,
        summary: 'Rotate the secret; the old one stays valid for a while',
        description: ROTATION_REFUSED,
        params: one.params,
        querystring: Type.Object(rotationQuery),
        headers: IdempotencyHeader,
        response: answers(200, Type.Object({ device: Type.String(), secret: SecretSchema })),
      },
    },
    async (request) => {
      const { device } = request.params
      const tenant = tenantOf(request, request.query.tenant)
      return once(context, request, async () => ({ device, secret: await devices.rotate(tenant, device, request.query.end) }))
    },
  )
  app.delete(
    '/devices/:device',
    {
      config: { scope: 'devices:write' },
      schema: { tags, summary: 'Revoke a device; its sessions end, its readings stay', ...one, response: answers(204, Type.Null(), 'Revoked') },
    },
    async (request, reply) => {
      await devices.revoke(tenantOf(request, request.query.tenant), request.params.device)
      return reply.code(204).send()
    },
  )
}

function attributeRoute(app: App, { ports: { devices } }: RouteContext): void {
  app.patch(
    '/devices/:device',
    {
      config: { scope: 'devices:write' },
      schema: {
        tags,
        summary: 'Say something else of a device: where it stands, whose it is, of which batch; null takes it away',
        params,
        querystring: Type.Object(tenantQuery),
        body: AttributesSchema,
        response: answers(200, DeviceSchema),
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      return devices.setAttributes(tenant, request.params.device, request.body, actorOf(request))
    },
  )
}
