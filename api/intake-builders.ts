/** Intake of reports for tests of the API: each report opens the same order. */
import type { IntakePort } from './intake-ports.ts'

export function memoryIntake(note: (port: string, argument: unknown) => void): IntakePort {
  return {
    async report(report, key) {
      note('report', { report, key })
      return {
        ...{ contact_id: 'contact_1', device: report.device ?? '', case_id: 'case_1', work_order_id: 'wo_1', is_concluded: true, joined: false },
        diagnosis: { answer: 'fault', fault: 'AC-F01', probability: 0.8, no_fault_probability: 0.1, ranked: [], rests_on: ['code'] },
        ...{ next_question: null, safety_advice: null, safety_class: 'E2' },
        service: { state: 'order_open', window_from_ms: null, window_to_ms: null },
      }
    },
    createIntakeCode: async () => 'sticker',
    revokeIntakeCode: async (_tenant, device) => device === 'ac-1',
    unitOfCode: async (token) => (token === 'sticker' ? { tenant: 'home', device: 'ac-1' } : undefined),
    caseContacts: async (tenant, caseId) => (tenant === 'home' && caseId === 'case_1' ? [] : undefined),
  }
}
