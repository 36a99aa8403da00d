/**
 * How the gas water heater's channels are judged; a safety sensor that falls silent is an alarm of its own. Between two draws its sensors
 * stand still for hours and in a holiday for days, so each channel has a section, empty where nothing is said: without one the default
 * test for stuck values would take rest for a fault.
 */
import type { Channel } from '../appliance-type.ts'
import type { ChannelQuality } from '../channel-quality.ts'

const command: ChannelQuality = { isComparedAfterUpdate: false }

const qualities: Readonly<Record<string, ChannelQuality>> = {
  room_co_ppm: { alarmClass: 'E1' },
  room_gas_lel_pct: { alarmClass: 'E1' },
  outlet_temperature_c: { ratePerMin_MAX: 120 },
  exhaust_temperature_c: { ratePerMin_MAX: 400 },
  set_point_temperature_c: command,
  gas_valve_current_ma: command,
}

/** The channel with its quality section; a text has none. */
export const withQuality = (channel: Channel): Channel =>
  channel.kind === 'text' ? channel : { ...channel, quality: { ...channel.quality, ...qualities[channel.name] } }
