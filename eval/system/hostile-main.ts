/**
 * `node eval/system/hostile-main.ts`: the hostile list against the whole platform in its production form, as a child process with two
 * registered devices. Prints each case; the last line is JSON. Flags: --check (exit 1 when the process falls, grows by 64 MiB or more, or
 * the healthy device's p99 leaves its budget), --deadline MS (how long the server waits for a CONNECT; its default without it).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { limits } from '../../kernel/limits.ts'
import { createDevices, startInitialisedServer } from './crash-server.ts'
import { type HostileReport, runHostileCases } from './hostile.ts'
import type { HostileLogin } from './hostile-cases.ts'

const GROWTH_MIB_MAX = 64
const BACKLOG_DEVICES = ['backlog-1', 'backlog-2', 'backlog-3', 'backlog-4']

export interface HostileRun {
  readonly folder: string
  readonly connectDeadlineMs: number
  readonly quietMs: number
}

export async function runHostileAgainstServer({ folder, connectDeadlineMs, quietMs }: HostileRun): Promise<HostileReport> {
  const server = await startInitialisedServer(folder, `limits:\n  connectDeadlineMs: ${connectDeadlineMs}\n`)
  try {
    const secrets = await createDevices(server.httpPort, ['healthy', 'attacker', ...BACKLOG_DEVICES], server.token)
    const login = (device: string): HostileLogin => ({
      ...{ username: `home:${device}`, clientId: `home:${device}` },
      password: secrets.get(device) ?? '',
    })
    return await runHostileCases({
      ...{ mqttPort: server.mqttPort, healthy: login('healthy'), attacker: login('attacker'), backlog: BACKLOG_DEVICES.map(login) },
      ...{ pid: server.child.pid ?? 0, connectDeadlineMs, quietMs },
    })
  } finally {
    await server.kill()
  }
}

if (import.meta.main) {
  const { values: flags } = parseArgs({ options: { check: { type: 'boolean', default: false }, deadline: { type: 'string' } } })
  const folder = await mkdtemp(join(tmpdir(), 'mendline-hostile-'))
  const report = await runHostileAgainstServer({ folder, connectDeadlineMs: Number(flags.deadline ?? limits.connectDeadlineMs), quietMs: 5_000 })
  await rm(folder, { recursive: true, force: true })
  for (const { name, outcome, is_expected, puback_max_ms, rss_growth_mib } of report.cases) {
    const verdict = is_expected ? outcome : `${outcome} (unexpected)`
    console.log(`  ${name.padEnd(50)} ${verdict.padEnd(14)} PUBACK max ${puback_max_ms.toFixed(0)} ms, memory ${rss_growth_mib.toFixed(0)} MiB`)
  }
  const isGood =
    report.cases.every((each) => each.is_expected) &&
    report.is_process_up &&
    report.is_healthy_connected &&
    report.attack_p99_ms < report.budget_ms &&
    !(report.rss_growth_mib >= GROWTH_MIB_MAX)
  console.log(JSON.stringify({ bench: 'hostile', ...report, cases: report.cases.length, ok: isGood }))
  if (flags.check && !isGood) process.exitCode = 1
}
