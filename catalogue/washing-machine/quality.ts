/** How the washing machine's channels are judged. It reports seldom at rest, so nothing but commands and sums is said of most channels. */
import type { Channel } from '../appliance-type.ts'
import type { ChannelQuality } from '../channel-quality.ts'

const HOUR_MS = 3_600_000
const drumMoves = [{ channel: 'drum_rpm', moves: 300 }]

const qualities: Readonly<Record<string, ChannelQuality>> = {
  motor_current_a: { stuck: { afterMs: 3 * HOUR_MS, drivers: drumMoves, restValue: 0 } },
  tub_acceleration_m_s2: { stuck: { afterMs: 3 * HOUR_MS, drivers: drumMoves, restValue: 0 } },
  water_temperature_c: { ratePerMin_MAX: 30, spike_MAX: 15 },
  drum_rpm: { isComparedAfterUpdate: false },
}

/** The channel with its quality section, where it has one. */
export const withQuality = (channel: Channel): Channel => {
  const quality = qualities[channel.name]
  return quality === undefined ? channel : { ...channel, quality }
}
