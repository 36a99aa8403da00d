/** Whether a fault was heard of again behind a repair, where no window can say: by an alarm of the unit, a contact of its household, or another order. */
import { sql } from 'kysely'
import type { Alarm } from '#kernel/alarm.ts'
import { DONT_KNOW, NO_CODE } from '#kernel/report.ts'
import { UNNAMED_CAUSE } from '../cases.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import type { Said } from '../intake/contacts.ts'
import { rankFaults } from '../intake/rank-faults.ts'
import type { VerificationRow } from './verify-tables.ts'

/** What was heard, undefined when nothing was. */
export async function heardOfFault(hub: HubTransaction, row: VerificationRow): Promise<string | undefined> {
  const { tenant, device, done_at_ms, fault } = row
  if (row.method === 'rule') {
    const alarms = await hub.database
      .selectFrom('hub_alarms')
      .select(['body', 'raised_at_ms'])
      .where('tenant', '=', tenant)
      .where('device', '=', device)
      .where((is) => is.or([is('raised_at_ms', '>', done_at_ms), is('cleared_at_ms', 'is', null)]))
      .orderBy('raised_at_ms')
      .execute()
    const own = await orderAlarm(hub, row)
    const heard = alarms
      .filter(({ body }) => body !== '')
      .map(({ body, raised_at_ms }) => ({ ...(JSON.parse(body) as Alarm), isAgain: raised_at_ms > done_at_ms }))
      .find((alarm) => alarm.rule === own?.rule || (fault !== null && alarm.fault === fault))
    if (heard === undefined) return undefined
    // An alarm is told once: one that stands over the repair is not silence.
    return heard.isAgain
      ? `the rule ${heard.rule} raised its alarm again behind the repair`
      : `the alarm of the rule ${heard.rule} has stood since before the repair`
  }
  const contact = (await contactsBehind(hub, row))[0]
  return contact === undefined ? undefined : `the household got in touch again behind the repair (${contact.kind})`
}

async function orderAlarm(hub: HubTransaction, { work_order_id }: VerificationRow): Promise<Alarm | undefined> {
  const found = await hub.database
    .selectFrom('hub_work_orders')
    .innerJoin('hub_alarms', 'hub_alarms.alarm_id', 'hub_work_orders.alarm_id')
    .select('hub_alarms.body')
    .where('work_order_id', '=', work_order_id)
    .executeTakeFirst()
  return found === undefined || found.body === '' ? undefined : (JSON.parse(found.body) as Alarm)
}

export interface Contact {
  readonly contact_id: string
  readonly kind: string
  readonly at_ms: number
  /** Case that it came to; null = none yet. */
  readonly case_id: string | null
  /** JSON of `Said`. */
  readonly said: string
}

/**
 * Contacts of a household between the visit and 30 days behind it; none where the site keeps no contacts. One that came to the order of another
 * trouble of the unit says nothing of this repair; one that came to none, or to one that nobody can name, goes by what was said.
 */
export async function contactsBehind(hub: HubTransaction, row: Repair): Promise<Contact[]> {
  const { tenant, device, work_order_id, done_at_ms } = row
  const behind = (await contactsOf(hub, row)).filter(({ at_ms }) => at_ms > done_at_ms && at_ms <= done_at_ms + 30 * 86_400_000)
  if (behind.length === 0) return []
  const orders = await hub.database
    .selectFrom('hub_work_orders')
    .select(['work_order_id', 'case_id', 'cause', 'repeat_of'])
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .execute()
  const keeperOf = await keepers(hub, row)
  const own = orders.find((order) => order.work_order_id === work_order_id)
  const known = new Set([own?.cause, ...causesOf(row)])
  return behind.filter((contact) => {
    const came = orders.find(({ case_id }) => case_id === keeperOf(contact.case_id))
    if (came === undefined) return couldBe(hub, row, contact)
    if (came.work_order_id === work_order_id || came.repeat_of === work_order_id) return true
    return came.cause === UNNAMED_CAUSE ? couldBe(hub, row, contact) : known.has(came.cause)
  })
}

/** Says which case of the unit a case was merged into in the end; one that went to another unit stays itself. */
async function keepers({ database }: HubTransaction, { tenant, device }: Repair): Promise<(caseId: string | null) => string | null> {
  const cases = await database
    .selectFrom('hub_cases')
    .select(['case_id', 'merged_into'])
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .execute()
  const into = new Map(cases.map(({ case_id, merged_into }) => [case_id, merged_into]))
  return (caseId) => {
    let keeper = caseId
    // An order that was merged, opened again and took in its keeper makes a ring: no case is followed more often than there are cases.
    for (let left = into.size; left > 0 && keeper !== null; left--) {
      const next = into.get(keeper) ?? null
      if (next === null || !into.has(next)) break
      keeper = next
    }
    return keeper
  }
}

type Repair = Pick<VerificationRow, 'tenant' | 'device' | 'type' | 'work_order_id' | 'fault' | 'outcome_cause' | 'done_at_ms'>

const causesOf = ({ fault, outcome_cause }: Repair): string[] => [...(fault === null ? [] : [fault]), outcome_cause]

/** What is said of a fault by its own household is seldom so unlike it (chosen). */
const SPEAKS_MIN = 0.1

/** A call in which no trouble is told (thanks, a question) is none; what is told is weighed as a report of it is. */
function couldBe(hub: HubTransaction, repair: Repair, { kind, said }: Contact): boolean {
  const { code, symptom, answers, ...rest } = JSON.parse(said) as Said
  const isTold = (code !== undefined && code !== NO_CODE) || symptom !== undefined || Object.values(answers).some((answer) => answer !== DONT_KNOW)
  if (!isTold) return kind !== 'call'
  const type = hub.catalogue(repair.type)
  const known = causesOf(repair).filter((cause) => type?.faults.some((fault) => fault.code === cause) === true)
  if (type?.intake === undefined || known.length === 0) return true
  const ranked = rankFaults(type, type.intake, { ...rest, code, symptom, answers: new Map(Object.entries(answers)) })
  return ranked.some(({ fault, probability }) => known.includes(fault) && probability >= SPEAKS_MIN)
}

/** Contacts about a unit, oldest first. */
export async function contactsOf(
  hub: Pick<HubTransaction, 'database'>,
  unit: { readonly tenant: string; readonly device: string },
): Promise<Contact[]> {
  const { rows } =
    await sql<Contact>`SELECT contact_id, kind, at_ms, case_id, said FROM hub_contacts WHERE tenant = ${unit.tenant} AND device = ${unit.device}
    ORDER BY at_ms, contact_id`.execute(hub.database)
  return rows
}
