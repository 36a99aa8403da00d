/** Times of care that a household feels (all chosen). */
const DAY_MS = 86_400_000

/** A task that is due is told again after this, and that so many times at most: then it stands in the list only. */
export const REMIND_AFTER_MS = 14 * DAY_MS
export const REMINDERS_MAX = 2
/** The same tip is not given again before. */
export const TIP_PAUSE_MS = 60 * DAY_MS
/** Windows older than this say nothing of how a unit is now. */
export const SIGN_AGE_MS_MAX = 30 * DAY_MS
/** A unit that was installed less than this ago is counted from its installation; of an older one nobody knows what was done before. */
export const COUNTED_BACK_MS_MAX = 365 * DAY_MS
