import { describe, expect, it } from 'vitest'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { MappingPort } from '../forms/mapped-topics.ts'
import { createForeignUplink } from './foreign-uplink.ts'

const text = new TextEncoder()

/** A mapping of `home` claims `plug/+/SENSOR` by the topic, `meter/in` by the payload, and `login/in` by a login. */
const mappings: MappingPort = {
  route(tenant, topic, payload) {
    if (tenant !== 'home') return undefined
    const [, device = ''] = /^plug\/([^/]+)\/SENSOR$/.exec(topic) ?? []
    if (device !== '') return { reference: 'plug@2', device: { kind: 'named', device } }
    const named = payload.length > 2 ? Buffer.from(payload).toString() : undefined
    if (topic === 'meter/in') return { reference: 'meter@1', device: { kind: 'named', device: named } }
    return topic === 'login/in' ? { reference: 'login@1', device: { kind: 'login' } } : undefined
  },
  forDevice: (_, device) => (device === 'p-1' ? 'plug@1' : undefined),
}

function create(tenant = 'home') {
  const accepted: AcceptedMessage[] = []
  const warned: unknown[] = []
  const devices = new Map([
    ['home/p-1', { type: 'probe', max_age_days: 7, revoked_at_ms: null }],
    ['acme/a-1', { type: 'probe', max_age_days: 7, revoked_at_ms: null }],
    ['home/gone', { type: 'probe', max_age_days: 7, revoked_at_ms: 5 }],
  ])
  const uplink = createForeignUplink({
    find: (owner, device) => devices.get(`${owner}/${device}`),
    accept: async (message) => void accepted.push(message),
    log: { ...silentLog, warn: (_, fields) => void warned.push(fields) },
    ...{ mappings, tenant, clock: new ManualClock(epochMs(9_000)), limits },
  })
  return { accepted, warned, uplink, take: (topic: string, payload: string) => uplink.take(topic, text.encode(payload)) }
}

describe('messages of another broker', () => {
  it('are of the device that the contract or a mapping names, on its topic or in its payload', async () => {
    const { accepted, uplink, take } = create()
    await take('mend/v1/home/p-1/tele', '{}')
    await take('plug/p-1/SENSOR', '{}')
    await take('meter/in', 'p-1')
    await take('mend/v1/home/p-1/mapped', '{}')
    await take('plug/new/SENSOR', '{}')
    const facts = { tenant: 'home', device: 'p-1', type: 'probe', kind: 'tele', received_at_ms: 9_000, maxAgeDays: 7 }
    expect(accepted).toMatchObject([
      facts,
      { ...facts, form: 'mapped', context: 'plug@2' },
      { ...facts, form: 'mapped', context: 'meter@1' },
      { ...facts, form: 'mapped', context: 'plug@1' },
      // Nobody registered it: decoding keeps it.
      { device: 'new', type: '', form: 'mapped' },
    ])
    expect(uplink.statistics()).toEqual({ foreign_topics: 0, too_large: 0, revoked: 0 })
  })

  it('are kept with their topic where nobody claims them, and told once a topic', async () => {
    const { accepted, warned, uplink, take } = create()
    for (const topic of ['other/x', 'other/x', 'login/in', 'mend/v1/home/p-1/unheard']) await take(topic, '{"a":1}')
    await take('meter/in', '?')
    await take('plug/not an id/SENSOR', '{}')
    expect(accepted.map(({ form, device, context }) => [form, device, JSON.parse(context ?? '')])).toEqual(
      ['other/x', 'other/x', 'login/in', 'mend/v1/home/p-1/unheard', 'meter/in', 'plug/not an id/SENSOR'].map((topic) => [
        'unclaimed',
        '',
        { topic },
      ]),
    )
    expect(Buffer.from(accepted[0]?.payload ?? []).toString()).toBe('{"a":1}')
    expect(uplink.statistics()).toMatchObject({ foreign_topics: 6 })
    expect(warned).toHaveLength(5)
    const other = create('other')
    await other.take('plug/p-1/SENSOR', '{}')
    expect(other.accepted).toMatchObject([{ tenant: 'other', form: 'unclaimed' }])
  })

  it('that are too large are kept with their first bytes, those of a revoked device left out', async () => {
    const { accepted, uplink, take } = create()
    await take('mend/v1/home/p-1/tele', 'x'.repeat(limits.packetBytes_MAX + 3))
    await take('mend/v1/home/gone/tele', '{}')
    expect(accepted).toHaveLength(1)
    expect(accepted[0]?.payload).toHaveLength(limits.packetBytes_MAX)
    expect(JSON.parse(accepted[0]?.context ?? '')).toEqual({ topic: 'mend/v1/home/p-1/tele', bytes: limits.packetBytes_MAX + 3 })
    expect(uplink.statistics()).toEqual({ foreign_topics: 0, too_large: 1, revoked: 1 })
  })

  it('of another tenant are kept in its own quarantine, never in that of the settings', async () => {
    const { accepted, uplink, take } = create()
    const large = 'x'.repeat(limits.packetBytes_MAX + 1)
    for (const topic of ['mend/v1/acme/a-1/tele', 'mend/v1/acme/a-1/mapped', 'plug/p-1/SENSOR', 'meter/in']) await take(topic, large)
    for (const topic of ['mend/v1/acme/a-1/unheard', 'mend/v1/acme', 'mend/v1/no id/a-1/tele', 'acme/a-1/tele']) await take(topic, '{}')
    expect(accepted.map(({ tenant, device, form }) => [tenant, device, form])).toEqual([
      ['acme', 'a-1', 'unclaimed'],
      ['acme', 'a-1', 'unclaimed'],
      ['home', 'p-1', 'unclaimed'],
      // Which device it is of stands in the payload, which is not read.
      ['home', '', 'unclaimed'],
      ['acme', '', 'unclaimed'],
      ['acme', '', 'unclaimed'],
      ['home', '', 'unclaimed'],
      ['home', '', 'unclaimed'],
    ])
    expect(uplink.statistics()).toEqual({ foreign_topics: 4, too_large: 4, revoked: 0 })
  })

  it('of a revoked device are left out however large they are', async () => {
    const { accepted, uplink, take } = create()
    for (const topic of ['mend/v1/home/gone/tele', 'mend/v1/home/gone/mapped', 'plug/gone/SENSOR']) {
      await take(topic, 'x'.repeat(limits.packetBytes_MAX + 1))
    }
    expect(accepted).toEqual([])
    expect(uplink.statistics()).toEqual({ foreign_topics: 0, too_large: 0, revoked: 3 })
  })

  it('that cannot be kept are not taken, so that the broker brings them again', async () => {
    const ports = { find: () => undefined, mappings, tenant: 'home', clock: new ManualClock(0), log: silentLog, limits }
    const uplink = createForeignUplink({ ...ports, accept: () => Promise.reject(new Error('full')) })
    await expect(uplink.take('other/x', text.encode('{}'))).rejects.toThrow('full')
  })
})
