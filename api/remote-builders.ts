/** Remote first for tests of the API: one offer of `wo_1`, a step of `wo_2` that is about to be offered, and what was said is noted. */
import { MendlineError } from '#kernel/errors.ts'
import type { RemoteOffer } from '#kernel/remote-offer.ts'
import type { RemotePort } from './remote-ports.ts'

const OFFER: RemoteOffer = {
  ...{ offer_id: 'rem_1', work_order_id: 'wo_1', case_id: 'case_1', device: 'ac-1', kind: 'step', action: 'AC-H01', text_version: '1/AC-H01' },
  ...{ text: { en: 'clean the filter', 'zh-CN': '清洁滤网' }, minutes: 10, wants_photo: true, needs_consent: true, state: 'offered' },
  ...{ offered_at_ms: 1, expires_at_ms: 2, consent: null, started_at_ms: null, due_at_ms: null, result: null },
}

export function memoryRemote(note: (port: string, argument: unknown) => void): RemotePort {
  return {
    remoteOffers: async (_tenant, workOrderId) => (workOrderId === 'wo_2' ? [] : [OFFER]),
    async namedStep({ device }, work_order_id) {
      if (device !== OFFER.device) return undefined
      if (work_order_id !== 'wo_2') return OFFER
      const { text, minutes } = OFFER
      return { work_order_id, action: 'AC-H02', text, text_version: '1/AC-H02', minutes }
    },
    async answerRemote(tenant, offerId, answer) {
      if (offerId !== OFFER.offer_id) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such offer')
      note('answerRemote', { tenant, offerId, answer })
      return { ...OFFER, state: answer.answer === 'refuse' ? 'refused' : 'measuring' }
    },
  }
}
