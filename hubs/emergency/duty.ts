/** The duty roster of a tenant: reading, setting and checking it, and when its next planned drill is. */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { DutyRoster } from '#kernel/duty-roster.ts'
import { MendlineError } from '#kernel/errors.ts'
import { findRoster } from './book-transaction.ts'
import type { EmergencyTables } from './emergency-tables.ts'
import { checkRoster, localTime, minutesOf, onDutyAt } from './ladder.ts'

export interface RosterRecord {
  readonly roster: DutyRoster
  /** Persons whose shift covers this moment. */
  readonly on_duty: readonly string[]
  readonly updated_at_ms: number
  readonly updated_by: string
  readonly next_drill_at_ms: number | null
}

export interface Duty {
  roster(tenant: string): Promise<RosterRecord | undefined>
  /** @throws MendlineError MDL_API_INVALID with every fault, MDL_HUBS_WEBHOOK_TARGET_REFUSED */
  setRoster(tenant: string, roster: DutyRoster, by: string): Promise<RosterRecord>
}

/** Name of the one roster that a tenant has. */
const DUTY = 'duty'
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

export function createDuty(parts: {
  readonly database: Kysely<EmergencyTables>
  readonly clock: Clock
  /** Whether a mail server is set. */
  readonly hasMail: boolean
  /** Refuses the address of a chat that may not be called. @throws MendlineError */
  readonly checkUrl: (url: string) => unknown
  readonly onChange: () => void
}): Duty {
  const { database, clock, hasMail, checkUrl, onChange } = parts
  const find = async (tenant: string): Promise<RosterRecord | undefined> => {
    const row = await database.selectFrom('emg_rosters').selectAll().where('tenant', '=', tenant).executeTakeFirst()
    const roster = await findRoster(database, tenant)
    if (row === undefined || roster === undefined) return undefined
    const { updated_at_ms, updated_by, next_drill_at_ms } = row
    return { roster, on_duty: [...onDutyAt(roster, clock.now())], updated_at_ms, updated_by, next_drill_at_ms }
  }
  return {
    roster: find,
    async setRoster(tenant, roster, by) {
      checkRoster(roster)
      for (const { channels } of roster.people) for (const channel of channels) if (channel.kind === 'chat') checkUrl(channel.url)
      const isMailed = roster.people.some(({ channels }) => channels.some(({ kind }) => kind === 'email'))
      if (isMailed && !hasMail)
        throw new MendlineError('MDL_API_INVALID', 'the roster calls by e-mail and no mail server is set (emergencies.smtp_url)')
      const nowMs = clock.now()
      const before = await find(tenant)
      // A roster that is set each day must not put the planned drill off each day.
      const next_drill_at_ms = before !== undefined && isSamePlan(before.roster, roster) ? before.next_drill_at_ms : nextDrillMs(roster, nowMs)
      const values = { roster: JSON.stringify(roster), updated_at_ms: nowMs, updated_by: by, next_drill_at_ms }
      await database
        .insertInto('emg_rosters')
        .values({ tenant, name: DUTY, ...values })
        .onConflict((conflict) => conflict.columns(['tenant', 'name']).doUpdateSet(values))
        .execute()
      // What no person was called for yet does not wait for its old countdown.
      await database
        .updateTable('emg_emergencies')
        .set({ next_step_at_ms: nowMs })
        .where('tenant', '=', tenant)
        .where('state', '=', 'raised')
        .where((is) => is.or([is('owner', 'is', null), is('owner', 'like', 'webhook:%')]))
        .execute()
      onChange()
      const kept = await find(tenant)
      if (kept === undefined) throw new MendlineError('MDL_STORE_UNAVAILABLE', 'the roster is not there', { retryable: true })
      return kept
    },
  }
}

function isSamePlan(before: DutyRoster, after: DutyRoster): boolean {
  const [was, is] = [before.drill, after.drill]
  return before.time_zone === after.time_zone && was?.every_days === is?.every_days && was?.at === is?.at
}

/** First instant behind `afterMs` at which the plan asks for a drill: its time of day, so many days on. */
export function nextDrillMs(roster: DutyRoster, afterMs: number): number | null {
  if (roster.drill === undefined) return null
  const { every_days, at } = roster.drill
  const target = afterMs + (every_days - 1) * DAY_MS
  const { minute } = localTime(target, roster.time_zone)
  const aheadMin = (minutesOf(at) - minute + 24 * 60) % (24 * 60)
  // At the same minute it is the next day's.
  return Math.floor(target / MINUTE_MS) * MINUTE_MS + (aheadMin === 0 ? 24 * 60 : aheadMin) * MINUTE_MS
}
