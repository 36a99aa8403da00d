import { describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { RuleActivation } from './rule-book.ts'
import { channelsAskedFor } from './safety-channels.ts'
import { createSilence } from './silence.ts'
import { aReading, aRule, aType, channels } from './test-builders.ts'

const MINUTE_MS = 60_000
const limits = { deviceSilentMs: 15 * MINUTE_MS, silenceDecideMs: 5 * MINUTE_MS }
const kettle = { ...aType(), channels: channels.map((channel) => (channel.name === 'room_co_ppm' ? { ...channel, isSafety: true } : channel)) }

/** Units d0, d1 ... of one area, d9 without one; gone units are not to be heard. */
function street(gone: readonly string[] = []) {
  const silence = createSilence({
    types: (id) => (id === 'kettle' ? kettle : undefined),
    areaOf: (_, device) => (device === 'd9' ? undefined : 'north'),
    isExpected: (_, device) => !gone.includes(device),
    limits,
  })
  silence.listen(0)
  const told = (events: readonly HubEvent[]): string[] =>
    events.flatMap((event) => ('alarm' in event ? [`${event.kind.replace('alarm_', '')} ${event.alarm.device} ${event.alarm.rule}`] : []))
  const says = (device: string, minute: number, values: Readonly<Record<string, number>> = { power_w: 1, room_co_ppm: 0 }): string[] => {
    const reading = aReading(minute * MINUTE_MS, values, { device })
    return told([
      ...silence.heard({ tenant: 'home', device, type: 'kettle', received_at_ms: epochMs(minute * MINUTE_MS) }),
      ...silence.reading(reading),
    ])
  }
  return { silence, says, look: (minute: number) => told(silence.look(minute * MINUTE_MS)) }
}

describe('silence as a signal', () => {
  it('names a unit that is silent alone, and no neighbour that talks', () => {
    const { says, look } = street()
    for (let minute = 0; minute <= 40; minute++) {
      for (const device of ['d0', 'd1', 'd2', 'd3']) if (device !== 'd2' || minute <= 10) says(device, minute)
      if (minute === 28) expect(look(28)).toEqual([])
    }
    expect(look(40)).toEqual(['raised d2 silence:unit'])
    expect(look(41)).toEqual([])
    expect(says('d2', 42)).toEqual(['cleared d2 silence:unit'])
  })

  it('takes an area for out when most of its units fell silent, but not the unit elsewhere', () => {
    const { says, look } = street()
    for (const device of ['d0', 'd1', 'd2', 'd3', 'd9']) says(device, 1)
    for (let minute = 2; minute < 30; minute++) says('d3', minute)
    expect(look(30)).toEqual(['raised d0 silence:area', 'raised d1 silence:area', 'raised d2 silence:area', 'raised d9 silence:unit'])
    // The supply is back: the one that stays away is silent alone.
    for (const device of ['d0', 'd1', 'd3']) says(device, 31)
    expect(look(32)).toEqual(['cleared d2 silence:area', 'raised d2 silence:unit'])
  })

  it('needs three neighbours to speak of an area', () => {
    const { says, look } = street()
    says('d0', 1)
    says('d1', 1)
    expect(look(30)).toEqual(['raised d0 silence:unit', 'raised d1 silence:unit'])
  })

  it('raises a safety channel that has stopped while its unit talks, never one that did not come yet', () => {
    const { says, look } = street()
    says('d0', 1)
    for (let minute = 2; minute < 20; minute++) {
      says('d0', minute, { power_w: 1 })
      says('d1', minute, { power_w: 1 })
    }
    expect(look(20)).toEqual(['raised d0 silence:channel:room_co_ppm'])
    expect(says('d0', 21)).toEqual(['cleared d0 silence:channel:room_co_ppm'])
  })

  it('counts no time in which the platform did not listen, and no unit that was revoked', () => {
    const { silence, says, look } = street(['d1'])
    says('d0', 1)
    says('d1', 1)
    silence.listen(60 * MINUTE_MS)
    expect(look(70)).toEqual([])
    expect(look(81)).toEqual(['raised d0 silence:unit'])
  })

  it('raises a channel that only a rule of the tenant asks for, until it asks no longer, and keeps the times of the others', () => {
    const co = { channel: 'room_co_ppm', op: '>', value: 50, unit: 'ppm' } as const
    const both = { any: [co, { channel: 'board_temperature_c', op: '>', value: 100, unit: 'c' }] } as const
    const activation = { tenant: 'home', type: 'kettle', rule_id: 'OWN', canary: null }
    let activations: RuleActivation[] = [{ ...activation, from_ms: 1, live: aRule({ safetyClass: 'E0', when: co }) }]
    const silence = createSilence({
      types: () => aType(),
      askedFor: (tenant, type) =>
        channelsAskedFor(
          type,
          activations.filter((own) => own.tenant === tenant),
        ),
      areaOf: () => undefined,
      isExpected: () => true,
      limits,
    })
    silence.listen(0)
    const says = (minute: number, values: Readonly<Record<string, number>>, tenant = 'home') => {
      const reading = aReading(minute * MINUTE_MS, values, { tenant })
      return [...silence.heard(reading), ...silence.reading(reading)]
    }
    const look = (minute: number) =>
      silence.look(minute * MINUTE_MS).flatMap((event) => ('alarm' in event ? [`${event.kind} ${event.alarm.rule} ${event.alarm.safety_class}`] : []))
    for (const tenant of ['home', 'other']) says(1, { room_co_ppm: 0, board_temperature_c: 20 }, tenant)
    for (let minute = 2; minute < 20; minute++) for (const tenant of ['home', 'other']) says(minute, { power_w: 1, board_temperature_c: 20 }, tenant)
    expect(look(20)).toEqual(['alarm_raised silence:channel:room_co_ppm E1'])
    activations = [...activations, { ...activation, from_ms: 2, live: aRule({ safetyClass: 'E1', when: both }) }]
    silence.forget()
    says(20, { power_w: 1, board_temperature_c: 20 })
    for (let minute = 21; minute < 38; minute++) says(minute, { power_w: 1 })
    expect(look(38)).toEqual(['alarm_raised silence:channel:board_temperature_c E2'])
    activations = [...activations, { ...activation, from_ms: 3, live: null }]
    silence.forget()
    expect(look(39).toSorted()).toEqual(['alarm_cleared silence:channel:board_temperature_c E2', 'alarm_cleared silence:channel:room_co_ppm E1'])
  })

  it('listens for what an own rule asks for beside a danger of the catalogue, and for no more by a version of that one', () => {
    const hot = { channel: 'board_temperature_c', op: '>', value: 100, unit: 'c' } as const
    const type = aType(aRule({ id: 'R1', when: hot }))
    const of = (rule_id: string) => [{ tenant: 'home', type: 'kettle', rule_id, from_ms: 1, canary: null, live: aRule({ id: rule_id, when: hot }) }]
    expect([...channelsAskedFor(type, of('OWN'))]).toEqual([['board_temperature_c', 'E1']])
    expect([...channelsAskedFor(type, of('R1'))]).toEqual([])
  })

  it('goes on from its snapshot with the same alarm', () => {
    const first = street()
    first.says('d0', 1)
    const [raised] = first.silence.look(60 * MINUTE_MS)
    const second = street()
    second.silence.restore(structuredClone(first.silence.snapshot()))
    expect(second.look(61)).toEqual([])
    const [cleared] = second.silence.heard({ tenant: 'home', device: 'd0', type: 'kettle', received_at_ms: epochMs(62 * MINUTE_MS) })
    expect(cleared).toMatchObject({ alarm: { alarm_id: raised !== undefined && 'alarm' in raised ? raised.alarm.alarm_id : '' } })
    expect(second.silence.statistics()).toEqual({ silent_units: 0, silent_channels: 0 })
  })
})
