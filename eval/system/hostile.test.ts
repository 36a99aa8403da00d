import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { runHostileCases } from './hostile.ts'

const CONNECT_DEADLINE_MS = 1_000
const GROWTH_MIB_MAX = 64
let server: ChildProcess | undefined
afterEach(() => server?.kill('SIGKILL'))

describe('the broker under the hostile list', () => {
  it('stays up, stays small and keeps serving the healthy device', { timeout: 90_000 }, async () => {
    server = spawn(process.execPath, [fileURLToPath(new URL('./hostile-server.ts', import.meta.url)), String(CONNECT_DEADLINE_MS)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = server.stdout === null ? [] : await once(server.stdout, 'data')
    const { mqttPort, healthy, attacker } = JSON.parse(String(line))
    const report = await runHostileCases({
      mqttPort,
      healthy,
      attacker,
      pid: server.pid ?? 0,
      connectDeadlineMs: CONNECT_DEADLINE_MS,
      quietMs: 2_000,
    })
    console.log(JSON.stringify({ ...report, cases: report.cases.length }))
    expect(report.cases.filter((each) => !each.is_expected)).toEqual([])
    expect(report).toMatchObject({ is_process_up: true, is_healthy_connected: true })
    expect(report.attack_pubacks_count).toBeGreaterThan(100)
    expect(report.attack_p99_ms).toBeLessThan(report.budget_ms)
    if (!Number.isNaN(report.rss_growth_mib)) expect(report.rss_growth_mib).toBeLessThan(GROWTH_MIB_MAX)
  })
})
