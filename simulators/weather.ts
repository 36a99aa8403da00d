/**
 * Weather of a city, seeded: season, day, fronts of a few days, heat waves and cold snaps, humidity, sun behind clouds, wind.
 * A function of time only, so any instant can be asked in any order.
 */
import { createRandom, type Random } from '#kernel/random.ts'
import { type ConfuserSpan, type Confusion, createConfusion } from './confusers.ts'

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
  outdoorC: number
  outdoorHumidityGKg: number
  solarWM2: number
  windMS: number
  /** Mean of the day, which buildings and the ground follow. */
  dayMeanC: number
}

export interface Weather {
  readonly city: City
  /** The same object each time. */
  at(timeMs: number): WeatherNow
  /** Hour of the local day, 0..24. */
  localHour(timeMs: number): number
  localDay(timeMs: number): number
  /** Instant at which a local day begins. */
  dayBeginMs(day: number): number
  /** Temperature of the season without weather, °C; `lagDays` late, as the ground is. */
  seasonC(day: number, lagDays: number): number
  /** Heat waves and cold snaps that touch the span. */
  spans(fromMs: number, toMs: number): ConfuserSpan[]
}

/** Day of the year that is warmest on average (late July). */
const WARMEST_DAY = 205
const WAVE_K = 6
const WAVE_DAYS = 5

/** The same climates where it is high summer at `timeMs`, as it is somewhere. */
export const inSummerAt = (cities: readonly City[], timeMs: number): City[] =>
  cities.map((city) => ({ ...city, seasonShiftDays: WARMEST_DAY - (Math.floor(timeMs / DAY_MS) % 365.25) }))

interface Day {
  readonly offsetK: number
  readonly cloud: number
  readonly windMS: number
}

export function createWeather(city: City, seed: string, confusion: Confusion = createConfusion()): Weather {
  const days = new Map<number, Day>()
  const dayOf = (index: number): Day => {
    const known = days.get(index)
    if (known !== undefined) return known
    const day = drawDay(createRandom(`${seed}/weather/${city.name}/${index}`), waveK(seed, city.name, index, confusion))
    days.set(index, day)
    return day
  }
  const localDay = (timeMs: number): number => Math.floor((timeMs + city.utcOffsetH * HOUR_MS) / DAY_MS)
  const localHour = (timeMs: number): number => (((timeMs / HOUR_MS + city.utcOffsetH) % 24) + 24) % 24
  const dayBeginMs = (day: number): number => day * DAY_MS - city.utcOffsetH * HOUR_MS
  const seasonC = (day: number, lagDays: number): number =>
    city.meanC + city.seasonC * Math.cos((2 * Math.PI * (((day - lagDays + (city.seasonShiftDays ?? 0)) % 365.25) - WARMEST_DAY)) / 365.25)
  const now: WeatherNow = { outdoorC: 0, outdoorHumidityGKg: 0, solarWM2: 0, windMS: 0, dayMeanC: 0 }
  let index = Number.NaN
  let [yesterday, today, tomorrow] = [dayOf(0), dayOf(0), dayOf(0)]
  let season = 0
  return {
    city,
    localDay,
    localHour,
    dayBeginMs,
    seasonC,
    at(timeMs) {
      const asked = localDay(timeMs)
      if (asked !== index) {
        index = asked
        ;[yesterday, today, tomorrow] = [dayOf(index - 1), dayOf(index), dayOf(index + 1)]
        season = seasonC(index, 0)
      }
      const hour = localHour(timeMs)
      const share = hour / 24
      const front = yesterday.offsetK * Math.max(0, 0.5 - share) + tomorrow.offsetK * Math.max(0, share - 0.5)
      const offsetK = front + today.offsetK * (1 - Math.abs(share - 0.5))
      now.outdoorC = season + offsetK + city.dayK * (1 - 0.5 * today.cloud) * Math.cos((2 * Math.PI * (hour - 15)) / 24)
      now.outdoorHumidityGKg = city.humidity * saturationGKg(season + offsetK - city.dayK)
      now.solarWM2 = 850 * Math.max(0, Math.sin((Math.PI * (hour - 6)) / 13)) * (1 - 0.75 * today.cloud)
      now.windMS = today.windMS * (1 + 0.4 * Math.sin(timeMs / 1_900_000) + 0.3 * Math.sin(timeMs / 410_000))
      now.dayMeanC = season + offsetK
      return now
    },
    spans(fromMs, toMs) {
      const found: ConfuserSpan[] = []
      for (let day = localDay(fromMs); day <= localDay(toMs); day++) {
        const wave = waveK(seed, city.name, day, confusion)
        if (wave === 0) continue
        const confuser = wave > 0 ? 'heat_wave' : 'cold_snap'
        const last = found.at(-1)
        if (last?.confuser === confuser && last.to_ms === dayBeginMs(day)) found[found.length - 1] = { ...last, to_ms: dayBeginMs(day + 1) }
        else found.push({ confuser, scope: 'city', name: city.name, from_ms: dayBeginMs(day), to_ms: dayBeginMs(day + 1), size: wave, unit: 'k' })
      }
      return found
    },
  }
}

function drawDay(random: Random, wave: number): Day {
  const cloud = random.uniform() ** 1.5
  return { offsetK: random.normal(0, 2.2) + wave - 2 * cloud, cloud, windMS: 0.8 + random.exponential(2.2) }
}

/** Heat waves and cold snaps last five days out of each stretch of ten that has one. */
function waveK(seed: string, city: string, index: number, confusion: Confusion): number {
  const stretch = Math.floor(index / 10)
  const random = createRandom(`${seed}/wave/${city}/${stretch}`)
  const kind = random.uniform()
  const from = random.integer(0, 5)
  const place = index - stretch * 10
  if (place < from || place >= from + WAVE_DAYS) return 0
  if (kind < 0.2 * confusion.rate && confusion.has('heat_wave')) return WAVE_K
  return kind > 1 - 0.12 * confusion.rate && confusion.has('cold_snap') ? -WAVE_K : 0
}

/** Humidity of saturated air in g/kg (Magnus formula, sea level). */
function saturationGKg(temperatureC: number): number {
  const kpa = 0.6112 * Math.exp((17.62 * temperatureC) / (243.12 + temperatureC))
  return (622 * kpa) / (101.3 - kpa)
}
