/** The experience hub for tests of the API: nothing is at risk, and what was said is noted. */
import type { DemandPort } from './demand-ports.ts'
import type { ExperiencePort } from './experience-ports.ts'

export function memoryExperience(note: (port: string, argument: unknown) => void): ExperiencePort {
  const nobody = { orders: 0, count: 0, rate: null }
  const compared = { treated: nobody, held_out: nobody, difference: null, low: null, high: null }
  const respondents = { orders: 0, late: 0, late_share: null }
  return {
    risks: async () => [],
    interventions: async () => [],
    async answerIntervention(tenant, id, answer) {
      note('answerIntervention', { tenant, id, ...answer })
      return { intervention_id: id, tenant, ...answer }
    },
    effect: async () => ({ hold_out_share: 0.1, rules_version: 1, complaints: null, satisfied: compared }),
    satisfaction: async ({ from_ms, to_ms }) => ({
      ...{ from_ms, to_ms, responses: 0, csat: null, nps: null, nps_responses: 0, mean_effort: null, effort_responses: 0, response_rate: null },
      ...{ responders: respondents, non_responders: respondents },
    }),
    customerTags: async () => [],
    async putCustomerTag(key, { consent_at_ms = 0, expires_at_ms = 0, actor }) {
      note('putCustomerTag', key)
      return { ...key, consent_at_ms, expires_at_ms, actor, set_at_ms: 0, uses: [] }
    },
    deleteCustomerTag: async () => false,
    ...memoryDemand(note),
  }
}

function memoryDemand(note: (port: string, argument: unknown) => void): DemandPort {
  const open = { state: 'open', result: null, result_note: null, answered_by: null, answered_at_ms: null, log: [] }
  const consented = { consent_text_version: 'v1', consent_at_ms: 0, expires_at_ms: 1, told_at_ms: 0 }
  const signal = { ...open, ...consented, signal_id: 'dem_1', device: null, work_order_id: null, outlet: null, note: '', owner: 'outlet' }
  return {
    demandConsent: async () => undefined,
    async putDemandConsent(of, { text_version = '', consent_at_ms = 0, expires_at_ms = 0, actor }) {
      note('putDemandConsent', of)
      return { ...of, text_version, consent_at_ms, expires_at_ms, actor, set_at_ms: 0 }
    },
    withdrawDemandConsent: async () => false,
    demandOf: async () => [],
    async putDemandSignal(key, { source, actor }) {
      note('putDemandSignal', key)
      return { ...signal, ...key, source, actor }
    },
    deleteDemandSignal: async () => false,
    async demandSignals(query) {
      note('demandSignals', query)
      return { items: [], next: null }
    },
    async answerDemand({ tenant, id }, { result, actor }) {
      const of = { tenant, household: 'H 1', kind: 'accessory', source: 'household', actor: 'key:dev' }
      return { ...signal, ...of, signal_id: id, state: 'answered', result, answered_by: actor }
    },
  }
}
