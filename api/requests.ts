/** What the routes share: whose data a request may touch, pages of lists, and the one run of a POST with an Idempotency-Key. */
import { Type } from 'typebox'
import { MendlineError } from '#kernel/errors.ts'
import { IdSchema } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Request, RouteContext } from './app.ts'
import { ProblemSchema } from './problems.ts'

/** Query of every list. */
export const pageQuery = ({ apiPage_MAX }: Pick<Limits, 'apiPage_MAX'>) => ({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: apiPage_MAX, default: Math.min(PAGE_DEFAULT, apiPage_MAX), description: 'Records in one answer' }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the answer before' })),
})

export const tenantQuery = { tenant: Type.Optional({ ...IdSchema, description: 'Other tenant than the own; needs the scope admin' }) }

/** Query of a rotation: which of two valid secrets ends. */
export const rotationQuery = {
  ...tenantQuery,
  end: Type.Optional(Type.Enum(['older', 'newer'], { description: 'Ends at once: the `older`, or the `newer` that nobody has taken up' })),
}

/** What a rotation of the secret of a device or gateway says of itself. */
export const ROTATION_REFUSED =
  'Refused (409 MDL_API_CONFLICT, `details.previous_until_ms`) while an older secret is valid beside the one in force, unless `end` says which of the two ends now.'

const PAGE_DEFAULT = 100

/** Tenant that the request works in: the key's own, or the named one when the key is an admin's. @throws MDL_API_FORBIDDEN */
export function tenantOf(request: Request, named: string | undefined): string {
  const { caller } = request
  if (caller === undefined) throw new MendlineError('MDL_API_UNAUTHORISED', 'the request carries no API key')
  if (named === undefined || named === caller.tenant) return caller.tenant
  if (!caller.scopes.has('admin')) throw new MendlineError('MDL_API_FORBIDDEN', `the key belongs to the tenant ${caller.tenant}`)
  return named
}

/** A span that may be open at both ends. @throws MDL_API_INVALID when it ends before it begins */
export function openSpanOf({ from_ms = 0, to_ms = Number.MAX_SAFE_INTEGER }: { readonly from_ms?: number; readonly to_ms?: number }) {
  if (from_ms < to_ms) return { from_ms, to_ms }
  throw spanRefused()
}

/** Refusal of a span that ends before it begins. */
export const spanRefused = (): MendlineError =>
  new MendlineError('MDL_API_INVALID', 'from_ms lies at or behind to_ms', {
    details: { errors: [{ field: 'querystring.from_ms', reason: 'must be less than to_ms' }] },
  })

/** Who is behind a request, as it stands in histories. */
export const actorOf = ({ caller }: Request): string => `key:${caller?.keyId ?? ''}`

/** Number in an ETag of ours, undefined where the caller does not mind. @throws MDL_API_INVALID */
export function etagNumber(header: string | undefined): number | undefined {
  if (header === undefined || header === '*') return undefined
  const [, number] = /^"(\d{1,15})"$/.exec(header) ?? []
  if (number !== undefined) return Number(number)
  throw new MendlineError('MDL_API_INVALID', 'If-Match is no ETag of ours', {
    details: { errors: [{ field: 'headers.if-match', reason: 'must be the ETag of the record, e.g. "3"' }] },
  })
}

/** Query of a port's list from the query string. @throws MDL_API_INVALID for a cursor that we did not give */
export function pageOf(query: { readonly limit?: number; readonly cursor?: string }): { limit: number; after?: string } {
  const limit = query.limit ?? PAGE_DEFAULT
  if (query.cursor === undefined) return { limit }
  const after = Buffer.from(query.cursor, 'base64url').toString('utf8')
  if (cursorOf(after) !== query.cursor) throw foreignCursor()
  return { limit, after }
}

/** Refusal of a cursor that we did not give. */
export const foreignCursor = (): MendlineError =>
  new MendlineError('MDL_API_INVALID', 'the cursor is none of ours', {
    details: { errors: [{ field: 'querystring.cursor', reason: 'must be `next` of the answer before' }] },
  })

/** Cursor on the wire; opaque to clients. */
export const cursorOf = (after: string): string => Buffer.from(after, 'utf8').toString('base64url')

/** Page of a port as the wire has it. */
export function toWire(page: { readonly items: readonly unknown[]; readonly next: string | null }): {
  items: readonly unknown[]
  next: string | null
} {
  return { items: page.items, next: page.next === null ? null : cursorOf(page.next) }
}

/** A name that people give: one line, nothing that cannot be seen. */
export const nameText = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$' })

/** Epoch milliseconds of something in the life of an appliance: until 2100, so that microseconds are none. */
export const LifeInstant = Type.Integer({ minimum: 0, maximum: 4_102_444_800_000 })

/** The last instant that a date can hold. */
export const INSTANT_MAX = 8_640_000_000_000_000

/** Only the fields that are set. */
export function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined>
  }
}

/** The record, or the refusal that it does not exist. */
export function found<Item>(item: Item | undefined, what: string): Item {
  if (item === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no ${what}`)
  return item
}

export const IdempotencyHeader = Type.Object({
  'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'The same key and body again give the same answer' })),
})

/** Runs `act` at most once for the request's Idempotency-Key; without one, each time. */
export async function once<Answer>(
  context: RouteContext,
  request: Request & { readonly body: unknown; readonly url: string },
  act: () => Promise<Answer>,
): Promise<Answer> {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string') return act()
  const { answer } = await context.ports.idempotency.once({ token: request.token, key, route: request.url, body: request.body }, act)
  return answer as Answer
}

/** Answers of a route for OpenAPI: its own and the problem. */
export function answers(status: number, schema: object, description = 'Answer'): Record<number | string, object> {
  return { [status]: { ...schema, description }, default: { ...ProblemSchema, description: 'Problem (RFC 9457)' } }
}

/** Schema of a list's answer. */
export const listOf = (item: object): object =>
  Type.Object({ items: Type.Array(item as ReturnType<typeof Type.Unknown>), next: Type.Union([Type.String(), Type.Null()]) })

/** Before validation: a request without a body is one with an empty object. */
export async function mayBeEmpty(request: { body: unknown }): Promise<void> {
  request.body ??= {}
}
