/** Shifts the order's diagnosis by something that was tried; what is none of the named faults gains and loses with them. */
import type { Diagnosis, Evidence } from '#kernel/diagnosis.ts'
import { DIAGNOSIS_SCHEMA_VERSION } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import { applyDiagnosis } from '../findings.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { orderRow } from '../work-orders.ts'
import type { RemoteOfferRow } from './remote-tables.ts'

/** How much likelier what was seen is under the faults that it speaks for, and the other way round (chosen, EJ). */
const ANSWER_WEIGHT = 6

export interface Shift {
  readonly evidence: Evidence
  readonly speaksFor: readonly string[]
  readonly speaksAgainst: readonly string[]
}

/** The order's diagnosis with the shift in it, told like any newer one; nothing where the order has none. */
export async function tellDiagnosis(hub: HubTransaction, offer: RemoteOfferRow, { evidence, speaksFor, speaksAgainst }: Shift): Promise<void> {
  const order = await orderRow(hub, offer.work_order_id)
  const diagnoses = hub.database.selectFrom('hub_diagnoses').select('body')
  const stored = await diagnoses.where('diagnosis_id', '=', order.diagnosis_id ?? '').executeTakeFirst()
  const type = hub.catalogue(offer.type)
  if (stored === undefined || type === undefined) return
  const standing = JSON.parse(stored.body) as Diagnosis
  const weightOf = (code: string): number => (speaksFor.includes(code) ? ANSWER_WEIGHT : speaksAgainst.includes(code) ? 1 / ANSWER_WEIGHT : 1)
  const told = [{ fault: standing.fault ?? '', probability: standing.probability }, ...standing.rivals]
  const named = told.filter(({ fault }) => type.faults.some(({ code }) => code === fault))
  const weighed = named.map(({ fault, probability }) => ({ fault, weight: probability * weightOf(fault) }))
  const unnamed = Math.max(0, 1 - named.reduce((sum, { probability }) => sum + probability, 0))
  const total = weighed.reduce((sum, { weight }) => sum + weight, unnamed)
  const [top, ...rest] = weighed.map(({ fault, weight }) => ({ fault, probability: weight / total })).sort((a, b) => b.probability - a.probability)
  if (top === undefined || total === 0) return
  const entry = type.faults.find(({ code }) => code === top.fault)
  const nameOf = (code: string): string => type.faults.find((fault) => fault.code === code)?.name[hub.locale] ?? code
  const isSame = top.fault === standing.fault
  const isFor = !speaksAgainst.includes(top.fault)
  await applyDiagnosis(hub, {
    ...standing,
    diagnosis_id: contentId('dg', offer.offer_id, 'answered'),
    ...{ source: 'test', made_at_ms: Math.max(hub.nowMs, standing.made_at_ms + 1), received_at_ms: hub.nowMs },
    window_to_ms: Math.max(standing.window_to_ms, offer.due_at_ms ?? 0),
    ...{ answer: 'fault', fault: top.fault, fault_name: nameOf(top.fault), probability: top.probability },
    safety_class: entry?.safetyClass ?? standing.safety_class,
    evidence_for: [...(isFor ? [evidence] : []), ...(isSame ? standing.evidence_for : [])],
    evidence_against: [...(isFor ? [] : [evidence]), ...(isSame ? standing.evidence_against : [])],
    rivals: rest.map(({ fault, probability }) => ({ fault, fault_name: nameOf(fault), probability })),
    ...(isSame ? {} : { parts: [], skills: [], next_question: null }),
    versions: { ...standing.versions, catalogue: type.version, schema: DIAGNOSIS_SCHEMA_VERSION },
  })
}
