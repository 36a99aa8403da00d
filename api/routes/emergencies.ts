/** Emergencies: dangers to life and property, each with how far its safe-state command came. */
import { Type } from 'typebox'
import { SafetyClassSchema } from '#kernel/alarm.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, listOf, pageQuery, tenantQuery, toWire } from '../requests.ts'
import { hubQuery } from './service.ts'

const textOrNull = Type.Union([Type.String(), Type.Null()])
const integerOrNull = Type.Union([Type.Integer(), Type.Null()])

const EmergencySchema = Type.Object({
  emergency_id: Type.String(),
  device: Type.String(),
  alarm_id: Type.String(),
  work_order_id: Type.String(),
  safety_class: SafetyClassSchema,
  title: Type.String(),
  advice: Type.String(),
  state: Type.String(),
  raised_at_ms: Type.Integer(),
  command_sent_at_ms: Type.Union([Type.Integer(), Type.Null()], { description: 'When the safe-state command first left; -1 = none is owed' }),
  command_id: textOrNull,
  command_state: Type.Union([Type.String(), Type.Null()], { description: 'State of the command, or overdue' }),
  command_state_at_ms: integerOrNull,
})

export function emergencyRoutes(app: App, { ports, limits }: RouteContext): void {
  app.get(
    '/emergencies',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['emergencies'],
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
    async (request) => toWire(await ports.hubs.emergencies(hubQuery(request))),
  )
}
