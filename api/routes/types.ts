/** Appliance types: those of the catalogue and those that users registered. */
import { Type } from 'typebox'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import { UNITS } from '#kernel/units.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, found, IdempotencyHeader, listOf, once, tenantOf, tenantQuery } from '../requests.ts'

const NAME_PATTERN = '^[a-z][a-z0-9_]{0,62}$'

const channelName = Type.String({ pattern: NAME_PATTERN })
const IDENTITIES_MAX = 16
const MEMBERS_MAX = 16

/** How the quality of a channel is judged; `docs/quality.md` says what each bound does. */
const QualitySchema = Type.Object(
  {
    stuck_after_s: Type.Optional(Type.Number({ minimum: 60 })),
    stuck_tolerance: Type.Optional(Type.Number({ minimum: 0 })),
    stuck_drivers: Type.Optional(Type.Array(Type.Object({ channel: channelName, moves: Type.Number() }), { maxItems: MEMBERS_MAX })),
    rate_per_min_max: Type.Optional(Type.Number()),
    change_max: Type.Optional(Type.Number()),
    spike_max: Type.Optional(Type.Number()),
    on_event: Type.Optional(Type.Boolean()),
    compared_after_update: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const IdentitySchema = Type.Object(
  {
    id: IdSchema,
    equal: Type.Array(Type.Object({ channel: channelName, tolerance: Type.Number() }), { minItems: 3, maxItems: MEMBERS_MAX }),
    when: Type.Object({ channel: channelName, op: Type.Enum(['<=', '>']), value: Type.Number(), settle_s: Type.Number({ minimum: 0 }) }),
    spread: Type.Number(),
  },
  { additionalProperties: false },
)

/** How the own normal of each device of the type is learned; `docs/learn-normal.md`. */
const LearnNormalSchema = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean({ description: 'false = no anomalies of this type' })),
    learn_readings: Type.Optional(Type.Integer({ minimum: 1, description: 'Readings of a device that are learned from' })),
    step_s: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, description: 'Readings are averaged over this time' })),
    alerts_per_1000_unit_weeks: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'Alert budget; the threshold follows from it' })),
  },
  { additionalProperties: false },
)

const newTypeSchema = ({ channelsPerReading_MAX }: Pick<Limits, 'channelsPerReading_MAX'>) =>
  Type.Object(
    {
      type: IdSchema,
      name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      channels: Type.Array(
        Type.Object(
          {
            name: Type.String({ pattern: NAME_PATTERN, description: 'Ends in its unit, e.g. power_w' }),
            kind: Type.Optional(Type.Enum(['number', 'boolean', 'text'])),
            unit: Type.Optional(Type.String({ maxLength: 16, description: 'Taken from the name when absent' })),
            min: Type.Optional(Type.Number()),
            max: Type.Optional(Type.Number()),
            aggregated: Type.Optional(Type.Boolean({ description: 'May come as {min, mean, max}' })),
            description: Type.Optional(Type.String({ maxLength: 200 })),
            quality: Type.Optional(QualitySchema),
          },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: channelsPerReading_MAX },
      ),
      learn_normal: Type.Optional(LearnNormalSchema),
      identities: Type.Optional(Type.Array(IdentitySchema, { maxItems: IDENTITIES_MAX })),
    },
    { additionalProperties: false },
  )

const TypeSchema = Type.Object({
  type: Type.String(),
  version: Type.String(),
  name: Type.String(),
  channels: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.String(),
      unit: Type.String({ description: 'As `POST /types` takes it' }),
      ucum: Type.String({ description: 'The unit as UCUM code' }),
      label: Type.String(),
      min: Type.Number(),
      max: Type.Number(),
      aggregated: Type.Boolean(),
      safety: Type.Boolean(),
      description: Type.String(),
    }),
  ),
  settings: Type.Array(
    Type.Object({
      name: Type.String(),
      kind: Type.String(),
      unit: Type.String(),
      min: Type.Optional(Type.Number()),
      max: Type.Optional(Type.Number()),
      choices: Type.Optional(Type.Array(Type.String())),
      description: Type.String(),
    }),
    { description: 'What may be set from afar; empty = settings are not checked' },
  ),
  faults: Type.Array(Type.Object({ fault: Type.String(), name: Type.String(), safety_class: Type.String(), found_by: Type.Array(Type.String()) })),
})

const tags = ['types']

export function typeRoutes(app: App, context: RouteContext): void {
  const { types } = context.ports
  app.get(
    '/types',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'List appliance types', querystring: Type.Object(tenantQuery), response: answers(200, listOf(TypeSchema)) },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      return { items: types.list(tenant).map((type) => typeToWire(type, tenant)), next: null }
    },
  )
  app.get(
    '/types/:type',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Read an appliance type',
        params: Type.Object({ type: Type.String({ maxLength: 64 }) }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, TypeSchema),
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      return typeToWire(found(types.find(tenant, request.params.type), `type ${request.params.type}`), tenant)
    },
  )
  app.post(
    '/types',
    {
      config: { scope: 'devices:write' },
      schema: {
        tags,
        summary: "Register a type of one's own; the same again changes nothing, further channels are added",
        headers: IdempotencyHeader,
        querystring: Type.Object(tenantQuery),
        body: newTypeSchema(context.limits),
        response: answers(201, TypeSchema),
      },
    },
    async (request, reply) => {
      const tenant = tenantOf(request, request.query.tenant)
      return reply.code(201).send(await once(context, request, async () => typeToWire(await types.register(tenant, request.body), tenant)))
    },
  )
}

/** A user's own type has the tenant before its name inside; on the wire it is the name as registered. */
function typeToWire(type: ApplianceType, tenant: string): object {
  return {
    type: type.id.startsWith(`${tenant}.`) ? type.id.slice(tenant.length + 1) : type.id,
    version: type.version,
    name: type.name.en,
    channels: type.channels.map((channel) => ({
      name: channel.name,
      kind: channel.kind,
      unit: channel.unit,
      ucum: UNITS[channel.unit].ucum,
      label: UNITS[channel.unit].label,
      min: channel.min,
      max: channel.max,
      aggregated: channel.isAggregated,
      safety: channel.isSafety,
      description: channel.description.en,
    })),
    settings: (type.settings ?? []).map(({ description, ...setting }) => ({ ...setting, description: description.en })),
    faults: type.faults.map((fault) => ({ fault: fault.code, name: fault.name.en, safety_class: fault.safetyClass, found_by: fault.foundBy })),
  }
}
