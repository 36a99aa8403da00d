/** The experience hub for tests of the API: nothing is at risk, and what was said is noted. */
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
  }
}
