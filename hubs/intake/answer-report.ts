/** What a person is answered who reported something: what is thought, what to do, what is asked next, and how far the help is. */
import type { ApplianceType, Text } from '#catalogue/appliance-type.ts'
import type { Intake, SaidDanger } from '#catalogue/intake.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { EvidenceSource, ReportAnswer, ServiceView } from '#kernel/report.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { processOf } from '../orders/process-book.ts'
import { stepBeforeVisit, textVersion } from '../remote/remote-offers.ts'
import { isOpenPhase, phaseOf } from '../work-order-states.ts'
import type { Said } from './contacts.ts'
import type { ContactRow } from './intake-tables.ts'
import type { ChosenQuestion, RankedCauses } from './rank-faults.ts'
import { answerWithout } from './report-diagnosis.ts'

/** What is known of a contact when it is answered. */
export interface Assessed extends RankedCauses {
  readonly type: ApplianceType | undefined
  readonly typeId: string
  /** All that can be said of the unit, the dangers of its home among it. */
  readonly sayable: Intake
  readonly contact: ContactRow
  readonly said: Said
  /** The gravest of `dangers`. */
  readonly danger: SaidDanger | undefined
  /** One a hazard, gravest first. */
  readonly dangers: readonly SaidDanger[]
  readonly question: ChosenQuestion | undefined
  readonly standing: Diagnosis | undefined
  readonly restsOn: readonly EvidenceSource[]
}

export type OrderIds = Pick<WorkOrderRow, 'case_id' | 'work_order_id'>

/** The order that a contact came to. */
export interface Came {
  readonly order: WorkOrderRow
  readonly joined: boolean
  /** Orders of further dangers, by hazard. */
  readonly further?: ReadonlyMap<string, OrderIds>
}

export const hasSaid = ({ code, symptom, answers }: Said): boolean => code !== undefined || symptom !== undefined || Object.keys(answers).length > 0

/** Faults of an answer. */
const RANKED_MAX = 5

export async function answerOf(hub: HubTransaction, assessed: Assessed, came: Came | undefined): Promise<ReportAnswer> {
  const { type, contact, ranked, danger, said } = assessed
  const top = ranked[0]
  const isConcluded = came !== undefined || assessed.question === undefined
  const isNamed = top !== undefined && hasSaid(said) && top.probability >= hub.policy.diagnosisProbability_MIN
  const fault = danger === undefined ? (isNamed ? top.fault : null) : danger.fault
  const question = isConcluded && assessed.question?.question.isSafety !== true ? undefined : assessed.question
  const entryOf = (code: string) => type?.faults.find((entry) => entry.code === code)
  return {
    contact_id: contact.contact_id,
    device: contact.device,
    household: contact.household,
    case_id: came?.order.case_id ?? null,
    work_order_id: came?.order.work_order_id ?? null,
    is_concluded: isConcluded,
    joined: came?.joined ?? false,
    diagnosis: {
      answer: fault !== null ? 'fault' : danger === undefined ? answerWithout(assessed) : 'unknown_fault',
      fault,
      probability: ranked.find((each) => each.fault === fault)?.probability ?? 0,
      no_fault_probability: assessed.soundProbability,
      ranked: ranked.slice(0, RANKED_MAX).map(({ fault: code, probability }) => ({
        ...{ fault: code, probability },
        fault_name: entryOf(code)?.name ?? { en: code, 'zh-CN': code },
        safety_class: entryOf(code)?.safetyClass ?? 'E3',
      })),
      rests_on: [...assessed.restsOn],
    },
    next_question:
      question === undefined
        ? null
        : {
            ...{ question: question.question.id, text: question.question.text, is_safety: question.question.isSafety },
            answers: question.question.answers.map(({ id, text }) => ({ answer: id, text })),
            information_bits: question.informationBits,
          },
    safety_advice: danger === undefined ? null : adviceOf(assessed.dangers),
    hazard: danger?.hazard ?? null,
    dangers: assessed.dangers.map(({ hazard, fault: code, safetyClass, advice }, index) => {
      const order = index === 0 ? came?.order : came?.further?.get(hazard)
      const ids = { case_id: order?.case_id ?? null, work_order_id: order?.work_order_id ?? null }
      return { hazard, fault: code, safety_class: safetyClass, advice, ...ids }
    }),
    safety_class: danger?.safetyClass ?? (fault === null ? 'E3' : (entryOf(fault)?.safetyClass ?? 'E3')),
    ...(await helpOf(hub, came?.order, isConcluded)),
  }
}

/** What to do about all of them, the gravest first. In gas nobody does what would be right otherwise, at a switch or a plug. */
export function adviceOf(dangers: readonly SaidDanger[]): Text {
  const gas = dangers.find(({ hazard }) => hazard === 'gas')
  const told = gas === undefined ? dangers : [gas]
  return { en: told.map(({ advice }) => advice.en).join(' '), 'zh-CN': told.map(({ advice }) => advice['zh-CN']).join('') }
}

/** How far the help is, and what can be tried before anybody comes. */
async function helpOf(
  hub: HubTransaction,
  order: WorkOrderRow | undefined,
  isConcluded: boolean,
): Promise<Pick<ReportAnswer, 'service' | 'remote_step'>> {
  const service = await serviceOf(hub, order, isConcluded)
  const before = order === undefined || service.state !== 'order_open' ? undefined : await stepBeforeVisit(hub, order)
  if (before === undefined) return { service, remote_step: null }
  const { id, action, minutes, wantsPhoto, otherwise } = before.step
  const text_version = textVersion(hub.catalogue(order?.type ?? ''), id)
  const state = before.isMeasured ? 'checking' : 'try_first'
  return { service: { ...service, state }, remote_step: { action: id, text: action, text_version, minutes, wants_photo: wantsPhoto, otherwise } }
}

async function serviceOf(hub: HubTransaction, order: WorkOrderRow | undefined, isConcluded: boolean): Promise<ServiceView> {
  if (order === undefined) return { state: isConcluded ? 'not_known' : 'asking', window_from_ms: null, window_to_ms: null }
  const window = { window_from_ms: order.promised_from_ms, window_to_ms: order.promised_to_ms }
  const phase = phaseOf(await processOf(hub, order), order.state as WorkOrderState)
  if (!isOpenPhase(phase)) return { state: 'done', ...window }
  if (order.state === 'en_route' || order.state === 'on_site') return { state: 'on_the_way', ...window }
  return { state: window.window_from_ms === null ? 'order_open' : 'appointment', ...window }
}
