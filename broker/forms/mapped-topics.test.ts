import { describe, expect, it } from 'vitest'
import type { Principal } from '../principal.ts'
import { decideMapped } from './mapped-topics.ts'

const principal: Principal = { kind: 'device', tenant: 'home', id: 'p-1', devices: new Map([['p-1', { type: 'probe', maxAgeDays: 7 }]]) }
const payload = new TextEncoder().encode('{}')
const ports = {
  mappings: { route: () => undefined, forDevice: (_: string, device: string, type: string) => (type === 'probe' ? `${device}@1` : undefined) },
  typeOf: (tenant: string) => (tenant === 'home' ? 'probe' : ''),
}
const decide = (topic: string, qos: 0 | 1 | 2 = 1, who: Principal = principal) => decideMapped(who, { topic, qos, payload, connection: {} }, ports)

describe("a payload on a device's own topic for mapped ones", () => {
  it('is taken from who speaks for the device, with the mapping of its type', () => {
    const uplink = { tenant: 'home', device: 'p-1', kind: 'tele', form: 'mapped', payload }
    expect(decide('mend/v1/home/p-1/mapped')).toEqual({ kind: 'accept', uplinks: [{ ...uplink, context: 'p-1@1' }] })
    const anybody = decide('mend/v1/acme/p-1/mapped', 0, { kind: 'anonymous' })
    expect(anybody).toEqual({ kind: 'accept', uplinks: [{ ...uplink, tenant: 'acme' }] })
  })

  it('is refused from another device, of another tenant, and at QoS 2', () => {
    for (const topic of ['mend/v1/home/p-2/mapped', 'mend/v1/acme/p-1/mapped']) expect(decide(topic)).toEqual({ kind: 'refuse' })
    expect(decide('mend/v1/home/p-1/mapped', 2)).toEqual({ kind: 'refuse' })
  })

  it('is no matter of any other topic', () => {
    for (const topic of ['mend/v1/home/p-1/mapped/x', 'mend/v1/home/p 1/mapped', 'other/x']) expect(decide(topic)).toBeUndefined()
  })
})
