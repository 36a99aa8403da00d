/**
 * How the air conditioner's channels are judged: when a sensor counts as stuck, how fast its value can change at most, and what physics
 * demands of several sensors together. Numbers without a source are engineering judgement; what they cost in false alarms and find in
 * injected faults stands in docs/quality.md.
 */
import type { Channel, PhysicalIdentity } from '../appliance-type.ts'
import type { ChannelQuality } from '../channel-quality.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Any sensor of the circuit moves when the compressor changes its speed. */
const compressorMoves = [{ channel: 'compressor_frequency_hz', moves: 15 }]
const outdoorsMoves = [{ channel: 'outdoor_coil_temperature_c', moves: 3 }]

/** A thermistor clamped to a pipe follows within half a minute; a step of 60 K is the largest there is. */
const pipe: ChannelQuality = { stuck: { afterMs: 2 * HOUR_MS, drivers: compressorMoves }, ratePerMin_MAX: 60, spike_MAX: 25 }
const air = (afterMs: number, drivers: typeof compressorMoves): ChannelQuality => ({
  stuck: { afterMs, drivers },
  ratePerMin_MAX: 5,
  change_MAX: 15,
  spike_MAX: 5,
})
const electric: ChannelQuality = { stuck: { afterMs: HOUR_MS, drivers: compressorMoves } }
const command: ChannelQuality = { isComparedAfterUpdate: false }
const fan = (duty: string): ChannelQuality => ({ stuck: { afterMs: HOUR_MS, drivers: [{ channel: duty, moves: 20 }], restValue: 0 } })
const onEvent: ChannelQuality = { isOnEvent: true }

const qualities: Readonly<Record<string, ChannelQuality>> = {
  outdoor_temperature_c: air(6 * HOUR_MS, outdoorsMoves),
  room_temperature_c: air(6 * HOUR_MS, compressorMoves),
  room_humidity_pct: { stuck: { afterMs: 12 * HOUR_MS, drivers: compressorMoves }, ratePerMin_MAX: 20, spike_MAX: 25 },
  set_point_temperature_c: command,
  return_air_temperature_c: air(4 * HOUR_MS, compressorMoves),
  supply_air_temperature_c: { stuck: { afterMs: 2 * HOUR_MS, drivers: compressorMoves }, ratePerMin_MAX: 30, spike_MAX: 20 },
  indoor_coil_temperature_c: pipe,
  outdoor_coil_temperature_c: pipe,
  discharge_temperature_c: pipe,
  suction_temperature_c: pipe,
  liquid_temperature_c: pipe,
  compressor_frequency_hz: command,
  eev_opening_steps: command,
  indoor_fan_duty_pct: command,
  outdoor_fan_duty_pct: command,
  indoor_fan_rpm: fan('indoor_fan_duty_pct'),
  outdoor_fan_rpm: fan('outdoor_fan_duty_pct'),
  compressor_current_a: electric,
  power_w: electric,
  mains_voltage_v: { stuck: { afterMs: 12 * HOUR_MS, drivers: [] } },
  board_temperature_c: { stuck: { afterMs: 6 * HOUR_MS, drivers: compressorMoves }, ratePerMin_MAX: 60, spike_MAX: 30 },
  start_peak_current_a: onEvent,
  start_duration_ms: onEvent,
}

/** The channel with its quality section, where it has one. */
export const withQuality = (channel: Channel): Channel => {
  const quality = qualities[channel.name]
  return quality === undefined ? channel : { ...channel, quality }
}

const whenOff = { channel: 'compressor_frequency_hz', op: '<=', value: 0, settleMs: 2.5 * HOUR_MS } as const

export const identities: readonly PhysicalIdentity[] = [
  {
    id: 'indoor-equal-at-rest',
    description: { en: 'After hours off all indoor sensors show the room', 'zh-CN': '停机数小时后室内各传感器一致' },
    relation: {
      equal: [
        { channel: 'room_temperature_c', tolerance: 1.5 },
        { channel: 'return_air_temperature_c', tolerance: 1 },
        { channel: 'supply_air_temperature_c', tolerance: 1 },
        { channel: 'indoor_coil_temperature_c', tolerance: 1 },
      ],
    },
    when: whenOff,
    fault: 'AC-07',
    spread: 0.25,
    source: 'domain 6.1, AC-07: when off for more than 2 h all sensors equal room or outdoor air (EJ)',
  },
  {
    id: 'outdoor-equal-at-rest',
    description: { en: 'After hours off all outdoor sensors show the outdoor air', 'zh-CN': '停机数小时后室外各传感器一致' },
    relation: {
      equal: [
        // Sun on the sensor of the outdoor air is no fault.
        { channel: 'outdoor_temperature_c', tolerance: 3.5 },
        { channel: 'outdoor_coil_temperature_c', tolerance: 1.2 },
        { channel: 'suction_temperature_c', tolerance: 1.2 },
        { channel: 'liquid_temperature_c', tolerance: 1.2 },
        { channel: 'discharge_temperature_c', tolerance: 2 },
      ],
    },
    when: whenOff,
    fault: 'AC-07',
    spread: 0.25,
    source: 'domain 6.1, AC-07: when off for more than 2 h all sensors equal room or outdoor air (EJ)',
  },
  {
    id: 'power-is-voltage-times-current',
    description: {
      en: 'Power over voltage times current is the power factor, plus what the fans draw',
      'zh-CN': '功率与电压电流乘积之比为功率因数加风机功率',
    },
    relation: {
      result: 'power_w',
      factors: ['mains_voltage_v', 'compressor_current_a'],
      centre: 1.03,
      tolerance: 0.17,
      suspects: ['power_w', 'compressor_current_a'],
    },
    when: { channel: 'compressor_current_a', op: '>', value: 2, settleMs: 10 * MINUTE_MS },
    fault: 'XX-02',
    spread: 0.03,
    source: 'P = U I PF, power factor 0.9 to 1 of a corrected inverter (IEC 61000-3-2 makes it so), fans up to 0.15 of the rest (EJ)',
  },
]
