/**
 * What no plant of this repository has and every machine in a home does: states that wander over days (oil, moisture in walls, a valve that
 * rests anywhere within its deadband) and dependences on weather and load that bend in ways of their own. They are added to windows after
 * the simulation, channel by channel while the unit runs, so that features made of one channel move together. Faults, labels, gates and
 * what is measured while a unit rests stay as they are. Drawn from the unit's name; sizes are chosen, none is taken from the second plants.
 */
import type { ApplianceType, Derivation } from '#catalogue/appliance-type.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { DAY_MS, type LabelledUnit } from './dataset.ts'

/** Deviations over units, in K for temperatures and in shares for the rest. */
const WANDER = { k: 0.45, share: 0.025 }
const BEND = { k: 0.3, share: 0.02 }
const VALVE = 2.5
/** Days over which a state forgets where it was. */
const FORGETS_DAYS = [1.5, 12] as const

/** What bends: products of driving features over their usual spread, by type. */
interface Drive {
  readonly feature: string
  readonly usual: number
  readonly spread: number
}
const DRIVES: Readonly<Record<string, readonly Drive[]>> = {
  air_conditioner: [
    { feature: 'outdoor_temperature_c', usual: 30, spread: 6 },
    { feature: 'compressor_frequency_hz', usual: 50, spread: 22 },
    { feature: 'room_humidity_pct', usual: 52, spread: 9 },
    { feature: 'return_air_temperature_c', usual: 26, spread: 3 },
  ],
  gas_water_heater: [
    { feature: 'draw_heat_w', usual: 12_800, spread: 6000 },
    { feature: 'draw_inlet_temperature_c', usual: 20, spread: 6.5 },
    { feature: 'ambient_temperature_c', usual: 24, spread: 4 },
    { feature: 'draw_flow_lpm', usual: 8, spread: 3 },
  ],
}
/** Channels whose values people or the weather set, and those that hardly depend on anything. */
const STEADY =
  /set_point|outdoor_temperature|return_air|room_|humidity|mains|rpm|duty|_hz$|start_|float|cooling|flow|inlet|ambient|ignition|water_pressure|gas_pressure|_count/
/** What a record tells of a draw is of the same sensor as the reading. */
const sensorOf = (name: string): string => name.replace(/^draw_/, '')

interface Restless {
  readonly isShare: boolean
  readonly deviation: number
  readonly days: number
  readonly bends: readonly number[]
  readonly random: Random
  state: number
}

/** The same units, each with states and bends of its own; a type without drives stays as it is. */
export const restless = (type: ApplianceType, units: readonly LabelledUnit[]): LabelledUnit[] => {
  const drives = DRIVES[type.id]
  if (drives === undefined) return [...units]
  return units.map((unit) => ({ ...unit, windows: disturb(type, drives, unit) }))
}

function disturb(type: ApplianceType, drives: readonly Drive[], { seed, device, windows }: LabelledUnit): ClosedWindow[] {
  const features = type.recipe?.features ?? []
  const channels = new Map(
    type.channels
      .filter(({ kind, name }) => kind === 'number' && !STEADY.test(name))
      .map(({ name, unit }): [string, Restless] => [name, drawRestless(createRandom(`restless/${seed}/${device}/${sensorOf(name)}`), name, unit)]),
  )
  const places = drives.map(({ feature }) => features.findIndex(({ name }) => name === feature))
  let beforeMs: number | undefined
  return windows.map((window) => {
    const values = drives.map(({ usual, spread }, index) => {
      const value = window.features[places[index] ?? -1] ?? Number.NaN
      return Number.isNaN(value) ? 0 : Math.max(-2.5, Math.min(2.5, (value - usual) / spread))
    })
    const days = beforeMs === undefined ? Number.POSITIVE_INFINITY : (window.to_ms - beforeMs) / DAY_MS
    beforeMs = window.to_ms
    const moved = new Map([...channels].map(([name, channel]) => [name, moveOf(channel, days, productsOf(values))]))
    return { ...window, features: window.features.map((value, index) => shifted(value, features[index]?.derive, moved, channels)) }
  })
}

function drawRestless(random: Random, name: string, unit: string): Restless {
  const isShare = unit !== 'c'
  const size = (sizes: { readonly k: number; readonly share: number }): number =>
    (isShare ? sizes.share : sizes.k) * (name.startsWith('eev') ? VALVE : 1)
  const count = productsOf([0, 0, 0, 0]).length
  return {
    isShare,
    deviation: Math.abs(random.normal(0, size(WANDER))),
    days: random.between(...FORGETS_DAYS),
    bends: Array.from({ length: count }, () => random.normal(0, size(BEND))),
    random: random.fork('steps'),
    state: 0,
  }
}

/** The values and their products two by two, squares about their mean. */
const productsOf = (values: readonly number[]): number[] =>
  values.flatMap((value, index) => [value, ...values.slice(index).map((other, offset) => (offset === 0 ? value * value - 1 : value * other))])

function moveOf(channel: Restless, days: number, products: readonly number[]): number {
  const kept = Math.exp(-days / channel.days)
  channel.state = kept * channel.state + Math.sqrt(1 - kept * kept) * channel.random.normal(0, channel.deviation)
  return channel.bends.reduce((sum, bend, index) => sum + 0.5 * bend * (products[index] ?? 0), channel.state)
}

function shifted(value: number, derive: Derivation | undefined, moved: ReadonlyMap<string, number>, channels: ReadonlyMap<string, Restless>): number {
  if (derive === undefined || Number.isNaN(value)) return value
  const by = (name: string | undefined): number => (name === undefined ? 0 : (moved.get(name) ?? 0))
  if ('difference' in derive) return value + by(derive.difference[0]) - by(derive.difference[1])
  if ('recordDifference' in derive) return value + by(derive.recordDifference[0]) - by(derive.recordDifference[1])
  const name = meanChannelOf(derive)
  if (name === undefined) return value
  return channels.get(name)?.isShare === true ? value * Math.exp(by(name)) : value + by(name)
}

/** The channel whose values a feature is the mean or the largest of. */
function meanChannelOf(derive: Derivation): string | undefined {
  if ('mean' in derive) return derive.mean
  if ('recordMean' in derive) return derive.recordMean
  return 'maximum' in derive ? derive.maximum : undefined
}
