/** Logins by certificate over real TLS, with mqtt.js and with mosquitto_pub. */
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#kernel/clock.ts'
import { startTestBroker, type TestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { closed, TELE } from '../eval/mqtt-mock/test-clients.ts'
import { type CertificateAuthority, createCertificateAuthority } from '../operations/certificate-authority.ts'

const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined

let folder: string
let authority: CertificateAuthority
let test: TestBroker
const clients: MqttClient[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-mtls-'))
  authority = createCertificateAuthority({ folder, clock: systemClock })
  await authority.init(10)
  const server = await authority.issue({ name: 'localhost,127.0.0.1', kind: 'server', days: 5 })
  const ca = readFileSync(authority.files.certificate, 'utf8')
  const tls = { host: '127.0.0.1', port: 0, key: server.key ?? '', cert: server.certificate, ca, crlFile: authority.files.revoked }
  test = await startTestBroker({ tls })
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true)
  await test.stop()
  rmSync(folder, { recursive: true, force: true })
})

const issue = async (name: string, from = authority, kind: 'client' | 'server' = 'client'): Promise<{ cert: string; key: string }> => {
  const { certificate, key = '' } = await from.issue({ name, kind, days: 5 })
  return { cert: certificate, key }
}
const connect = async (options: { cert?: string; key?: string; clientId: string; username?: string; password?: string }): Promise<MqttClient> => {
  const ca = readFileSync(authority.files.certificate)
  const url = `mqtts://127.0.0.1:${test.tlsPort}`
  const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, ca, ...options }, false)
  clients.push(client)
  client.on('error', () => {})
  return client
}

describe('a login by certificate', () => {
  it('lets in the device of its CN without a secret, and publishes for it', async () => {
    await test.createDevice('ac-1')
    const client = await connect({ ...(await issue('home:ac-1')), clientId: 'home:ac-1' })
    await client.publishAsync(TELE, '{}', { qos: 1 })
    expect(test.accepted).toMatchObject([{ tenant: 'home', device: 'ac-1' }])
  })

  it('lets in a gateway', async () => {
    await test.createDevice('ac-1')
    await test.gateways.create({ gateway: 'gw', devices: ['ac-1'] })
    const client = await connect({ ...(await issue('home:gw')), clientId: 'home:gw' })
    await client.publishAsync(TELE, '{}', { qos: 1 })
    expect(test.accepted).toMatchObject([{ device: 'ac-1' }])
  })

  it('refuses another client id or user name, a device that is not there or revoked, another authority, and a certificate of a server', async () => {
    await test.createDevice('ac-1')
    await test.createDevice('ac-2')
    await test.createDevice('gone')
    await test.registry.revoke('home', 'gone')
    const foreign = createCertificateAuthority({ folder: join(folder, 'foreign'), clock: systemClock })
    await foreign.init(10)
    const own = await issue('home:ac-1')
    const refused = [
      { ...own, clientId: 'home:ac-2' },
      { ...own, clientId: 'home:ac-1', username: 'home:ac-2' },
      { ...(await issue('home:none')), clientId: 'home:none' },
      { ...(await issue('home:gone')), clientId: 'home:gone' },
      { ...(await issue('home:ac-1', foreign)), clientId: 'home:ac-1' },
      { ...(await issue('home', authority, 'server')), clientId: 'home' },
      { clientId: 'home:ac-1' },
    ]
    for (const options of refused) await expect(connect(options)).rejects.toThrow(/Not authorized/)
    expect(test.broker.statistics().refusals).toEqual({ MDL_BROKER_BAD_CREDENTIALS: refused.length })
  })

  it('still takes a secret over the same door', async () => {
    const device = await test.createDevice('ac-1')
    await connect({ clientId: 'home:ac-1', username: 'home:ac-1', password: device.secret })
    await expect(connect({ clientId: 'home:ac-1', username: 'home:ac-1', password: 'x' })).rejects.toThrow(/Not authorized/)
  })
})

describe('revoking a certificate', () => {
  it('cuts the live session within a second, without a restart, and leaves the others', async () => {
    await test.createDevice('ac-1')
    await test.createDevice('ac-2')
    const own = await issue('home:ac-1')
    const client = await connect({ ...own, clientId: 'home:ac-1' })
    const other = await connect({ ...(await issue('home:ac-2')), clientId: 'home:ac-2' })
    const end = closed(client)
    await authority.revoke('home:ac-1')
    const startedMs = performance.now()
    await end
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    await expect(connect({ ...own, clientId: 'home:ac-1' })).rejects.toThrow(/Not authorized/)
    expect(other.connected).toBe(true)
    await connect({ ...(await issue('home:ac-1')), clientId: 'home:ac-1' })
  })

  it('keeps the list that it has when the file becomes unreadable or comes from somebody else', async () => {
    await test.createDevice('ac-1')
    const own = await issue('home:ac-1')
    await authority.revoke('home:ac-1')
    const foreign = createCertificateAuthority({ folder: join(folder, 'foreign'), clock: systemClock })
    await foreign.init(10)
    for (const spoil of [() => copyFileSync(foreign.files.revoked, authority.files.revoked), () => writeFileSync(authority.files.revoked, 'x')]) {
      await new Promise((resolve) => setTimeout(resolve, 600))
      spoil()
      await new Promise((resolve) => setTimeout(resolve, 600))
      await expect(connect({ ...own, clientId: 'home:ac-1' })).rejects.toThrow(/Not authorized/)
    }
  })
})

describe('mosquitto_pub --cert', () => {
  it.skipIf(!hasMosquitto)('publishes, and is refused when revoked (skipped without mosquitto_pub)', async () => {
    await test.createDevice('ac-1')
    const { cert, key } = await issue('home:ac-1')
    writeFileSync(join(folder, 'own.crt'), cert)
    writeFileSync(join(folder, 'own.key'), key, { mode: 0o600 })
    const publish = (): Promise<number | null> => {
      const files = ['--cafile', 'ca.crt', '--cert', 'own.crt', '--key', 'own.key']
      const words = ['-V', 'mqttv311', '-h', '127.0.0.1', '-p', String(test.tlsPort), '-i', 'home:ac-1', '-q', '1', '-t', TELE, '-m', '{"ts":1}']
      const child = spawn('mosquitto_pub', [...words, ...files], { cwd: folder, stdio: 'ignore' })
      return new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    }
    expect(await publish()).toBe(0)
    expect(test.accepted).toMatchObject([{ tenant: 'home', device: 'ac-1' }])
    await authority.revoke('home:ac-1')
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(await publish()).not.toBe(0)
    expect(test.accepted).toHaveLength(1)
  })
})
