/** Verified repair for tests of the API: one order with its label, one sign, one score. */
import type { LineagePort } from './lineage-ports.ts'

export function memoryLineage(note: (port: string, argument: unknown) => void): LineagePort {
  const lineage = {
    ...{ readings: null, diagnosis: null, alarm: null, outcome: null, repairs: [], signs: [], labels: [] },
    order: {
      ...{ work_order_id: 'wo_1', case_id: 'case_1', device: 'ac-1', type: 'air_conditioner', state: 'opened', fault: null },
      ...{ opened_at_ms: 1, settled_at_ms: null, moves: [] },
    },
  }
  return {
    ofOrder: async (tenant, id) => (tenant === 'home' && id === 'wo_1' ? lineage : undefined),
    ofLabel: async (tenant, id) => (tenant === 'home' && id === 'lab_1' ? lineage : undefined),
    async labels(query) {
      note('labels', query)
      return { items: [], next: null }
    },
    async repairSigns(query) {
      note('repairSigns', query)
      return { items: [], next: query.after === undefined ? '[1,"sgn_1"]' : null }
    },
    async liveScores(query) {
      note('liveScores', query)
      return []
    },
  }
}
