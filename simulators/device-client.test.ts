import { createServer, type Server, type Socket } from 'node:net'
import { Aedes } from 'aedes'
import { afterEach, describe, expect, it } from 'vitest'
import { createDeviceClients, type DeviceClients } from './device-client.ts'

const open: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

interface TestBroker {
  readonly url: string
  readonly received: Array<{ topic: string; payload: string }>
  /** Cuts every connection. */
  cut(): void
}

async function startBroker(authenticate?: (username: string, password: string) => boolean): Promise<TestBroker> {
  const aedes = await Aedes.createBroker()
  if (authenticate !== undefined) {
    aedes.authenticate = (_client, username, password, done) => done(null, authenticate(username ?? '', password?.toString() ?? ''))
  }
  const received: Array<{ topic: string; payload: string }> = []
  aedes.on('publish', (packet, client) => {
    if (client !== null || packet.topic.startsWith('mend/')) received.push({ topic: packet.topic, payload: packet.payload.toString() })
  })
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    aedes.handle(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  open.push(async () => {
    cut()
    await new Promise<void>((resolve) => server.close(() => resolve()))
    await new Promise<void>((resolve) => aedes.close(() => resolve()))
  })
  return { url: `mqtt://127.0.0.1:${port}`, received, cut }
}

function startClients(url: string): DeviceClients {
  const clients = createDeviceClients({
    url,
    tenant: 'home',
    credentials: (device) => ({ username: `home:${device}`, clientId: `home:${device}`, password: `secret-${device}` }),
  })
  open.push(() => clients.close())
  return clients
}

describe('device clients', () => {
  it('log in each device with its own credentials and publish in order at QoS 1', async () => {
    const broker = await startBroker((username, password) => password === `secret-${username.slice('home:'.length)}`)
    const clients = startClients(broker.url)
    for (let seq = 0; seq < 50; seq++) for (const device of ['a', 'b']) await clients.publish(device, 'tele', `${seq}`)
    await clients.drain(10_000)
    const ofA = broker.received.filter((message) => message.topic === 'mend/v1/home/a/tele').map((message) => Number(message.payload))
    expect(ofA).toEqual(Array.from({ length: 50 }, (_, seq) => seq))
    expect(clients.statistics()).toMatchObject({ published: 100, acknowledged: 100, connected: 2, pending: 0 })
  })

  it('keep messages unacknowledged with wrong credentials, and say so', async () => {
    const broker = await startBroker(() => false)
    const clients = startClients(broker.url)
    await clients.publish('a', 'tele', '1')
    await expect(clients.drain(700)).rejects.toThrow('1 messages unacknowledged')
    expect(clients.statistics()).toMatchObject({ acknowledged: 0, connected: 0 })
    expect(clients.statistics().refused).toBeGreaterThan(0)
  })

  it('lose nothing when connections are cut while publishing', async () => {
    const broker = await startBroker()
    const clients = startClients(broker.url)
    for (let seq = 0; seq < 600; seq++) {
      await clients.publish('a', 'tele', `${seq}`)
      if (seq === 200 || seq === 400) {
        await new Promise((resolve) => setImmediate(resolve))
        broker.cut()
      }
    }
    await clients.drain(15_000)
    const seen = new Set(broker.received.filter((message) => message.topic.endsWith('/tele')).map((message) => Number(message.payload)))
    expect(seen.size).toBe(600)
    expect(clients.statistics().acknowledged).toBe(600)
  })

  it('leave a last will when a device vanishes', async () => {
    const broker = await startBroker()
    const clients = startClients(broker.url)
    await clients.publish('a', 'tele', '1')
    await clients.drain(10_000)
    await clients.close(true)
    await expect.poll(() => broker.received.map((message) => message.payload)).toContain('{"online":false}')
  })
})
