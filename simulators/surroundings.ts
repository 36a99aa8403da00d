/** Joins weather, supplies and household into what happens around one unit; the record is reused from step to step. */
import { ORDINARY, type Surroundings } from '#catalogue/plant.ts'
import type { Habits } from './habits.ts'
import type { Supplies } from './supplies.ts'
import type { Weather } from './weather.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Below this the appliance and its module are without power. */
export const DARK_V = 100

export interface Place {
  readonly weather: Weather
  readonly supplies: Supplies
  readonly habits: Habits
  /** Departure of this home's indoor air from the usual, K. */
  readonly indoorOffsetK: number
  /** Pressure lost to the floor on which the home lies, kPa. */
  readonly floorKpa: number
}

/** Makes the function that gives the surroundings of the step that ends at `timeMs`. */
export function createSurroundings({ weather, supplies, habits, indoorOffsetK, floorKpa }: Place): (timeMs: number, stepMs: number) => Surroundings {
  const around: Writable<Surroundings> = { ...ORDINARY, waterHardnessMmolL: supplies.hardnessMmolL }
  return (timeMs, stepMs) => {
    const outside = weather.at(timeMs)
    const supply = supplies.at(timeMs)
    const life = habits.at(timeMs, stepMs)
    const isDark = supply.mainsV < DARK_V
    around.outdoorC = outside.outdoorC
    around.outdoorHumidityGKg = outside.outdoorHumidityGKg
    around.solarWM2 = outside.solarWM2
    around.windMS = outside.windMS
    around.mainsV = supply.mainsV
    around.waterPressureKpa = Math.max(20, supply.waterPressureKpa - floorKpa)
    around.waterInletC = supply.waterInletC
    around.gasPressureKpa = supply.gasPressureKpa * life.gasShare
    around.isWanted = life.isWanted && !isDark
    around.setPointC = life.setPointC
    around.windowIsOpen = life.windowIsOpen
    around.people = life.people
    around.use = life.use
    const closedC = 20 + indoorOffsetK + 0.5 * Math.max(0, outside.dayMeanC - 18) + 0.12 * (outside.outdoorC - outside.dayMeanC)
    const indoorC = life.windowIsOpen ? closedC + 0.35 * (outside.outdoorC - closedC) : closedC
    around.indoorC = Math.min(42, Math.max(8, indoorC))
    around.indoorHumidityPct = Math.min(90, Math.max(15, (100 * (outside.outdoorHumidityGKg + 1.2)) / saturationGKg(around.indoorC)))
    return around
  }
}

/** Humidity of saturated air in g/kg, cubic through the psychrometric table (within 2 % over 0 to 35 °C). */
const saturationGKg = (t: number): number => 3.79 + t * (0.2757 + t * (0.00822 + t * 0.00026))
