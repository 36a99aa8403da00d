/** The way of use from the pipeline's stored windows to the hubs: rows as the pipeline writes them, the hubs as they are, and a clock that stands. */
import { afterEach, describe, expect, it } from 'vitest'
import { fridge } from '#catalogue/fridge/fridge.ts'
import { type Limits, limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { DeviceRecord } from './broker/device-registry.ts'
import { createCareJoin } from './care-join.ts'
import { openHubBench } from './hubs/hub-bench.ts'
import { openOperations } from './operations/open-database.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

const HOUR_MS = 3_600_000
const WINDOW_MS = 6 * HOUR_MS

const closers: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface Query {
  readonly device: string
  readonly from_ms: number
  readonly to_ms: number
  readonly limit: number
}

async function start(devices: readonly string[], given: Partial<Limits> = {}) {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { catalogue: () => fridge })
  closers.push(b.close)
  const startMs = b.clock.now()
  const revoked = new Set<string>()
  const broken = new Set<string>()
  const asked: string[] = []
  const { recipe } = fridge
  const features = (recipe?.features ?? []).map(({ name }) => (name === 'fresh_set_point_temperature_c' ? 1 : null))
  const version = { recipe_version: recipe?.version ?? 0 }
  const old = { until_ms: 0 }
  const join = createCareJoin({
    care: b.hubs.careUse,
    registry: {
      list: ({ after = '', limit }) =>
        devices
          .filter((device) => `home:${device}` > after)
          .slice(0, limit)
          .map(
            (device) =>
              ({ tenant: 'home', device, type: 'fridge', installed_at_ms: null, revoked_at_ms: revoked.has(device) ? 1 : null }) as DeviceRecord,
          ),
    },
    types: { find: () => fridge },
    pipeline: {
      async call<Result>(name: string, argument: unknown) {
        const { device, from_ms, to_ms, limit } = argument as Query
        if (broken.has(device)) throw new Error('the store is away')
        if (name === PIPELINE_CALLS.residuals) return [] as Result
        if (asked.at(-1) !== device) asked.push(device)
        const count = Math.floor((b.clock.now() - startMs) / WINDOW_MS)
        const rows = Array.from({ length: count }, (_, index) => startMs + index * WINDOW_MS).map((at) => ({
          ...{ tenant: 'home', device, kind: 'window', key: '', from_ms: at, to_ms: at + WINDOW_MS },
          data: {
            firmware: null,
            recipe_version: at < old.until_ms ? -1 : version.recipe_version,
            readings: 72,
            running: 36,
            settled: 30,
            is_diagnosable: true,
            features,
          },
        }))
        return rows.filter((row) => row.to_ms > from_ms && row.from_ms < to_ms).slice(0, limit) as Result
      },
    },
    ...{ clock: b.clock, log: silentLog, limits: { ...limits, ...given } },
  })
  closers.unshift(join.stop)
  const hours = async (device: string) => (await b.hubs.careOf({ tenant: 'home', device })).find(({ task }) => task === 'FR-C01')?.use.running_h
  return { b, join, hours, revoked, broken, asked, version, old }
}

describe('the use of units', () => {
  it('is counted from the rows that the pipeline stored, each once, and gives a tip that a habit calls for', async () => {
    const { b, join, hours } = await start(['fr-1'])
    await join.look()
    await b.wait(24 * HOUR_MS)
    await join.look()
    await join.look()
    expect(await hours('fr-1')).toBe(12)
    await b.wait(3 * 24 * HOUR_MS)
    await join.look()
    expect(await hours('fr-1')).toBe(48)
    expect(b.events.filter(({ type }) => type === 'mendline.care.tip.v1').map(({ data }) => data.care)).toMatchObject([{ task: 'FR-C04' }])
  })

  it('counts what one look leaves over at the next, so that nothing is lost', async () => {
    const { b, join, hours } = await start(['fr-1'], { careWindowsPerUnit_MAX: 10 })
    await join.look()
    await b.wait(40 * 24 * HOUR_MS)
    for (let look = 0; look < 20; look++) await join.look()
    expect(await hours('fr-1')).toBe(480)
  })

  it('counts no window of another recipe', async () => {
    const { b, join, hours, version } = await start(['fr-1'])
    await join.look()
    version.recipe_version++
    await b.wait(24 * HOUR_MS)
    await join.look()
    expect(await hours('fr-1')).toBe(0)
  })

  it('goes on behind more windows of another recipe than a look takes', async () => {
    const { b, join, hours, old } = await start(['fr-1'], { careWindowsPerUnit_MAX: 10 })
    await join.look()
    await b.wait(5 * 24 * HOUR_MS)
    old.until_ms = b.clock.now()
    await b.wait(24 * HOUR_MS)
    for (let look = 0; look < 3; look++) await join.look()
    expect(await hours('fr-1')).toBe(12)
  })

  it('is asked of a few units a look, each in its turn, past one that cannot be read', async () => {
    const { join, asked, broken } = await start(['fr-1', 'fr-2', 'fr-3', 'fr-4', 'fr-5'], { careUnitsPerLook_MAX: 2 })
    broken.add('fr-2')
    for (let look = 0; look < 3; look++) await join.look()
    expect(asked).toEqual(['fr-1', 'fr-3', 'fr-4', 'fr-5'])
    await join.look()
    expect(asked.at(-1)).toBe('fr-1')
  })

  it('is forgotten of a unit that is revoked', async () => {
    const { join, hours, revoked, b } = await start(['fr-1'])
    await join.look()
    expect(await hours('fr-1')).toBe(0)
    revoked.add('fr-1')
    await join.look()
    expect(await b.hubs.careOf({ tenant: 'home', device: 'fr-1' })).toEqual([])
  })
})
