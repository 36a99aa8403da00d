/**
 * `npm run chaos`: the real server killed with SIGKILL every 1 to 3 s under load, at least 50 times, then the trace of fdatasync before
 * PUBACK. Flags: --quick (5 kills, under a minute, no trace), --check (exit 1 when a floor is missed), --seed TEXT, --data DIR (kept; else
 * a temporary folder). The last line is JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isWhole, runChaos } from './chaos-run.ts'
import { traceFsync } from './fsync-trace.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    seed: { type: 'string', default: 'chaos' },
    data: { type: 'string' },
  },
})

const FIRST_PUBACK_MS_MAX = 2_000
const TRACED_MESSAGES = 50
const size = flags.quick ? { messagesPerS: 25, kills_MIN: 5, acknowledged_MIN: 1_000 } : { messagesPerS: 15, kills_MIN: 50, acknowledged_MIN: 20_000 }

const trace = flags.quick ? undefined : await traceFsync(TRACED_MESSAGES)
const data = flags.data ?? (await mkdtemp(join(tmpdir(), 'mendline-chaos-')))
console.log(`chaos: 20 devices, at least ${size.kills_MIN} kills and ${size.acknowledged_MIN} acknowledged messages, seed ${flags.seed}`)
const report = await runChaos({ ...size, data, seed: flags.seed, devices: 20, say: (line) => console.log(`  ${line}`) })
if (flags.data === undefined) await rm(data, { recursive: true, force: true })

console.log(`  ${report.missing} acknowledged missing, ${report.twice} stored twice, ${report.out_of_order} out of order, ${report.altered} altered`)
console.log(`  first PUBACK after a restart: at most ${report.first_puback_ms_max} ms, half within ${report.first_puback_ms_p50} ms`)
const isGood = isWhole(report) && report.first_puback_ms_max <= FIRST_PUBACK_MS_MAX && trace?.ok !== false
console.log(JSON.stringify({ bench: 'chaos', ...report, fsync_trace: trace, ok: isGood }))
if (flags.check && !isGood) process.exitCode = 1
