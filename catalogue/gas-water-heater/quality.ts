/** How the gas water heater's channels are judged. It reports seldom at rest; a safety sensor that falls silent is an alarm of its own. */
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

/** The channel with its quality section, where it has one. */
export const withQuality = (channel: Channel): Channel => {
  const quality = qualities[channel.name]
  return quality === undefined ? channel : { ...channel, quality }
}
