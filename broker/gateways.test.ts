import { describe, expect, it } from 'vitest'
import { eventually, startTestBroker, type TestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { closed, nextMessage } from '../eval/mqtt-mock/test-clients.ts'

const topic = (device: string, rest = 'tele', tenant = 'home'): string => `mend/v1/${tenant}/${device}/${rest}`

/** A gateway `gw` with the children a and b, and a device c that is none of its own. */
async function withGateway(test: TestBroker) {
  for (const device of ['a', 'b', 'c']) await test.createDevice(device)
  await test.createDevice('a', 'acme')
  const { secret } = await test.gateways.create({ gateway: 'gw', devices: ['a', 'b'] })
  return { username: 'home:gw', clientId: 'home:gw', password: secret }
}

const send = (test: TestBroker, device: string, commandId: string, command: string): number =>
  test.broker.sendCommand({ tenant: 'home', device, commandId, payload: Buffer.from(JSON.stringify({ command })) }, () => {})

describe('a gateway', () => {
  it('publishes for its devices, each message under the device and its type', async () => {
    await using test = await startTestBroker()
    const client = await test.connectAs(await withGateway(test))
    await client.publishAsync(topic('a'), '{"seq":1}', { qos: 1 })
    await client.publishAsync(topic('b', 'event'), '{"code":"E1"}', { qos: 1 })
    await client.publishAsync(topic('b', 'reported'), '{}', { qos: 1 })
    await client.publishAsync(topic('b', 'cmd/7/ack'), '{}', { qos: 1 })
    expect(test.accepted.map(({ tenant, device, type, kind }) => `${tenant} ${device} ${type} ${kind}`)).toEqual([
      'home a air_conditioner tele',
      'home b air_conditioner event',
      'home b air_conditioner reported',
      'home b air_conditioner ack',
    ])
  })

  it.each([
    ['a device that is not on its list', topic('c')],
    ['a device of the same id in another tenant', topic('a', 'tele', 'acme')],
    ['itself, since it is no device', topic('gw')],
    ["the platform's side of its child", topic('a', 'desired')],
  ])('is cut off when it publishes for %s', async (_name, refused) => {
    await using test = await startTestBroker()
    const client = await test.connectAs(await withGateway(test))
    const end = closed(client)
    client.publish(refused, '{}', { qos: 1 })
    await end
    expect(test.accepted).toEqual([])
    expect(test.broker.statistics().refusals.MDL_BROKER_TOPIC_REFUSED).toBe(1)
  })

  it('hears settings and commands of its children and of nobody else', async () => {
    await using test = await startTestBroker()
    const client = await test.connectAs(await withGateway(test))
    const granted = await client.subscribeAsync([topic('a', 'desired'), topic('a', 'cmd/#'), topic('b', 'cmd/+')], { qos: 1 })
    expect(granted.map(({ qos }) => qos)).toEqual([1, 1, 1])
    for (const filter of [topic('c', 'desired'), topic('+', 'desired'), topic('a', 'desired', 'acme'), topic('a', 'tele')]) {
      await expect(client.subscribeAsync(filter)).rejects.toThrow()
    }
    const message = nextMessage(client)
    send(test, 'c', '1', 'foreign')
    send(test, 'b', '2', 'own')
    expect(await message).toEqual([topic('b', 'cmd/2'), '{"command":"own"}'])
  })

  it('may subscribe for as many devices as it has', async () => {
    await using test = await startTestBroker({ limits: { subscriptionsPerSession_MAX: 2 } })
    const client = await test.connectAs(await withGateway(test))
    await client.subscribeAsync([topic('a', 'desired'), topic('a', 'cmd/#'), topic('b', 'desired'), topic('b', 'cmd/#')], { qos: 1 })
    await expect(client.subscribeAsync(topic('a', 'cmd/+'))).rejects.toThrow()
  })
})

describe('a change of the list', () => {
  it('gives and takes rights on the open connection, also those of a subscription that was granted', async () => {
    await using test = await startTestBroker()
    const client = await test.connectAs(await withGateway(test))
    await client.subscribeAsync([topic('a', 'cmd/#'), topic('b', 'cmd/#')], { qos: 1 })
    await test.gateways.setDevices('home', 'gw', ['b', 'c'])
    await client.publishAsync(topic('c'), '{}', { qos: 1 })
    const message = nextMessage(client)
    send(test, 'a', '1', 'lost')
    send(test, 'b', '2', 'kept')
    expect(await message).toEqual([topic('b', 'cmd/2'), '{"command":"kept"}'])
    const end = closed(client)
    client.publish(topic('a'), '{}', { qos: 1 })
    await end
    expect(test.accepted.map(({ device }) => device)).toEqual(['c'])
  })

  it('takes a device from the gateway when the device is revoked', async () => {
    await using test = await startTestBroker()
    const client = await test.connectAs(await withGateway(test))
    expect(test.gateways.speaksFor('home', 'gw', 'a')).toEqual({ type: 'air_conditioner', maxAgeDays: 30 })
    await test.registry.revoke('home', 'a')
    expect(test.gateways.speaksFor('home', 'gw', 'a')).toBeUndefined()
    const end = closed(client)
    client.publish(topic('a'), '{}', { qos: 1 })
    await end
    expect(test.accepted).toEqual([])
  })
})

describe('revoking a gateway', () => {
  it('cuts its session within a second, ends its rights and leaves its devices alone', async () => {
    await using test = await startTestBroker()
    const login = await withGateway(test)
    const client = await test.connectAs(login)
    const end = closed(client)
    const startedMs = performance.now()
    await test.gateways.revoke('home', 'gw')
    await end
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    await expect(test.connectAs(login)).rejects.toThrow(/Not authorized/)
    expect(test.gateways.speaksFor('home', 'gw', 'a')).toBeUndefined()
    expect(test.registry.get('home', 'a')?.revoked_at_ms).toBeNull()
    await expect(test.gateways.setDevices('home', 'gw', ['a'])).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
  })
})

describe('presence of a child', () => {
  it('begins with the first word for it and ends with the connection of its gateway', async () => {
    await using test = await startTestBroker()
    const client = await test.connectAs(await withGateway(test))
    expect(test.states).toEqual([])
    await client.publishAsync(topic('a'), '{}', { qos: 1 })
    await client.publishAsync(topic('a'), '{}', { qos: 1 })
    await client.publishAsync(topic('b', 'state'), '{"online":true}', { qos: 1 })
    await client.publishAsync(topic('b', 'state'), '{"online":false}', { qos: 1 })
    expect(test.states).toEqual(['home:a on', 'home:b on', 'home:b off'])
    await client.publishAsync(topic('b'), '{}', { qos: 1 })
    await client.endAsync(true)
    await eventually(() => test.states.length === 6, 'both children are gone')
    expect(test.states.slice(3)).toEqual(['home:b on', 'home:a off', 'home:b off'])
  })

  it('stays while the device is connected itself, or with the gateway', async () => {
    await using test = await startTestBroker()
    const login = await withGateway(test)
    const own = await test.createDevice('d')
    await test.gateways.setDevices('home', 'gw', ['a', 'd'])
    const gateway = await test.connectAs(login)
    const device = await test.connect(own)
    await gateway.publishAsync(topic('d'), '{}', { qos: 1 })
    await gateway.endAsync(true)
    await eventually(() => test.broker.connectedCount() === 1, 'the gateway is gone')
    expect(test.states).toEqual(['home:d on'])
    const again = await test.connectAs(login)
    await again.publishAsync(topic('d'), '{}', { qos: 1 })
    await device.endAsync(true)
    await eventually(() => test.broker.connectedCount() === 1, 'the device is gone')
    expect(test.states).toEqual(['home:d on'])
    await test.gateways.setDevices('home', 'gw', ['a'])
    expect(test.states).toEqual(['home:d on', 'home:d off'])
  })

  it('goes over to the newer connection of the same gateway', async () => {
    await using test = await startTestBroker()
    const login = await withGateway(test)
    const first = await test.connectAs(login)
    await first.publishAsync(topic('a'), '{}', { qos: 1 })
    const end = closed(first)
    const second = await test.connectAs(login)
    await end
    await eventually(() => test.broker.connectedCount() === 1, 'the first is gone')
    expect(test.states).toEqual(['home:a on'])
    await second.endAsync(true)
    await eventually(() => test.states.length === 2, 'the child is gone')
  })
})

describe('the registry of gateways', () => {
  it('shares one name space with devices, and knows all again after a restart', async () => {
    await using test = await startTestBroker()
    const login = await withGateway(test)
    await expect(test.createDevice('gw')).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    await expect(test.gateways.create({ gateway: 'a', devices: [] })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    await expect(test.gateways.create({ gateway: 'gw', devices: [] })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    const rotated = await test.gateways.rotate('home', 'gw')
    const code = 'MDL_API_CONFLICT'
    await expect(test.gateways.rotate('home', 'gw')).rejects.toMatchObject({ code, details: { previous_until_ms: expect.any(Number) } })
    // What a restart reads back.
    await test.identity.start()
    expect(test.gateways.get('home', 'gw')).toMatchObject({ devices: ['a', 'b'], revoked_at_ms: null })
    await (await test.connectAs(login)).endAsync()
    await (await test.connectAs({ ...login, password: rotated })).endAsync()
  })

  it.each([
    ['a device that does not exist', { gateway: 'g2', devices: ['a', 'nobody'] }],
    ['a device of another tenant', { tenant: 'acme', gateway: 'g2', devices: ['b'] }],
    ['a bad id', { gateway: 'g/2', devices: [] }],
  ])('refuses %s and keeps nothing', async (_name, gateway) => {
    await using test = await startTestBroker()
    await withGateway(test)
    await expect(test.gateways.create(gateway)).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    expect(test.gateways.list({ tenant: 'home', limit: 10 }).map((record) => record.gateway)).toEqual(['gw'])
    expect(test.gateways.list({ tenant: 'acme', limit: 10 })).toEqual([])
  })

  it('lets nobody in under the name of a gateway without its secret, not even with --dev', async () => {
    await using test = await startTestBroker({ dev: true })
    await withGateway(test)
    await expect(test.connectAs({ clientId: 'home:gw' })).rejects.toThrow(/Not authorized/)
    await (await test.connectAs({ clientId: 'home:unknown' })).endAsync()
  })
})
