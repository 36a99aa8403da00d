/** The ports of boards and cohorts as the API's tests use them. */
import type { BoardPort, BoardUnit } from './board-ports.ts'
import type { CohortPort, CohortRecord } from './cohort-ports.ts'
import type { RemainingLifePort } from './life-ports.ts'
import { NOW_MS } from './memory-truth.ts'

export function memoryBoards(note: (port: string, argument: unknown) => void): BoardPort {
  const unit = (device: string, change: Partial<BoardUnit>): BoardUnit => ({
    ...{ device, type: 'plug', model: null, firmware: null, batch: null, household: null, state: 'ok', safety_class: null, fault: null },
    ...{ fault_name: null, alarms: 0, since_ms: null, heard_at_ms: NOW_MS - 1_000 },
    ...change,
  })
  return {
    units: async () => [
      unit('plug-1', { state: 'fault', fault: 'XX-01' }),
      unit('plug-2', {}),
      unit('other-1', { type: 'other', heard_at_ms: null }),
    ],
    async alarmCounts(span) {
      note('alarmCounts', span)
      return [{ t: span.from_ms, safety_class: 'E1', n: 2 }]
    },
    faultCounts: async () => [{ fault: 'XX-01', units: 2, diagnoses: 3, last_ms: NOW_MS }],
    diagnosesIn: async () => [],
    alarmsOf: async () => [],
    async residuals(query) {
      note('residuals', query)
      return []
    },
    ingestLag: async () => ({ lag_ms: 5, lag_bytes: 10 }),
  }
}

export function memoryCohorts(): CohortPort {
  const record: Omit<CohortRecord, 'cohort' | 'state'> = {
    ...{ type: 'plug', scope: 'batch', fault: 'XX-01', fault_name: 'Hot board', units: 50, exposure_unit_days: 5_000, events: 6 },
    ...{ expected: 1.5, rate_ratio: 4, evidence_ratio: 1.2, first_event_ms: NOW_MS - 9, flagged_at_ms: NOW_MS },
  }
  return {
    list: async (tenant) =>
      tenant === 'home'
        ? [
            { ...record, cohort: 'B07', state: 'flagged' },
            { ...record, cohort: 'B08', state: 'watched', evidence_ratio: 0.1, flagged_at_ms: null },
          ]
        : [],
  }
}

export const memoryRemainingLife = (): RemainingLifePort => ({
  outlook: async (tenant, device, usage) =>
    tenant === 'home' && device === 'plug-1'
      ? { ...{ device, type: 'plug', at_ms: NOW_MS, age_years: null, usage: { ...usage }, diagnosis_id: null, method: 'none' }, faults: [] }
      : undefined,
})
