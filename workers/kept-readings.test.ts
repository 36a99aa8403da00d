import { describe, expect, it } from 'vitest'
import { keptFromMs } from './kept-readings.ts'

const DAY = 86_400_000
const retention = { raw_days: 30, hourly_days: 90, daily_days: 90, quarantine_days: 9, channel_days: {}, type_days: {} }
const type = { id: 'kettle', channels: ['power_w', 'board_temperature_c'] }

describe('keptFromMs', () => {
  it.each([
    ['the days of raw readings', {}, 71],
    ['those of the type', { type_days: { kettle: 10 } }, 91],
    ['those of the channel that goes first', { channel_days: { power_w: 20, 'kettle.board_temperature_c': 5 } }, 96],
    ['not those of another type', { type_days: { fridge: 10 }, channel_days: { 'fridge.power_w': 2 } }, 71],
  ])('goes by %s, with a day to spare', (_, change, day) => {
    expect(keptFromMs({ ...retention, ...change }, type, 100 * DAY + 5)).toBe(day * DAY)
  })
})
