/** Cohorts: batches and firmware versions by fault, with the evidence that they fail more often than their time in service explains. */
import { Type } from 'typebox'
import type { App, RouteContext } from '../app.ts'
import { answers, foreignCursor, listOf, pageOf, pageQuery, tenantOf, tenantQuery } from '../requests.ts'

const CohortSchema = Type.Object({
  type: Type.String(),
  scope: Type.Enum(['batch', 'firmware']),
  cohort: Type.String({ description: 'Batch or firmware version' }),
  fault: Type.String(),
  fault_name: Type.String(),
  state: Type.Enum(['flagged', 'watched']),
  units: Type.Integer(),
  exposure_unit_days: Type.Number({ description: 'Days under watch, of all its units together' }),
  events: Type.Integer({ description: 'Units that got the fault' }),
  expected: Type.Number({ description: 'Units that would have got it by their ages, at the rate of the rest of the fleet' }),
  rate_ratio: Type.Union([Type.Number(), Type.Null()], { description: 'events over expected; null where nothing was expected' }),
  evidence_ratio: Type.Number({ description: 'Greatest evidence so far over the threshold; flagged at 1' }),
  first_event_ms: Type.Union([Type.Integer(), Type.Null()]),
  flagged_at_ms: Type.Union([Type.Integer(), Type.Null()]),
})

const tags = ['cohorts']

export function cohortRoutes(app: App, { ports, limits }: RouteContext): void {
  app.get(
    '/cohorts',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Batches and firmware versions by fault against the rest of the fleet, flagged first, then by evidence',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          state: Type.Optional(Type.Enum(['flagged', 'watched'])),
          scope: Type.Optional(Type.Enum(['batch', 'firmware'])),
          type: Type.Optional(Type.String({ maxLength: 80 })),
        }),
        response: answers(200, listOf(CohortSchema)),
      },
    },
    async (request) => {
      const { tenant, state, scope, type } = request.query
      const { limit, after = '0' } = pageOf(request.query)
      if (!/^\d{1,9}$/.test(after)) throw foreignCursor()
      const all = (await ports.cohorts.list(tenantOf(request, tenant))).filter(
        (record) =>
          (state === undefined || record.state === state) &&
          (scope === undefined || record.scope === scope) &&
          (type === undefined || record.type === type),
      )
      const from = Number(after)
      const next = from + limit < all.length ? Buffer.from(String(from + limit)).toString('base64url') : null
      return { items: all.slice(from, from + limit), next }
    },
  )
}
