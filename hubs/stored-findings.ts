/** What the hubs keep of findings: the diagnosis and the alarm that orders rest on, and the cause that an alarm speaks of. */
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubTransaction } from './hub-transaction.ts'

/** The diagnosis of that id; undefined for none. */
export async function storedDiagnosis({ database }: Pick<HubTransaction, 'database'>, id: string | null): Promise<Diagnosis | undefined> {
  if (id === null) return undefined
  const found = await database.selectFrom('hub_diagnoses').select('body').where('diagnosis_id', '=', id).executeTakeFirst()
  return found === undefined ? undefined : (JSON.parse(found.body) as Diagnosis)
}

/** The alarm of that id; undefined for none, and for one of which only the end was told. */
export async function storedAlarm({ database }: Pick<HubTransaction, 'database'>, id: string | null): Promise<Alarm | undefined> {
  if (id === null) return undefined
  const found = await database.selectFrom('hub_alarms').select('body').where('alarm_id', '=', id).executeTakeFirst()
  return found === undefined || found.body === '' ? undefined : (JSON.parse(found.body) as Alarm)
}

/** The cause that an alarm is a finding of: its fault, or its rule where it names none. */
export const causeOfAlarm = ({ fault, rule }: Pick<Alarm, 'fault' | 'rule'>): string => fault ?? `rule:${rule}`
