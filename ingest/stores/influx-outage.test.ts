/** What the store promises while its engine fails or hangs, against a stand-in that does so at will. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { kettle, NOW_MS, readingOf } from '../builders.ts'
import type { ReadingStore } from '../reading-store.ts'
import { createInfluxStore } from './influx-store.ts'
import { createMemoryStore } from './memory-store.ts'

let server: Server
let mode: 'works' | 'refuses' | 'hangs' = 'works'
const hanging = new Set<ServerResponse>()

const ANSWERS: Readonly<Record<string, string>> = {
  '/metrics': 'process_start_time_seconds 1\n',
  '/snapshot/create': '{"snapshot":"s"}',
  '/api/v1/series': '{"data":[]}',
  '/api/v1/query': '{"data":{"result":[]}}',
}

async function open(): Promise<ReadingStore> {
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const given = { url, language: 'metricsql', token: '', organisation: 'o', bucket: 'b', side: createMemoryStore() } as const
  const store = createInfluxStore({ ...given, limits: { ...limits, influxReadWaitMs: 200 } })
  await store.start()
  await store.prepareType(kettle)
  return store
}

/** Every second one has a number that the engine would round, so that it stands beside it. */
const readings = Array.from({ length: 10 }, (_, index) =>
  readingOf({ inlet_temperature_c: index % 2 === 0 ? Math.PI : index }, { seq: index, observed_at_ms: epochMs(NOW_MS + index) }),
)
const batch = { readings, quarantine: [], position: 1 }

beforeEach(async () => {
  mode = 'works'
  server = createServer((request, response) => {
    request.resume()
    if (mode === 'hangs') hanging.add(response)
    else if (mode === 'refuses') response.writeHead(503).end('{"message":"away"}')
    else if (request.url?.startsWith('/api/v2/write') === true) response.writeHead(204).end()
    else response.end(ANSWERS[(request.url ?? '').replace(/[?].*/, '')] ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  for (const response of hanging) response.destroy()
  hanging.clear()
  server.closeAllConnections()
  server.close()
})

describe('a store whose engine', () => {
  it('did not take a batch counts it once when it comes again', async () => {
    const store = await open()
    mode = 'refuses'
    for (let attempt = 0; attempt < 3; attempt++) await expect(store.write(batch)).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
    expect((await store.statistics()).readings).toBe(0)
    mode = 'works'
    await store.write(batch)
    expect((await store.statistics()).readings).toBe(readings.length)
    await store.stop()
  })

  it('hangs says its counts at once, refuses queries soon, and stops within seconds', { timeout: 15_000 }, async () => {
    const store = await open()
    await store.write(batch)
    mode = 'hangs'
    const write = store.write({ ...batch, position: 2 })
    write.catch(() => {})
    const begun = performance.now()
    expect((await store.statistics()).readings).toBe(readings.length)
    expect(performance.now() - begun).toBeLessThan(1_000)
    const query = { tenant: 'home', device: 'kettle-1', channels: [], from_ms: epochMs(0), to_ms: epochMs(NOW_MS * 2), maxPoints: 1 }
    await expect(store.buckets(query)).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE', retryable: true })
    expect(performance.now() - begun).toBeLessThan(2_000)
    store.leave?.()
    await expect(write).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
    await store.stop()
    expect(performance.now() - begun).toBeLessThan(6_000)
  })
})
