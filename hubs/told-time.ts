/**
 * Holds the time that somebody outside gives against our own clock: deadlines, the watch behind a repair and the sensors' windows count
 * from it, so a year that nobody has reached, or one before the order was known, would put an order out of reach of all of them.
 */
import { bodyRefused } from '#kernel/field-errors.ts'

/** Clocks of those who report, and of dispatch systems, differ from ours by this. */
export const CLOCKS_MS = 5 * 60_000
/** Something may have happened before we knew of it by this: somebody was on site already and told the desk afterwards. */
const BEFORE_MS_MAX = 60 * 60_000

/**
 * Passes a time that can be true.
 * @throws MendlineError MDL_API_INVALID that names `at_ms` and the reason
 */
export function checkToldTime(atMs: number, bounds: { readonly nowMs: number; readonly notBeforeMs: number; readonly what: string }): void {
  checkNotAhead(atMs, bounds.nowMs)
  if (atMs < bounds.notBeforeMs - BEFORE_MS_MAX) throw bodyRefused('at_ms', `lies before ${bounds.what} (${bounds.notBeforeMs})`)
}

/**
 * Passes a time that is not ahead of ours by more than clocks differ; what is kept of it should be our time at most.
 * @throws MendlineError MDL_API_INVALID that names the field of the body and the reason
 */
export function checkNotAhead(atMs: number, nowMs: number, field = 'at_ms'): void {
  if (atMs > nowMs + CLOCKS_MS) throw bodyRefused(field, `lies in the future: it is ${nowMs} now`)
}
