/** The order of TLS handshakes over streams and a clock in hand; then the whole broker over real TLS, with clients that stall. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock, systemClock } from '#kernel/clock.ts'
import { type Limits, limits } from '#kernel/limits.ts'
import { eventually, startTestBroker, type TestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { connectBytes } from '../eval/mqtt-mock/test-clients.ts'
import { type CertificateAuthority, createCertificateAuthority } from '../operations/certificate-authority.ts'
import { createHandshakes } from './handshakes.ts'

/** A record of the handshake as long as its header says. */
const HELLO = Buffer.concat([Buffer.from([0x16, 3, 1, 0, 5]), Buffer.alloc(5)])

function openRoom(given: Partial<Limits> = {}) {
  const clock = new ManualClock(0)
  const begun: string[] = []
  const refused: string[] = []
  const names = new Map<unknown, string>()
  const room = createHandshakes({
    clock,
    limits: { ...limits, ...given },
    begin: (socket) => void begun.push(`${names.get(socket)} ${socket.read()?.length}`),
    onRefused: (code, reason, address) => void refused.push(`${address} ${code} ${reason}`),
  })
  const enter = (name: string, bytes: Buffer | undefined = HELLO): PassThrough => {
    const socket = new PassThrough()
    names.set(socket, name)
    room.enter(socket, name.slice(0, 1))
    if (bytes.length > 0) socket.write(bytes)
    return socket
  }
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return { clock, room, begun, refused, enter, turns }
}

describe('handshakes', () => {
  it('begin when the ClientHello is whole, with all of its bytes', async () => {
    const { begun, enter, turns } = openRoom()
    const socket = enter('a1', HELLO.subarray(0, 4))
    await turns()
    expect(begun).toEqual([])
    socket.write(HELLO.subarray(4))
    await turns()
    expect(begun).toEqual([`a1 ${HELLO.length}`])
  })

  it('begin as places become free, and the addresses take turns', async () => {
    const { begun, room, enter, turns } = openRoom({ handshakesInFlight_MAX: 1 })
    const sockets = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map((name) => enter(name))
    for (const _ of sockets) {
      await turns()
      const last = begun.at(-1)?.slice(0, 2)
      const index = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].indexOf(last ?? '')
      const socket = sockets[index]
      if (socket !== undefined) room.over(socket)
    }
    expect(begun.map((line) => line.slice(0, 2))).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
  })

  it('do not begin for a client that gave up, and a closed one frees its place', async () => {
    const { begun, enter, turns } = openRoom({ handshakesInFlight_MAX: 1 })
    const first = enter('a1')
    await turns()
    const gone = enter('a2')
    enter('a3')
    await turns()
    gone.destroy()
    first.destroy()
    await turns()
    expect(begun.map((line) => line.slice(0, 2))).toEqual(['a1', 'a3'])
  })

  it('that stall give their place to the next and go on beside it', async () => {
    const { clock, begun, refused, room, enter, turns } = openRoom({ handshakesInFlight_MAX: 2, handshakeStallMs: 1_000 })
    const slow = enter('a1')
    enter('a2')
    enter('a3')
    await turns()
    clock.advance(999)
    await turns()
    expect(begun).toHaveLength(2)
    clock.advance(1)
    await turns()
    expect(begun).toHaveLength(3)
    expect(slow.destroyed).toBe(false)
    room.over(slow)
    expect(refused).toEqual([])
  })

  it('that stall are bounded: the oldest of the address with most of them is closed', async () => {
    const { clock, refused, enter, turns } = openRoom({ handshakesInFlight_MAX: 1, handshakeStallMs: 1_000, handshakesStalled_MAX: 2 })
    const sockets = ['b1', 'a1', 'a2', 'a3'].map((name) => enter(name))
    for (let second = 0; second < 3; second++) {
      await turns()
      clock.advance(1_000)
    }
    await turns()
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, true, false, false])
    expect(refused).toEqual(['a MDL_BROKER_TOO_SLOW too many stalled TLS handshakes'])
  })

  it('refuse what is not TLS, a ClientHello that is too long, and one that does not come', async () => {
    const { clock, begun, refused, enter, turns } = openRoom({ clientHelloBytes_MAX: 100, connectDeadlineMs: 500 })
    const sockets = [enter('m', Buffer.from([0x10, 0x02])), enter('l', Buffer.concat([HELLO, Buffer.alloc(100)])), enter('s', Buffer.alloc(0))]
    await turns()
    clock.advance(500)
    await turns()
    expect(begun).toEqual([])
    expect(sockets.every(({ destroyed }) => destroyed)).toBe(true)
    expect(refused).toEqual([
      'm MDL_BROKER_PACKET_MALFORMED not a TLS handshake',
      'l MDL_BROKER_PACKET_TOO_LARGE ClientHello above the limit',
      's MDL_BROKER_TOO_SLOW no ClientHello in time',
    ])
  })
})

describe('the TLS listener', () => {
  let folder: string
  let authority: CertificateAuthority
  let test: TestBroker
  const sockets: Socket[] = []

  const start = async (given: Partial<Limits> = {}): Promise<void> => {
    const server = await authority.issue({ name: 'localhost,127.0.0.1', kind: 'server', days: 5 })
    const ca = readFileSync(authority.files.certificate, 'utf8')
    test = await startTestBroker({ limits: given, tls: { host: '127.0.0.1', port: 0, key: server.key ?? '', cert: server.certificate, ca } })
  }
  const secure = (given: ConnectionOptions = {}): TLSSocket => {
    const socket = connectTls({ host: '127.0.0.1', port: test.tlsPort, rejectUnauthorized: false, ...given })
    socket.on('error', () => {})
    sockets.push(socket)
    return socket
  }
  const raw = (): Socket => {
    const socket = connectTcp({ host: '127.0.0.1', port: test.tlsPort ?? 0 })
    socket.on('error', () => {})
    sockets.push(socket)
    return socket
  }
  /** Logs in; gives the return code of CONNACK, and the last ticket. */
  const login = (connect: Buffer, given: ConnectionOptions = {}): Promise<{ code: number | undefined; ticket: Buffer; isResumed: boolean }> =>
    new Promise((resolve, reject) => {
      const socket = secure(given)
      let ticket: Buffer = Buffer.alloc(0)
      socket.on('session', (session: Buffer) => {
        ticket = session
      })
      socket.once('secureConnect', () => socket.write(connect))
      socket.once('data', (bytes: Buffer) => resolve({ code: bytes[3], ticket, isResumed: socket.isSessionReused() }))
      socket.once('close', () => reject(new Error('closed')))
    })

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mendline-handshakes-'))
    authority = createCertificateAuthority({ folder, clock: systemClock })
    await authority.init(10)
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await test.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('lets a device in beside 200 sockets of its own address that stall in the handshake, and 200 that say nothing', async () => {
    await start({ handshakesInFlight_MAX: 64, handshakeStallMs: 500 })
    const device = await test.createDevice('ac-1')
    const hello = await firstBytes()
    for (let count = 0; count < 200; count++) {
      raw()
      raw().write(hello)
    }
    await eventually(() => test.broker.statistics().connections_half_open_count === 400, 'all stand open', 10_000)
    const fromMs = performance.now()
    expect((await login(connectBytes(device))).code).toBe(0)
    expect(performance.now() - fromMs).toBeLessThan(6_000)
  })

  it('closes a handshake that does not end in its time, and counts it', async () => {
    await start({ handshakeDeadlineMs: 200 })
    raw().write(await firstBytes())
    await eventually(() => (test.broker.statistics().refusals.MDL_BROKER_TOO_SLOW ?? 0) === 1, 'refused')
    await eventually(() => test.broker.statistics().connections_open_count === 0, 'place given back')
  })

  it('resumes a session by ticket, with the certificate that was verified, and not with one that was not', async () => {
    await start()
    const device = await test.createDevice('ac-1')
    const foreign = createCertificateAuthority({ folder: join(folder, 'foreign'), clock: systemClock })
    await foreign.init(10)
    const bare = connectBytes({ ...device, secret: '' })
    for (const [from, code] of [
      [authority, 0],
      [foreign, 5],
    ] as const) {
      const { certificate: cert, key = '' } = await from.issue({ name: 'home:ac-1', kind: 'client', days: 5 })
      const first = await login(bare, { cert, key })
      expect(first).toMatchObject({ code, isResumed: false })
      expect(await login(bare, { cert, key, session: first.ticket })).toMatchObject({ code, isResumed: true })
    }
  })

  it('does a whole handshake with a ticket of earlier keys', async () => {
    await start({ tlsTicketMs: 1_000 })
    const device = await test.createDevice('ac-1')
    const { ticket } = await login(connectBytes(device))
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    expect(await login(connectBytes(device), { session: ticket })).toMatchObject({ code: 0, isResumed: false })
  })

  it('closes who waits when the broker stops', async () => {
    await start()
    const socket = raw()
    await eventually(() => test.broker.statistics().connections_half_open_count === 1, 'it stands open')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    await test.broker.stop()
    await closed
  })

  /** A real ClientHello, caught on its way. */
  async function firstBytes(): Promise<Buffer> {
    await using trap = createServer()
    const caught = new Promise<Buffer>((resolve) => {
      trap.on('connection', (socket) => {
        socket.on('error', () => {})
        socket.once('data', (hello: Buffer) => {
          resolve(hello)
          socket.destroy()
        })
      })
    })
    await once(trap.listen(0, '127.0.0.1'), 'listening')
    secure({ port: (trap.address() as AddressInfo).port })
    return await caught
  }
})
