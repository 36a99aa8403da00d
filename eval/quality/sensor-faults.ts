/**
 * Faults of sensors put onto the readings of sound simulated units, one a unit, and firmware changes without any. They act on the values
 * as a device would send them; what lies out of range afterwards is absent, as decoding would have it.
 */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import type { ChannelStateKind } from '#kernel/channel-state.ts'
import type { Random } from '#kernel/random.ts'

export interface InjectedFault {
  readonly device: string
  readonly channel: string
  readonly kind: ChannelStateKind
  readonly onsetMs: number
  /** Size in the channel's unit, or the name of the scale. */
  readonly size: number | string
  /** Changes the value of the channel at a time. */
  readonly apply: (value: number, atMs: number) => number
  readonly firmware: string | undefined
}

const DAY_MS = 86_400_000

/** Channels that each kind is put on: for drift those of an identity, for the others measured values. */
const MEASURED = [
  'outdoor_temperature_c',
  'room_temperature_c',
  'return_air_temperature_c',
  'supply_air_temperature_c',
  'indoor_coil_temperature_c',
  'outdoor_coil_temperature_c',
  'discharge_temperature_c',
  'suction_temperature_c',
  'liquid_temperature_c',
  'compressor_current_a',
  'power_w',
  'board_temperature_c',
] as const
const TEMPERATURES = MEASURED.filter((name) => name.endsWith('_c') && name !== 'board_temperature_c')
/** Changes of scale that leave the values within range at least some of the time. */
const SCALES: ReadonlyArray<readonly [channel: string, name: string, change: (value: number) => number]> = [
  ['supply_air_temperature_c', 'C to F', toFahrenheit],
  ['suction_temperature_c', 'C to F', toFahrenheit],
  ['indoor_coil_temperature_c', 'C to F', toFahrenheit],
  ['discharge_temperature_c', 'divided by 10', (value) => value / 10],
  ['room_temperature_c', 'divided by 10', (value) => value / 10],
  ['power_w', 'divided by 1000', (value) => value / 1_000],
  ['power_w', 'divided by 10', (value) => value / 10],
  ['compressor_current_a', 'divided by 10', (value) => value / 10],
  ['room_humidity_pct', 'divided by 100', (value) => value / 100],
  ['board_temperature_c', 'C to F', toFahrenheit],
]

function toFahrenheit(value: number): number {
  return value * 1.8 + 32
}

/** Draws one fault of the kind for a unit. */
export function drawSensorFault(
  random: Random,
  type: ApplianceType,
  unit: { device: string; kind: ChannelStateKind; onsetMs: number },
): InjectedFault {
  const { device, kind, onsetMs } = unit
  const common = { device, kind, onsetMs, firmware: undefined }
  if (kind === 'unit_jump') {
    const [channel, size, change] = random.pick(SCALES)
    return { ...common, channel, size, firmware: '9.9.9', apply: bounded(type, channel, change) }
  }
  if (kind === 'drift') {
    const channel = random.pick(TEMPERATURES)
    const size = random.between(3, 6) * (random.chance(0.5) ? 1 : -1)
    const growMs = random.between(1, 5) * DAY_MS
    return { ...common, channel, size, apply: bounded(type, channel, (value, atMs) => value + size * Math.min(1, (atMs - onsetMs) / growMs)) }
  }
  const channel = random.pick(MEASURED)
  if (kind === 'missing') return { ...common, channel, size: 'absent', apply: () => Number.NaN }
  if (kind === 'stuck') return { ...common, channel, size: 'frozen', apply: frozen() }
  const spiky = random.pick(TEMPERATURES)
  const { min, max } = channelOf(type, spiky)
  const size = 0.4 * (max - min)
  const spike = (value: number): number => (random.chance(0.1) ? (value > (min + max) / 2 ? value - size : value + size) : value)
  return { ...common, channel: spiky, size, apply: bounded(type, spiky, spike) }
}

function frozen(): (value: number) => number {
  let kept = Number.NaN
  return (value) => {
    if (Number.isNaN(kept)) kept = value
    return Number.isNaN(value) ? value : kept
  }
}

function channelOf(type: ApplianceType, name: string): Channel {
  const channel = type.channels.find((candidate) => candidate.name === name)
  if (channel === undefined) throw new Error(`${type.id} has no channel ${name}`)
  return channel
}

const bounded = (type: ApplianceType, name: string, change: InjectedFault['apply']): InjectedFault['apply'] => {
  const { min, max } = channelOf(type, name)
  return (value, atMs) => {
    const changed = change(value, atMs)
    return changed >= min && changed <= max ? changed : Number.NaN
  }
}
