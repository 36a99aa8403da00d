/**
 * The diagnosis behind a report: what a person said and what the readings of the unit say beside it, as one record with its sources. Where
 * the standing diagnosis of the readings names the same fault, its evidence and residuals go along, so that a packet loses nothing.
 */
import type { ApplianceType, Text } from '#catalogue/appliance-type.ts'
import type { Intake } from '#catalogue/intake.ts'
import { DIAGNOSIS_SCHEMA_VERSION, type Diagnosis, type Evidence } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import { DONT_KNOW, type EvidenceSource, NO_CODE } from '#kernel/report.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import type { Said } from './contacts.ts'
import type { ContactRow } from './intake-tables.ts'
import type { Ranked } from './rank-faults.ts'

/** Device time after which a standing diagnosis says nothing of a report (chosen). */
const STANDING_MS_MAX = 7 * 86_400_000
/** Rivals named beside the fault, and least probability of one. */
const RIVALS_MAX = 3
const RIVAL_MIN = 0.05

/** The diagnosis that stands for the unit by its readings; undefined when it names no fault or is too old. */
export async function standingDiagnosis(hub: HubTransaction, { tenant, device, at_ms }: ContactRow): Promise<Diagnosis | undefined> {
  const found = await hub.database
    .selectFrom('hub_device_answers as a')
    .innerJoin('hub_diagnoses as d', 'd.diagnosis_id', 'a.diagnosis_id')
    .select('d.body')
    .where('a.tenant', '=', tenant)
    .where('a.device', '=', device)
    .where('a.answer', '=', 'fault')
    .where('a.made_at_ms', '>=', at_ms - STANDING_MS_MAX)
    .executeTakeFirst()
  return found === undefined ? undefined : (JSON.parse(found.body) as Diagnosis)
}

/** Probabilities by fault of a standing diagnosis. */
export const probabilitiesOf = ({ fault, probability, rivals }: Diagnosis): Map<string, number> =>
  new Map([...(fault === null ? [] : [[fault, probability] as const]), ...rivals.map((rival) => [rival.fault, rival.probability] as const)])

export interface Concluded {
  readonly type: ApplianceType | undefined
  readonly typeId: string
  /** Words of what was said. */
  readonly sayable: Intake
  readonly contact: ContactRow
  readonly said: Said
  readonly ranked: readonly Ranked[]
  /** Null = no fault is likely enough to be named. */
  readonly fault: string | null
  readonly standing: Diagnosis | undefined
  readonly restsOn: readonly EvidenceSource[]
  readonly locale: keyof Text
  readonly nowMs: number
}

/** Makes the diagnosis; its id follows from the contact and what was said in it. */
export function makeDiagnosis(concluded: Concluded): Diagnosis {
  const { type, typeId, sayable, contact, said, ranked, fault, standing, locale } = concluded
  const { tenant, device, at_ms } = contact
  const entry = type?.faults.find(({ code }) => code === fault)
  const nameOf = (code: string): string => type?.faults.find((each) => each.code === code)?.name[locale] ?? code
  const same = standing !== undefined && standing.fault === fault ? standing : undefined
  // A row of the hubs is newer than what was found before it, also when the person told of it late.
  const made_at_ms = Math.max(at_ms, standing?.made_at_ms ?? 0)
  return {
    diagnosis_id: contentId('dg', contact.contact_id, contact.said),
    ...{ tenant, device, type: typeId, source: 'report', made_at_ms, received_at_ms: concluded.nowMs },
    ...{ window_from_ms: at_ms, window_to_ms: at_ms },
    ...{ answer: fault === null ? 'not_enough_data' : 'fault', fault, fault_name: fault === null ? '' : nameOf(fault) },
    probability: fault === null ? 0 : (ranked.find((each) => each.fault === fault)?.probability ?? 0),
    safety_class: entry?.safetyClass ?? 'E3',
    evidence_for: [...saidEvidence(sayable, said, locale), ...(same?.evidence_for ?? [])],
    evidence_against: same?.evidence_against ?? [],
    rivals: ranked
      .filter((each) => each.fault !== fault && each.probability >= RIVAL_MIN)
      .slice(0, RIVALS_MAX)
      .map((each) => ({ fault: each.fault, fault_name: nameOf(each.fault), probability: each.probability })),
    next_question: null,
    ...(same?.residuals === undefined ? {} : { residuals: same.residuals }),
    rests_on: [...concluded.restsOn],
    parts: same?.parts ?? [],
    skills: same?.skills ?? [],
    versions: {
      model: same?.versions.model ?? null,
      rule: null,
      catalogue: type?.version ?? 'none',
      schema: DIAGNOSIS_SCHEMA_VERSION,
      firmware: null,
    },
  }
}

/** What was said, as evidence in the words of the catalogue. */
function saidEvidence(intake: Intake, said: Said, locale: keyof Text): Evidence[] {
  const shown = intake.codes.find(({ code }) => code === said.code)
  const named = intake.symptoms.find(({ id }) => id === said.symptom)
  const texts = [
    ...(said.code === undefined || said.code === NO_CODE
      ? []
      : [['said_code', `${said.code}${shown === undefined ? '' : ` ${shown.text[locale]}`}`] as const]),
    ...(named === undefined ? [] : [['said_symptom', named.text[locale]] as const]),
    ...Object.entries(said.answers).flatMap(([id, answer]) => {
      const question = intake.questions.find((each) => each.id === id)
      const chosen = question?.answers.find((each) => each.id === answer)
      if (answer === DONT_KNOW || question === undefined || chosen === undefined) return []
      return [[`said_${id}`, `${question.text[locale]} ${chosen.text[locale]}`] as const]
    }),
  ]
  return texts.map(([feature, text]) => ({ feature, text, observed: null, expected: null, unit: '', z_score: null }))
}

/** What a ranking rests on. */
export function restsOn(said: Said, { isAged, isMeasured }: { readonly isAged: boolean; readonly isMeasured: boolean }): EvidenceSource[] {
  const answered = Object.values(said.answers).some((answer) => answer !== DONT_KNOW)
  return [
    ...(said.code === undefined ? [] : ['code' as const]),
    ...(said.symptom === undefined ? [] : ['symptom' as const]),
    ...(answered ? ['answers' as const] : []),
    ...(isMeasured ? ['telemetry' as const] : []),
    ...(isAged ? ['age' as const] : []),
  ]
}
