/** Hubs with a unit whose care is counted, for tests: windows in all of which it ran, looks at it, and what was told. */
import { onTestFinished } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import type { HubsOptions } from '../hubs.ts'
import type { CareWindow } from './care-use.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
export const UNIT = { tenant: 'home', device: 'unit-1' }

/** Hubs over an empty store, closed when the test is over. */
export async function openCare(store: Parameters<typeof openHubBench>[0], type: ApplianceType, given: Partial<HubsOptions>): Promise<HubBench> {
  const places = { placeOf: () => ({ household: 'flat-3' }), populationOf: () => 1 }
  const b = await openHubBench(store, { catalogue: () => type, places, ...given })
  onTestFinished(b.close)
  return b
}

/** Windows of six hours that end now, in all of which the unit ran. */
export function windows(b: HubBench, count: number, given: Partial<CareWindow> = {}): CareWindow[] {
  const nowMs = b.clock.now()
  return Array.from({ length: count }, (_, index) => {
    const to_ms = nowMs - (count - 1 - index) * 6 * HOUR_MS
    return { from_ms: to_ms - 6 * HOUR_MS, to_ms, readings: 72, running: 72, features: {}, z_scores: {}, ...given }
  })
}

export const note = (b: HubBench, list: readonly CareWindow[], type: ApplianceType = airConditioner) =>
  b.hubs.careUse.note({ ...UNIT, type: type.id, windows: list, readTo_ms: list.at(-1)?.to_ms ?? 0 })
export const named = (b: HubBench, name: string) => b.events.filter(({ type }) => type === `mendline.care.${name}.v1`).map(({ data }) => data.care)
export const taskOf = async (b: HubBench, id: string) => (await b.hubs.careOf(UNIT)).find(({ task }) => task === id)

/** Days behind the first look, with as many windows as they have. */
export async function run(b: HubBench, days: number, given: Partial<CareWindow> = {}): Promise<void> {
  await b.wait(days * DAY_MS)
  await note(b, windows(b, days * 4, given))
}
