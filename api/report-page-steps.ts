/**
 * What a household says on the page of its sticker to a step that it was asked to try: the answer goes to the offer of that step, of an order of
 * the sticker's own unit and of no other. What follows is the next step that is offered, or how far the help is.
 */
import type { EpochMs } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { NamedStep, RemoteAnswer, RemoteOffer } from '#kernel/remote-offer.ts'
import type { RemotePort } from './remote-ports.ts'
import { STEP_RESULTS, type stepPage } from './report-page-html.ts'

interface StepAnswer {
  readonly work_order_id: string
  readonly action: string
  readonly text_version: string
  readonly result: (typeof STEP_RESULTS)[number]
}

const FIELD_MAX = 128

/** The answer of a posted form; undefined when it is none to a step. */
export function readStepAnswer(body: string): StepAnswer | undefined {
  const form = new URLSearchParams(body)
  const field = (name: string): string => form.get(name)?.slice(0, FIELD_MAX) ?? ''
  const result = STEP_RESULTS.find((each) => each === form.get('result'))
  if (result === undefined) return undefined
  return { work_order_id: field('work_order_id'), action: field('action'), text_version: field('text_version'), result }
}

/**
 * Answers the offer of the step and says what follows; a step that is about to be offered takes no answer yet and is shown again.
 * @throws MendlineError MDL_API_CONFLICT when nothing of the unit is offered any more by that name, MDL_HUBS_CONSENT_REQUIRED when the text is another now
 */
export async function answerStep(
  remote: RemotePort,
  unit: { readonly tenant: string; readonly device: string; readonly nowMs: EpochMs },
  { work_order_id, action, text_version, result }: StepAnswer,
): Promise<Parameters<typeof stepPage>[1]> {
  const ofUnit = async (): Promise<RemoteOffer[]> =>
    (await remote.remoteOffers(unit.tenant, work_order_id)).filter(({ device, kind }) => device === unit.device && kind === 'step')
  const offered = async (): Promise<RemoteOffer[]> => (await ofUnit()).filter(({ state }) => state === 'offered')
  const offers = await ofUnit()
  const offer = offers.findLast((one) => one.action === action && one.state === 'offered')
  if (offer === undefined) {
    // The page names a step in the moment before it is offered, too.
    const named = offers.some((one) => one.action === action) ? undefined : await remote.namedStep(unit, work_order_id)
    if (named?.action === action) return { again: named }
    throw new MendlineError('MDL_API_CONFLICT', 'the step is not offered any more')
  }
  const told = { at_ms: unit.nowMs, actor: 'page' }
  const answer: RemoteAnswer =
    result === 'notDone'
      ? { ...told, answer: 'refuse', reason: 'not done, as the household says' }
      : { ...told, answer: 'done', text_version, helped: result === 'helped' }
  const { state } = await remote.answerRemote(unit.tenant, offer.offer_id, answer, 'page')
  const next = (await offered()).find(({ offer_id }) => offer_id !== offer.offer_id)
  if (next !== undefined) return { next: shownStep(next) }
  return { state: state === 'helped' ? 'solved' : state === 'measuring' ? 'checking' : 'order_open' }
}

const shownStep = ({ work_order_id, action, text, text_version, minutes }: RemoteOffer): NamedStep => ({
  ...{ work_order_id, action, text, text_version, minutes },
})
