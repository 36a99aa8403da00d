/** Alarms, what people do with them (acknowledge, assign, snooze), maintenance windows, and the groups that one cause explains. */
import { Type } from 'typebox'
import { type Alarm, AlarmSchema, SafetyClassSchema } from '#kernel/alarm.ts'
import { GROUP_SCOPES, KnownGroupSchema } from '#kernel/alarm-group.ts'
import { MendlineError } from '#kernel/errors.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, found, listOf, openSpanOf, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'
import { hubQuery } from './service.ts'

const tags = ['alarms']
const instant = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const orNull = (schema: ReturnType<typeof Type.Integer> | ReturnType<typeof Type.String>) => Type.Union([schema, Type.Null()])
const HandledAlarmSchema = Type.Object({
  ...AlarmSchema.properties,
  acknowledged_at_ms: orNull(Type.Integer()),
  acknowledged_by: orNull(Type.String()),
  assigned_to: orNull(Type.String()),
  snoozed_until_ms: orNull(Type.Integer({ description: 'Until then the rule opens no order on the unit' })),
  quiet_by: orNull(Type.String({ description: 'What kept it from opening an order: a maintenance window, a snooze or a group' })),
})
const Any = Type.Object({}, { additionalProperties: true })

const UNTOUCHED = { acknowledged_at_ms: null, acknowledged_by: null, assigned_to: null, snoozed_until_ms: null, quiet_by: null }

export function alarmRoutes(app: App, context: RouteContext): void {
  listRoutes(app, context)
  groupRoutes(app, context)
  maintenanceRoutes(app, context)
  const { alarms } = context.ports
  app.post(
    '/alarms/:id/handling',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Acknowledge, assign or snooze an alarm',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        body: Type.Object(
          {
            acknowledge: Type.Optional(Type.Boolean()),
            assign_to: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 128 }), Type.Null()])),
            snooze_until_ms: Type.Optional(Type.Union([instant, Type.Null()])),
          },
          { additionalProperties: false, minProperties: 1 },
        ),
        response: answers(200, Any),
      },
    },
    async (request) => alarms.handleAlarm(tenantOf(request, request.query.tenant), request.params.id, request.body, actorOf(request)),
  )
}

function listRoutes(app: App, { ports: { alarms, hubs }, limits }: RouteContext): void {
  /** The alarms with what people did with them. */
  const handled = async (tenant: string, items: readonly Alarm[]): Promise<object[]> => {
    const known = await alarms.handlingOf(
      tenant,
      items.map(({ alarm_id }) => alarm_id),
    )
    return items.map((alarm) => ({ ...alarm, ...(known.get(alarm.alarm_id) ?? UNTOUCHED) }))
  }
  app.get(
    '/alarms',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List alarms, newest first',
        querystring: Type.Object({
          ...{ ...tenantQuery, ...pageQuery(limits) },
          device: Type.Optional(IdSchema),
          safety_class: Type.Optional(SafetyClassSchema),
        }),
        response: answers(200, listOf(HandledAlarmSchema)),
      },
    },
    async (request) => {
      const query = hubQuery(request)
      const { items, next } = await hubs.alarms(query)
      return toWire({ items: await handled(query.tenant, items), next })
    },
  )
  app.get(
    '/alarms/:id',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Read an alarm with its evidence and what people did with it',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, HandledAlarmSchema),
      },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      const alarm = found(await hubs.alarm(tenant, request.params.id), `alarm ${request.params.id}`)
      return (await handled(tenant, [alarm]))[0]
    },
  )
}

function groupRoutes(app: App, { ports: { alarms }, limits }: RouteContext): void {
  const config = { scope: 'read' as const }
  app.get(
    '/alarm-groups',
    {
      config,
      schema: {
        tags,
        summary: 'Groups of alarms that one cause explains, newest first',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(limits) }),
        response: answers(200, listOf(KnownGroupSchema)),
      },
    },
    async (request) => toWire(await alarms.alarmGroups({ tenant: tenantOf(request, request.query.tenant), ...pageOf(request.query) })),
  )
  app.get(
    '/alarm-groups/compression',
    {
      config,
      schema: {
        tags,
        summary: 'Alarms a group, of the groups that began between two device times',
        querystring: Type.Object({ ...tenantQuery, from_ms: Type.Optional(instant), to_ms: Type.Optional(instant) }),
        response: answers(200, Type.Object({ alarms: Type.Integer(), groups: Type.Integer(), ratio: Type.Number() })),
      },
    },
    async (request) => {
      const { tenant, ...span } = request.query
      return alarms.compression(tenantOf(request, tenant), openSpanOf(span))
    },
  )
}

function maintenanceRoutes(app: App, { ports: { alarms }, limits, clock }: RouteContext): void {
  app.get(
    '/maintenance-windows',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Maintenance windows that are not over',
        querystring: Type.Object({ ...tenantQuery, from_ms: Type.Optional(instant) }),
        response: answers(200, listOf(Any)),
      },
    },
    async (request) => ({
      items: await alarms.maintenance(tenantOf(request, request.query.tenant), request.query.from_ms ?? clock.now(), limits.apiPage_MAX),
      next: null,
    }),
  )
  app.post(
    '/maintenance-windows',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Plan maintenance: alarms of these units open no orders meanwhile, dangers do',
        querystring: Type.Object(tenantQuery),
        body: Type.Object(
          {
            scope: Type.Enum(['all', ...GROUP_SCOPES]),
            scope_value: Type.Optional(Type.String({ maxLength: 200 })),
            from_ms: instant,
            to_ms: instant,
            reason: Type.Optional(Type.String({ maxLength: 500 })),
          },
          { additionalProperties: false },
        ),
        response: answers(201, Any),
      },
    },
    async (request, reply) => {
      const { scope_value = '', reason = '', ...window } = request.body
      const tenant = tenantOf(request, request.query.tenant)
      return reply.code(201).send(await alarms.planMaintenance(tenant, { ...window, scope_value, reason }, actorOf(request)))
    },
  )
  app.delete(
    '/maintenance-windows/:id',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Take a maintenance window back',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        response: answers(204, Type.Null()),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      if (await alarms.endMaintenance(tenantOf(request, request.query.tenant), id)) return reply.code(204).send(null)
      throw new MendlineError('MDL_API_NOT_FOUND', `there is no maintenance window ${id}`)
    },
  )
}
