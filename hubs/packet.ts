/**
 * Makes the packet of a visit from the catalogue, the latest diagnosis and the first alarm of a cause. A function of these alone, so
 * that an order has the same packet whatever the order in which they came.
 */
import type { ApplianceType, Fault, Text } from '#catalogue/appliance-type.ts'
import { toolWords } from '#catalogue/tools.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis, Evidence, PartNeed } from '#kernel/diagnosis.ts'
import type { Packet } from '#kernel/work-order.ts'

export interface PacketSources {
  readonly type: ApplianceType | undefined
  readonly fault: string | null
  readonly diagnosis: Diagnosis | undefined
  readonly alarm: Alarm | undefined
  readonly locale: keyof Text
}

/** Packet for the cause; of a type or fault that the catalogue does not know it holds what the diagnosis and alarm say. */
export function buildPacket(sources: PacketSources): Packet {
  const { type, diagnosis, alarm, locale } = sources
  const fault = type?.faults.find((entry) => entry.code === sources.fault)
  const steps = (fault?.steps ?? []).flatMap((id) => {
    const step = type?.steps.find((entry) => entry.id === id)
    return step === undefined
      ? []
      : [
          {
            id,
            text: step.text[locale],
            tools: step.tools.map((tool) => toolWords(type, tool)?.[locale] ?? tool),
            minutes: step.minutes,
            proof: step.proof[locale],
          },
        ]
  })
  const rivals = diagnosis?.rivals ?? []
  return {
    fault: sources.fault,
    fault_name: fault?.name[locale] ?? diagnosis?.fault_name ?? alarm?.title ?? '',
    // An alarm alone says that its condition was seen to hold; there is no rival to share the probability with.
    probability: diagnosis?.probability ?? 1,
    customer_sees: fault?.customerSees[locale] ?? '',
    evidence_for: [...alarmEvidence(alarm), ...(diagnosis?.evidence_for ?? [])],
    evidence_against: diagnosis?.evidence_against ?? [],
    rivals,
    questions: questionsFor(
      fault,
      rivals.map((rival) => rival.fault),
      { locale, first: diagnosis?.next_question ?? null },
    ),
    parts: partsFor(type, fault, diagnosis, locale),
    skills: diagnosis !== undefined && diagnosis.skills.length > 0 ? diagnosis.skills : [...(fault?.skills ?? [])],
    steps,
    minutes: steps.reduce((sum, step) => sum + step.minutes, 0),
  }
}

function alarmEvidence(alarm: Alarm | undefined): Evidence[] {
  return (alarm?.evidence ?? []).map((entry) => ({
    feature: alarm?.rule ?? '',
    text: entry.condition,
    observed: typeof entry.value === 'number' ? entry.value : null,
    expected: null,
    unit: entry.unit,
    z_score: null,
  }))
}

/** The diagnosis's own question first, then those that tell the fault from the rivals named, then the rest. */
function questionsFor(fault: Fault | undefined, rivals: readonly string[], options: { locale: keyof Text; first: string | null }): string[] {
  const questions = fault?.questions ?? []
  const tells = (question: (typeof questions)[number]): boolean => question.rivals.some((rival) => rivals.includes(rival))
  const sorted = [...questions.filter(tells), ...questions.filter((question) => !tells(question))].map((question) => question.text[options.locale])
  return [...new Set(options.first === null ? sorted : [options.first, ...sorted])]
}

function partsFor(type: ApplianceType | undefined, fault: Fault | undefined, diagnosis: Diagnosis | undefined, locale: keyof Text): PartNeed[] {
  if (diagnosis !== undefined && diagnosis.parts.length > 0) return diagnosis.parts
  return (fault?.parts ?? []).map((need) => ({
    part: need.part,
    name: type?.parts.find((part) => part.part === need.part)?.name[locale] ?? need.part,
    quantity: need.quantity,
    probability: need.probability,
  }))
}
