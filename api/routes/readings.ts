/** Readings: buckets for charts, and every stored reading as a stream of NDJSON that a slow reader holds back. */
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { epochMs } from '#kernel/clock.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, listOf, spanRefused, tenantOf, tenantQuery } from '../requests.ts'

const instant = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }))
const span = {
  from_ms: instant('Device time, included; a day before to_ms when absent'),
  to_ms: instant('Device time, not included; now when absent'),
}

const BucketSchema = Type.Object({
  t: Type.Integer({ description: 'Begin of the bucket' }),
  device: Type.String(),
  channel: Type.String(),
  mean: Type.Number(),
  min: Type.Number(),
  max: Type.Number(),
  n: Type.Integer({ description: 'Readings in it' }),
})

const rawAnswer: Record<number, object> = { 200: { description: 'NDJSON', content: { 'application/x-ndjson': { schema: Type.String() } } } }

const DAY_MS = 86_400_000
const POINTS_DEFAULT = 500
/** Characters of NDJSON gathered into one write. */
const CHUNK_CHARACTERS = 64 * 1024
const tags = ['readings']

export function readingRoutes(app: App, { ports, clock, limits }: RouteContext): void {
  // A device's clock may be ahead by as much as the limit; what it sent just now is part of "until now".
  const untilMs = (): number => clock.now() + limits.aheadMs_MAX
  app.get(
    '/readings',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Readings of a device in buckets with mean, min and max',
        querystring: Type.Object({
          ...tenantQuery,
          ...span,
          device: IdSchema,
          channels: Type.Optional(Type.String({ maxLength: 4_000, description: 'Names, separated by commas; all when absent' })),
          max_points: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: limits.apiPoints_MAX,
              default: Math.min(POINTS_DEFAULT, limits.apiPoints_MAX),
              description: `Most buckets a channel; lowered where all channels together would have more than ${limits.apiBuckets_MAX}`,
            }),
          ),
          tier: Type.Optional(
            Type.Enum(['auto', 'raw', 'hourly', 'daily'], {
              default: 'auto',
              description: 'auto: hours where buckets are whole hours; daily: local days of the device, those that begin in the span',
            }),
          ),
        }),
        response: answers(200, listOf(BucketSchema)),
      },
    },
    async (request) => {
      const { query } = request
      const items = await ports.readings.buckets({
        tenant: tenantOf(request, query.tenant),
        device: query.device,
        channels: query.channels === undefined ? [] : query.channels.split(',').filter((name) => name !== ''),
        ...spanOf(query, untilMs()),
        maxPoints: query.max_points ?? POINTS_DEFAULT,
        maxBuckets: limits.apiBuckets_MAX,
        tier: query.tier ?? 'auto',
      })
      return { items, next: null }
    },
  )
  app.get(
    '/readings/raw',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Every stored reading, one JSON record a line, in (device, boot, seq) order',
        querystring: Type.Object({ ...tenantQuery, ...span, device: Type.Optional(IdSchema) }),
        response: rawAnswer,
      },
    },
    async (request, reply) => {
      const { device } = request.query
      const records = ports.readings.raw({
        tenant: tenantOf(request, request.query.tenant),
        ...(device === undefined ? {} : { device }),
        ...spanOf(request.query, untilMs(), 0),
      })
      return reply.type('application/x-ndjson').send(Readable.from(lines(records), { objectMode: false }))
    },
  )
}

function spanOf(query: { readonly from_ms?: number; readonly to_ms?: number }, untilMs: number, fromDefaultMs?: number) {
  const to_ms = epochMs(query.to_ms ?? untilMs)
  const from_ms = epochMs(query.from_ms ?? fromDefaultMs ?? Math.max(0, to_ms - DAY_MS))
  if (from_ms >= to_ms) throw spanRefused()
  return { from_ms, to_ms }
}

async function* lines(records: AsyncIterable<object>): AsyncGenerator<string> {
  let chunk = ''
  for await (const record of records) {
    chunk += `${JSON.stringify(record)}\n`
    if (chunk.length >= CHUNK_CHARACTERS) {
      yield chunk
      chunk = ''
    }
  }
  if (chunk !== '') yield chunk
}
