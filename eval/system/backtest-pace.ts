/**
 * `node eval/system/backtest-pace.ts`: how fast stored days are tried. A whole platform takes the readings of `--units` units at 60 s steps over
 * `--hours`, then tries one rule on them, and all rules in force against what happened live. Prints the factor of real time of the
 * job, from its begin to its report; `--check` exits with 1 below 500 or when the hashes differ.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { runLoad } from '../load/mqtt-load.ts'
import { createDevices, RAISED_LIMITS, startMendline } from '../load/servers.ts'

const { values: flags } = parseArgs({
  options: { units: { type: 'string', default: '1000' }, hours: { type: 'string', default: '3' }, check: { type: 'boolean', default: false } },
})
const units = Number(flags.units)
const hours = Number(flags.hours)
const STEP_MS = 60_000
const FACTOR_MIN = 500

interface Report {
  readonly readings: number
  readonly seconds: number
  readonly real_time_factor: number
  readonly is_equal?: boolean
  readonly live_fires?: number
}

const server = await startMendline(RAISED_LIMITS)
const base = `http://127.0.0.1:${server.httpPort}/api/v1`
const headers = { authorization: 'Bearer dev', 'content-type': 'application/json' }
try {
  const devices = await createDevices(server.httpPort ?? 0, units, 'unit')
  const beginMs = Math.floor(Date.now() / STEP_MS) * STEP_MS - (hours + 1) * 3_600_000
  const messages = units * hours * 60
  await runLoad({ port: server.mqttPort, devices, inFlight: 4, messages, observedAtMs: (seq) => beginMs + seq * STEP_MS })
  await server.untilStored?.(messages)
  // What waits for the watermark of its device is folded.
  await pause(3_000)
  const span = { from_ms: beginMs, to_ms: beginMs + (hours * 60 - 5) * STEP_MS, type: 'air_conditioner' }
  const one = await backtest({ ...span, rule_id: 'AC-R22' })
  const all = await backtest(span)
  for (const [name, report] of [
    ['one rule', one],
    ['all rules', all],
  ] as const) {
    console.log(
      `${name}: ${report.readings} readings of ${units} units over ${hours} h in ${report.seconds.toFixed(1)} s = ${report.real_time_factor} times real time`,
    )
  }
  console.log(`live: ${all.live_fires} alarms, ${all.is_equal === true ? 'the same' : 'OTHERS'} in the backtest`)
  console.log(
    JSON.stringify({
      eval: 'backtest',
      data: 'simulated',
      units,
      hours,
      factor_one_rule: one.real_time_factor,
      factor_all: all.real_time_factor,
      is_equal: all.is_equal,
    }),
  )
  if (flags.check && (one.real_time_factor < FACTOR_MIN || all.real_time_factor < FACTOR_MIN || all.is_equal !== true)) process.exitCode = 1
} finally {
  await server.stop()
}

async function backtest(wanted: object): Promise<Report> {
  const begun = (await (await fetch(`${base}/backtests`, { method: 'POST', headers, body: JSON.stringify(wanted) })).json()) as { job_id: string }
  for (;;) {
    await pause(200)
    const job = (await (await fetch(`${base}/backtests/${begun.job_id}`, { headers })).json()) as { state: string; report: Report }
    if (job.state === 'done') return job.report
    if (job.state === 'failed') throw new Error(JSON.stringify(job.report))
  }
}
