/**
 * Takes devices out of a time-series engine, by its own way of deleting, and looks afterwards whether they are gone. InfluxDB deletes a series or
 * a stretch of it; VictoriaMetrics whole series only, so a device that stays cannot lose a stretch there. Both answer at once and free the disk
 * later, when they next rewrite their files.
 */
import { MendlineError } from '#kernel/errors.ts'

export interface EngineAddress {
  readonly url: string
  readonly language: 'metricsql' | 'flux'
  readonly token: string
  readonly organisation: string
  readonly bucket: string
  readonly timeoutMs: number
}

export interface EngineErasure {
  readonly tenant: string
  readonly devices: readonly string[]
  /** Devices of which stretches go, half open in device time. */
  readonly staying: ReadonlyArray<{ readonly device: string; readonly spans: ReadonlyArray<{ readonly from_ms: number; readonly to_ms: number }> }>
}

export interface EngineEraser {
  /** Devices of which the engine cannot delete what is asked for; a word for each. */
  kept(given: EngineErasure): ReadonlyArray<{ readonly device: string; readonly reason: string }>
  /** Deletes what it can. @throws MendlineError MDL_STORE_UNAVAILABLE when it does not answer, refuses, or still has readings afterwards */
  erase(given: EngineErasure): Promise<void>
}

export const createEngineEraser = (address: EngineAddress): EngineEraser =>
  address.language === 'flux' ? createInfluxEraser(address) : createMetricsEraser(address)

const WHOLE_SERIES_ONLY = 'VictoriaMetrics deletes whole series only, and the device stays'

function createMetricsEraser(address: EngineAddress): EngineEraser {
  const ask = (path: string, match: string): Promise<Response> => request(address, path, { body: new URLSearchParams({ 'match[]': match }) })
  return {
    kept: ({ staying }) => staying.map(({ device }) => ({ device, reason: WHOLE_SERIES_ONLY })),
    async erase({ tenant, devices }) {
      for (const device of devices) {
        const match = `{tenant=${JSON.stringify(tenant)},device=${JSON.stringify(device)}}`
        await (await ask('/internal/force_flush', match)).arrayBuffer()
        await (await ask('/api/v1/admin/tsdb/delete_series', match)).arrayBuffer()
        if ((await (await ask('/api/v1/export', match)).text()) !== '') throw stillThere(device)
      }
    },
  }
}

/** What a date of the API can hold at most; nothing is measured before 1970 or behind 2200. */
const [TIME_LEAST_MS, TIME_GREATEST_MS] = [0, 7_258_118_400_000]

function createInfluxEraser(address: EngineAddress): EngineEraser {
  const place = new URLSearchParams({ org: address.organisation, bucket: address.bucket })
  const instant = (ms: number): string => new Date(Math.min(TIME_GREATEST_MS, Math.max(TIME_LEAST_MS, ms))).toISOString()
  const erase = async (tenant: string, device: string, { from_ms, to_ms }: { readonly from_ms: number; readonly to_ms: number }): Promise<void> => {
    const start = instant(from_ms)
    // A deletion counts both ends, the range of a query its start alone.
    const body = JSON.stringify({
      start,
      stop: instant(to_ms - 1),
      predicate: `tenant=${JSON.stringify(tenant)} AND device=${JSON.stringify(device)}`,
    })
    await (await request(address, `/api/v2/delete?${place}`, { body })).arrayBuffer()
    const query = `from(bucket: ${JSON.stringify(address.bucket)}) |> range(start: ${start}, stop: ${instant(to_ms)})
      |> filter(fn: (r) => r.tenant == ${JSON.stringify(tenant)} and r.device == ${JSON.stringify(device)}) |> limit(n: 1)`
    const answer = await request(address, `/api/v2/query?org=${encodeURIComponent(address.organisation)}`, { body: JSON.stringify({ query }) })
    if ((await answer.text()).trim() !== '') throw stillThere(device)
  }
  return {
    kept: () => [],
    async erase({ tenant, devices, staying }) {
      for (const device of devices) await erase(tenant, device, { from_ms: TIME_LEAST_MS, to_ms: TIME_GREATEST_MS })
      for (const { device, spans } of staying) for (const span of spans) await erase(tenant, device, span)
    },
  }
}

const stillThere = (device: string): MendlineError =>
  new MendlineError('MDL_STORE_UNAVAILABLE', `the time-series engine still has readings of ${device} behind its deletion`)

async function request({ url, token, timeoutMs }: EngineAddress, path: string, { body }: { readonly body: string | URLSearchParams }) {
  const headers = {
    ...(typeof body === 'string' ? { 'content-type': 'application/json' } : {}),
    ...(token === '' ? {} : { authorization: `Token ${token}` }),
  }
  const named = path.replace(/[?].*/, '')
  const answer = await fetch(new URL(path, url), { method: 'POST', headers, body, signal: AbortSignal.timeout(timeoutMs) }).catch(
    (cause: unknown) => {
      throw new MendlineError('MDL_STORE_UNAVAILABLE', `the time-series engine does not answer ${named}`, { retryable: true, cause })
    },
  )
  if (answer.ok) return answer
  throw new MendlineError('MDL_STORE_UNAVAILABLE', `the time-series engine refuses ${named}: ${answer.status} ${(await answer.text()).slice(0, 200)}`)
}
