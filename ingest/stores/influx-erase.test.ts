import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEngineEraser } from './influx-erase.ts'

let server: Server
let answer = ''
let asked: string[] = []
let url = ''
beforeEach(async () => {
  asked = []
  answer = ''
  server = createServer(async (request, response) => {
    asked.push(await text(request))
    response.end(request.url?.startsWith('/api/v2/query') === true ? answer : '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

const erase = (from_ms: number, to_ms: number): Promise<void> =>
  createEngineEraser({ url, language: 'flux', token: '', organisation: 'o', bucket: 'b', timeoutMs: 5_000 }).erase({
    ...{ tenant: 'home', devices: [], staying: [{ device: 'd', spans: [{ from_ms, to_ms }] }] },
  })

describe('a stretch that InfluxDB deletes', () => {
  it.each([
    [1_000, 61_000, '1970-01-01T00:01:00.999Z', '1970-01-01T00:01:01.000Z'],
    // Of one millisecond: a range without length is refused.
    [1_000, 1_001, '1970-01-01T00:00:01.000Z', '1970-01-01T00:00:01.001Z'],
  ])('from %i to %i ends with its last millisecond, and that is looked for, too', async (from_ms, to_ms, last, stop) => {
    await erase(from_ms, to_ms)
    expect(asked).toHaveLength(2)
    // The deletion counts both ends, the range of a query its start alone.
    expect(JSON.parse(asked[0] ?? '')).toMatchObject({ start: '1970-01-01T00:00:01.000Z', stop: last })
    expect((JSON.parse(asked[1] ?? '') as { query: string }).query).toContain(`range(start: 1970-01-01T00:00:01.000Z, stop: ${stop})`)
  })

  it('is not erased where something of it is still found', async () => {
    answer = 'one row'
    await expect(erase(1_000, 2_000)).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
  })
})
