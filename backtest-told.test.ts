import { describe, expect, it } from 'vitest'
import type { Alarm } from '#kernel/alarm.ts'
import { compareTold, toldFires } from './backtest-told.ts'
import type { Fire } from './workers/backtest.ts'

const span = { from_ms: 1_000, to_ms: 10_000 }
const fire = (began_at_ms: number, cleared_at_ms: number | null = null): Fire => ({
  ...{ device: 'pump-1', rule: 'PU-R1', rule_version: 1, safety_class: 'E3', fault: null },
  ...{ began_at_ms, raised_at_ms: began_at_ms + 100, cleared_at_ms },
})
const alarm = (change: Partial<Alarm> = {}): Alarm => ({
  ...{ alarm_id: 'a-1', tenant: 'home', device: 'pump-1', type: 'pump', rule: 'PU-R1', rule_version: 1, safety_class: 'E3', fault: null },
  ...{ title: 'Low', began_at_ms: 2_000, raised_at_ms: 2_100, received_at_ms: 2_200, cleared_at_ms: null, evidence: [] },
  ...change,
})

describe('what was told against what is tried', () => {
  it('is equal where people were told of each alarm, with its end', () => {
    const tried = [fire(2_000, 3_000), fire(5_000)]
    expect(compareTold({ tried, told: [fire(5_000, 12_000), fire(2_000, 3_000)], stored: tried }, span)).toMatchObject({
      ...{ is_equal: true, is_as_stored: true, live_fires: 2, not_told: 0, told_only: 0, ended_otherwise: 0, differences: [] },
    })
  })

  it('is not equal where late readings raised an alarm that nobody was told, although the store has it', () => {
    const tried = [fire(2_000), fire(5_000)]
    expect(compareTold({ tried, told: [fire(2_000)], stored: tried }, span)).toMatchObject({
      ...{ is_equal: false, is_as_stored: true, live_fires: 1, not_told: 1, told_only: 0 },
      differences: [{ difference: 'not_told', began_at_ms: 5_000 }],
    })
  })

  it('shows what was told and is gone, and what was told with another end', () => {
    expect(compareTold({ tried: [fire(2_000, 3_000)], told: [fire(2_000, 3_500), fire(7_000)], stored: [fire(2_000, 3_000)] }, span)).toMatchObject({
      ...{ is_equal: false, not_told: 0, told_only: 1, ended_otherwise: 1 },
      differences: [
        { difference: 'told_only', began_at_ms: 7_000 },
        { difference: 'ended_otherwise', cleared_at_ms: 3_000, told_cleared_at_ms: 3_500 },
      ],
    })
  })

  it('says nothing of equality where more was told than can be read', () => {
    expect(compareTold({ tried: [], told: undefined, stored: [] }, span)).toMatchObject({ is_equal: null, live_fires: null })
  })
})

describe('alarms that were told in a span', () => {
  const units = [{ tenant: 'home', device: 'pump-1', type: 'pump' }]
  const read = (items: readonly Alarm[]) =>
    toldFires(async () => ({ items, next: null }), { tenant: 'home', units, span, registry: { rule: () => undefined } })

  it('are those of its units and time by ordinary rules, not dangers, silence or a learned normal', async () => {
    const others = [
      alarm({ device: 'pump-2' }),
      alarm({ raised_at_ms: 900 }),
      alarm({ raised_at_ms: 10_000 }),
      alarm({ safety_class: 'E0' }),
      alarm({ rule: 'learned-normal' }),
      alarm({ rule: 'silence:channel:flow' }),
    ]
    expect(await read([alarm(), ...others])).toEqual([fire(2_000)])
    const state = alarm({ rule: 'channel-state:stuck:room_co_ppm', safety_class: 'E1' })
    expect(await read([state])).toMatchObject([{ rule: state.rule, safety_class: 'E1' }])
  })

  it('are not known where the pages have no end', async () => {
    const endless = async () => ({ items: [alarm()], next: 'more' })
    expect(await toldFires(endless, { tenant: 'home', units, span, registry: { rule: () => undefined } })).toBeUndefined()
  })
})
