/**
 * Holds the time that somebody outside gives against our own clock: deadlines, the watch behind a repair and the sensors' windows count
 * from it, so a year that nobody has reached, or one before the order was known, would put an order out of reach of all of them.
 */
import { MendlineError } from '#kernel/errors.ts'

/** A clock outside may be ahead of ours by this. */
const AHEAD_MS_MAX = 5 * 60_000
/** Something may have happened before we knew of it by this: somebody was on site already and told the desk afterwards. */
const BEFORE_MS_MAX = 60 * 60_000

/**
 * Passes a time that can be true.
 * @throws MendlineError MDL_API_INVALID that names `at_ms` and the reason
 */
export function checkToldTime(atMs: number, bounds: { readonly nowMs: number; readonly notBeforeMs: number; readonly what: string }): void {
  if (atMs > bounds.nowMs + AHEAD_MS_MAX) throw refused(`lies in the future: it is ${bounds.nowMs} now`)
  if (atMs < bounds.notBeforeMs - BEFORE_MS_MAX) throw refused(`lies before ${bounds.what} (${bounds.notBeforeMs})`)
}

const refused = (reason: string): MendlineError =>
  new MendlineError('MDL_API_INVALID', `at_ms: ${reason}`, { details: { errors: [{ field: 'body.at_ms', reason }] } })
