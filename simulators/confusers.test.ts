import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { PlantHabits } from '#catalogue/plant.ts'
import { CONFUSERS, CONFUSERS_OF_LIFE, type Confuser, createConfusion } from './confusers.ts'
import { createFleet, type FleetOptions } from './fleet.ts'
import { createHabits } from './habits.ts'
import { createSupplies } from './supplies.ts'
import { createSurroundings } from './surroundings.ts'
import { CITIES, createWeather } from './weather.ts'

const DAY_MS = 86_400_000
const startMs = Date.UTC(2026, 6, 1)
const [city] = CITIES
if (city === undefined) throw new Error('there are cities')
const optionsOf = (confusers: readonly Confuser[], change: Partial<FleetOptions> = {}): FleetOptions => ({
  type: airConditioner,
  units: 60,
  seed: 'confusers',
  startMs,
  faultShare: 0,
  samplePeriodMs: 600_000,
  tenant: 'home',
  confusers,
  confuserRate: 3,
  ...change,
})
const ALL_USES: PlantHabits = { setPointC: [38, 48], isAlwaysOn: true, uses: ['doors', 'wash', 'draws'] }

/** Extremes of what happens around homes of many areas over ninety days, with only the given confusers. */
function extremes(confusers: readonly Confuser[]) {
  const confusion = createConfusion(confusers, 3)
  const found = {
    lowV: 999,
    highV: 0,
    outages: 0,
    gasKpa: 9,
    waterKpa: 999,
    hardness: 0,
    hotC: -99,
    coldC: 99,
    loadKg: 0,
    blocked: 0,
    windows: 0,
    away: 0,
    setPoints: 0,
  }
  for (let home = 0; home < 6; home++) {
    const weather = createWeather(
      city ?? CITIES[0] ?? { name: '', meanC: 0, seasonC: 0, dayK: 0, humidity: 0, utcOffsetH: 0 },
      `seed-${home}`,
      confusion,
    )
    const supplies = createSupplies({ area: `a${home}`, weather, seed: 'seed', confusion })
    const habits = createHabits({ seed: 'seed', household: `h${home}`, weather, confusion, habits: ALL_USES })
    const around = createSurroundings({ weather, supplies, habits, indoorOffsetK: 0, floorKpa: 0 })
    const setPoints = new Set<number>()
    let doors = 0
    for (let timeMs = startMs; timeMs < startMs + 90 * DAY_MS; timeMs += 600_000) {
      const now = around(timeMs, 600_000)
      if (now.mainsV === 0) found.outages += 1
      else found.lowV = Math.min(found.lowV, now.mainsV)
      found.highV = Math.max(found.highV, now.mainsV)
      found.gasKpa = Math.min(found.gasKpa, now.gasPressureKpa)
      found.waterKpa = Math.min(found.waterKpa, now.waterPressureKpa)
      found.hardness = Math.max(found.hardness, now.waterHardnessMmolL)
      found.hotC = Math.max(found.hotC, now.outdoorC)
      found.coldC = Math.min(found.coldC, now.outdoorC)
      found.loadKg = Math.max(found.loadKg, now.use.wash?.loadKg ?? 0)
      found.blocked = Math.max(found.blocked, now.use.ventsBlockedShare)
      if (now.windowIsOpen) found.windows += 1
      setPoints.add(now.setPointC)
      doors += now.use.freshDoorOpenS
      if (weather.localHour(timeMs) < 0.16) {
        if (doors === 0) found.away += 1
        doors = 0
      }
    }
    found.setPoints = Math.max(found.setPoints, setPoints.size)
  }
  return found
}
const calm = extremes([])

describe('surroundings without confusers', () => {
  it('are ordinary', () => {
    expect(calm.lowV).toBeGreaterThan(215)
    expect(calm.highV).toBeLessThan(236)
    expect(calm.gasKpa).toBeGreaterThan(1.85)
    expect(calm.waterKpa).toBeGreaterThan(190)
    expect(calm.hardness).toBeLessThan(2)
    expect(calm.loadKg).toBeGreaterThan(0)
    expect(calm.loadKg).toBeLessThan(8)
    expect({ ...calm }).toMatchObject({ outages: 0, blocked: 0, windows: 0, away: 0, setPoints: 1 })
  })
})

describe('each confuser alone', () => {
  const shows: Partial<Record<Confuser, (now: typeof calm) => boolean>> = {
    heat_wave: ({ hotC, coldC }) => hotC > calm.hotC + 2 && coldC > calm.coldC - 1,
    cold_snap: ({ hotC, coldC }) => coldC < calm.coldC - 1 && hotC < calm.hotC + 2,
    mains: ({ lowV, highV, outages }) => lowV < 205 && lowV > 190 && highV > 245 && highV < 266 && outages === 0,
    outage: ({ outages, lowV }) => outages > 0 && lowV > 215,
    open_window: ({ windows }) => windows > 0,
    set_point_habits: ({ setPoints }) => setPoints > 1,
    overload: ({ loadKg }) => loadKg > 8,
    blocked_vents: ({ blocked }) => blocked > 0,
    hard_water: ({ hardness }) => hardness > 3,
    low_gas_pressure: ({ gasKpa }) => gasKpa < 1.6,
    low_water_pressure: ({ waterKpa }) => waterKpa < 170,
    holiday: ({ away }) => away > 5,
    new_user: ({ setPoints }) => setPoints > 1,
  }
  for (const [confuser, isShown] of Object.entries(shows)) {
    it(`shows ${confuser} and nothing of the others`, () => {
      const found = extremes([confuser as Confuser])
      expect({ found, isShown: isShown(found) }).toMatchObject({ isShown: true })
      if (confuser !== 'open_window') expect(found.windows).toBe(0)
      if (confuser !== 'outage') expect(found.outages).toBe(0)
      if (confuser !== 'hard_water') expect(found.hardness).toBeLessThan(2)
    })
  }

  it('stands in the truth of a fleet when it is on, and only then', () => {
    const namesOf = (confusers: readonly Confuser[]): Set<string> => {
      const fleet = createFleet(optionsOf(confusers))
      return new Set(fleet.confusions(startMs + 40 * DAY_MS).map(({ confuser }) => confuser))
    }
    expect(namesOf([])).toEqual(new Set())
    for (const confuser of ['mains', 'outage', 'open_window', 'dirt', 'hard_water', 'firmware_rescale', 'new_user'] as const) {
      expect(namesOf([confuser])).toEqual(new Set([confuser]))
    }
  })

  it('is a name of the catalogue, and those of sending are left to the network', () => {
    expect(CONFUSERS).toHaveLength(17)
    expect(CONFUSERS_OF_LIFE).toHaveLength(14)
  })
})

describe('places', () => {
  it('share their supplies within an outage area, so that an outage darkens all its homes at once', () => {
    const fleet = createFleet(optionsOf(['outage'], { cities: [city], units: 48 }))
    const areaOf = new Map(fleet.units.map((unit) => [unit.device, unit.area]))
    const seen = new Map<string, number>()
    for (const { device, observed_at_ms } of fleet.readings(startMs + 12 * DAY_MS)) {
      const key = `${areaOf.get(device)}/${Math.floor(observed_at_ms / 600_000)}`
      seen.set(key, (seen.get(key) ?? 0) + 1)
    }
    expect(new Set(fleet.units.map(({ area }) => area)).size).toBe(2)
    const outage = fleet.confusions().find(({ from_ms, to_ms }) => to_ms - from_ms > 3_000_000)
    if (outage === undefined) throw new Error('twelve days at triple rate have an outage')
    const middle = Math.floor((outage.from_ms + outage.to_ms) / 2 / 600_000)
    expect(seen.get(`${outage.name}/${middle}`)).toBeUndefined()
  })

  it('are the same for fleets of one seed, whatever the type or prefix', () => {
    const a = createFleet(optionsOf([])).units.map(({ household, area, city: name }) => [household, area, name])
    const b = createFleet(optionsOf([], { devicePrefix: 'other' })).units.map(({ household, area, city: name }) => [household, area, name])
    expect(a).toEqual(b)
  })
})

describe('a bad batch and a bad firmware', () => {
  const shareOf = (change: Partial<FleetOptions>, isIn: (unit: { batch: string; fw: string }) => boolean): number => {
    const fleet = createFleet(optionsOf([], { units: 600, faultShare: 0.2, ...change }))
    const members = fleet.units.filter(isIn)
    const faulty = new Set(fleet.truth().flatMap(({ device, fault }) => (fault === 'AC-04' ? [device] : [])))
    return members.filter(({ device }) => faulty.has(device)).length / members.length
  }
  it('raise the fault in their cohort and not in the others', () => {
    const badBatch = { batch: 'B07', fault: 'AC-04', hazardRatio: 12 }
    expect(shareOf({ badBatch }, ({ batch }) => batch === 'B07')).toBeGreaterThan(0.1)
    expect(shareOf({ badBatch }, ({ batch }) => batch !== 'B07')).toBeLessThan(0.05)
    const badFirmware = { fw: '2.5.0', fault: 'AC-04', hazardRatio: 12 }
    expect(shareOf({ badFirmware }, ({ fw }) => fw === '2.5.0')).toBeGreaterThan(0.1)
    expect(shareOf({ badFirmware }, ({ fw }) => fw !== '2.5.0')).toBeLessThan(0.05)
  })
})
