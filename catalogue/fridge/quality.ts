/** How the fridge's channels are judged: what cannot stay at one value while the compressor works. Numbers are engineering judgement. */
import type { Channel } from '../appliance-type.ts'
import type { ChannelQuality } from '../channel-quality.ts'

const HOUR_MS = 3_600_000
const compressorMoves = [{ channel: 'compressor_frequency_hz', moves: 15 }]
const command: ChannelQuality = { isComparedAfterUpdate: false }
const coil: ChannelQuality = { stuck: { afterMs: 6 * HOUR_MS, drivers: compressorMoves }, ratePerMin_MAX: 30, spike_MAX: 20 }

const qualities: Readonly<Record<string, ChannelQuality>> = {
  evaporator_temperature_c: coil,
  evaporator_outlet_temperature_c: coil,
  condenser_temperature_c: coil,
  compressor_current_a: { stuck: { afterMs: 6 * HOUR_MS, drivers: compressorMoves } },
  power_w: { stuck: { afterMs: 6 * HOUR_MS, drivers: compressorMoves } },
  fresh_set_point_temperature_c: command,
  freezer_set_point_temperature_c: command,
  compressor_frequency_hz: command,
  evaporator_fan_duty_pct: command,
  condenser_fan_duty_pct: command,
  damper_opening_pct: command,
}

/** The channel with its quality section, where it has one. */
export const withQuality = (channel: Channel): Channel => {
  const quality = qualities[channel.name]
  return quality === undefined ? channel : { ...channel, quality }
}
