/**
 * `node eval/system/emergency.ts`: how many dangers are missed and how long each takes from its receipt to the hubs, while the model hangs.
 * `--rate`, `--seconds`, `--dangers`, `--connections` change the load, `--check` exits with 1 when one is missed or the 99th percentile
 * is above a second. The same stands in the table of `npm run eval`.
 */
import { parseArgs } from 'node:util'
import { measureEmergency } from './emergency-run.ts'

const { values: flags } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '20' },
    dangers: { type: 'string', default: '100' },
    connections: { type: 'string', default: '200' },
    check: { type: 'boolean', default: false },
  },
})
const P99_MS_MAX = 1_000

const load = { rate: Number(flags.rate), seconds: Number(flags.seconds), dangers: Number(flags.dangers), connections: Number(flags.connections) }
const result = await measureEmergency(load)
console.log(
  `E0: ${result.raised} of ${load.dangers} dangers told, ${result.missed} missed; receipt to hub p50 ${result.p50_ms} ms, p99 ${result.p99_ms} ms, ` +
    `longest ${result.max_ms} ms, at ${result.messages_per_s} messages/s (asked ${load.rate}) with a model that hangs`,
)
console.log(JSON.stringify({ eval: 'emergency', data: 'load', rate_asked: load.rate, ...result }))
if (flags.check && (result.missed > 0 || result.p99_ms > P99_MS_MAX)) process.exitCode = 1
