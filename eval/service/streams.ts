/** Which streams a city needs. */
import type { CityUnit } from '../../simulators/city/city-units.ts'
import type { StreamJob } from './stream-files.ts'

/** Sound units of each type that are simulated; the others take their streams. */
const SOUND_SAMPLE = 40

/** Streams of a city: each set of its faults for a unit that gets some, and a sample of units without. */
export function jobsOfCity(units: readonly CityUnit[]): StreamJob[] {
  const sound = new Map<string, number>()
  return units.flatMap(({ type, home, faults }) => {
    if (faults.length > 0) return subsets(faults.map(({ fault }) => fault)).map((kept) => ({ type: type.id, home, kept }))
    const known = sound.get(type.id) ?? 0
    sound.set(type.id, known + 1)
    return known < SOUND_SAMPLE ? [{ type: type.id, home, kept: [] }] : []
  })
}

function subsets(codes: readonly string[]): string[][] {
  const sets: string[][] = [[]]
  for (const code of codes) sets.push(...sets.map((set) => [...set, code]))
  return sets
}
