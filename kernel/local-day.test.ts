import { describe, expect, it } from 'vitest'
import { createLocalDays, isTimeZone } from './local-day.ts'

const HOUR = 3_600_000
const at = (iso: string): number => Date.parse(iso)
const iso = (ms: number): string => new Date(ms).toISOString()

describe('local days', () => {
  it.each([
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00.000Z', 23],
    ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00.000Z', 25],
    ['Europe/Berlin', '2026-07-01', '2026-06-30T22:00:00.000Z', 24],
    ['America/New_York', '2026-03-08', '2026-03-08T05:00:00.000Z', 23],
    ['America/New_York', '2026-11-01', '2026-11-01T04:00:00.000Z', 25],
    ['Asia/Shanghai', '2026-03-29', '2026-03-28T16:00:00.000Z', 24],
    ['Australia/Lord_Howe', '2026-10-04', '2026-10-03T13:30:00.000Z', 23.5],
    ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00.000Z', 24.5],
    ['Asia/Kathmandu', '2026-01-01', '2025-12-31T18:15:00.000Z', 24],
    // Midnight does not exist: the day begins at one o'clock.
    ['Africa/Cairo', '2026-04-24', '2026-04-23T22:00:00.000Z', 23],
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z', 23],
    // Turned back at one minute past midnight into the day before.
    ['America/St_Johns', '2010-11-07', '2010-11-07T02:30:00.000Z', 25],
    ['UTC', '2026-03-29', '2026-03-29T00:00:00.000Z', 24],
  ])('in %s has %s begin at %s and last %d hours', (zone, date, from, hours) => {
    const day = createLocalDays(zone).dayOf(at(from) + 12 * HOUR)
    expect([day.date, iso(day.from_ms), (day.to_ms - day.from_ms) / HOUR]).toEqual([date, from, hours])
  })

  it.each(['Europe/Berlin', 'America/New_York', 'Asia/Shanghai', 'Australia/Lord_Howe', 'Africa/Cairo', 'America/St_Johns', 'Pacific/Apia'])(
    'of %s follow each other without gap, and each instant lies in its day',
    (zone) => {
      const fromMs = at('2010-01-01T00:00:00Z')
      const toMs = at('2012-03-01T00:00:00Z')
      const days = createLocalDays(zone).daysIn(fromMs, toMs)
      for (const [index, day] of days.entries()) {
        expect(day.to_ms).toBeGreaterThan(day.from_ms)
        if (index > 0) expect(day.from_ms).toBe(days[index - 1]?.to_ms)
        expect(day.date > (days[index - 1]?.date ?? '')).toBe(true)
        const fresh = createLocalDays(zone)
        expect(fresh.dayOf(day.from_ms)).toEqual(day)
        expect(fresh.dayOf(day.to_ms - 1)).toEqual(day)
      }
    },
  )

  it('have no day for a date that a place skipped', () => {
    const days = createLocalDays('Pacific/Apia').daysIn(at('2011-12-29T12:00:00Z'), at('2012-01-01T00:00:00Z'))
    expect(days.map(({ date }) => date)).toEqual(['2011-12-29', '2011-12-31', '2012-01-01'])
  })

  it.each([
    ['Europe/Berlin', true],
    ['Europe/Berlim', false],
    ['+02:00', false],
    ['', false],
  ])('take %j for a time zone: %s', (name, expected) => {
    expect(isTimeZone(name)).toBe(expected)
  })
})
