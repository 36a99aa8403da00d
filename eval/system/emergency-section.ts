/** The emergency path in the table of `npm run eval`: dangers that were missed, and how long a decision takes while the model hangs. */
import type { EvalSection } from '../evaluation/table.ts'
import { measureEmergency } from './emergency-run.ts'

export const emergencySection: EvalSection = {
  id: 'emergency',
  async run({ isQuick }) {
    const load = { rate: isQuick ? 2_000 : 10_000, seconds: isQuick ? 8 : 20, dangers: isQuick ? 20 : 100, connections: 200 }
    const { missed, p99_ms, max_ms, messages_per_s } = await measureEmergency(load)
    return [
      {
        id: 'emergency',
        title: `Emergency path at ${load.rate} messages/s with a model that hangs`,
        data: 'load',
        command: 'node eval/system/emergency.ts',
        rows: [
          { measure: `E0 missed of ${load.dangers}`, value: missed, goal: { max: 0 }, floor: { max: 0 } },
          { measure: 'receipt to hub, 99th percentile (ms)', value: p99_ms, goal: { max: 1_000 }, floor: { max: 1_000 } },
          { measure: 'longest (ms)', value: max_ms },
          { measure: 'messages a second', value: messages_per_s },
        ],
        notes: ['From the receipt, which is before the append to the journal, to the commit of the hubs, which is behind the decision.'],
      },
    ]
  },
}
