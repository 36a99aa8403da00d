/**
 * `npm run chaos`: the real server killed with SIGKILL every 1 to 3 s under load, then everything resent, then what was acknowledged is
 * compared with what the API gives back. Flags: --quick (5 kills, under a minute), --check (exit 1 when a floor is missed), --seed TEXT,
 * --data DIR (kept; else a temporary folder). The last line is JSON.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createRandom } from '../../kernel/random.ts'
import { CrashDevice, powerOf } from './crash-device.ts'
import { type CrashServer, createDevices, freePort, type RawLine, readRaw, startCrashServer } from './crash-server.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    seed: { type: 'string', default: 'chaos' },
    data: { type: 'string' },
  },
})

const DEVICES = 20
const MESSAGES_PER_S = flags.quick ? 25 : 15
const KILLS_MIN = flags.quick ? 5 : 50
const ACKNOWLEDGED_MIN = flags.quick ? 1_000 : 20_000
const FIRST_PUBACK_MS_MAX = 2_000
const STORED_WAIT_MS = 60_000

const random = createRandom(flags.seed)
const data = flags.data ?? (await mkdtemp(join(tmpdir(), 'mendline-chaos-')))
const options = { data, mqttPort: await freePort(), httpPort: await freePort() }

let server: CrashServer = await startCrashServer(options)
const names = Array.from({ length: DEVICES }, (_, index) => `chaos-${index}`)
const secrets = await createDevices(options.httpPort, names)

/** Time of the start whose first PUBACK is still to come. */
let waitingSinceMs: number | undefined
const firstPubackMs: number[] = []
const readyMs: number[] = []
const onAcknowledged = (): void => {
  if (waitingSinceMs === undefined) return
  firstPubackMs.push(performance.now() - waitingSinceMs)
  waitingSinceMs = undefined
}

const devices = names.map(
  (device) =>
    new CrashDevice({ device, secret: secrets.get(device) ?? '', mqttPort: options.mqttPort, messagesPerS: MESSAGES_PER_S, onAcknowledged }),
)
for (const device of devices) device.run()

const acknowledgedCount = (): number => devices.reduce((sum, device) => sum + device.acknowledged.size, 0)
console.log(`chaos: ${DEVICES} devices, at least ${KILLS_MIN} kills and ${ACKNOWLEDGED_MIN} acknowledged messages, seed ${flags.seed}`)
let kills = 0
const began = performance.now()
while (kills < KILLS_MIN || acknowledgedCount() < ACKNOWLEDGED_MIN) {
  await sleep(random.between(1_000, 3_000))
  await server.kill()
  kills++
  waitingSinceMs = performance.now()
  server = await startCrashServer(options)
  readyMs.push(performance.now() - server.startedMs)
  if (kills % 10 === 0) console.log(`  ${kills} kills, ${acknowledgedCount()} acknowledged, ${Math.round((performance.now() - began) / 1_000)} s`)
}
while (waitingSinceMs !== undefined && performance.now() - waitingSinceMs < 10_000) await sleep(20)

for (const device of devices) device.pause()
const acknowledgedUnderFire = acknowledgedCount()
const sent = devices.reduce((sum, device) => sum + device.sent.length, 0)
console.log(`  resending all ${sent} messages`)
await Promise.all(devices.map((device) => device.resendAll()))

const rows = await storedRows()
const result = judge(rows)
await Promise.all(devices.map((device) => device.end()))
const exitCode = await server.stop()
if (flags.data === undefined) await rm(data, { recursive: true, force: true })

const slowest = Math.max(...firstPubackMs)
const report = {
  bench: 'chaos',
  kills,
  devices: DEVICES,
  sent,
  acknowledged: acknowledgedUnderFire,
  stored: rows.length,
  ...result,
  first_puback_ms_max: Math.round(slowest),
  first_puback_ms_p50: Math.round(firstPubackMs.toSorted((a, b) => a - b)[firstPubackMs.length >> 1] ?? Number.NaN),
  ready_ms_p50: Math.round(readyMs.toSorted((a, b) => a - b)[readyMs.length >> 1] ?? Number.NaN),
  restarts_without_puback: kills - firstPubackMs.length,
  exit_code: exitCode,
  seconds: Math.round((performance.now() - began) / 1_000),
  seed: flags.seed,
}
console.log(`  ${result.missing} acknowledged missing, ${result.twice} stored twice, ${result.out_of_order} out of order, ${result.altered} altered`)
console.log(`  first PUBACK after a restart: at most ${report.first_puback_ms_max} ms, half within ${report.first_puback_ms_p50} ms`)
const isGood =
  result.missing + result.twice + result.out_of_order + result.altered === 0 &&
  slowest <= FIRST_PUBACK_MS_MAX &&
  report.restarts_without_puback === 0 &&
  exitCode === 0
console.log(JSON.stringify({ ...report, ok: isGood }))
if (flags.check && !isGood) process.exitCode = 1

/** Asks until the store shows as many readings as were sent, or the wait is over. */
async function storedRows(): Promise<RawLine[]> {
  const startMs = performance.now()
  for (;;) {
    const found = await readRaw(options.httpPort)
    if (found.length >= sent || performance.now() - startMs > STORED_WAIT_MS) return found
    await sleep(500)
  }
}

function judge(found: readonly RawLine[]): {
  readonly missing: number
  readonly twice: number
  readonly out_of_order: number
  readonly altered: number
} {
  const counts = { missing: 0, twice: 0, out_of_order: 0, altered: 0 }
  const byDevice = Map.groupBy(found, (row) => row.device)
  for (const device of devices) {
    const own = byDevice.get(device.name) ?? []
    const stored = new Set(own.map((row) => row.seq))
    for (const seq of device.acknowledged) if (!stored.has(seq)) counts.missing++
    counts.twice += own.length - stored.size
    for (const [index, row] of own.entries()) {
      const before = own[index - 1]
      // In order by number as the API promises, and by the device's clock as it was sent.
      if (before !== undefined && (before.seq > row.seq || before.observed_at_ms > row.observed_at_ms)) counts.out_of_order++
      if (row.boot !== 1 || row.observed_at_ms !== device.sent[row.seq - 1]?.ts || row.v.power_w !== powerOf(row.seq)) counts.altered++
    }
  }
  return counts
}
