import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { runHostileAgainstServer } from './hostile-main.ts'

const CONNECT_DEADLINE_MS = 1_000
const GROWTH_MIB_MAX = 64
const folder = await mkdtemp(join(tmpdir(), 'mendline-hostile-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the platform under the hostile list', () => {
  it('stays up, stays small and keeps serving the healthy device', { timeout: 90_000 }, async () => {
    const report = await runHostileAgainstServer({ folder, connectDeadlineMs: CONNECT_DEADLINE_MS, quietMs: 2_000 })
    console.log(JSON.stringify({ ...report, cases: report.cases.length }))
    expect(report.cases.filter((each) => !each.is_expected)).toEqual([])
    expect(report).toMatchObject({ is_process_up: true, is_healthy_connected: true })
    expect(report.attack_pubacks_count).toBeGreaterThan(100)
    expect(report.attack_p99_ms).toBeLessThan(report.budget_ms)
    if (!Number.isNaN(report.rss_growth_mib)) expect(report.rss_growth_mib).toBeLessThan(GROWTH_MIB_MAX)
  })
})
