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
    ['$SYS/broker', 1, 'refuse', 'refuse', 'refuse', 'refuse'],
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
