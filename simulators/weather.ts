/**
 * Weather and mains of a city, seeded: season, day, fronts of a few days, heat waves and cold snaps, humidity, sun behind clouds,
 * evening sag, brown-outs and outages that all units of the city share. A function of time only, so any instant can be asked in any order.
 */
import { createRandom, type Random } from '#kernel/random.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface City {
  readonly name: string
  /** Mean temperature of the year and half the swing between seasons, °C. */
  readonly meanC: number
  readonly seasonC: number
  /** Half the swing of a day, K. */
  readonly dayK: number
  /** Humidity against saturation at the day's minimum, 0..1. */
  readonly humidity: number
  readonly utcOffsetH: number
  /** Moves the seasons: so many days are added to the date before the season is read off. */
  readonly seasonShiftDays?: number
}

/** Climates by their usual tables, rounded (engineering judgement); the seasons are those of the northern hemisphere. */
export const CITIES: readonly City[] = [
  { name: 'coast', meanC: 19, seasonC: 10.5, dayK: 4, humidity: 0.92, utcOffsetH: 8 },
  { name: 'inland', meanC: 16, seasonC: 14, dayK: 6, humidity: 0.7, utcOffsetH: 8 },
  { name: 'south', meanC: 24, seasonC: 6, dayK: 4, humidity: 0.9, utcOffsetH: 8 },
  { name: 'plain', meanC: 17, seasonC: 12, dayK: 5.5, humidity: 0.78, utcOffsetH: 1 },
]

export interface WeatherNow {
  readonly outdoorC: number
  readonly outdoorHumidityGKg: number
  readonly solarWM2: number
  /** 0 during an outage. */
  readonly mainsV: number
}

export interface Weather {
  at(timeMs: number): WeatherNow
  /** Hour of the local day, 0..24. */
  localHour(timeMs: number): number
  localDay(timeMs: number): number
}

/** Day of the year that is warmest on average (late July). */
const WARMEST_DAY = 205

/** The same climates where it is high summer at `timeMs`, as it is somewhere. */
export const inSummerAt = (cities: readonly City[], timeMs: number): City[] =>
  cities.map((city) => ({ ...city, seasonShiftDays: WARMEST_DAY - (Math.floor(timeMs / DAY_MS) % 365.25) }))

interface Day {
  readonly offsetK: number
  readonly cloud: number
  readonly sagV: number
  /** Hours of the local day, from and to; empty when from = to. */
  readonly brownOut: readonly [number, number]
  readonly outage: readonly [number, number]
}

export function createWeather(city: City, seed: string): Weather {
  const days = new Map<number, Day>()
  const dayOf = (index: number): Day => {
    const known = days.get(index)
    if (known !== undefined) return known
    const day = drawDay(createRandom(`${seed}/weather/${city.name}/${index}`), heatWave(seed, city.name, index))
    days.set(index, day)
    return day
  }
  const localDay = (timeMs: number): number => Math.floor((timeMs + city.utcOffsetH * HOUR_MS) / DAY_MS)
  const localHour = (timeMs: number): number => (((timeMs / HOUR_MS + city.utcOffsetH) % 24) + 24) % 24
  return {
    localDay,
    localHour,
    at(timeMs) {
      const index = localDay(timeMs)
      const hour = localHour(timeMs)
      const today = dayOf(index)
      const share = hour / 24
      const front = dayOf(index - 1).offsetK * Math.max(0, 0.5 - share) + dayOf(index + 1).offsetK * Math.max(0, share - 0.5)
      const offsetK = front + today.offsetK * (1 - Math.abs(share - 0.5))
      const season = city.meanC + city.seasonC * Math.cos((2 * Math.PI * (((index + (city.seasonShiftDays ?? 0)) % 365.25) - WARMEST_DAY)) / 365.25)
      const outdoorC = season + offsetK + city.dayK * (1 - 0.5 * today.cloud) * Math.cos((2 * Math.PI * (hour - 15)) / 24)
      const lowestC = season + offsetK - city.dayK
      const sun = Math.max(0, Math.sin((Math.PI * (hour - 6)) / 13))
      const inside = ([from, to]: readonly [number, number]): boolean => hour >= from && hour < to
      const evening = Math.exp(-(((hour - 19.5) / 2) ** 2))
      const mainsV = inside(today.outage) ? 0 : inside(today.brownOut) ? 192 : 232 - today.sagV * evening + 1.5 * Math.sin(timeMs / 700_000)
      return { outdoorC, outdoorHumidityGKg: city.humidity * saturationGKg(lowestC), solarWM2: 850 * sun * (1 - 0.75 * today.cloud), mainsV }
    },
  }
}

function drawDay(random: Random, waveK: number): Day {
  const cloud = random.uniform() ** 1.5
  const brownFrom = random.between(17, 20)
  const outFrom = random.between(0, 22)
  return {
    offsetK: random.normal(0, 2.2) + waveK - 2 * cloud,
    cloud,
    sagV: random.between(2, 10),
    brownOut: random.chance(0.03) ? [brownFrom, brownFrom + random.between(0.5, 3)] : [0, 0],
    outage: random.chance(0.01) ? [outFrom, outFrom + random.between(0.5, 2)] : [0, 0],
  }
}

/** Heat waves and cold snaps last five days out of each stretch of ten that has one. */
function heatWave(seed: string, city: string, index: number): number {
  const random = createRandom(`${seed}/wave/${city}/${Math.floor(index / 10)}`)
  const kind = random.uniform()
  const from = random.integer(0, 5)
  const place = index - Math.floor(index / 10) * 10
  if (place < from || place >= from + 5) return 0
  return kind < 0.2 ? 6 : kind > 0.88 ? -6 : 0
}

/** Humidity of saturated air in g/kg (Magnus formula, sea level). */
function saturationGKg(temperatureC: number): number {
  const kpa = 0.6112 * Math.exp((17.62 * temperatureC) / (243.12 + temperatureC))
  return (622 * kpa) / (101.3 - kpa)
}
