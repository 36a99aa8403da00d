import { describe, expect, it } from 'vitest'
import { CityClock } from './city-clock.ts'
import { cityParameters } from './city-parameters.ts'
import { createCityUnits, QUARTER_START_MS } from './city-units.ts'
import { createCallService, createOracle } from './plain-service.ts'
import { type CityOptions, type CityRun, runCity } from './service-city.ts'

const live = (seed: string, createService: CityOptions['createService'], units = 240): Promise<CityRun> => {
  const plan = { seed, units, days: 90 }
  return runCity({ plan, units: createCityUnits(plan), parameters: cityParameters, createService })
}

/** Visited orders without a second visit for the same unit and fault in 30 days / visited orders. */
function firstTimeFix({ dispatch: { visits } }: CityRun): number {
  const first = [...new Map(visits.toReversed().map((visit) => [visit.order, visit])).values()]
  const isAgain = (one: (typeof visits)[number]): boolean =>
    visits.some(({ device, fault, atMs }) => device === one.device && fault === one.fault && atMs > one.atMs && atMs <= one.atMs + 30 * 86_400_000)
  return first.filter((one) => !isAgain(one)).length / first.length
}

describe('the city', () => {
  it('lives the same quarter again from the same seed, and another one from another', async () => {
    const [one, again, other] = [
      await live('city-test', createCallService),
      await live('city-test', createCallService),
      await live('city-other', createCallService),
    ]
    const told = ({ dispatch, customers }: CityRun): string =>
      JSON.stringify([
        dispatch.visits.map(({ order, atMs, kind, code }) => [order, atMs, kind, code]),
        customers.contacts.map(({ kind, atMs }) => [kind, atMs]),
      ])
    expect(told(again)).toBe(told(one))
    expect(told(other)).not.toBe(told(one))
  })

  it('gives whoever waits for calls the first-time fix of the field, 72 to 82 %', async () => {
    const shares = []
    for (const seed of ['city-dev', 'city-dev-2', 'city-dev-3']) shares.push(firstTimeFix(await live(seed, createCallService, 800)))
    const mean = shares.reduce((sum, value) => sum + value, 0) / shares.length
    expect(mean).toBeGreaterThan(0.72)
    expect(mean).toBeLessThan(0.82)
  })

  it('lets the oracle do better with the same faults, and end no fault before it began', async () => {
    const [calls, oracle] = [await live('city-dev', createCallService), await live('city-dev', createOracle)]
    expect(oracle.truth.faults.map(({ device, code }) => `${device}/${code}`)).toEqual(
      calls.truth.faults.map(({ device, code }) => `${device}/${code}`),
    )
    expect(firstTimeFix(oracle)).toBeGreaterThan(firstTimeFix(calls))
    for (const { endedMs, truth } of oracle.truth.faults) expect(endedMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(truth.onset_ms)
  })

  it('leaves a fault where it is when its repair was bad or only claimed', async () => {
    const { dispatch, truth } = await live('city-dev', createCallService, 800)
    const failed = dispatch.visits.filter(({ kind }) => kind === 'bad' || kind === 'phantom')
    expect(failed.length).toBeGreaterThan(0)
    for (const { fault, atMs } of failed) if (fault !== null) expect(truth.severity({ ...fault, endedMs: undefined }, atMs)).toBeGreaterThan(0)
    expect(failed.every(({ fixed }) => fixed.length === 0)).toBe(true)
  })
})

describe('CityClock', () => {
  it('does what is due in order of time, waits for it, and lets whoever joined settle before time goes on', async () => {
    const clock = new CityClock(QUARTER_START_MS)
    const told: string[] = []
    clock.join(async () => void told.push('settled'))
    clock.at(QUARTER_START_MS + 20, async () => {
      await Promise.resolve()
      told.push(`b ${clock.now() - QUARTER_START_MS}`)
    })
    clock.at(QUARTER_START_MS + 10, () => void told.push(`a ${clock.now() - QUARTER_START_MS}`))
    clock.after(15, () => told.push('cancelled'))()
    await clock.run(QUARTER_START_MS + 30)
    expect(told).toEqual(['a 10', 'settled', 'b 20', 'settled'])
    expect(clock.now()).toBe(QUARTER_START_MS + 30)
  })
})
