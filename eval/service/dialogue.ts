/** A household of the city reports its appliance to the hubs and answers what it is asked, as a call centre would take it down. */
import { QUESTIONS_MAX, type ReportAnswer } from '#kernel/report.ts'
import type { Hubs } from '../../hubs/hubs.ts'
import type { HouseholdVoice, Seen } from '../../simulators/city/household-answers.ts'

/** Reports what is seen and answers question after question; gives the last answer of the hubs. */
export async function reportToHubs(
  { hubs, voice, tenant }: { readonly hubs: Pick<Hubs, 'report'>; readonly voice: HouseholdVoice; readonly tenant: string },
  seen: Seen,
): Promise<ReportAnswer> {
  const common = { tenant, device: seen.device, source: 'call_centre', actor: 'call-centre', at_ms: Math.floor(seen.atMs) } as const
  let answer = await hubs.report({ ...common, kind: 'report', ...voice.opens(seen) })
  for (let asked = 0; asked < QUESTIONS_MAX && answer.next_question !== null; asked++) {
    const { question } = answer.next_question
    const answers = [{ question, answer: voice.answers(seen, question) }]
    answer = await hubs.report({ ...common, kind: 'report', contact_id: answer.contact_id, answers })
  }
  return answer
}
