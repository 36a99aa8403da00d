import { describe, expect, it } from 'vitest'
import type { DutyRoster } from '#kernel/duty-roster.ts'
import { openOperations } from '../../operations/open-database.ts'
import { nextDrillMs } from './duty.ts'
import { emergencyBench, fire, roster } from './emergency-builders.ts'
import { onDutyAt, planRung } from './ladder.ts'

const at = (text: string): number => Date.parse(text)
const night: DutyRoster = {
  ...roster,
  time_zone: 'Asia/Shanghai',
  shifts: [
    { person: 'li', days: [5], from: '22:00', to: '06:00' },
    { person: 'ann', from: '06:00', to: '22:00' },
  ],
}

describe('who is on duty', () => {
  it.each([
    // Shanghai is 8 hours ahead of UTC; 2026-06-05 is a Friday there.
    ['Friday 21:59', '2026-06-05T13:59:00Z', ['ann']],
    ['Friday 22:00', '2026-06-05T14:00:00Z', ['li']],
    ['Saturday 05:59, of the shift that began on Friday', '2026-06-05T21:59:00Z', ['li']],
    ['Saturday 06:00', '2026-06-05T22:00:00Z', ['ann']],
    ['Saturday 23:00, for which nobody is named', '2026-06-06T15:00:00Z', []],
  ])('on %s', (_when, time, people) => {
    expect([...onDutyAt(night, at(time))]).toEqual(people)
  })

  it('is whoever the house named where nobody is, and is nobody silently', () => {
    const given = { safetyClass: 'E0', step: 0, nowMs: at('2026-06-06T15:00:00Z') }
    const operator = { person: 'operator', name: 'operator', channels: [{ kind: 'email' as const, address: 'ops@example.com' }] }
    expect(planRung(night, { ...given, fallback: [operator] }).calls).toMatchObject([{ person: { person: 'operator' } }])
    expect(planRung({ ...night, people: [] }, { ...given, fallback: [] })).toMatchObject({ calls: [], waitMs: 60_000 })
    expect(planRung(undefined, { ...given, step: 99, fallback: [operator] })).toMatchObject({ rung: 2, waitMs: 120_000 })
  })
})

describe('a duty roster', () => {
  it('is kept whole, and says who is on duty now', async () => {
    await using b = await emergencyBench(openOperations)
    expect(await b.hub.roster('home')).toBeUndefined()
    expect(await b.hub.setRoster('home', roster, 'key:1')).toMatchObject({ roster, on_duty: ['li'], updated_by: 'key:1', next_drill_at_ms: null })
    expect(await b.hub.roster('away')).toBeUndefined()
  })

  it.each([
    ['a zone that is none', { time_zone: 'Mars/Base' }, /time_zone Mars\/Base/],
    ['a person twice', { people: [...roster.people, ...roster.people.slice(0, 1)] }, /li stands twice/],
    ['a shift of somebody unknown', { shifts: [{ person: 'kim', from: '00:00', to: '12:00' }] }, /kim, who is not in people/],
    ['a ladder of somebody unknown', { ladders: { E0: [{ notify: ['kim'], wait_s: 60 }] } }, /ladder names kim/],
  ])('is refused with %s', async (_what, change, words) => {
    await using b = await emergencyBench(openOperations)
    await expect(b.hub.setRoster('home', { ...roster, ...change }, 'test')).rejects.toThrow(words)
    await expect(b.hub.setRoster('home', { ...roster, ...change }, 'test')).rejects.toMatchObject({
      details: { errors: [{ field: `body.${Object.keys(change)[0]}`, reason: expect.stringMatching(words) }] },
    })
    expect(await b.hub.roster('home')).toBeUndefined()
  })

  it('calls its people at once for a danger that nobody was called for', async () => {
    await using b = await emergencyBench(openOperations)
    await b.hub.apply([fire])
    await b.pass(1_000)
    expect(b.calls).toEqual([])
    await b.hub.setRoster('home', roster, 'test')
    await b.pass(1_000)
    expect(b.calls.length).toBeGreaterThan(0)
  })

  it('is refused with a chat at an address inside the house', async () => {
    await using b = await emergencyBench(openOperations)
    const people = [{ person: 'li', name: 'Li', channels: [{ kind: 'chat' as const, url: 'https://169.254.169.254/hook' }] }]
    await expect(b.hub.setRoster('home', { time_zone: 'UTC', people, shifts: [] }, 'test')).rejects.toMatchObject({
      code: 'MDL_HUBS_WEBHOOK_TARGET_REFUSED',
    })
  })
})

describe('the next planned drill', () => {
  it('is at its time of day, so many days on, and never now', () => {
    const weekly = { ...roster, drill: { every_days: 7, at: '03:00' } }
    expect(nextDrillMs(weekly, at('2026-06-01T02:00:00Z'))).toBe(at('2026-06-07T03:00:00Z'))
    expect(nextDrillMs(weekly, at('2026-06-01T03:00:00Z'))).toBe(at('2026-06-08T03:00:00Z'))
    expect(nextDrillMs(roster, 0)).toBeNull()
  })
})
