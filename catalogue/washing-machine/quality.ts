/**
 * How the washing machine's channels are judged. Between two washes all its sensors stand still for days, so each channel has a section of
 * its own, empty where nothing is said: without one the default test for stuck values would take rest for a fault.
 */
import type { Channel } from '../appliance-type.ts'
import type { ChannelQuality } from '../channel-quality.ts'

const HOUR_MS = 3_600_000
const drumMoves = [{ channel: 'drum_rpm', moves: 300 }]
const heaterMoves = [{ channel: 'heater_current_a', moves: 3 }]

const qualities: Readonly<Record<string, ChannelQuality>> = {
  motor_current_a: { stuck: { afterMs: 3 * HOUR_MS, drivers: drumMoves, restValue: 0 } },
  tub_acceleration_m_s2: { stuck: { afterMs: 3 * HOUR_MS, drivers: drumMoves } },
  drain_pump_current_a: { stuck: { afterMs: 3 * HOUR_MS, drivers: drumMoves, restValue: 0 } },
  water_temperature_c: { stuck: { afterMs: 6 * HOUR_MS, drivers: heaterMoves }, ratePerMin_MAX: 30, spike_MAX: 15 },
  drum_rpm: { isComparedAfterUpdate: false },
}

/** The channel with its quality section; a text has none. */
export const withQuality = (channel: Channel): Channel =>
  channel.kind === 'text' ? channel : { ...channel, quality: { ...channel.quality, ...qualities[channel.name] } }
