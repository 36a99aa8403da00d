import { describe, expect, it } from 'vitest'
import type { Principal } from '../principal.ts'
import { jsonMembers } from './json-members.ts'
import { decideThingsboard } from './thingsboard-topics.ts'

const facts = { type: 'kettle', maxAgeDays: 30 }
const device: Principal = { kind: 'device', tenant: 'home', id: 'plug-1', devices: new Map([['plug-1', facts]]) }
const gateway: Principal = {
  kind: 'gateway',
  tenant: 'home',
  id: 'gw',
  devices: new Map([
    ['a', facts],
    ['b', facts],
  ]),
}
const decide = (principal: Principal, topic: string, payload = '{}', qos = 1) => {
  const decision = decideThingsboard(principal, { topic, qos, payload: Buffer.from(payload), connection: {} })
  if (decision?.kind !== 'accept') return decision?.kind
  return decision.uplinks.map(({ device: id, kind, form, context, payload: bytes }) => [id, kind, form, context, Buffer.from(bytes).toString()])
}

describe('decideThingsboard', () => {
  it('takes telemetry and attributes for the device that logged in', () => {
    expect(decide(device, 'v1/devices/me/telemetry', '{"t":1}')).toEqual([['plug-1', 'tele', 'thingsboard', undefined, '{"t":1}']])
    expect(decide(device, 'v1/devices/me/attributes', '{"fw":"1"}')).toEqual([['plug-1', 'reported', 'thingsboard', undefined, '{"fw":"1"}']])
  })

  it("cuts a gateway's payload into its devices, their bytes unchanged, and keeps strangers apart", () => {
    expect(decide(gateway, 'v1/gateway/telemetry', '{ "a" : [ {"ts":1,"values":{"x":1e400,"y":"}\\"{"}} ] , "b":[],"Device C":[{"z":1.0}]}')).toEqual(
      [
        ['a', 'tele', 'thingsboard', undefined, '[ {"ts":1,"values":{"x":1e400,"y":"}\\"{"}} ]'],
        ['b', 'tele', 'thingsboard', undefined, '[]'],
        ['gw', 'tele', 'stray', 'Device C', '[{"z":1.0}]'],
      ],
    )
    expect(decide(gateway, 'v1/gateway/attributes', '{"a":{"k":"v"}}')).toEqual([['a', 'reported', 'thingsboard', undefined, '{"k":"v"}']])
    expect(decide(gateway, 'v1/gateway/telemetry', '[1]')).toEqual([['gw', 'tele', 'stray', undefined, '[1]']])
  })

  it('turns connect and disconnect into states', () => {
    expect(decide(gateway, 'v1/gateway/connect', '{"device":"a"}')).toEqual([['a', 'state', undefined, undefined, '{"online":true}']])
    expect(decide(gateway, 'v1/gateway/disconnect', '{"device":"a"}')).toEqual([['a', 'state', undefined, undefined, '{"online":false}']])
    expect(decide(gateway, 'v1/gateway/connect', '{"device":"c"}')).toEqual([['gw', 'tele', 'stray', 'c', '{"device":"c"}']])
  })

  it.each([
    ['v1/devices/me/rpc/request/1', 1, 'ignore'],
    ['v1/devices/me/attributes/request/7', 1, 'ignore'],
    ['v1/devices/me/telemetry', 2, 'refuse'],
    ['v1/devices/me/firmware', 1, 'refuse'],
    ['v1/devices/me/telemetry/x', 1, 'refuse'],
    ['v1/gateway/unknown', 1, 'refuse'],
    ['v1/devices/other/telemetry', 1, undefined],
    ['mend/v1/home/plug-1/tele', 1, undefined],
  ])('answers %s at QoS %i with %s', (topic, qos, expected) => {
    expect(decide(device, topic, '{}', qos)).toBe(expected)
  })

  it('lets a device speak for nobody else through the gateway topic', () => {
    expect(decide(device, 'v1/gateway/telemetry', '{"a":[],"plug-1":[]}')).toEqual([
      ['plug-1', 'tele', 'stray', 'a', '[]'],
      ['plug-1', 'tele', 'thingsboard', undefined, '[]'],
    ])
  })

  it('leaves nobody in particular plain MQTT', () => {
    expect(decide({ kind: 'anonymous' }, 'v1/devices/me/telemetry')).toBeUndefined()
  })
})

describe('jsonMembers', () => {
  it.each(['', '[]', '7', '{', '{"a":1}x', '\u0000'])('has none of %j', (text) => {
    expect(jsonMembers(Buffer.from(text))).toBeUndefined()
  })
  it('has as many as JSON.parse, with their texts', () => {
    const text = ' {"a":1 ,"b\\"":{"c":[1,{"d":","}]}, "":null,"e":"\\\\"} '
    const found = jsonMembers(Buffer.from(text))?.map(({ name, from, to }) => [name, JSON.parse(text.slice(from, to))])
    expect(found).toEqual(Object.entries(JSON.parse(text) as object))
    expect(jsonMembers(Buffer.from(' {} '))).toEqual([])
  })
})
