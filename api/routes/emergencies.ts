/** Emergencies: dangers to life and property with each step and its time, acknowledging and resolving them, the duty roster, and drills. */
import { Type } from 'typebox'
import { SafetyClassSchema } from '#kernel/alarm.ts'
import { DutyRosterSchema } from '#kernel/duty-roster.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import {
  actorOf,
  answers,
  defined,
  found,
  IdempotencyHeader,
  listOf,
  mayBeEmpty,
  once,
  pageOf,
  pageQuery,
  tenantOf,
  tenantQuery,
  toWire,
} from '../requests.ts'

const textOrNull = Type.Union([Type.String(), Type.Null()])
const integerOrNull = Type.Union([Type.Integer(), Type.Null()])

const EmergencySchema = Type.Object({
  emergency_id: Type.String(),
  device: Type.String(),
  type: Type.String({ description: 'Appliance type' }),
  fault: Type.Union([Type.String(), Type.Null()], { description: 'Fault that the danger points to, when the catalogue names one' }),
  hazard: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description: 'What endangers the home: gas, carbon_monoxide, fire_or_shock, water, scald; else `fault:` or `rule:` with its id',
    }),
  ),
  alarm_id: Type.String(),
  work_order_id: Type.Union([Type.String(), Type.Null()], { description: 'Order of the same danger, when the ordinary hubs have opened it' }),
  safety_class: SafetyClassSchema,
  title: Type.String(),
  advice: Type.String(),
  state: Type.Enum(['raised', 'acknowledged', 'resolved', 'past']),
  is_drill: Type.Boolean(),
  raised_at_ms: Type.Integer(),
  created_at_ms: Type.Integer(),
  owner: Type.Union([Type.String(), Type.Null()], { description: 'Who has it now: a person on duty, `webhook:<endpoint>`, or who acknowledged' }),
  next_step_at_ms: Type.Union([Type.Integer(), Type.Null()], { description: 'When the ladder goes on; null when it is over' }),
  acknowledged_at_ms: integerOrNull,
  acknowledged_by: textOrNull,
  resolved_at_ms: integerOrNull,
  resolved_by: textOrNull,
  resolution: textOrNull,
  read_at_ms: Type.Union([Type.Integer(), Type.Null()], { description: 'When the household said that it read the advice' }),
  actions: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'Actions of the safe-state command' }),
  command_sent_at_ms: Type.Union([Type.Integer(), Type.Null()], { description: 'When the safe-state command first left; -1 = none is owed' }),
  command_id: textOrNull,
  command_state: Type.Union([Type.String(), Type.Null()], { description: 'State of the command' }),
  command_state_at_ms: integerOrNull,
  command_next_at_ms: Type.Union([Type.Integer(), Type.Null()], { description: 'When the command is sent again; null = no more' }),
})

const StepSchema = Type.Object({
  sequence: Type.Integer(),
  kind: Type.String({ description: 'raised, rung, call_taken, webhook, command, read, acknowledged, told_again, cleared, resolved, drill' }),
  at_ms: Type.Integer(),
  after_ms: Type.Integer({ description: 'Since it was raised here' }),
  detail: Type.Unknown(),
})

const DrillReportSchema = Type.Object({
  emergency_id: Type.String(),
  state: Type.String(),
  safety_class: SafetyClassSchema,
  raised_at_ms: Type.Integer(),
  first_webhook_ms: integerOrNull,
  first_call_taken_ms: integerOrNull,
  acknowledged_ms: integerOrNull,
  acknowledged_by: textOrNull,
  calls: Type.Integer(),
  steps: Type.Array(StepSchema),
})

const RosterRecordSchema = Type.Object({
  roster: DutyRosterSchema,
  on_duty: Type.Array(Type.String()),
  updated_at_ms: Type.Integer(),
  updated_by: Type.String(),
  next_drill_at_ms: integerOrNull,
})

const who = Type.String({ minLength: 1, maxLength: 100, description: 'Person who does it; absent = the key' })
const tags = ['emergencies']
const one = { params: Type.Object({ id: IdSchema }), querystring: Type.Object(tenantQuery) }

export function emergencyRoutes(app: App, context: RouteContext): void {
  readRoutes(app, context)
  handlingRoutes(app, context)
  rosterRoutes(app, context)
  drillRoutes(app, context)
}

function readRoutes(app: App, { ports, limits }: RouteContext): void {
  app.get(
    '/emergencies',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List emergencies, newest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          device: Type.Optional(IdSchema),
          state: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
        }),
        response: answers(200, listOf(EmergencySchema)),
      },
    },
    async (request) => {
      const { tenant, device, state, ...page } = request.query
      return toWire(await ports.emergencies.list({ tenant: tenantOf(request, tenant), ...defined({ device, state }), ...pageOf(page) }))
    },
  )
  app.get(
    '/emergencies/:id',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read an emergency', ...one, response: answers(200, EmergencySchema) } },
    async (request) =>
      found(await ports.emergencies.get(tenantOf(request, request.query.tenant), request.params.id), `emergency ${request.params.id}`),
  )
  app.get(
    '/emergencies/:id/steps',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'What was done about an emergency, each step with its time', ...one, response: answers(200, listOf(StepSchema)) },
    },
    async (request) => ({ items: await ports.emergencies.steps(tenantOf(request, request.query.tenant), request.params.id), next: null }),
  )
}

function handlingRoutes(app: App, { ports }: RouteContext): void {
  app.post(
    '/emergencies/:id/acknowledge',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Take an emergency on: nobody else is called, until it is not resolved in time',
        ...one,
        body: Type.Object({ by: Type.Optional(who), note: Type.Optional(Type.String({ maxLength: 1_000 })) }, { additionalProperties: false }),
        response: answers(200, EmergencySchema),
      },
      preValidation: mayBeEmpty,
    },
    async (request) => {
      const { by, note = '' } = request.body
      const given = { by: by === undefined ? actorOf(request) : `person:${by}`, via: 'api', note }
      return ports.emergencies.acknowledge({ tenant: tenantOf(request, request.query.tenant), id: request.params.id, ...given })
    },
  )
  app.post(
    '/emergencies/:id/resolve',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Say that an emergency is over, and why',
        ...one,
        body: Type.Object(
          { by: Type.Optional(who), reason: Type.String({ minLength: 3, maxLength: 1_000, pattern: '\\S\\s*\\S' }) },
          { additionalProperties: false },
        ),
        response: answers(200, EmergencySchema),
      },
    },
    async (request) => {
      const { by, reason } = request.body
      const given = { by: by === undefined ? actorOf(request) : `person:${by}`, reason }
      return ports.emergencies.resolve({ tenant: tenantOf(request, request.query.tenant), id: request.params.id, ...given })
    },
  )
}

function rosterRoutes(app: App, { ports }: RouteContext): void {
  app.get(
    '/duty-roster',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Read the duty roster', querystring: Type.Object(tenantQuery), response: answers(200, RosterRecordSchema) },
    },
    async (request) => found(await ports.emergencies.roster(tenantOf(request, request.query.tenant)), 'duty roster; the standard ladder is in force'),
  )
  app.put(
    '/duty-roster',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Set who is called to emergencies, when, and up which ladder',
        querystring: Type.Object(tenantQuery),
        body: DutyRosterSchema,
        response: answers(200, RosterRecordSchema),
      },
    },
    async (request) => ports.emergencies.setRoster(tenantOf(request, request.query.tenant), request.body, actorOf(request)),
  )
}

const NewDrillSchema = Type.Object(
  {
    device: Type.Optional({ ...IdSchema, description: 'Unit that it pretends to be about; none is commanded' }),
    safety_class: Type.Optional(Type.Enum(['E0', 'E1'])),
    tells_household: Type.Optional(Type.Boolean({ description: 'Sends the advice, marked as a drill, and waits for its receipt; off unless asked' })),
  },
  { additionalProperties: false },
)

function drillRoutes(app: App, context: RouteContext): void {
  const { emergencies } = context.ports
  app.post(
    '/emergency-drills',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Raise an emergency that is none, on the same path; no appliance is commanded',
        querystring: Type.Object(tenantQuery),
        headers: IdempotencyHeader,
        body: NewDrillSchema,
        response: answers(202, Type.Object({ emergency_id: Type.String() }), 'Raised'),
      },
      preValidation: mayBeEmpty,
    },
    async (request, reply) => {
      const { device, safety_class: safetyClass, tells_household: tellsHousehold } = request.body
      const given = { tenant: tenantOf(request, request.query.tenant), device, safetyClass, tellsHousehold, by: actorOf(request) }
      return reply.code(202).send(await once(context, request, () => emergencies.drill(given)))
    },
  )
  app.get(
    '/emergency-drills/:id',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Report of a drill with the time of each step', ...one, response: answers(200, DrillReportSchema) },
    },
    async (request) => emergencies.drillReport(tenantOf(request, request.query.tenant), request.params.id),
  )
}
