/**
 * What the second plants share: how the effect of a fault grows with its severity (saturating, late, or a bend: never straight, as field
 * faults are not), names of channels to places, and which sensor sticks.
 */
import type { Channel } from '#catalogue/appliance-type.ts'
import type { Severities } from '#catalogue/plant.ts'

/** Grows fast and then levels off; 0 at 0 and 1 at 1. */
export const saturating = (severity: number, bend = 2): number => (1 - Math.exp(-bend * severity)) / (1 - Math.exp(-bend))

/** Grows late: a trace is nothing, the end comes fast. */
export const late = (severity: number, power = 1.3): number => Math.max(0, severity) ** power

/** Between two levels with a bend in the middle. */
export const bent = (severity: number): number => severity * severity * (3 - 2 * severity)

export const severityOf = (severities: Severities, code: string): number => Math.min(1, Math.max(0, severities.get(code) ?? 0))

/** Place of each channel among a type's values. */
export const placesOf = (channels: readonly Channel[]): ReadonlyMap<string, number> =>
  new Map(channels.map((channel, index) => [channel.name, index]))

export interface Panel {
  readonly values: Float64Array
  readonly isStuck: Uint8Array
  set(name: string, value: number): void
  get(name: string): number
  /** Holds the channel at the value that it has now for as long as the severity is above 0.05. */
  stick(name: string, severity: number): void
}

/** The values of one unit by channel name. */
export function createPanel(channels: readonly Channel[]): Panel {
  const places = placesOf(channels)
  const values = new Float64Array(channels.length).fill(Number.NaN)
  const isStuck = new Uint8Array(channels.length)
  let held = Number.NaN
  const place = (name: string): number => {
    const found = places.get(name)
    if (found === undefined) throw new RangeError(`no channel ${name}`)
    return found
  }
  return {
    values,
    isStuck,
    set: (name, value) => {
      values[place(name)] = value
    },
    get: (name) => values[place(name)] ?? Number.NaN,
    stick(name, severity) {
      const at = place(name)
      if (severity <= 0.05) {
        held = Number.NaN
        isStuck[at] = 0
        return
      }
      if (Number.isNaN(held)) held = values[at] ?? Number.NaN
      values[at] = held
      isStuck[at] = 1
    },
  }
}
