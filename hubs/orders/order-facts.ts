/**
 * What an answer of the dispatch system changes on an order beside its state: outlet, engineer, promised window, verified need, charges,
 * rating, and how often it was put off or nobody was at home. Fields that are not named here are kept in the history and change nothing.
 * Each fact keeps the time of what it rests on, so that what happened earlier and is told later changes nothing of it.
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
import { CLOCKS_MS } from '../told-time.ts'

/** Kept as JSON in `facts`. */
export interface OrderFacts {
  readonly verified_need?: VerifiedNeed
  readonly preferred_windows?: readonly VisitWindow[]
  readonly reschedule_count?: number
  readonly no_show_count?: number
  /** When it was told that nobody was at home, platform time. */
  readonly no_show_at_ms?: number
  readonly charges?: Charges
  /** For the visits before it was reopened, oldest first. */
  readonly earlier_charges?: readonly Charges[]
  readonly rating?: Rating
  /** The last repair of this order that did not hold, and when it was reopened; device or platform time, as they were told. */
  readonly repeat?: { readonly repaired_at_ms: number; readonly reopened_at_ms: number }
  /** `at_ms` of what each rests on; of promise and rating it is a column. */
  readonly verified_need_at_ms?: number
  readonly preferred_windows_at_ms?: number
}

/** Whether what happened at `atMs` says what is so now: nothing later is known. Of two of one time the one that is told later counts. */
const isNews = (knownAtMs: number | null | undefined, atMs: number): boolean => atMs >= (knownAtMs ?? 0)

export type RowChanges = Partial<
  Pick<WorkOrderRow, 'outlet' | 'engineer' | 'offered_to' | 'promised_from_ms' | 'promised_to_ms' | 'promise_at_ms' | 'rating_at_ms' | 'facts'>
>

export const factsOf = (row: Pick<WorkOrderRow, 'facts'>): OrderFacts => JSON.parse(row.facts) as OrderFacts

type Data = Readonly<Record<string, unknown>>

/** What was told, and when it happened. */
interface Told {
  readonly atMs: number
  readonly nowMs: number
  readonly data: Data
  /** Whether a part is covered by the warranty, also one that the packet did not foretell; absent = nobody has terms for the type. */
  readonly isCovered?: ((part: string) => boolean) | undefined
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
export function changesOfMove(
  row: WorkOrderRow,
  to: WorkOrderState,
  { actor, atMs, data, isCovered }: Told & { readonly actor: string },
): RowChanges {
  const facts = factsOf(row)
  const promise = promiseIn(row, { data, atMs })
  switch (to) {
    case 'triaged':
    case 'scheduled': {
      const outlet = read(data, 'outlet', NameSchema)
      return { ...promise, ...keep(facts, needIn(facts, { data, atMs })), ...(outlet === undefined ? {} : { outlet }) }
    }
    case 'offered':
      return { ...promise, offered_to: read(data, 'engineer', NameSchema) ?? null, engineer: null }
    case 'accepted':
      return { ...promise, engineer: read(data, 'engineer', NameSchema) ?? actor, offered_to: null }
    case 'refused':
    case 'returned':
      return { engineer: null, offered_to: null }
    case 'done':
      return chargesIn(row, data, isCovered)
    default:
      return {}
  }
}

/**
 * The end of a visit: nobody has the order, and what was promised until then is over. Our clock says when it ended, and that of the dispatch
 * system may be behind it: a window that it names so shortly before is for the next visit, unless what it told last is later still.
 */
export function endPromise(row: WorkOrderRow, endedAtMs: number): RowChanges {
  const nobody = { engineer: null, offered_to: null }
  return isNews(row.promise_at_ms, endedAtMs) ? { ...nobody, ...noPromise(Math.max(row.promise_at_ms ?? 0, endedAtMs - CLOCKS_MS)) } : nobody
}

/** Whether a window is named, be it promised still or not. */
export const namesWindow = (data: unknown): boolean => typeof data === 'object' && data !== null && typeof (data as Data).window_from_ms === 'number'

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
    if (windowIn(data, atMs) === undefined) throw bodyRefused('data.window_from_ms', 'says which window is promised now')
    const promise = promiseIn(row, { data, atMs })
    const changes = { ...promise, ...keep(facts, { reschedule_count: (facts.reschedule_count ?? 0) + 1 }) }
    // A window that gave way to a later promise before it was told is nothing that anybody should be told of.
    return promise.promise_at_ms === undefined ? { changes } : { changes, tells: 'rescheduled' }
  }
  if (type === 'position') {
    for (const field of ['eta_ms', ...POSITION]) read(data, field, field === 'eta_ms' ? InstantSchema : Type.Number())
    return { changes: {} }
  }
  if (type === 'rated') {
    const { score, nps, effort, comment } = data
    const rating = check({ score, nps, effort, comment }, RatingSchema, 'data')
    return { changes: isNews(row.rating_at_ms, atMs) ? { ...keep(facts, { rating }), rating_at_ms: atMs } : {} }
  }
  if (type === 'note' && data.kind === 'no_show') {
    const no_show_count = (facts.no_show_count ?? 0) + 1
    if (!isNews(row.promise_at_ms, atMs)) return { changes: keep(facts, { no_show_count }), tells: 'no_show' }
    return { changes: { ...noPromise(atMs), ...keep(facts, { no_show_count, no_show_at_ms: nowMs }) }, tells: 'no_show' }
  }
  if (type === 'note' && (data.verified_need !== undefined || data.preferred_windows !== undefined)) {
    const changes = keep(facts, needIn(facts, { data, atMs }))
    return changes.facts === undefined ? { changes } : { changes, tells: 'verified_need' }
  }
  return { changes: {} }
}

const noPromise = (promise_at_ms: number) => ({ promised_from_ms: null, promised_to_ms: null, promise_at_ms }) as const

/** The facts with what is new of them; nothing where nothing is. */
const keep = (facts: OrderFacts, news: Partial<OrderFacts>): { readonly facts?: string } =>
  Object.keys(news).length === 0 ? {} : { facts: JSON.stringify({ ...facts, ...news }) }

/** Numbers of a position, under the names that trackers give them. */
const POSITION = ['latitude', 'longitude', 'lat', 'lon'] as const

interface Window {
  readonly promised_from_ms: number
  readonly promised_to_ms: number
}

/** The promise that was made by what was told; nothing where no window is named, or a later promise is known. */
function promiseIn(row: WorkOrderRow, { data, atMs }: Pick<Told, 'data' | 'atMs'>): Partial<Window & { readonly promise_at_ms: number }> {
  const window = windowIn(data, atMs)
  return window === undefined || !isNews(row.promise_at_ms, atMs) ? {} : { ...window, promise_at_ms: atMs }
}

/** A promise is made for a time to come, and not for a year that nobody plans for. */
function windowIn(data: Data, atMs: number): Window | undefined {
  const from = read(data, 'window_from_ms', InstantSchema)
  const to = read(data, 'window_to_ms', InstantSchema)
  if (from === undefined && to === undefined) return undefined
  if (from === undefined || to === undefined) throw bodyRefused(`data.window_${from === undefined ? 'from' : 'to'}_ms`, 'a window has both ends')
  if (from >= to) throw bodyRefused('data.window_to_ms', 'a window has a begin and an end behind it')
  if (to <= atMs) throw bodyRefused('data.window_to_ms', 'the window was over when it was promised (at_ms)')
  if (from > atMs + AHEAD_MS_MAX) throw bodyRefused('data.window_from_ms', 'the window begins more than 366 days after at_ms')
  return { promised_from_ms: from, promised_to_ms: to }
}

function needIn(facts: OrderFacts, { data, atMs }: Pick<Told, 'data' | 'atMs'>): Partial<OrderFacts> {
  const need = read(data, 'verified_need', VerifiedNeedSchema)
  const windows = read(data, 'preferred_windows', WindowsSchema)
  if (windows?.some(({ from_ms, to_ms }) => from_ms >= to_ms) === true) throw bodyRefused('data.preferred_windows', 'a window ends behind its begin')
  return {
    ...(need === undefined || !isNews(facts.verified_need_at_ms, atMs) ? {} : { verified_need: need, verified_need_at_ms: atMs }),
    ...(windows === undefined || !isNews(facts.preferred_windows_at_ms, atMs) ? {} : { preferred_windows: windows, preferred_windows_at_ms: atMs }),
  }
}

/** Charges are a true sum, in the currency of the quote, for nothing that is covered, and agreed to when they are above what was shown. */
function chargesIn(row: WorkOrderRow, data: Data, isCovered: Told['isCovered']): { readonly facts?: string } {
  const charges = read(data, 'charges', ChargesSchema)
  if (charges === undefined) return {}
  const sum = charges.lines.reduce((total, { amount_minor }) => total + amount_minor, 0)
  if (sum !== charges.total_minor) throw bodyRefused('data.charges.total_minor', `the lines make ${sum}`)
  const quote = row.quote === null ? undefined : (JSON.parse(row.quote) as Quote)
  if (quote !== undefined) {
    if (quote.price.currency !== charges.currency) throw bodyRefused('data.charges.currency', `the price was shown in ${quote.price.currency}`)
    const shown = new Map(quote.warranty.parts.map(({ part, is_covered }) => [part, is_covered === true]))
    const covers = (part: string): boolean => shown.get(part) ?? isCovered?.(part) ?? false
    const wrong = charges.lines.find(({ part, amount_minor }) => part !== undefined && amount_minor > 0 && covers(part))
    if (wrong !== undefined) throw bodyRefused('data.charges.lines', `the part ${wrong.part} is covered by the warranty`)
    const unnamed = charges.lines.findIndex(({ kind, part, amount_minor }) => kind === 'part' && part === undefined && amount_minor > 0)
    if ([...shown.values()].includes(true) && unnamed >= 0)
      throw bodyRefused(`data.charges.lines[${unnamed}].part`, 'names the part: parts of this order are covered by the warranty')
    if (charges.total_minor > quote.price.max_minor && !charges.is_agreed) {
      throw bodyRefused('data.charges.is_agreed', `more than the ${quote.price.max_minor} that were shown needs the household's agreement`)
    }
  }
  return keep(factsOf(row), { charges })
}

function read<Schema extends TSchema>(data: Data, field: string, schema: Schema): Static<Schema> | undefined {
  return data[field] === undefined || data[field] === null ? undefined : check(data[field], schema, `data.${field}`)
}

function check<Schema extends TSchema>(value: unknown, schema: Schema, field: string): Static<Schema> {
  const given: unknown = JSON.parse(JSON.stringify(value))
  if (Value.Check(schema, given)) return given as Static<Schema>
  throw fieldsRefused(fieldErrors(Value.Errors(schema, given), `body.${field}`))
}
