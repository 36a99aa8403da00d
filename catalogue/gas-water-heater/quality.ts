/**
 * How the gas water heater's channels are judged; a safety sensor that falls silent is an alarm of its own. Between two draws its sensors
 * stand still for hours and in a holiday for days, so each channel has a section, empty where nothing is said: without one the default
 * test for stuck values would take rest for a fault.
 */
import type { Channel } from '../appliance-type.ts'
import type { ChannelQuality } from '../channel-quality.ts'

const HOUR_MS = 3_600_000
/** What must move when the burner went on or off meanwhile, and when water was drawn. */
const burns = [{ channel: 'flame_current_ua', moves: 2 }]
const draws = [{ channel: 'water_flow_lpm', moves: 2 }]
const command: ChannelQuality = { isComparedAfterUpdate: false }

const qualities: Readonly<Record<string, ChannelQuality>> = {
  room_co_ppm: { alarmClass: 'E1' },
  room_gas_lel_pct: { alarmClass: 'E1' },
  inlet_temperature_c: { stuck: { afterMs: 6 * HOUR_MS, drivers: draws } },
  outlet_temperature_c: { stuck: { afterMs: 6 * HOUR_MS, drivers: burns }, ratePerMin_MAX: 120 },
  exchanger_temperature_c: { stuck: { afterMs: 6 * HOUR_MS, drivers: burns } },
  exhaust_temperature_c: { stuck: { afterMs: 6 * HOUR_MS, drivers: burns }, ratePerMin_MAX: 400 },
  fan_current_a: { stuck: { afterMs: 6 * HOUR_MS, drivers: [{ channel: 'fan_rpm', moves: 1_000 }] } },
  flue_co_ppm: { stuck: { afterMs: 6 * HOUR_MS, drivers: burns, restValue: 0 } },
  set_point_temperature_c: command,
  gas_valve_current_ma: command,
}

/** The channel with its quality section; a text has none. */
export const withQuality = (channel: Channel): Channel =>
  channel.kind === 'text' ? channel : { ...channel, quality: { ...channel.quality, ...qualities[channel.name] } }
