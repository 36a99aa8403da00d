/** The ports of rules and alarms as the API's tests use them: each call is noted and answered with little. */
import { MendlineError } from '#kernel/errors.ts'
import type { BacktestPort } from './backtest-ports.ts'
import type { AlarmPort, RulePort } from './rule-ports.ts'

type Note = (port: string, argument: unknown) => void

export function memoryRules(note: Note): RulePort {
  const known = (id: string): void => {
    if (id !== 'R1') throw new MendlineError('MDL_API_NOT_FOUND', `there is no rule ${id}`)
  }
  const answer = async (port: string, id: string, argument: object): Promise<object> => {
    known(id)
    note(port, { id, ...argument })
    return { rule_id: id }
  }
  return {
    list: () => [{ rule_id: 'R1' }],
    versions(_tenant, id) {
      known(id)
      return [{ rule_id: id, version: 1 }]
    },
    history: () => [],
    diff: () => [{ field: 'hold_ms', before: 0, after: 60_000 }],
    put: (tenant, id, given) => answer('putRule', id, { tenant, ...given }),
    activate: (tenant, id, how) => answer('activateRule', id, { tenant, ...how }),
    rollBack: (tenant, id, how) => answer('rollBackRule', id, { tenant, ...how }),
    why: ({ rule, ...query }) => answer('why', rule, query),
  }
}

export function memoryAlarms(note: Note): AlarmPort {
  return {
    async handleAlarm(tenant, alarmId, change, actor) {
      note('handleAlarm', { tenant, alarmId, change, actor })
      return { alarm_id: alarmId }
    },
    alarmGroups: async () => ({ items: [], next: null }),
    compression: async () => ({ alarms: 10, groups: 2, ratio: 5 }),
    async planMaintenance(tenant, window, actor) {
      note('planMaintenance', { tenant, window, actor })
      return { window_id: 'mw_1' }
    },
    maintenance: async () => [{ window_id: 'mw_1' }],
    endMaintenance: async (_tenant, id) => id === 'mw_1',
  }
}

export function memoryBacktests(note: Note): BacktestPort {
  const none = { progress: null, report: null, created_by: 'key:dev', created_at_ms: 0, started_at_ms: null, ended_at_ms: null }
  const job = { job_id: 'job_1', tenant: 'home', kind: 'backtest', state: 'waiting', ...none }
  return {
    async create(tenant, backtest) {
      note('createBacktest', { tenant, backtest })
      return job
    },
    get: async (_tenant, id) => (id === job.job_id ? job : undefined),
    list: async () => ({ items: [job], next: null }),
  }
}
