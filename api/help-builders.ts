/** Help during visits for tests of the API: one request of one order, and what was said of it is noted. */
import { MendlineError } from '#kernel/errors.ts'
import type { HelpRequest } from '#kernel/help.ts'
import type { HelpPort } from './help-ports.ts'

const REQUEST: HelpRequest = {
  ...{ request_id: 'help_1', tenant: 'home', work_order_id: 'wo_1', device: 'ac-1', kind: 'expert', state: 'waiting', safety_class: 'E2' },
  ...{
    skills: ['gas'],
    parts: [],
    text: '',
    asked_by: 'eva',
    asked_at_ms: 1,
    needed_by_ms: null,
    promises_broken: 0,
    taken_by: null,
    taken_at_ms: null,
  },
  ...{ waited_ms: null, promised_ms: null, from: null, saves_visit: null, escalations: 0, ended_at_ms: null, result: null },
}

export function memoryHelp(note: (port: string, argument: unknown) => void): HelpPort {
  const known = (id: string): HelpRequest => {
    if (id !== REQUEST.request_id) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such request for help')
    return REQUEST
  }
  return {
    async askHelp(tenant, workOrderId, given) {
      if (workOrderId !== REQUEST.work_order_id) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such work order')
      note('askHelp', { tenant, workOrderId, given })
      return { ...REQUEST, kind: given.kind }
    },
    async helpQueue(query) {
      note('helpQueue', query)
      return [REQUEST]
    },
    helpRequest: async (_tenant, id) => known(id),
    async takeHelp(tenant, id, given) {
      note('takeHelp', { tenant, id, given })
      return { ...known(id), state: 'taken', taken_by: given.by }
    },
    async endHelp(_tenant, id, { result }) {
      return { ...known(id), state: 'done', result }
    },
    async helpFigures(query) {
      note('helpFigures', query)
      return {
        requests: 1,
        taken: 0,
        waiting: 1,
        waited_p50_ms: null,
        waited_p90_ms: null,
        promised_p50_ms: null,
        promises_kept: 0,
        promises_broken: 0,
      }
    },
  }
}
