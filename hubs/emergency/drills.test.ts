import { describe, expect, it } from 'vitest'
import { openOperations } from '../../operations/open-database.ts'
import { emergencyBench, HOUR_MS, roster } from './emergency-builders.ts'

const bench = (given: Parameters<typeof emergencyBench>[1] = {}) => emergencyBench(openOperations, given)

describe('a drill', () => {
  it('calls as in earnest, commands nothing, tells no household unless asked, and reports each step', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', roster, 'test')
    const { emergency_id } = await b.hub.drill({ tenant: 'home', device: 'unit-1', by: 'test' })
    await b.hub.settled()
    expect(b.sent).toEqual([])
    expect(b.named('household.advice')).toEqual([])
    expect(b.named('emergency.raised')).toMatchObject([{ is_drill: true, command: null }])
    expect(b.calls[0]?.subject).toContain('演练')
    b.clock.advance(5_000)
    await b.hub.acknowledge({ tenant: 'home', id: emergency_id, by: 'person:li', via: 'link', note: '' })
    expect(await b.hub.drillReport('home', emergency_id)).toMatchObject({
      state: 'resolved',
      acknowledged_ms: 5_000,
      first_call_taken_ms: 0,
      calls: 1,
    })
    await expect(b.hub.drillReport('home', 'em_0')).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('tells the household when it is asked to, and ends with the finding that nobody acknowledged', async () => {
    await using b = await bench()
    await b.hub.drill({ tenant: 'home', tellsHousehold: true, by: 'test' })
    expect(b.named('household.advice')).toMatchObject([{ is_drill: true }])
    for (let minute = 0; minute < 40; minute++) await b.pass(60_000)
    expect(b.named('emergency.resolved')).toMatchObject([{ reason: 'the drill is over: nobody acknowledged' }])
  })

  it('is held by the roster, once each time', async () => {
    await using b = await bench()
    await b.hub.setRoster('home', { ...roster, drill: { every_days: 7, at: '03:00' } }, 'test')
    for (let hour = 0; hour < 8 * 24; hour++) await b.pass(HOUR_MS, HOUR_MS)
    expect(b.named('emergency.raised')).toMatchObject([{ is_drill: true }])
  })
})
