/**
 * The contacts of households as rows: the row of a new or continued contact, what was said in it so far, and the contacts of a case. What is
 * said is checked against the catalogue first, so that nothing is kept that nobody can read later.
 */
import type { Intake } from '#catalogue/intake.ts'
import { MendlineError } from '#kernel/errors.ts'
import { contentId } from '#kernel/ids.ts'
import { type Contact, DONT_KNOW, type HouseholdReport } from '#kernel/report.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { CLOCKS_MS } from '../told-time.ts'
import type { ContactRow } from './intake-tables.ts'

/** What was said in a contact so far. */
export interface Said {
  readonly code?: string
  readonly symptom?: string
  readonly answers: Readonly<Record<string, string>>
}

/** Refusal that names the field of the request. */
export const refuse = (field: string, reason: string): MendlineError =>
  new MendlineError('MDL_API_INVALID', `the report cannot be taken: ${field} ${reason}`, {
    details: { errors: [{ field: `body.${field}`, reason }] },
  })

/**
 * What a report says, in the words of the catalogue; a code that no display of the type shows is kept and tells nothing.
 * @throws MendlineError MDL_API_INVALID for a symptom, question or answer that the type does not have
 */
export function readSaid(report: HouseholdReport, intake: Intake, nowMs: number): Said {
  if (report.at_ms > nowMs + CLOCKS_MS) throw refuse('at_ms', 'lies in the future')
  const isSymptom = (id: string | undefined): boolean => intake.symptoms.some((entry) => entry.id === id) === true
  const codeIsSymptom = isSymptom(report.fault_code)
  const symptom = report.symptom ?? (codeIsSymptom ? report.fault_code : undefined)
  if (symptom !== undefined && !isSymptom(symptom)) {
    throw refuse('symptom', `must be one of ${intake.symptoms.map(({ id }) => id).join(', ')}`)
  }
  for (const { question, answer } of report.answers ?? []) {
    const known = intake.questions.find(({ id }) => id === question)
    if (known === undefined) throw refuse('answers', `the type has no question ${question}`)
    const allowed = [...known.answers.map(({ id }) => id), DONT_KNOW]
    if (!allowed.includes(answer)) throw refuse('answers', `the answer to ${question} must be one of ${allowed.join(', ')}`)
  }
  return {
    ...(report.fault_code === undefined || codeIsSymptom ? {} : { code: displayedCode(report.fault_code, intake) }),
    ...(symptom === undefined ? {} : { symptom }),
    answers: Object.fromEntries((report.answers ?? []).map(({ question, answer }) => [question, answer])),
  }
}

/** A code as the catalogue writes it: people type it in lower case, with blanks, or in full width. */
function displayedCode(given: string, intake: Intake): string {
  const typed = given.normalize('NFKC').replace(/\s+/g, '').toUpperCase()
  return intake.codes.find(({ code }) => code.toUpperCase() === typed)?.code ?? given
}

/**
 * Keeps a report as a new contact, or as more of the one that it goes on with. Its household is that of the unit as the registry knows it now
 * (`household`), else the one that was named in the contact.
 * @throws MendlineError MDL_API_NOT_FOUND when it names a contact that is not of the unit
 */
export async function keepContact(
  hub: HubTransaction,
  report: HouseholdReport & { readonly device: string },
  { said, household, key }: { readonly said: Said; readonly household: string | null; readonly key: string | undefined },
): Promise<ContactRow> {
  const { tenant, device, source, actor, at_ms, contact_id, text = '', kind = 'report' } = report
  const id =
    contact_id ?? contentId('contact', tenant, device, at_ms, source, kind, actor, key ?? '', key === undefined ? JSON.stringify([said, text]) : '')
  const kept = await hub.database.selectFrom('hub_contacts').selectAll().where('contact_id', '=', id).where('tenant', '=', tenant).executeTakeFirst()
  if (contact_id !== undefined && kept?.device !== device)
    throw new MendlineError('MDL_API_NOT_FOUND', `there is no contact ${contact_id} of the unit`)
  if (kept !== undefined) {
    const more = {
      household: household ?? kept.household ?? report.household ?? null,
      said: JSON.stringify(mergeSaid(saidOf(kept), said)),
      text: [kept.text, text]
        .filter((part, index, all) => part !== '' && all.indexOf(part) === index)
        .join('\n')
        .slice(0, TEXT_MAX),
      updated_at_ms: hub.nowMs,
    }
    await hub.database.updateTable('hub_contacts').set(more).where('contact_id', '=', id).execute()
    return { ...kept, ...more }
  }
  const times = { at_ms, created_at_ms: hub.nowMs, updated_at_ms: hub.nowMs }
  const of = { contact_id: id, tenant, device, household: household ?? report.household ?? null }
  const row = { ...of, case_id: null, source, kind, text, said: JSON.stringify(said), actor, ...times }
  await hub.database.insertInto('hub_contacts').values(row).execute()
  return row
}

/** Characters of text kept of one contact. */
const TEXT_MAX = 8_000

export const saidOf = ({ said }: ContactRow): Said => JSON.parse(said) as Said

const mergeSaid = (before: Said, now: Said): Said => ({ ...before, ...now, answers: { ...before.answers, ...now.answers } })

/** Contacts of a case, oldest first; undefined when the tenant has no such case. */
export async function contactsOfCase(hub: HubTransaction, tenant: string, caseId: string): Promise<Contact[] | undefined> {
  const known = await hub.database
    .selectFrom('hub_cases')
    .select('case_id')
    .where('tenant', '=', tenant)
    .where('case_id', '=', caseId)
    .executeTakeFirst()
  if (known === undefined) return undefined
  const rows = await hub.database
    .selectFrom('hub_contacts')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('case_id', '=', caseId)
    .orderBy('at_ms')
    .orderBy('contact_id')
    .limit(CONTACTS_MAX)
    .execute()
  return rows.map(toContact)
}

/** Contacts of a case that are listed. */
const CONTACTS_MAX = 1_000

function toContact(row: ContactRow): Contact {
  const { contact_id, device, household, case_id, source, kind, text, at_ms, actor } = row
  const { code = null, symptom = null, answers } = saidOf(row)
  const said = { code, symptom, answers: Object.entries(answers).map(([question, answer]) => ({ question, answer })) }
  return { contact_id, device, household, case_id, source: source as Contact['source'], kind: kind as Contact['kind'], text, ...said, at_ms, actor }
}
