/** What the platform found: diagnoses, cases and the parts that open orders need. */
import { Type } from 'typebox'
import { SafetyClassSchema } from '#kernel/alarm.ts'
import { DIAGNOSIS_ANSWERS, DiagnosisSchema } from '#kernel/diagnosis.ts'
import { IdSchema } from '#kernel/ids.ts'
import { PartsDemandSchema } from '#kernel/parts-demand.ts'
import type { App, Request, RouteContext } from '../app.ts'
import type { HubQuery } from '../ports.ts'
import { answers, defined, found, listOf, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const word = Type.Optional(Type.String({ minLength: 1, maxLength: 64 }))
const device = Type.Optional(IdSchema)

interface ListQuery {
  readonly tenant?: string
  readonly limit?: number
  readonly cursor?: string
  readonly device?: string
  readonly state?: string
  readonly fault?: string
  readonly answer?: string
  readonly safety_class?: string
  readonly outlet?: string
  readonly engineer?: string
}

/** Query of a hub's list: page, tenant, and the rest as filters. */
export function hubQuery(request: Request & { readonly query: ListQuery }): HubQuery {
  const { tenant, limit: _limit, cursor: _cursor, safety_class: safetyClass, ...filters } = request.query
  return { tenant: tenantOf(request, tenant), ...defined({ ...filters, safetyClass }), ...pageOf(request.query) }
}

export function serviceRoutes(app: App, { ports, limits }: RouteContext): void {
  const { hubs } = ports
  app.get(
    '/diagnoses',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['diagnoses'],
        summary: 'List diagnoses, newest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          device,
          fault: word,
          answer: Type.Optional(Type.Enum([...DIAGNOSIS_ANSWERS])),
        }),
        response: answers(200, listOf(DiagnosisSchema)),
      },
    },
    async (request) => toWire(await hubs.diagnoses(hubQuery(request))),
  )
  app.get(
    '/diagnoses/:id',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['diagnoses'],
        summary: 'Read a diagnosis with its evidence',
        params: Type.Object({ id: IdSchema }),
        querystring: Type.Object(tenantQuery),
        response: answers(200, DiagnosisSchema),
      },
    },
    async (request) => found(await hubs.diagnosis?.(tenantOf(request, request.query.tenant), request.params.id), `diagnosis ${request.params.id}`),
  )
  app.get(
    '/cases',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['cases'],
        summary: 'List cases, newest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          device,
          state: word,
          fault: word,
          safety_class: Type.Optional(SafetyClassSchema),
        }),
        response: answers(200, listOf(Type.Object({}))),
      },
    },
    async (request) => toWire(await hubs.cases(hubQuery(request))),
  )
  app.get(
    '/parts/needs',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['parts'],
        summary: 'Parts that open work orders will probably need',
        querystring: Type.Object({ ...tenantQuery, ...pageQuery(limits), device }),
        response: answers(200, listOf(PartsDemandSchema)),
      },
    },
    async (request) => toWire(await hubs.partsNeeds(hubQuery(request))),
  )
}
