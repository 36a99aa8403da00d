/** Work orders and the way back: what the dispatch system says of them, once per Idempotency-Key. */
import { Type } from 'typebox'
import { SafetyClassSchema } from '#kernel/alarm.ts'
import { AudiencePacketSchema, PACKET_AUDIENCES } from '#kernel/audience-packet.ts'
import { IdSchema } from '#kernel/ids.ts'
import { WorkOrderEventSchema, WorkOrderSchema, WorkOrderStateSchema } from '#kernel/work-order.ts'
import type { App, RouteContext } from '../app.ts'
import { actorOf, answers, etagNumber, found, listOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'
import { hubQuery } from './service.ts'

const EventHeaders = Type.Object({
  'idempotency-key': Type.String({ minLength: 1, maxLength: 200 }),
  'if-match': Type.Optional(Type.String({ maxLength: 40, description: 'ETag that the caller saw' })),
})

const tags = ['work orders']
const one = { params: Type.Object({ id: IdSchema }), querystring: Type.Object(tenantQuery) }

const MoveSchema = Type.Object({
  sequence: Type.Integer(),
  kind: Type.Enum(['move', 'remark']),
  type: Type.String({ description: 'State that it moved to, or the kind of remark' }),
  from: Type.String(),
  to: Type.String(),
  actor: Type.String({ description: 'Who is said to have done it' }),
  told_by: Type.Union([Type.String(), Type.Null()], { description: 'Key by which it was told, `key:<id>`; null = Mendline by itself' }),
  at_ms: Type.Integer({ description: 'When it happened, as its teller says' }),
  recorded_at_ms: Type.Integer(),
  reason: Type.String(),
  data: Type.Unknown(),
})

export function workOrderRoutes(app: App, { ports, limits }: RouteContext): void {
  const { hubs } = ports
  app.get(
    '/work-orders',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List work orders, newest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          device: Type.Optional(IdSchema),
          state: Type.Optional(WorkOrderStateSchema),
          fault: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
          safety_class: Type.Optional(SafetyClassSchema),
          outlet: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
          engineer: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
        }),
        response: answers(200, listOf(WorkOrderSchema)),
      },
    },
    async (request) => toWire(await hubs.workOrders(hubQuery(request))),
  )
  app.get(
    '/work-orders/:id',
    { config: { scope: 'read' }, schema: { tags, summary: 'Read a work order with its packet', ...one, response: answers(200, WorkOrderSchema) } },
    async (request, reply) => {
      const order = found(await hubs.workOrder(tenantOf(request, request.query.tenant), request.params.id), `work order ${request.params.id}`)
      const etag = `"${order.revision}"`
      reply.header('etag', etag)
      return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.send(order)
    },
  )
  evidenceRoute(app, hubs)
  packetRoute(app, hubs)
  app.get(
    '/work-orders/:id/events',
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'History of a work order, oldest first', ...one, response: answers(200, listOf(MoveSchema)) },
    },
    async (request) => {
      const tenant = tenantOf(request, request.query.tenant)
      found(await hubs.workOrder(tenant, request.params.id), `work order ${request.params.id}`)
      return { items: await hubs.workOrderMoves(tenant, request.params.id), next: null }
    },
  )
  app.post(
    '/work-orders/:id/events',
    {
      config: { scope: 'orders:write' },
      schema: {
        tags,
        summary: 'Say what happened to a work order',
        description: 'Moves the order when `type` is a state, remarks otherwise. An illegal move is refused with 409.',
        ...one,
        headers: EventHeaders,
        body: WorkOrderEventSchema,
        response: answers(200, WorkOrderSchema, 'The order behind the event'),
      },
    },
    async (request, reply) => {
      const revision = etagNumber(request.headers['if-match'])
      const order = await hubs.workOrderEvent(
        tenantOf(request, request.query.tenant),
        request.params.id,
        request.body,
        request.headers['idempotency-key'],
        { expectedRevision: revision, by: actorOf(request) },
      )
      return reply.header('etag', `"${order.revision}"`).send(order)
    },
  )
}

function evidenceRoute(app: App, hubs: RouteContext['ports']['hubs']): void {
  app.get(
    '/work-orders/:id/evidence.svg',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The evidence of a work order as a picture (SVG)',
        description: 'Bars of the z-scores with what was observed and expected; the signs themselves stay in the language of the packet.',
        params: one.params,
        querystring: Type.Object({ ...tenantQuery, locale: Type.Optional(Type.Enum(['en', 'zh-CN'], { default: 'en' })) }),
        produces: ['image/svg+xml'],
        response: answers(200, Type.String()),
      },
    },
    async (request, reply) => {
      const { tenant, locale } = request.query
      const svg = await hubs.workOrderEvidence(tenantOf(request, tenant), request.params.id, locale ?? 'en')
      return reply
        .type('image/svg+xml; charset=utf-8')
        .header('content-security-policy', "default-src 'none'")
        .send(found(svg, `work order ${request.params.id}`))
    },
  )
}

/** The page holds its own style and nothing else. */
const PAGE_HEADERS = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

function packetRoute(app: App, hubs: RouteContext['ports']['hubs']): void {
  app.get(
    '/work-orders/:id/packet',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'The packet as the household, the engineer or the call-centre agent reads it',
        description:
          'Sections from one source in the language asked for; the household reads no codes, figures of evidence or names. `format=html`, or a caller that accepts text/html, gets a page to show or print.',
        params: one.params,
        querystring: Type.Object({
          ...tenantQuery,
          audience: Type.Optional(Type.Enum([...PACKET_AUDIENCES], { default: 'engineer' })),
          locale: Type.Optional(Type.Enum(['en', 'zh-CN'], { default: 'en' })),
          format: Type.Optional(Type.Enum(['json', 'html'], { description: 'Absent: by the Accept header' })),
        }),
        produces: ['application/json', 'text/html'],
        response: answers(200, AudiencePacketSchema),
      },
    },
    async (request, reply) => {
      const { tenant, audience = 'engineer', locale = 'en', format } = request.query
      const reading = { tenant: tenantOf(request, tenant), id: request.params.id, audience, locale }
      const isPage = format === 'html' || (format === undefined && request.headers.accept?.includes('text/html') === true)
      if (!isPage) return found(await hubs.workOrderPacket(reading), `work order ${request.params.id}`)
      const page = found(await hubs.workOrderPacketPage(reading), `work order ${request.params.id}`)
      // The page is no record of the schema.
      return reply
        .headers(PAGE_HEADERS)
        .type('text/html; charset=utf-8')
        .serializer(String)
        .send(page as never)
    },
  )
}
