/**
 * The diagnosis behind a report: what a person said and what the readings of the unit say beside it, as one record with its sources. Where
 * the standing diagnosis of the readings names the same fault, its evidence and residuals go along, so that a packet loses nothing.
 */
import type { ApplianceType, Text } from '#catalogue/appliance-type.ts'
import type { Intake } from '#catalogue/intake.ts'
import { DIAGNOSIS_SCHEMA_VERSION, type Diagnosis, type Evidence, type PartNeed } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import { DONT_KNOW, type EvidenceSource, NO_CODE } from '#kernel/report.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import type { Said } from './contacts.ts'
import type { ContactRow } from './intake-tables.ts'
import type { Ranked, RankedCauses } from './rank-faults.ts'

/** Device time after which a standing diagnosis says nothing of a report (chosen). */
const STANDING_MS_MAX = 7 * 86_400_000
/** Rivals named beside the fault, and least probability of one. */
const RIVALS_MAX = 3
const RIVAL_MIN = 0.05
/** Probability from which the appliance is said to work (chosen: likelier than all faults together). */
const SOUND_MIN = 0.5
/** Least probability of a part that is worth its place on the van where the fault is not known (chosen). */
const PART_MIN = 0.1

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

/** Whether the readings of the unit, heard lately, told of no fault. */
export async function isToldSound({ database }: Pick<HubTransaction, 'database'>, { tenant, device, at_ms }: ContactRow): Promise<boolean> {
  const rows = database.selectFrom('hub_device_answers').select('answer').where('tenant', '=', tenant).where('device', '=', device)
  return (
    (await rows
      .where('answer', '=', 'no_fault')
      .where('made_at_ms', '>=', at_ms - STANDING_MS_MAX)
      .executeTakeFirst()) !== undefined
  )
}

/** Probabilities by fault of a standing diagnosis. */
export const probabilitiesOf = ({ fault, probability, rivals }: Diagnosis): Map<string, number> =>
  new Map([...(fault === null ? [] : [[fault, probability] as const]), ...rivals.map((rival) => [rival.fault, rival.probability] as const)])

export interface Concluded extends RankedCauses {
  readonly type: ApplianceType | undefined
  readonly typeId: string
  /** Words of what was said. */
  readonly sayable: Intake
  readonly contact: ContactRow
  readonly said: Said
  /** Null = no fault is likely enough to be named. */
  readonly fault: string | null
  readonly standing: Diagnosis | undefined
  readonly restsOn: readonly EvidenceSource[]
  readonly locale: keyof Text
  readonly nowMs: number
}

/** What is answered where no fault is named. */
export function answerWithout({ ranked, soundProbability }: RankedCauses): 'no_fault' | 'unknown_fault' | 'not_enough_data' {
  if (ranked.length === 0) return 'not_enough_data'
  return soundProbability >= SOUND_MIN ? 'no_fault' : 'unknown_fault'
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
    ...{ answer: fault === null ? answerWithout(concluded) : 'fault', fault, fault_name: fault === null ? UNNAMED[locale] : nameOf(fault) },
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
    parts: same?.parts ?? (fault === null ? likelyParts(type, ranked, locale) : []),
    skills: same?.skills ?? (fault === null ? likelySkills(type, ranked) : []),
    versions: {
      model: same?.versions.model ?? null,
      rule: null,
      catalogue: type?.version ?? 'none',
      schema: DIAGNOSIS_SCHEMA_VERSION,
      firmware: null,
    },
  }
}

/** Where the cause is not known, each part by how likely any of the faults needs it. */
function likelyParts(type: ApplianceType | undefined, ranked: readonly Ranked[], locale: keyof Text): PartNeed[] {
  const needs = new Map<string, PartNeed>()
  for (const { fault, probability } of ranked) {
    for (const { part, quantity, probability: ofFault } of type?.faults.find(({ code }) => code === fault)?.parts ?? []) {
      const before = needs.get(part)
      const name = type?.parts.find((entry) => entry.part === part)?.name[locale] ?? part
      needs.set(part, {
        ...{ part, name, quantity: Math.max(quantity, before?.quantity ?? 0) },
        probability: (before?.probability ?? 0) + probability * ofFault,
      })
    }
  }
  return [...needs.values()].filter(({ probability }) => probability >= PART_MIN).sort((a, b) => b.probability - a.probability)
}

/** Skills of the likeliest fault that somebody has to travel for. */
function likelySkills(type: ApplianceType | undefined, ranked: readonly Ranked[]): string[] {
  const skills = ranked.map(({ fault }) => type?.faults.find(({ code }) => code === fault)?.skills.filter((skill) => skill !== 'REM') ?? [])
  return [...(skills.find(({ length }) => length > 0) ?? [])]
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

export const UNNAMED: Text = { en: 'Cause not known yet', 'zh-CN': '原因待查' }

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
