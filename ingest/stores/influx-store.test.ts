/** The contract of the reading store on a real VictoriaMetrics, which the test starts; without the program it says what it skipped. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { kettle, NOW_MS, readingOf } from '../builders.ts'
import { describeReadingStore } from '../reading-store.contract.ts'
import type { ReadingStore } from '../reading-store.ts'
import { createEngineEraser } from './influx-erase.ts'
import { createInfluxStore } from './influx-store.ts'
import { createMemoryStore } from './memory-store.ts'

const hasServer = spawnSync('victoria-metrics', ['-version']).error === undefined
if (!hasServer) process.stdout.write('victoria-metrics is not installed: the InfluxDB-compatible store is not tested here\n')

let server: ChildProcess | undefined
let url = ''
const folder = mkdtempSync(join(tmpdir(), 'mendline-victoria-'))

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await isDone().catch(() => false)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('victoria-metrics did not get there')
}

async function startServer(port: number): Promise<void> {
  const settings = ['-search.latencyOffset=0s', '-dedup.minScrapeInterval=1ms', '-retentionPeriod=100y', '-search.maxPointsPerTimeseries=100000']
  const place = [`-storageDataPath=${join(folder, 'data')}`, `-httpListenAddr=127.0.0.1:${port}`, '-loggerLevel=ERROR']
  server = spawn('victoria-metrics', [...settings, ...place], { stdio: 'ignore' })
  await until(async () => (await fetch(`${url}/health`)).ok)
}

const make = (side: ReadingStore = createMemoryStore()): ReadingStore =>
  createInfluxStore({ url, language: 'metricsql', token: '', organisation: 'mendline', bucket: 'mendline', side, limits })

describe.skipIf(!hasServer)('with VictoriaMetrics', () => {
  beforeAll(async () => {
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    await startServer(port)
  })
  afterAll(() => {
    server?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    await fetch(`${url}/api/v1/admin/tsdb/delete_series`, { method: 'POST', body: new URLSearchParams({ 'match[]': '{__name__!=""}' }) })
  })

  describeReadingStore('VictoriaMetrics', () => make())

  const wholeDay = { tenant: 'home', from_ms: epochMs(NOW_MS - 86_400_000), to_ms: epochMs(NOW_MS + 86_400_000) }
  const seqsOf = async (store: ReadingStore): Promise<number[]> => {
    const seqs: number[] = []
    for await (const { seq } of store.raw(wholeDay)) seqs.push(seq)
    return seqs
  }
  const readings = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) =>
      readingOf({ inlet_temperature_c: from + index }, { seq: from + index, observed_at_ms: epochMs(NOW_MS + (from + index) * 1_000) }),
    )

  it('loses a device that is erased, and says of one that stays that it cannot cut a stretch out', async () => {
    const store = make()
    await store.start()
    await store.prepareType(kettle)
    const others = readings(1, 5).map((reading) => ({ ...reading, device: 'kettle-2', fw: '1.2' }))
    await store.write({ readings: [...readings(1, 5), ...others], quarantine: [], position: 100 })
    await store.checkpoint()
    const eraser = createEngineEraser({ url, language: 'metricsql', token: '', organisation: '', bucket: '', timeoutMs: 10_000 })
    const given = { tenant: 'home', devices: ['kettle-1'], staying: [] }
    expect(eraser.kept(given)).toEqual([])
    await eraser.erase(given)
    const exported = await (await fetch(`${url}/api/v1/export?match[]={device=~"kettle.*"}`)).text()
    expect(exported).toContain('kettle-2')
    expect(exported).not.toContain('kettle-1')
    const stretch = { device: 'kettle-2', spans: [{ from_ms: 0, to_ms: NOW_MS }] }
    expect(eraser.kept({ ...given, staying: [stretch] })).toEqual([{ device: 'kettle-2', reason: expect.stringContaining('whole series only') }])
    await store.stop()
  })

  it.each(['Australia/Lord_Howe', 'America/St_Johns', 'Asia/Kathmandu'])(
    'gives hours, and local days of %s, as the embedded stores do',
    async (timeZone) => {
      const [store, memory] = [make(), createMemoryStore()]
      // Over the change of the clocks in both hemispheres.
      const begin = Date.UTC(2025, 9, 1)
      const walk = Array.from({ length: 24 * 40 }, (_, index) =>
        readingOf({ inlet_temperature_c: index % 37 }, { seq: index + 1, observed_at_ms: epochMs(begin + index * 3_600_000 + (index % 7) * 60_000) }),
      )
      for (const own of [store, memory]) {
        await own.start()
        await own.prepareType(kettle)
        await own.write({ readings: walk, quarantine: [], position: 1 })
      }
      const whole = {
        tenant: 'home',
        device: 'kettle-1',
        channels: [],
        from_ms: epochMs(begin + 123_456),
        to_ms: epochMs(begin + 40 * 86_400_000),
        timeZone,
      }
      for (const query of [
        { ...whole, maxPoints: 100, tier: 'daily' as const },
        { ...whole, maxPoints: 7, tier: 'daily' as const },
        { ...whole, maxPoints: 2_000, tier: 'hourly' as const },
        { ...whole, maxPoints: 50, tier: 'hourly' as const },
      ])
        expect(await store.buckets(query)).toEqual(await memory.buckets(query))
      expect((await store.buckets({ ...whole, maxPoints: 100, tier: 'daily' })).length).toBeGreaterThan(35)
      await store.stop()
    },
  )

  it('moves its position only at a checkpoint, and a replay from there stores nothing twice', async () => {
    const side = createMemoryStore()
    const first = make(side)
    await first.start()
    await first.prepareType(kettle)
    await first.write({ readings: readings(1, 5), quarantine: [], position: 100 })
    await first.checkpoint()
    await first.write({ readings: readings(5, 9), quarantine: [], position: 200 })
    // The process is killed: the engine has the points, the position knows nothing of them.
    const second = make(side)
    expect(await second.start()).toEqual({ position: 100 })
    await second.prepareType(kettle)
    await second.write({ readings: readings(5, 9), quarantine: [], position: 200 })
    expect(await seqsOf(second)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    await second.checkpoint()
    expect(await side.start()).toEqual({ position: 200 })
  })

  it('gives back every number bit by bit, those that the engine would round from beside it', async () => {
    const side = createMemoryStore()
    const store = make(side)
    await store.start()
    await store.prepareType(kettle)
    const values = [0.1, 123_456.789_012, -0.000_001, 99_999_999.999_999, 1e22, 9_007_199_254_740_991, 1 / 3, 5e-324, -0.5, 0]
    const given = values.map((value, index) => readingOf({ inlet_temperature_c: value }, { seq: index, observed_at_ms: epochMs(NOW_MS + index) }))
    await store.write({ readings: given, quarantine: [], position: 1 })
    const found: unknown[] = []
    for await (const { v } of store.raw(wholeDay)) found.push(v.inlet_temperature_c)
    expect(found).toEqual(values)
    expect((await side.statistics()).readings).toBe(4)
  })

  it('loses nothing that it took when the engine is killed before it had that on its disk', async () => {
    const side = createMemoryStore()
    const store = make(side)
    await store.start()
    await store.prepareType(kettle)
    await store.write({ readings: readings(1, 50), quarantine: [], position: 1 })
    const port = Number(new URL(url).port)
    const gone = new Promise((resolve) => server?.once('exit', resolve))
    server?.kill('SIGKILL')
    await gone
    await expect(store.checkpoint()).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
    expect(await side.start()).toEqual({ position: 0 })
    await startServer(port)
    await store.checkpoint()
    expect(await side.start()).toEqual({ position: 1 })
    expect(await seqsOf(store)).toEqual(readings(1, 50).map(({ seq }) => seq))
  })

  it('knows after a restart of the process what the engine holds', async () => {
    const side = createMemoryStore()
    const first = make(side)
    await first.start()
    await first.prepareType(kettle)
    await first.write({ readings: readings(1, 5), quarantine: [], position: 1 })
    await first.checkpoint()
    const second = make(side)
    await second.start()
    await second.prepareType(kettle)
    expect(await seqsOf(second)).toEqual([1, 2, 3, 4])
    expect((await second.lookup(readings(2, 3))).size).toBe(1)
    expect(await second.highest()).toEqual([{ tenant: 'home', device: 'kettle-1', boot: 1, seq: 4 }])
    expect((await second.statistics()).readings).toBe(4)
  })

  it('says that it cannot write while the engine is away, and loses nothing when it is back', async () => {
    const store = make()
    await store.start()
    await store.prepareType(kettle)
    await store.write({ readings: readings(1, 3), quarantine: [], position: 1 })
    await store.checkpoint()
    const port = Number(new URL(url).port)
    const gone = new Promise((resolve) => server?.once('exit', resolve))
    server?.kill('SIGKILL')
    await gone
    const batch = { readings: readings(3, 6), quarantine: [], position: 2 }
    await expect(store.write(batch)).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE', retryable: true })
    await expect(store.buckets({ ...wholeDay, device: 'kettle-1', channels: [], maxPoints: 1 })).rejects.toMatchObject({
      code: 'MDL_STORE_UNAVAILABLE',
    })
    await startServer(port)
    await store.write(batch)
    await store.checkpoint()
    expect(await seqsOf(store)).toEqual([1, 2, 3, 4, 5])
  })
})
