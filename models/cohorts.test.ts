/** Cohorts: a batch or firmware that fails more often is named, an old one or an unlucky one is not, whatever the order of what is told. */
import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { createRandom } from '#kernel/random.ts'
import { type CohortUnit, cohortStandings, type FirstFault } from './cohorts.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)
const DAYS = 365
const FAULT = 'AC-05'
const options = {
  types: (id: string) => (id === 'air_conditioner' ? airConditioner : undefined),
  ...{ from_ms: START_MS, to_ms: START_MS + DAYS * DAY_MS, flagsPerQuarter: 1 },
}

/** Ten batches of 60 units, two years old unless said otherwise. */
function unit(index: number, change: Partial<CohortUnit> = {}): CohortUnit {
  return {
    device: `ac-${index}`,
    type: 'air_conditioner',
    batch: `B${index % 10}`,
    firmware: [{ from_ms: START_MS, version: index % 3 === 0 ? '2' : '1' }],
    ...{ born_ms: START_MS - 2 * 365 * DAY_MS, from_ms: START_MS, to_ms: undefined },
    ...change,
  }
}
const fleet = (change: (index: number) => Partial<CohortUnit> = () => ({})): CohortUnit[] =>
  Array.from({ length: 600 }, (_, index) => unit(index, change(index)))

/** Faults at a rate a year by unit, at random days. */
function faultsAt(units: readonly CohortUnit[], rate: (unit: CohortUnit) => number, seed = 'cohorts'): FirstFault[] {
  const random = createRandom(seed)
  return units.flatMap((one) => {
    const atDay = random.exponential(1) / (rate(one) / 365)
    return atDay < DAYS ? [{ device: one.device, fault: FAULT, at_ms: START_MS + atDay * DAY_MS }] : []
  })
}
const flagged = (units: readonly CohortUnit[], faults: readonly FirstFault[]) =>
  cohortStandings(units, faults, options)
    .filter(({ flagged_at_ms }) => flagged_at_ms !== null)
    .map(({ scope, cohort, fault }) => `${scope} ${cohort} ${fault}`)

describe('cohortStandings', () => {
  it('names a bad batch, with what was expected of it, and no other', () => {
    const units = fleet()
    const faults = faultsAt(units, ({ batch }) => (batch === 'B7' ? 0.4 : 0.04))
    expect(flagged(units, faults)).toEqual([`batch B7 ${FAULT}`])
    const bad = cohortStandings(units, faults, options).find(({ cohort, fault }) => cohort === 'B7' && fault === FAULT)
    expect(bad?.units).toBe(60)
    expect(bad?.events).toBeGreaterThan(3 * (bad?.expected ?? 0))
    expect((bad?.flagged_at_ms ?? 0) - START_MS).toBeLessThan(200 * DAY_MS)
  })

  it('names a firmware from when it ran, though the same units were sound before', () => {
    const units = fleet((index) => {
      const before = { from_ms: START_MS, version: '1' }
      return { firmware: Math.floor(index / 10) % 2 === 0 ? [before, { from_ms: START_MS + 100 * DAY_MS, version: '2' }] : [before] }
    })
    const hasNew = ({ firmware }: CohortUnit): boolean => firmware.length === 2
    const sound = faultsAt(units, () => 0.03)
    const brought = faultsAt(units.filter(hasNew), () => 0.6, 'new').map((fault) => ({ ...fault, at_ms: fault.at_ms + 100 * DAY_MS }))
    const found = cohortStandings(units, [...sound, ...brought], options).toSorted((a, b) => b.evidence_ratio - a.evidence_ratio)
    expect(found[0]).toMatchObject({ scope: 'firmware', cohort: '2', fault: FAULT })
    expect(found[0]?.flagged_at_ms).toBeGreaterThan(START_MS + 100 * DAY_MS)
    expect(found.find(({ cohort, fault }) => cohort === '1' && fault === FAULT)?.flagged_at_ms).toBeNull()
  })

  it('does not take age for a bad batch: old units that wear as their life says are no flag', () => {
    const born = (index: number): number => START_MS - (index % 10) * 365 * DAY_MS
    const units = fleet((index) => ({ born_ms: born(index) }))
    const life = airConditioner.faults.find(({ code }) => code === FAULT)?.life
    if (life === undefined) throw new Error('the fault has a life')
    const rate = ({ born_ms }: CohortUnit): number => {
      const years = (START_MS - born_ms) / DAY_MS / 365 + 0.5
      return (4 * life.shape * (years / life.scaleYears) ** (life.shape - 1)) / life.scaleYears
    }
    expect(flagged(units, faultsAt(units, rate))).toEqual([])
  })

  it('raises fewer false flags than the budget on sound fleets, whose field is far from the life models', () => {
    let flags = 0
    for (const rate of [0.005, 0.2]) {
      for (let run = 0; run < 2; run++) {
        const units = fleet()
        flags += flagged(
          units,
          faultsAt(units, () => rate, `${rate}/${run}`),
        ).length
      }
    }
    // Four fleets of four quarters each.
    expect(flags).toBeLessThan(4)
  }, 120_000)

  it('says the same in whatever order it is told, and twice', () => {
    const units = fleet()
    const faults = faultsAt(units, ({ batch }) => (batch === 'B7' ? 0.4 : 0.04))
    const random = createRandom('order')
    const mixed = [...faults, ...faults.slice(0, 20)].map((fault) => [random.uniform(), fault] as const).sort(([a], [b]) => a - b)
    expect(
      cohortStandings(
        units,
        mixed.map(([, fault]) => fault),
        options,
      ),
    ).toEqual(cohortStandings(units, faults, options))
  })

  it('counts a unit once, not after it was revoked, and not for what it brought along', () => {
    const units = fleet((index) => (index === 0 ? { to_ms: START_MS + 50 * DAY_MS } : {}))
    const at = (device: string, day: number): FirstFault => ({ device, fault: FAULT, at_ms: START_MS + day * DAY_MS })
    const faults = [at('ac-0', 60), at('ac-10', 5), at('ac-20', 30), at('ac-20', 90), at('ac-30', -4), at('ac-30', 40), at('no-such', 40)]
    const found = cohortStandings(units, faults, options).find(({ cohort, fault }) => cohort === 'B0' && fault === FAULT)
    expect(found?.events).toBe(1)
  })

  it('watches no cohort of fewer than five units, and nothing of a type without faults', () => {
    const units = [unit(1), unit(11), unit(21), { ...unit(2), type: 'plug' }]
    expect(cohortStandings(units, [{ device: 'ac-1', fault: FAULT, at_ms: START_MS + DAY_MS }], options)).toEqual([])
  })
})
