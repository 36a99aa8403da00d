/** Care by use for tests of the API: one task of one unit that is due, and what was said of it is noted. */
import type { Care, CareChoice } from '#kernel/care.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { CarePort } from './care-ports.ts'

const text = { en: 'x', 'zh-CN': 'x' }
const CARE: Care = {
  ...{ care_id: 'care_1', tenant: 'home', device: 'ac-1', household: 'flat-3', type: 'air_conditioner', task: 'AC-C01', kind: 'maintenance' },
  ...{ who: 'household', name: text, text, minutes: 15, state: 'due', since_ms: 1, use: { running_h: 251, cycles: 0, litres: 0, days: 40 } },
  ...{ every: { running_h: 250 }, due_at_ms: 2, reason: { by: 'running_h', value: 251, limit: 250 }, suggestion: null, told_at_ms: 2 },
  ...{ told_count: 1, is_opted_out: false, last_done_ms: null, done_count: 0 },
}

export function memoryCare(note: (port: string, argument: unknown) => void): CarePort {
  const choice = (given: Pick<CareChoice, 'household' | 'kind' | 'wants' | 'actor'>): CareChoice => ({ ...given, answered_at_ms: 1, set_at_ms: 1 })
  return {
    careOf: async ({ device }) => (device === CARE.device ? [CARE] : []),
    async careDue(query) {
      note('careDue', query)
      return { items: [CARE], next: query.after === undefined ? '[2,"care_1"]' : null }
    },
    async careDone(of, given) {
      if (of.task !== CARE.task) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such care')
      note('careDone', { of, given })
      return { ...CARE, state: 'counting', done_count: 1 }
    },
    careChoices: async (_tenant, household) => [choice({ household, kind: 'tip', wants: false, actor: 'key:dev' })],
    async chooseCare({ household, kind }, { wants, actor }) {
      note('chooseCare', { household, kind, wants })
      return choice({ household, kind, wants, actor })
    },
  }
}
