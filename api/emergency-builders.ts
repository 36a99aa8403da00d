/** Builders of the emergency port for the API's tests: one emergency, and links whose token is `good` (or `old`: expired). */
import { MendlineError } from '#kernel/errors.ts'
import type { EmergencyPort, EmergencyView } from './emergency-ports.ts'
import { NOW_MS } from './memory-truth.ts'

const VIEW: EmergencyView = {
  ...{ emergency_id: 'em_1', safety_class: 'E0', state: 'raised', title_en: 'Gas & smell', title_zh: '燃气', device: 'gwh-1', is_drill: false },
  ...{ advice_en: 'Leave the house', advice_zh: '请离开', acknowledged_by: null, read_at_ms: null },
}

/** Notes what it was asked; any other token than `good` is unknown. */
export function memoryEmergencies(note: (port: string, argument: unknown) => void): EmergencyPort {
  const ours = (id: string): EmergencyView => {
    if (id !== VIEW.emergency_id) throw new MendlineError('MDL_API_NOT_FOUND', `there is no emergency ${id}`)
    return VIEW
  }
  const byToken = (token: string, change: Partial<EmergencyView>): EmergencyView | undefined => {
    if (token === 'old') throw new MendlineError('MDL_HUBS_LINK_EXPIRED', 'the emergency has long been over')
    return token === 'good' ? { ...VIEW, ...change } : undefined
  }
  return {
    async list(query) {
      note('emergencies', query)
      return { items: [], next: null }
    },
    get: async (tenant, id) => (tenant === 'home' && id === VIEW.emergency_id ? VIEW : undefined),
    steps: async (_tenant, id) => [{ sequence: 1, kind: 'raised', at_ms: NOW_MS, after_ms: 0, detail: { of: ours(id).emergency_id } }],
    async acknowledge(given) {
      note('acknowledge', given)
      return { ...ours(given.id), state: 'acknowledged', acknowledged_by: given.by }
    },
    async resolve(given) {
      note('resolve', given)
      return { ...ours(given.id), state: 'resolved' }
    },
    roster: async () => undefined,
    async setRoster(tenant, roster, by) {
      note('setRoster', { tenant, roster, by })
      return { roster, on_duty: [], updated_at_ms: NOW_MS, updated_by: by, next_drill_at_ms: null }
    },
    async drill(given) {
      note('drill', given)
      return { emergency_id: 'em_2' }
    },
    drillReport: async (_tenant, id) => ({ ...ours(id), steps: [] }),
    async byLink(token) {
      const emergency = byToken(token, {})
      return emergency === undefined ? undefined : { emergency, person: 'li' }
    },
    async acknowledgeByLink(token) {
      note('acknowledgeByLink', token)
      return byToken(token, { state: 'acknowledged', acknowledged_by: 'person:li' })
    },
    advice: async (token) => byToken(token, {}),
    async adviceRead(token) {
      note('adviceRead', token)
      return byToken(token, { read_at_ms: NOW_MS })
    },
  }
}
