/** Quarantine: what was kept out of the readings, with the reason and the raw bytes. */
import { Type } from 'typebox'
import { IdSchema } from '#kernel/ids.ts'
import type { App, RouteContext } from '../app.ts'
import { answers, foreignCursor, listOf, pageOf, pageQuery, tenantOf, tenantQuery, toWire } from '../requests.ts'

const EntrySchema = Type.Object({
  id: Type.Integer(),
  tenant: Type.String(),
  device: Type.String(),
  received_at_ms: Type.Integer(),
  observed_at_ms: Type.Union([Type.Integer(), Type.Null()]),
  code: Type.String(),
  field: Type.String({ description: 'Path in the payload; empty = the whole' }),
  reason: Type.String(),
  kind: Type.String(),
  raw_base64: Type.String(),
  raw_text: Type.Union([Type.String(), Type.Null()], { description: 'The first 1,000 characters when the bytes are UTF-8' }),
})

export function quarantineRoutes(app: App, { ports, limits }: RouteContext): void {
  app.get(
    '/quarantine',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['quarantine'],
        summary: 'List what was kept out, oldest first',
        querystring: Type.Object({
          ...tenantQuery,
          ...pageQuery(limits),
          device: Type.Optional(IdSchema),
          code: Type.Optional(Type.String({ pattern: '^MDL_[A-Z_]{1,60}$' })),
        }),
        response: answers(200, listOf(EntrySchema)),
      },
    },
    async (request) => {
      const { device, code } = request.query
      const { limit, after = '0' } = pageOf(request.query)
      if (!/^\d{1,15}$/.test(after)) throw foreignCursor()
      const entries = await ports.quarantine.quarantined({
        tenant: tenantOf(request, request.query.tenant),
        ...(device === undefined ? {} : { device }),
        ...(code === undefined ? {} : { code }),
        after: Number(after),
        limit,
        maxRawBytes: limits.apiQuarantineBytes_MAX,
      })
      const rawBytes = entries.reduce((sum, { raw }) => sum + raw.length, 0)
      const isCut = entries.length === limit || rawBytes >= limits.apiQuarantineBytes_MAX
      const last = entries.at(-1)
      const items = entries.map(({ raw, observed_at_ms, ...entry }) => ({
        ...entry,
        observed_at_ms: observed_at_ms ?? null,
        raw_base64: Buffer.from(raw).toString('base64'),
        raw_text: textOf(raw),
      }))
      return toWire({ items, next: isCut && last !== undefined ? String(last.id) : null })
    },
  )
}

/** Characters of the bytes as text; the whole stands in `raw_base64`. */
const TEXT_CHARACTERS = 1_000

function textOf(raw: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(raw)
    return text.slice(0, TEXT_CHARACTERS).toWellFormed()
  } catch {
    return null
  }
}
