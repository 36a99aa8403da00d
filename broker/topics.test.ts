import { describe, expect, it } from 'vitest'
import type { Principal } from './principal.ts'
import { decidePublish, mayHaveWill, maySubscribe, parseUplink } from './topics.ts'

const facts = { type: 'air_conditioner', maxAgeDays: 30 }
const device: Principal = { kind: 'device', tenant: 'home', id: 'ac-1', devices: new Map([['ac-1', facts]]) }
const gateway: Principal = {
  kind: 'gateway',
  tenant: 'home',
  id: 'gw',
  devices: new Map([
    ['ac-1', facts],
    ['ac-2', facts],
  ]),
}
const anonymous: Principal = { kind: 'anonymous' }
const longId = 'x'.repeat(65)

describe('parseUplink', () => {
  it.each([
    ['mend/v1/home/ac-1/tele', { tenant: 'home', device: 'ac-1', kind: 'tele' }],
    ['mend/v1/home/ac-1/event', { tenant: 'home', device: 'ac-1', kind: 'event' }],
    ['mend/v1/home/ac-1/state', { tenant: 'home', device: 'ac-1', kind: 'state' }],
    ['mend/v1/home/ac-1/reported', { tenant: 'home', device: 'ac-1', kind: 'reported' }],
    ['mend/v1/home/ac-1/cmd/c1/ack', { tenant: 'home', device: 'ac-1', kind: 'ack', commandId: 'c1' }],
    ['mend/v1/home/ac-1/desired', undefined],
    ['mend/v1/home/ac-1/cmd/c1', undefined],
    ['mend/v1/home/ac-1/cmd/c1/ack/more', undefined],
    ['mend/v1/home/ac-1/cmd//ack', undefined],
    ['mend/v1/home/ac-1/tele/', undefined],
    ['mend/v1/home/ac-1/tele/more', undefined],
    ['mend/v2/home/ac-1/tele', undefined],
    ['Mend/v1/home/ac-1/tele', undefined],
    ['/mend/v1/home/ac-1/tele', undefined],
    ['mend/v1//ac-1/tele', undefined],
    ['mend/v1/home/ac 1/tele', undefined],
    [`mend/v1/home/${longId}/tele`, undefined],
    ['mend/v1/home/ac-1', undefined],
    ['mend', undefined],
    ['', undefined],
  ])('reads %s', (topic, expected) => {
    expect(parseUplink(topic)).toEqual(expected)
  })
})

describe('decidePublish', () => {
  //  topic                           qos  device    gateway   device+dev anonymous+dev
  it.each([
    ['mend/v1/home/ac-1/tele', 1, 'accept', 'accept', 'accept', 'accept'],
    ['mend/v1/home/ac-1/tele', 0, 'accept', 'accept', 'accept', 'accept'],
    ['mend/v1/home/ac-1/tele', 2, 'refuse', 'refuse', 'refuse', 'refuse'],
    ['mend/v1/home/ac-1/state', 1, 'accept', 'accept', 'accept', 'accept'],
    ['mend/v1/home/ac-1/cmd/c/ack', 1, 'accept', 'accept', 'accept', 'accept'],
    ['mend/v1/home/ac-2/tele', 1, 'refuse', 'accept', 'refuse', 'accept'],
    ['mend/v1/home/ac-3/tele', 1, 'refuse', 'refuse', 'refuse', 'accept'],
    ['mend/v1/other/ac-1/tele', 1, 'refuse', 'refuse', 'refuse', 'accept'],
    ['mend/v1/home/ac-1/desired', 1, 'refuse', 'refuse', 'refuse', 'refuse'],
    ['mend/v1/home/ac-1/cmd/c', 1, 'refuse', 'refuse', 'refuse', 'refuse'],
    ['mend/anything', 1, 'refuse', 'refuse', 'refuse', 'refuse'],
    ['mend', 1, 'refuse', 'refuse', 'refuse', 'refuse'],
    ['kitchen/light', 1, 'refuse', 'refuse', 'plain', 'plain'],
    ['kitchen/light', 2, 'refuse', 'refuse', 'plain', 'plain'],
    ['$SYS/broker', 1, 'refuse', 'refuse', 'ignore', 'ignore'],
  ] as const)('%s at QoS %i', (topic, qos, ofDevice, ofGateway, ofDeviceInDev, ofAnonymous) => {
    expect(decidePublish(device, { topic, qos, isDev: false }).kind).toBe(ofDevice)
    expect(decidePublish(gateway, { topic, qos, isDev: false }).kind).toBe(ofGateway)
    expect(decidePublish(device, { topic, qos, isDev: true }).kind).toBe(ofDeviceInDev)
    expect(decidePublish(anonymous, { topic, qos, isDev: true }).kind).toBe(ofAnonymous)
  })
})

describe('mayHaveWill', () => {
  it.each([
    ['mend/v1/home/ac-1/state', 1, true],
    ['mend/v1/home/ac-1/state', 2, false],
    ['mend/v1/home/ac-1/tele', 1, false],
    ['mend/v1/home/ac-2/state', 1, false],
    ['mend/v1/other/ac-1/state', 1, false],
    ['kitchen/light', 1, false],
    ['$SYS/x', 0, false],
  ] as const)('on %s at QoS %i: %s', (topic, qos, expected) => {
    expect(mayHaveWill(device, { topic, qos, isDev: false })).toBe(expected)
  })
})

describe('maySubscribe', () => {
  //  filter                       device  gateway device+dev anonymous+dev
  it.each([
    ['mend/v1/home/ac-1/desired', true, true, true, true],
    ['mend/v1/home/ac-1/cmd/#', true, true, true, true],
    ['mend/v1/home/ac-1/cmd/+', true, true, true, true],
    ['mend/v1/home/ac-1/cmd/c1', true, true, true, true],
    ['mend/v1/home/ac-2/desired', false, true, false, true],
    ['mend/v1/home/ac-3/cmd/#', false, false, false, true],
    ['mend/v1/other/ac-1/cmd/#', false, false, false, true],
    ['mend/v1/home/+/cmd/#', false, false, false, true],
    ['mend/v1/+/ac-1/desired', false, false, false, true],
    ['mend/v1/home/ac-1/#', false, false, false, true],
    ['mend/v1/home/ac-1/tele', false, false, false, true],
    ['mend/v1/home/ac-1/cmd', false, false, false, true],
    ['mend/v1/home/ac-1/cmd/c1/ack', false, false, false, true],
    ['mend/v1/home/ac-1/desired/x', false, false, false, true],
    ['mend/#', false, false, false, true],
    ['#', false, false, false, true],
    ['+/v1/home/ac-2/tele', false, false, false, true],
    ['kitchen/#', false, false, true, true],
    ['$share/group/mend/v1/home/ac-1/cmd/#', false, false, false, false],
    ['$SYS/#', false, false, false, false],
  ] as const)('%s', (filter, ofDevice, ofGateway, ofDeviceInDev, ofAnonymous) => {
    expect(maySubscribe(device, filter, false)).toBe(ofDevice)
    expect(maySubscribe(gateway, filter, false)).toBe(ofGateway)
    expect(maySubscribe(device, filter, true)).toBe(ofDeviceInDev)
    expect(maySubscribe(anonymous, filter, true)).toBe(ofAnonymous)
  })
})

describe('rights on Sparkplug topics', () => {
  // The group is the tenant, the edge node the principal's own id; being on a gateway's list gives no other name.
  it.each([
    ['spBv1.0/home/NDEATH/gw', 1, true],
    ['spBv1.0/home/NDEATH/gw', 0, true],
    ['spBv1.0/home/NDEATH/gw', 2, false],
    ['spBv1.0/home/NDEATH/ac-1', 1, false],
    ['spBv1.0/home/NDEATH/gw/ac-1', 1, false],
    ['spBv1.0/other/NDEATH/gw', 1, false],
    ['spBv1.0/home/NBIRTH/gw', 1, false],
    ['spBv1.0/home/DDEATH/gw/ac-1', 1, false],
    ['spBv1.0/STATE/host', 1, false],
    ['spBv1.0/home/NDEATH', 1, false],
  ] as const)('a will of the gateway on %s at QoS %i: %s', (topic, qos, expected) => {
    expect(mayHaveWill(gateway, { topic, qos, isDev: false })).toBe(expected)
    expect(mayHaveWill(gateway, { topic, qos, isDev: true })).toBe(expected)
  })

  it.each([
    ['spBv1.0/home/NCMD/gw', true],
    ['spBv1.0/home/NCMD/gw/#', true],
    ['spBv1.0/home/DCMD/gw/ac-1', true],
    ['spBv1.0/home/DCMD/gw/+', true],
    ['spBv1.0/home/DCMD/gw/#', true],
    ['spBv1.0/STATE/host', true],
    ['spBv1.0/STATE/+', true],
    ['spBv1.0/STATE/#', false],
    ['spBv1.0/STATE', false],
    ['spBv1.0/STATE/host/more', false],
    ['spBv1.0/home/NCMD/other', false],
    ['spBv1.0/home/NCMD/+', false],
    ['spBv1.0/home/NCMD/#', false],
    ['spBv1.0/home/NCMD/gw/ac-1', false],
    ['spBv1.0/home/DCMD/gw', false],
    ['spBv1.0/home/DCMD/gw/ac-1/more', false],
    ['spBv1.0/home/DDATA/gw/ac-1', false],
    ['spBv1.0/home/NBIRTH/+', false],
    ['spBv1.0/other/NCMD/gw', false],
    ['spBv1.0/+/NCMD/gw', false],
    ['spBv1.0/#', false],
    ['$share/g/spBv1.0/home/NCMD/gw', false],
  ] as const)('the gateway subscribing to %s: %s', (filter, expected) => {
    expect(maySubscribe(gateway, filter, false)).toBe(expected)
    expect(maySubscribe(gateway, filter, true)).toBe(expected)
  })

  it('are not those of a device of the same tenant', () => {
    expect(maySubscribe(device, 'spBv1.0/home/NCMD/gw', false)).toBe(false)
    expect(mayHaveWill(device, { topic: 'spBv1.0/home/NDEATH/gw', qos: 1, isDev: false })).toBe(false)
  })
})
