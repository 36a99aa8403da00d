/**
 * What an answer of the dispatch system changes on an order beside its state: outlet, engineer, promised window, verified need, charges,
 * rating, and how often it was put off or nobody was at home. Fields that are not named here are kept in the history and change nothing.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { bodyRefused, fieldErrors, fieldsRefused } from '#kernel/field-errors.ts'
import {
  type Charges,
  ChargesSchema,
  type Quote,
  type Rating,
  RatingSchema,
  type VerifiedNeed,
  VerifiedNeedSchema,
  type VisitWindow,
  WindowSchema,
} from '#kernel/service-facts.ts'
import type { WorkOrderEvent, WorkOrderState } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'

/** Kept as JSON in `facts`. */
export interface OrderFacts {
  readonly verified_need?: VerifiedNeed
  readonly preferred_windows?: readonly VisitWindow[]
  readonly reschedule_count?: number
  readonly no_show_count?: number
  /** When it was told that nobody was at home, platform time. */
  readonly no_show_at_ms?: number
  readonly charges?: Charges
  readonly rating?: Rating
}

export type RowChanges = Partial<Pick<WorkOrderRow, 'outlet' | 'engineer' | 'offered_to' | 'promised_from_ms' | 'promised_to_ms' | 'facts'>>

export const factsOf = (row: Pick<WorkOrderRow, 'facts'>): OrderFacts => JSON.parse(row.facts) as OrderFacts

type Data = Readonly<Record<string, unknown>>

/** What was told, and when it happened. */
interface Told {
  readonly atMs: number
  readonly nowMs: number
  readonly data: Data
}

const NameSchema = Type.String({ minLength: 1, maxLength: 128 })
const InstantSchema = Type.Integer({ minimum: 0, maximum: 4_102_444_800_000 })
/** A window begins at most so long behind the moment in which it is promised. */
const AHEAD_MS_MAX = 366 * 86_400_000
const WindowsSchema = Type.Array(WindowSchema, { maxItems: 20 })

/**
 * Changes by a move to a state.
 * @throws MendlineError MDL_API_INVALID when a field that is known has the wrong form
 */
export function changesOfMove(row: WorkOrderRow, to: WorkOrderState, { actor, atMs, data }: Told & { readonly actor: string }): RowChanges {
  const promise = windowIn(data, atMs)
  switch (to) {
    case 'triaged':
    case 'scheduled': {
      const outlet = read(data, 'outlet', NameSchema)
      return { ...promise, ...needIn(row, data), ...(outlet === undefined ? {} : { outlet }) }
    }
    case 'offered':
      return { ...promise, offered_to: read(data, 'engineer', NameSchema) ?? null, engineer: null }
    case 'accepted':
      return { ...promise, engineer: read(data, 'engineer', NameSchema) ?? actor, offered_to: null }
    case 'refused':
    case 'returned':
      return { engineer: null, offered_to: null }
    case 'reopened':
      return { engineer: null, offered_to: null, promised_from_ms: null, promised_to_ms: null }
    case 'done':
      return chargesIn(row, data)
    default:
      return {}
  }
}

/**
 * Changes by a remark, and whether the order tells of it: a promise that was moved, somebody who was not at home, what the outlet verified.
 * @throws MendlineError MDL_API_INVALID when a field that is known has the wrong form
 */
export function changesOfRemark(
  row: WorkOrderRow,
  type: WorkOrderEvent['type'],
  { atMs, nowMs, data }: Told,
): { readonly changes: RowChanges; readonly tells?: string } {
  const facts = factsOf(row)
  if (type === 'rescheduled') {
    const promise = windowIn(data, atMs)
    if (promise.promised_from_ms === undefined) throw bodyRefused('data.window_from_ms', 'says which window is promised now')
    return { changes: { ...promise, ...keep({ ...facts, reschedule_count: (facts.reschedule_count ?? 0) + 1 }) }, tells: 'rescheduled' }
  }
  if (type === 'position') {
    for (const field of ['eta_ms', ...POSITION]) read(data, field, field === 'eta_ms' ? InstantSchema : Type.Number())
    return { changes: {} }
  }
  if (type === 'rated') {
    const { score, nps, effort, comment } = data
    const rating = check({ score, nps, effort, comment }, RatingSchema, 'data')
    return { changes: keep({ ...facts, rating }) }
  }
  if (type === 'note' && data.kind === 'no_show') {
    const missed = { promised_from_ms: null, promised_to_ms: null }
    return { changes: { ...missed, ...keep({ ...facts, no_show_count: (facts.no_show_count ?? 0) + 1, no_show_at_ms: nowMs }) }, tells: 'no_show' }
  }
  if (type === 'note' && (data.verified_need !== undefined || data.preferred_windows !== undefined)) {
    return { changes: needIn(row, data), tells: 'verified_need' }
  }
  return { changes: {} }
}

const keep = (facts: OrderFacts): { readonly facts: string } => ({ facts: JSON.stringify(facts) })

/** Numbers of a position, under the names that trackers give them. */
const POSITION = ['latitude', 'longitude', 'lat', 'lon'] as const

/** A promise is made for a time to come, and not for a year that nobody plans for. */
function windowIn(data: Data, atMs: number): Pick<RowChanges, 'promised_from_ms' | 'promised_to_ms'> {
  const from = read(data, 'window_from_ms', InstantSchema)
  const to = read(data, 'window_to_ms', InstantSchema)
  if (from === undefined && to === undefined) return {}
  if (from === undefined || to === undefined) throw bodyRefused(`data.window_${from === undefined ? 'from' : 'to'}_ms`, 'a window has both ends')
  if (from >= to) throw bodyRefused('data.window_to_ms', 'a window has a begin and an end behind it')
  if (to <= atMs) throw bodyRefused('data.window_to_ms', 'the window was over when it was promised (at_ms)')
  if (from > atMs + AHEAD_MS_MAX) throw bodyRefused('data.window_from_ms', 'the window begins more than 366 days after at_ms')
  return { promised_from_ms: from, promised_to_ms: to }
}

function needIn(row: WorkOrderRow, data: Data): { readonly facts?: string } {
  const need = read(data, 'verified_need', VerifiedNeedSchema)
  const windows = read(data, 'preferred_windows', WindowsSchema)
  if (windows?.some(({ from_ms, to_ms }) => from_ms >= to_ms) === true) throw bodyRefused('data.preferred_windows', 'a window ends behind its begin')
  if (need === undefined && windows === undefined) return {}
  return keep({
    ...factsOf(row),
    ...(need === undefined ? {} : { verified_need: need }),
    ...(windows === undefined ? {} : { preferred_windows: windows }),
  })
}

/** Charges are a true sum, in the currency of the quote, for nothing that is covered, and agreed to when they are above what was shown. */
function chargesIn(row: WorkOrderRow, data: Data): { readonly facts?: string } {
  const charges = read(data, 'charges', ChargesSchema)
  if (charges === undefined) return {}
  const sum = charges.lines.reduce((total, { amount_minor }) => total + amount_minor, 0)
  if (sum !== charges.total_minor) throw bodyRefused('data.charges.total_minor', `the lines make ${sum}`)
  const quote = row.quote === null ? undefined : (JSON.parse(row.quote) as Quote)
  if (quote !== undefined) {
    if (quote.price.currency !== charges.currency) throw bodyRefused('data.charges.currency', `the price was shown in ${quote.price.currency}`)
    const covered = new Set(quote.warranty.parts.filter(({ is_covered }) => is_covered === true).map(({ part }) => part))
    const wrong = charges.lines.find(({ part, amount_minor }) => part !== undefined && amount_minor > 0 && covered.has(part))
    if (wrong !== undefined) throw bodyRefused('data.charges.lines', `the part ${wrong.part} is covered by the warranty`)
    const unnamed = charges.lines.findIndex(({ kind, part, amount_minor }) => kind === 'part' && part === undefined && amount_minor > 0)
    if (covered.size > 0 && unnamed >= 0)
      throw bodyRefused(`data.charges.lines[${unnamed}].part`, 'names the part: parts of this order are covered by the warranty')
    if (charges.total_minor > quote.price.max_minor && !charges.is_agreed) {
      throw bodyRefused('data.charges.is_agreed', `more than the ${quote.price.max_minor} that were shown needs the household's agreement`)
    }
  }
  return keep({ ...factsOf(row), charges })
}

function read<Schema extends TSchema>(data: Data, field: string, schema: Schema): Static<Schema> | undefined {
  return data[field] === undefined || data[field] === null ? undefined : check(data[field], schema, `data.${field}`)
}

function check<Schema extends TSchema>(value: unknown, schema: Schema, field: string): Static<Schema> {
  const given: unknown = JSON.parse(JSON.stringify(value))
  if (Value.Check(schema, given)) return given as Static<Schema>
  throw fieldsRefused(fieldErrors(Value.Errors(schema, given), `body.${field}`))
}
