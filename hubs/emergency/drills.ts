/**
 * Drills: an emergency that is none, on the same path as a real one. It is marked as a drill in every event and call, never commands an
 * appliance, and tells a household only when it is asked to. Its report has the time of each step.
 */
import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { DutyRoster } from '#kernel/duty-roster.ts'
import { MendlineError } from '#kernel/errors.ts'
import { emergencyIdOf, raise } from './book.ts'
import { noteStep } from './book-transaction.ts'
import type { InTransaction } from './due-work.ts'
import { nextDrillMs } from './duty.ts'
import { createEmergencyLists, type EmergencyStep } from './emergency-lists.ts'
import type { EmergencyTables } from './emergency-tables.ts'

export interface NewDrill {
  readonly tenant: string
  /** Unit that the drill pretends to be about; none is commanded. */
  readonly device?: string | undefined
  readonly safetyClass?: 'E0' | 'E1' | undefined
  readonly tellsHousehold?: boolean | undefined
  readonly by: string
}

export interface DrillReport {
  readonly emergency_id: string
  readonly state: string
  readonly safety_class: string
  readonly raised_at_ms: number
  /** Milliseconds from the raising to each; null = has not happened. */
  readonly first_webhook_ms: number | null
  readonly first_call_taken_ms: number | null
  readonly acknowledged_ms: number | null
  readonly acknowledged_by: string | null
  readonly calls: number
  readonly steps: readonly EmergencyStep[]
}

export interface Drills {
  drill(given: NewDrill): Promise<{ readonly emergency_id: string }>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  drillReport(tenant: string, id: string): Promise<DrillReport>
}

const TITLE = { en: 'Drill: gas in the room', 'zh-CN': '演练：室内燃气泄漏' } as const
const ADVICE = { en: 'This is a drill. Nothing is wrong. Please confirm that you read it.', 'zh-CN': '这是演练，设备正常。请确认已阅读。' } as const

export function createDrills(parts: {
  readonly database: Kysely<EmergencyTables>
  readonly inTransaction: InTransaction
  readonly clock: Clock
}): Drills & { startDue(): Promise<number | undefined> } {
  const { database, inTransaction, clock } = parts
  const lists = createEmergencyLists({ database, nowMs: () => clock.now(), locale: 'en' })
  const start = async ({ tenant, device, safetyClass, tellsHousehold, by }: NewDrill, id: string): Promise<{ emergency_id: string }> => {
    const nowMs = clock.now()
    const emergencyId = emergencyIdOf(id)
    await inTransaction(async (book) => {
      const raised = await raise(book, {
        ...{ emergencyId, tenant, device: device ?? 'drill', type: 'drill', alarmId: id, safetyClass: safetyClass ?? 'E0', fault: null },
        hazard: 'drill',
        ...{ title: TITLE, advice: ADVICE, raisedAtMs: nowMs, receivedAtMs: nowMs, isPast: false, isDrill: true },
        ...{ tellsHousehold: tellsHousehold ?? false, actions: undefined, alarm: undefined },
      })
      if (raised !== undefined) await noteStep(book, raised, 'drill', { by })
    })
    return { emergency_id: emergencyId }
  }
  return {
    drill: (given) => start(given, `drill_${randomBytes(10).toString('hex')}`),
    async drillReport(tenant, id) {
      const found = await lists.get(tenant, id)
      if (found?.is_drill !== true) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such drill')
      const steps = await lists.steps(tenant, id)
      const first = (isIt: (step: EmergencyStep) => boolean): number | null => steps.find(isIt)?.after_ms ?? null
      return {
        ...{ emergency_id: id, state: found.state, safety_class: found.safety_class, raised_at_ms: found.created_at_ms },
        first_webhook_ms: first(({ kind, detail }) => kind === 'webhook' && isTaken(detail)),
        first_call_taken_ms: first(({ kind }) => kind === 'call_taken'),
        acknowledged_ms: first(({ kind }) => kind === 'acknowledged'),
        acknowledged_by: found.acknowledged_by,
        calls: steps.filter(({ kind }) => kind === 'rung').length,
        steps,
      }
    },
    /** Begins the drills whose time has come and gives when the next is. */
    async startDue() {
      const rows = await database
        .selectFrom('emg_rosters')
        .selectAll()
        .where('next_drill_at_ms', 'is not', null)
        .orderBy('next_drill_at_ms')
        .execute()
      for (const row of rows) {
        const atMs = Number(row.next_drill_at_ms)
        if (atMs > clock.now()) return atMs
        const roster = JSON.parse(row.roster) as DutyRoster
        // The id is made of the plan, so that a crash between the two writes begins no second one.
        await start({ tenant: row.tenant, safetyClass: roster.drill?.safety_class, by: 'roster' }, `drill_${row.tenant}_${atMs}`)
        const next = { next_drill_at_ms: nextDrillMs(roster, clock.now()) }
        await database.updateTable('emg_rosters').set(next).where('tenant', '=', row.tenant).where('next_drill_at_ms', '=', atMs).execute()
        return clock.now()
      }
      return undefined
    },
  }
}

function isTaken(detail: unknown): boolean {
  const { status } = detail as { status: number | null }
  return status !== null && status >= 200 && status < 300
}
