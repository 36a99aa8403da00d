import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { ChannelState } from '#kernel/channel-state.ts'
import { epochMs } from '#kernel/clock.ts'
import { createRulesEngine } from './engine.ts'
import { sensorAlarms } from './sensor-alarms.ts'
import { aReading, aRule, aType } from './test-builders.ts'

const state = (change: Partial<ChannelState>): ChannelState => ({
  tenant: 'home',
  device: 'd1',
  type: 'air_conditioner',
  channel: 'board_temperature_c',
  state: 'stuck',
  begin_ms: 1_000,
  found_ms: 2_000,
  end_ms: null,
  firmware: '1',
  detail: { value: 31 },
  ...change,
})
const alarms = (change: Partial<ChannelState>) => sensorAlarms(airConditioner, [state(change)], epochMs(2_500))

describe('sensorAlarms', () => {
  it('raises an alarm of its own for a stuck sensor that a safety rule needs, and clears the same alarm', () => {
    const [raised] = alarms({})
    const [cleared] = alarms({ end_ms: 9_000 })
    expect(raised).toMatchObject({
      kind: 'alarm_raised',
      alarm: { safety_class: 'E2', fault: 'XX-02', rule: 'channel-state:stuck:board_temperature_c' },
    })
    expect(cleared).toMatchObject({ kind: 'alarm_cleared', alarm: { cleared_at_ms: 9_000 } })
    expect(raised?.kind === 'alarm_raised' && cleared?.kind === 'alarm_cleared' && raised.alarm.alarm_id === cleared.alarm.alarm_id).toBe(true)
  })

  it('takes the class from the catalogue', () => {
    const channels = airConditioner.channels.map((channel) =>
      channel.name === 'board_temperature_c' ? { ...channel, quality: { alarmClass: 'E1' as const } } : channel,
    )
    expect(sensorAlarms({ ...airConditioner, channels }, [state({ state: 'missing' })], epochMs(2_500))).toMatchObject([
      { alarm: { safety_class: 'E1', fault: null } },
    ])
  })

  it('names the fault that a departure from an identity shows, and says nothing of other states of ordinary channels', () => {
    const drift = { channel: 'liquid_temperature_c', state: 'drift', detail: { identity: 'outdoor-equal-at-rest' } } as const
    expect(alarms(drift)).toMatchObject([{ alarm: { safety_class: 'E3', fault: 'AC-07' } }])
    expect(alarms({ channel: 'liquid_temperature_c', state: 'missing' })).toEqual([])
  })
})

describe('gates of rules', () => {
  const when = { channel: 'board_temperature_c', op: '>', value: 90, unit: 'c' } as const
  const raisedOf = (rule: Parameters<typeof aRule>[0]) => {
    const engine = createRulesEngine({ types: () => aType(aRule(rule)), filter: () => true })
    const reading = aReading(1_000, { board_temperature_c: 120 })
    return engine.decide(
      reading,
      reading.numbers.map(() => Number.NaN),
    ).length
  }

  it('keep an ordinary rule from a channel that is not to be trusted', () => {
    expect(raisedOf({ when, safetyClass: 'E3' })).toBe(0)
  })

  it('never keep a safety rule from it, nor a rule that judges the sensor', () => {
    expect(raisedOf({ when, safetyClass: 'E0' })).toBe(1)
    expect(raisedOf({ when, safetyClass: 'E1' })).toBe(1)
    expect(raisedOf({ when, safetyClass: 'E3', judgesSensor: true })).toBe(1)
  })

  it('leave the evidence without the value, too', () => {
    const rule = aRule({ when: { any: [when, { channel: 'power_w', op: '>', value: 5, unit: 'w' }] }, safetyClass: 'E3' })
    const engine = createRulesEngine({ types: () => aType(rule), filter: () => true })
    const reading = aReading(1_000, { board_temperature_c: 120, power_w: 9 })
    const [event] = engine.decide(reading, aReading(1_000, { power_w: 9 }).numbers)
    expect(event?.kind === 'alarm_raised' ? event.alarm.evidence.map(({ value }) => value) : []).toEqual([null, 9])
  })
})
