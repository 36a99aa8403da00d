/** A record of the journal that the disk changed: it is told where operators look, and what is around it goes on. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Platform } from '../../main.ts'
import { callApi, startDevPlatform } from './dev-platform.ts'

describe('a record that is broken at the start', () => {
  let folder = ''
  let platform: Platform
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mendline-broken-'))
    platform = await startDevPlatform(folder)
  }, 60_000)
  afterEach(async () => {
    await platform.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const publish = async (seqs: readonly number[]): Promise<void> => {
    const client = await connectAsync(platform.mqttUrl, { protocolVersion: 4, clientId: 'any', reconnectPeriod: 0 })
    for (const seq of seqs) {
      const reading = { ts: Date.now(), boot: 1, seq, v: { power_w: 100 + seq } }
      await client.publishAsync('mend/v1/home/ac-1/tele', JSON.stringify(reading), { qos: 1 })
    }
    await client.endAsync()
  }
  const ask = async (path: string): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${platform.httpUrl}${path}`)
    return { status: response.status, text: await response.text() }
  }
  const seqs = async (): Promise<number[]> =>
    (await callApi(platform, { method: 'GET', path: '/readings/raw?device=ac-1&from_ms=0&to_ms=4000000000000' }))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { seq: number }).seq)
  const gauge = (text: string, name: string): string | undefined => new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]

  it('stands on /readyz and in the metrics, and neither reading nor taking stops', async () => {
    await publish([1, 2, 3])
    expect(await seqs()).toEqual([1, 2, 3])
    expect(JSON.parse((await ask('/readyz')).text)).toMatchObject({ checks: { journal_records: 'ok' } })
    await platform.stop()
    const directory = join(folder, 'data', 'journal')
    const [segment = ''] = readdirSync(directory).filter((name) => readFileSync(join(directory, name)).includes('"seq":2'))
    const bytes = readFileSync(join(directory, segment))
    bytes[bytes.indexOf('"seq":2') + 6] = 0x37
    writeFileSync(join(directory, segment), bytes)

    platform = await startDevPlatform(folder)
    const { status, text } = await ask('/readyz')
    expect([status, JSON.parse(text)]).toMatchObject([200, { status: 'ready', checks: { journal_records: expect.stringContaining('1 broken') } }])
    const metrics = (await ask('/metrics')).text
    expect([gauge(metrics, 'mendline_journal_corrupt_records_count'), gauge(metrics, 'mendline_journal_torn_bytes')]).toEqual(['1', '0'])
    await publish([4])
    expect(await seqs()).toEqual([1, 2, 3, 4])
  }, 90_000)
})
