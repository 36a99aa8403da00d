/** The ports of rules and alarms as the API's tests use them: each call is noted and answered with little. */
import type { Alarm } from '#kernel/alarm.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { BacktestPort } from './backtest-ports.ts'
import type { AlarmPort, RulePort } from './rule-ports.ts'

export const testAlarm: Alarm = {
  ...{ alarm_id: 'alarm_1', tenant: 'home', device: 'ac-1', type: 'air_conditioner', rule: 'R1', rule_version: 1, safety_class: 'E3', fault: null },
  ...{ title: 'Too warm', began_at_ms: 1, raised_at_ms: 2, received_at_ms: 3, cleared_at_ms: null, evidence: [] },
}

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
  const handling = { acknowledged_at_ms: 5, acknowledged_by: 'key:dev', assigned_to: null, snoozed_until_ms: null, quiet_by: null }
  return {
    handlingOf: async (_tenant, ids) => new Map(ids.map((id) => [id, handling])),
    async handleAlarm(tenant, alarmId, change, actor) {
      if (alarmId === 'alarm_0') throw new MendlineError('MDL_API_NOT_FOUND', 'there is no alarm alarm_0')
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
