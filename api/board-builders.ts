/** The port of boards as the API's tests use it. */
import type { BoardPort, BoardUnit } from './board-ports.ts'
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
