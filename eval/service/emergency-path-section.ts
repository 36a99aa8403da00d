/** The path of a danger beside the ordinary one, in `npm run eval:service`: command, call and webhook while the load is high and the model hangs. */
import type { EvalRow, EvalSection } from '../evaluation/table.ts'
import { measureEmergencyPath, type PathResult } from './emergency-path-run.ts'

const P99_MS_MAX = 2_000

export const emergencyPathSection: EvalSection = {
  id: 'emergency-path',
  async run({ isQuick }) {
    const load = { rate: isQuick ? 2_000 : 10_000, seconds: isQuick ? 8 : 20, dangers: isQuick ? 20 : 100, connections: 200 }
    const result = await measureEmergencyPath({ ...load, waitsForOwners: !isQuick })
    const { dangers, unowned, messagesPerS } = result
    return [
      {
        id: 'emergency-path',
        title: `The path of a danger (E0) at ${load.rate} messages/s with a model that hangs`,
        data: 'load',
        command: 'npm run eval:service -- --only emergency-path',
        rows: [
          { measure: `dangers of ${dangers} whose unit heard no command`, value: dangers - result.command.length, goal: { max: 0 } },
          { measure: `dangers of ${dangers} without a call and a webhook that were taken`, value: untold(result), goal: { max: 0 } },
          delayRow('receipt to the command at the unit, p99 (ms)', result.command, result),
          delayRow('receipt to the 2xx of the dispatch system, p99 (ms)', result.webhook, result),
          delayRow('receipt to the 2xx of a person’s chat, p99 (ms)', result.call, result),
          ...(unowned === undefined ? [] : [{ measure: 'emergencies unowned after 60 s', value: unowned, goal: { max: 0 } }]),
          { measure: 'messages a second', value: messagesPerS },
        ],
        notes: [
          'From the receipt, which is before the append to the journal: to the command by the clock of the unit that heard it, to webhook and call when their answer was there.',
          `The baseline is the order of the same dangers by the ordinary path (hubs, outbox), whose 2xx came for ${result.ordinary.length} of ${dangers} within a minute behind the load; in the hubs dangers go first, too. Load, platform, units and receiver share one machine of two cores.`,
        ],
      },
    ]
  },
}

/** Held to two seconds whatever the baseline is: on a quiet machine the ordinary path is soon there, too. */
function delayRow(measure: string, delays: readonly number[], { ordinary }: PathResult): EvalRow {
  const bound = { max: P99_MS_MAX }
  const baselines = ordinary.length === 0 ? [] : [{ name: 'ordinary path', value: p99(ordinary) }]
  return { measure, value: delays.length === 0 ? undefined : p99(delays), baselines, goal: bound, floor: bound }
}

function p99(delays: readonly number[]): number {
  const sorted = delays.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(0.99 * sorted.length))] ?? Number.NaN
}

const untold = ({ dangers, call, webhook }: PathResult): number => dangers - Math.min(call.length, webhook.length)
