/**
 * Mains, water and gas of an outage area, seeded: all units of the area share evening sags and dips, brown-outs, high-voltage nights
 * and outages. A function of time only. Sizes are design values; with a confuser switched off its supply is the ordinary one.
 */
import { createRandom, type Random } from '#kernel/random.ts'
import type { ConfuserSpan, Confusion } from './confusers.ts'
import type { Weather } from './weather.ts'

const HOUR_MS = 3_600_000

type Hours = readonly [from: number, to: number]

export interface Supply {
  /** 0 during an outage. */
  mainsV: number
  waterPressureKpa: number
  waterInletC: number
  gasPressureKpa: number
}

export interface Supplies {
  readonly area: string
  readonly hardnessMmolL: number
  readonly isHard: boolean
  /** The same object each time. */
  at(timeMs: number): Supply
  spans(fromMs: number, toMs: number): ConfuserSpan[]
}

interface Day {
  readonly sagV: number
  /** Departure of the mains within its hours: -15 % to +13 %. */
  readonly brownOut: Hours
  readonly brownV: number
  readonly highNight: Hours
  readonly highV: number
  readonly outage: Hours
  /** Share of the water pressure and of the gas pressure that is missing at the height of the evening. */
  readonly waterDip: number
  readonly gasDip: number
  readonly waterKpa: number
}

const NEVER: Hours = [0, 0]
/** A dip of this share or more is told in the truth. */
const DIP_TOLD = 0.2
const EVENING: Hours = [17.5, 21.5]

interface SupplyOptions {
  readonly area: string
  readonly weather: Weather
  readonly seed: string
  readonly confusion: Confusion
}

export function createSupplies({ area, weather, seed, confusion }: SupplyOptions): Supplies {
  const random = createRandom(`${seed}/supplies/${area}`)
  const isHard = random.chance(0.35) && confusion.has('hard_water')
  const hardnessMmolL = isHard ? random.between(3.2, 5) : random.between(0.7, 2)
  const waterKpa = random.between(240, 380)
  const days = new Map<number, Day>()
  const dayOf = (index: number): Day => {
    const known = days.get(index)
    if (known !== undefined) return known
    const day = drawDay(createRandom(`${seed}/supplies/${area}/${index}`), waterKpa, confusion)
    days.set(index, day)
    return day
  }
  const now: Supply = { mainsV: 0, waterPressureKpa: 0, waterInletC: 0, gasPressureKpa: 0 }
  let index = Number.NaN
  let today = dayOf(0)
  return {
    area,
    hardnessMmolL,
    isHard,
    at(timeMs) {
      const asked = weather.localDay(timeMs)
      if (asked !== index) {
        index = asked
        today = dayOf(index)
        now.waterInletC = Math.min(28, Math.max(4, 1 + 0.85 * weather.seasonC(index, 30)))
      }
      const hour = weather.localHour(timeMs)
      const evening = Math.exp(-(((hour - 19.5) / 2) ** 2))
      now.mainsV = mainsAt(today, hour, evening) + 1.5 * Math.sin(timeMs / 700_000)
      if (isIn(hour, today.outage)) now.mainsV = 0
      now.waterPressureKpa = today.waterKpa * (1 - today.waterDip * evening) * (1 + 0.02 * Math.sin(timeMs / 500_000))
      now.gasPressureKpa = 2 * (1 - today.gasDip * evening) * (1 + 0.01 * Math.sin(timeMs / 600_000))
      return now
    },
    spans(fromMs, toMs) {
      const found: ConfuserSpan[] = []
      for (let day = weather.localDay(fromMs); day <= weather.localDay(toMs); day++) {
        const beginMs = weather.dayBeginMs(day)
        const tell = (confuser: ConfuserSpan['confuser'], hours: Hours, size: number, unit: string): void => {
          if (hours[0] === hours[1]) return
          found.push({ confuser, scope: 'area', name: area, from_ms: beginMs + hours[0] * HOUR_MS, to_ms: beginMs + hours[1] * HOUR_MS, size, unit })
        }
        const { brownOut, brownV, highNight, highV, outage, waterDip, gasDip } = dayOf(day)
        tell('mains', brownOut, brownV, 'v')
        tell('mains', highNight, highV, 'v')
        tell('outage', outage, 0, 'v')
        if (waterDip >= DIP_TOLD) tell('low_water_pressure', EVENING, -waterDip * 100, 'pct')
        if (gasDip >= DIP_TOLD) tell('low_gas_pressure', EVENING, -gasDip * 100, 'pct')
      }
      if (isHard) {
        found.push({ confuser: 'hard_water', scope: 'area', name: area, from_ms: fromMs, to_ms: toMs, size: hardnessMmolL, unit: 'mmol_per_l' })
      }
      return found.filter(({ from_ms, to_ms }) => to_ms > fromMs && from_ms < toMs)
    },
  }
}

function mainsAt({ brownOut, brownV, highNight, highV, sagV }: Day, hour: number, evening: number): number {
  if (isIn(hour, brownOut)) return brownV
  return isIn(hour, highNight) ? highV : 232 - sagV * evening
}

const isIn = (hour: number, [from, to]: Hours): boolean => hour >= from && hour < to

function drawDay(random: Random, waterKpa: number, confusion: Confusion): Day {
  const happens = (name: 'mains' | 'outage' | 'low_water_pressure' | 'low_gas_pressure', probability: number): boolean => {
    const drawn = random.uniform()
    return confusion.has(name) && drawn < probability * confusion.rate
  }
  const brownFrom = random.between(17, 20)
  const brownTo = brownFrom + random.between(0.5, 3)
  const highTo = random.between(4, 6.5)
  const outFrom = random.between(0, 22)
  const outTo = outFrom + random.between(0.5, 2)
  return {
    sagV: random.between(2, 10),
    brownOut: happens('mains', 0.05) ? [brownFrom, brownTo] : NEVER,
    brownV: random.between(195, 207),
    highNight: happens('mains', 0.04) ? [0.5, highTo] : NEVER,
    highV: random.between(248, 262),
    outage: happens('outage', 0.01) ? [outFrom, outTo] : NEVER,
    waterDip: happens('low_water_pressure', 0.15) ? random.between(0.3, 0.6) : random.between(0.02, 0.1),
    gasDip: happens('low_gas_pressure', 0.12) ? random.between(0.25, 0.5) : random.between(0, 0.05),
    waterKpa: waterKpa * random.between(0.96, 1.04),
  }
}
