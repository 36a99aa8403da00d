/**
 * What a move of an order says that is needed during its visit: skills, parts, and until when. An engineer stands on site when he tells it, so
 * nothing is refused: what can be read is asked for, and what cannot is handed back in words for whoever takes the request.
 */
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { type HelpRequest, WantedHelpSchema, WantedPartSchema } from '#kernel/help.ts'

type Wanted = Static<typeof WantedHelpSchema>
type WantedPart = NonNullable<Wanted['parts']>[number]

const PARTS_MAX = 20
/** Characters of what could not be read that a request repeats; the history of the order has all of it. */
const NOTE_MAX = 300

/** Fields that could be read, and a note of the rest; a part without a number is one. An empty list names nothing. */
export function wantedIn(data: unknown, kind: HelpRequest['kind']): { readonly wanted: Wanted; readonly note: string | undefined } {
  const { skills, parts, needed_by_ms } = (data ?? {}) as Readonly<Record<string, unknown>>
  const unread: string[] = []
  const skip = (field: string, value: unknown): void => void unread.push(`${field}: ${JSON.stringify(value)}`)
  const read = <Schema extends TSchema>(field: string, schema: Schema, value: unknown): Static<Schema> | undefined => {
    if (value === undefined || value === null) return undefined
    if (Value.Check(schema, value)) return value as Static<Schema>
    skip(field, value)
    return undefined
  }
  const until = read('needed_by_ms', WantedHelpSchema.properties.needed_by_ms, needed_by_ms)
  const named = kind === 'expert' ? read('skills', WantedHelpSchema.properties.skills, skills) : undefined
  const items = kind === 'parts' ? partsIn(parts, skip) : []
  const wanted = {
    ...(until === undefined ? {} : { needed_by_ms: until }),
    ...(named === undefined ? {} : { skills: named }),
    ...(items.length === 0 ? {} : { parts: items }),
  }
  return { wanted, note: unread.length === 0 ? undefined : `not understood: ${unread.join(', ')}`.slice(0, NOTE_MAX) }
}

function partsIn(parts: unknown, skip: (field: string, value: unknown) => void): WantedPart[] {
  if (parts === undefined || parts === null) return []
  if (!Array.isArray(parts)) {
    skip('parts', parts)
    return []
  }
  const items = parts.map((item: unknown) => ({ item, part: partIn(item) }))
  const readable = items.flatMap(({ part }) => part ?? [])
  const rest = [...items.filter(({ part }) => part === undefined).map(({ item }) => item), ...readable.slice(PARTS_MAX)]
  if (rest.length > 0) skip('parts', rest)
  return readable.slice(0, PARTS_MAX)
}

function partIn(item: unknown): WantedPart | undefined {
  const { part, qty } = typeof item === 'string' ? { part: item, qty: 1 } : ((item ?? {}) as Readonly<Record<string, unknown>>)
  const wanted = { part, qty: qty ?? 1 }
  return Value.Check(WantedPartSchema, wanted) ? wanted : undefined
}
