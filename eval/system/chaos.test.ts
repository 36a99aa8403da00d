import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isWhole, runChaos } from './chaos-run.ts'

const data = await mkdtemp(join(tmpdir(), 'mendline-chaos-'))
afterAll(() => rm(data, { recursive: true, force: true }))

describe('the platform under SIGKILL', () => {
  it('keeps every acknowledged reading once and in order over 3 kills', { timeout: 60_000 }, async () => {
    const size = { devices: 5, messagesPerS: 40, kills_MIN: 3, acknowledged_MIN: 200 }
    const report = await runChaos({ ...size, data, seed: 'chaos/test', say: () => {} })
    expect(report, JSON.stringify(report)).toMatchObject({ missing: 0, twice: 0, out_of_order: 0, altered: 0 })
    expect(isWhole(report), JSON.stringify(report)).toBe(true)
  })
})
