/** Sensors of one simulated unit: fixed offset, noise and step on the plant's true values; and the wire form of a reading. */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import type { Plant, PlantEvent } from '#catalogue/plant.ts'
import type { Random } from '#kernel/random.ts'
import type { FleetReading } from './fleet-reading.ts'

export interface SensorSet {
  /** Values as the sensors give them, in the order of the channels; reused by the next call. */
  read(plant: Plant): Float64Array
  /** The same for what the device tells between two periodic readings; channels that the event lacks are NaN. */
  readEvent(plant: Plant, event: PlantEvent): Float64Array
  /** JSON of one reading in the form of the device contract. */
  encode(reading: FleetReading): string
}

/** Offsets are a share of the noise, as calibration leaves them. */
const OFFSET_SHARE = 0.7

export function createSensorSet(
  type: ApplianceType,
  noiseOf: Readonly<Record<string, number>>,
  random: Random,
  aggregated: readonly string[],
): SensorSet {
  const { channels } = type
  const noise = Float64Array.from(channels, (channel) => noiseOf[channel.name] ?? 0)
  const offset = Float64Array.from(noise, (deviation) => random.normal(0, deviation * OFFSET_SHARE))
  const values = new Float64Array(channels.length)
  const writers = channels.map((channel) => writerOf(channel, aggregated.includes(channel.name), noiseOf[channel.name] ?? 0))
  const told = new Float64Array(channels.length)
  const places = new Map(channels.map(({ name }, index) => [name, index]))
  const isNumber = channels.map(({ kind }) => kind === 'number')
  const rests = channels.map(isRestChannel)
  const sense = (plant: Plant, index: number, truth: number): number => {
    const channel = channels[index]
    if (Number.isNaN(truth) || channel === undefined || isNumber[index] !== true) return truth
    if (truth === 0 && rests[index] === true) return 0
    const deviation = noise[index] ?? 0
    if (plant.isStuck[index] === 1 || deviation === 0) return quantise(truth, channel)
    return quantise(truth + (offset[index] ?? 0) + random.normal(0, deviation), channel)
  }
  return {
    read(plant) {
      for (let index = 0; index < values.length; index++) values[index] = sense(plant, index, plant.values[index] ?? Number.NaN)
      return values
    },
    readEvent(plant, event) {
      told.fill(Number.NaN)
      for (const name in event.values) {
        const index = places.get(name)
        if (index !== undefined) told[index] = sense(plant, index, event.values[name] ?? Number.NaN)
      }
      return told
    },
    encode(reading) {
      let body = ''
      for (let index = 0; index < channels.length; index++) {
        const part = writers[index]?.(reading.values[index] ?? Number.NaN, reading.texts) ?? ''
        if (part !== '') body += body === '' ? part : `,${part}`
      }
      const { observed_at_ms, seq, boot, fw } = reading
      return `{"ts":${observed_at_ms},"seq":${seq},"boot":${boot},"hist":false,"fw":"${fw}","v":{${body}}}`
    },
  }
}

/** Currents and speeds are exactly zero when nothing runs. */
const isRestChannel = (channel: Channel): boolean => channel.unit === 'a' || channel.unit === 'ma' || channel.unit === 'rpm' || channel.unit === 'hz'

function quantise(value: number, channel: Channel): number {
  const steps = Math.round(value / channel.step)
  const perUnit = 1 / channel.step
  const exact = Number.isInteger(perUnit) ? steps / perUnit : Math.round(steps * channel.step * 100) / 100
  return Math.min(channel.max, Math.max(channel.min, exact))
}

type Writer = (value: number, texts: ReadonlyMap<string, string>) => string

function writerOf(channel: Channel, isAggregated: boolean, noise: number): Writer {
  const key = `"${channel.name}":`
  if (channel.kind === 'text') {
    return (_value, texts) => {
      const text = texts.get(channel.name)
      return text === undefined ? '' : `${key}"${text}"`
    }
  }
  if (channel.kind === 'boolean') return (value) => (Number.isNaN(value) ? '' : value > 0.5 ? `${key}true` : `${key}false`)
  if (!isAggregated || !channel.isAggregated) return (value) => (Number.isNaN(value) ? '' : key + value)
  return (value) => {
    if (Number.isNaN(value)) return ''
    const low = quantise(value - 2 * noise, channel)
    const high = quantise(value + 2 * noise, channel)
    return `${key}{"min":${low},"mean":${value},"max":${high}}`
  }
}
