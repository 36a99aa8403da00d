/** Verified repair as it is read: labels, where each comes from, signs of repairs that were none, and how diagnoses did at the visits behind them. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import { LabelSchema, LineageSchema, LiveScoreSchema, RepairSignSchema } from '#kernel/lineage.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, defined, found, listOf, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const tags = ['verified repair']
const word = Type.Optional(Type.String({ minLength: 1, maxLength: 128 }))
const time = (description: string) => Type.Optional(Type.Integer({ minimum: 0, description }))
const one = { params: Type.Object({ id: IdSchema }), querystring: Type.Object(tenantQuery), response: answers(200, LineageSchema) }

export function lineageRoutes(app: App, context: RouteContext): void {
  lineages(app, context)
  lists(app, context)
}

function lineages(app: App, { ports: { lineage } }: RouteContext): void {
  app.get(
    '/labels/:id/lineage',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'What a label rests on: readings, windows, diagnosis, order with moves, outcome', ...one },
    },
    async (request) => found(await lineage.ofLabel(tenantOf(request, request.query.tenant), request.params.id), `label ${request.params.id}`),
  )
  app.get(
    '/work-orders/:id/lineage',
    { config: { scope: 'read' }, schema: { tags, summary: 'What a work order rests on, and what was made of it', ...one } },
    async (request) => found(await lineage.ofOrder(tenantOf(request, request.query.tenant), request.params.id), `work order ${request.params.id}`),
  )
}

function lists(app: App, { ports: { lineage }, limits }: RouteContext): void {
  const paged = { ...tenantQuery, ...pageQuery(limits), device: Type.Optional(IdSchema) }
  app.get(
    '/labels',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List the outcomes of visits as labels, newest first, with what each is worth',
        querystring: Type.Object({ ...paged, fault: word }),
        response: answers(200, listOf(LabelSchema)),
      },
    },
    async (request) => {
      const { device, fault, tenant } = request.query
      return toWire(await lineage.labels({ tenant: tenantOf(request, tenant), ...defined({ device, fault }), ...pageOf(request.query) }))
    },
  )
  app.get(
    '/repair-signs',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List signs that a repair was none or was coded wrongly, newest first',
        querystring: Type.Object({ ...paged, sign: word, engineer: word }),
        response: answers(200, listOf(RepairSignSchema)),
      },
    },
    async (request) => {
      const { device, sign, engineer, tenant } = request.query
      return toWire(
        await lineage.repairSigns({ tenant: tenantOf(request, tenant), ...defined({ device, sign, engineer }), ...pageOf(request.query) }),
      )
    },
  )
  app.get(
    '/models/live',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Precision, recall and no-fault-found of diagnoses at the visits behind them, by model version, fault and origin',
        querystring: Type.Object({
          ...tenantQuery,
          type: word,
          from_ms: time('Labels from this time of receipt on'),
          to_ms: time('Labels before this time of receipt'),
        }),
        response: answers(200, listOf(LiveScoreSchema)),
      },
    },
    async (request) => {
      const { tenant, ...query } = request.query
      return { items: await lineage.liveScores({ tenant: tenantOf(request, tenant), ...query }), next: null }
    },
  )
}
