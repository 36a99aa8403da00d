/**
 * When a failed delivery is tried again, as data: the schedule that Standard Webhooks recommends (5 s, 5 min, 30 min, 2, 5, 10, 14, 20
 * and 24 h: ten attempts over 75 h 35 min), each wait spread by a tenth so that a receiver that comes back is not met by all at once.
 * What says a danger is tried every few seconds first.
 */
import type { Random } from '#kernel/random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Waits after the first, second ... failed attempt. */
export const RETRY_SCHEDULE_MS: readonly number[] = [
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
]

/** Waits for events of an emergency: a minute of quick attempts, then minutes, then the long schedule (decision 0007). */
export const EMERGENCY_SCHEDULE_MS: readonly number[] = [
  ...[1_000, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000],
  ...[1, 2, 5, 10].map((minutes) => minutes * MINUTE_MS),
  ...RETRY_SCHEDULE_MS.slice(2),
]

const EMERGENCY_TYPES = ['mendline.emergency.', 'mendline.household.advice.']

/** Schedule of an event type. */
export const scheduleOf = (type: string): readonly number[] =>
  EMERGENCY_TYPES.some((prefix) => type.startsWith(prefix)) ? EMERGENCY_SCHEDULE_MS : RETRY_SCHEDULE_MS

const SPREAD_RATIO = 0.1

/** Wait after `failedAttempts` attempts (1 or more), or undefined when the delivery is dead. */
export function retryWaitMs(failedAttempts: number, random: Random, schedule: readonly number[] = RETRY_SCHEDULE_MS): number | undefined {
  const base = schedule[failedAttempts - 1]
  return base === undefined ? undefined : Math.round(base * random.between(1 - SPREAD_RATIO, 1 + SPREAD_RATIO))
}
