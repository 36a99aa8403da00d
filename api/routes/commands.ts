/** Commands to devices: give, list, read, cancel. Each is a record with state that is owed until the device answers or it expires. */
import { Type } from 'typebox'
import { COMMAND_NAME_PATTERN, COMMAND_STATES, CommandSchema } from '#kernel/command.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import {
  actorOf,
  answers,
  defined,
  found,
  IdempotencyHeader,
  INSTANT_MAX,
  listOf,
  once,
  pageOf,
  pageQuery,
  tenantOf,
  tenantQuery,
  toWire,
} from '../requests.ts'

const tags = ['commands']
const ofDevice = { params: Type.Object({ device: IdSchema }) }
const one = { params: Type.Object({ id: IdSchema }), querystring: Type.Object(tenantQuery) }

const NewCommandSchema = Type.Object(
  {
    name: Type.String({ pattern: COMMAND_NAME_PATTERN, description: 'What the firmware knows it by, e.g. restart' }),
    payload: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    expires_at_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: INSTANT_MAX, description: 'Without it a day from now' })),
  },
  { additionalProperties: false },
)

export function commandRoutes(app: App, context: RouteContext): void {
  const { twin, devices } = context.ports
  app.post(
    '/devices/:device/commands',
    {
      config: { scope: 'commands:write' },
      schema: {
        tags,
        summary: 'Give a device a command',
        description: 'It is kept and sent until the device answers or it expires, also when the device is away now.',
        ...ofDevice,
        querystring: Type.Object(tenantQuery),
        headers: IdempotencyHeader,
        body: NewCommandSchema,
        response: answers(201, CommandSchema, 'The command, queued'),
      },
    },
    async (request, reply) => {
      const given = { ...request.body, tenant: tenantOf(request, request.query.tenant), device: request.params.device, actor: actorOf(request) }
      return reply.code(201).send(await once(context, request, () => twin.giveCommand(given)))
    },
  )
  app.get(
    '/devices/:device/commands',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List the commands of a device, newest first',
        ...ofDevice,
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(context.limits), state: Type.Optional(Type.Enum([...COMMAND_STATES])) }),
        response: answers(200, listOf(CommandSchema)),
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      const { device } = request.params
      found(await devices.get(tenant, device), `device ${device}`)
      return toWire(await twin.commands({ tenant, device, ...defined({ state: request.query.state }), ...pageOf(request.query) }))
    },
  )
  app.get(
    '/commands/:id',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read a command with what became of it', ...one, response: answers(200, CommandSchema) } },
    async (request) => found(await twin.command(tenantOf(request, request.query.tenant), request.params.id), `command ${request.params.id}`),
  )
  app.delete(
    '/commands/:id',
    {
      config: { scope: 'commands:write' },
      schema: {
        tags,
        summary: 'Cancel a command; it is not sent again',
        description: 'A device that has it already is not told.',
        ...one,
        response: answers(200, CommandSchema),
      },
    },
    async (request) => twin.cancelCommand({ tenant: tenantOf(request, request.query.tenant), commandId: request.params.id, actor: actorOf(request) }),
  )
}
