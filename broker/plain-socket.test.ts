import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { makePlain, type PlainSocket, plainSocketOf } from './plain-socket.ts'

const open: Array<{ destroy(): unknown }> = []
const servers: Server[] = []
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
})

interface Pair {
  readonly server: Server
  readonly socket: Socket
  readonly plain: PlainSocket
  readonly client: Socket
  /** What was read, as text; a pause between two reads is not told. */
  readonly read: () => string
}

/** A connection over the loopback whose accepted end is read past its stream. */
async function connected(): Promise<Pair> {
  const accepted = Promise.withResolvers<Socket>()
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (given) => accepted.resolve(makePlain(given)))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
  const socket = await accepted.promise
  open.push(client, socket)
  const plain = plainSocketOf(socket)
  if (plain === undefined) throw new Error('the socket is an ordinary one')
  let text = ''
  plain.read((bytes, length) => {
    text += bytes.toString('latin1', 0, length)
    return !text.endsWith('!')
  })
  await new Promise((resolve) => setImmediate(resolve))
  return { server, socket, plain, client, read: () => text }
}

const until = async (isSo: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 500 && !isSo(); turn++) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(isSo()).toBe(true)
}

describe('plain socket', () => {
  it('brings what two clients send to the reader of each, though all share one buffer', async () => {
    const [one, other] = [await connected(), await connected()]
    for (let index = 0; index < 50; index++) {
      one.client.write('a')
      other.client.write('bb')
    }
    await until(() => one.read().length === 50 && other.read().length === 100)
    expect([one.read(), other.read()]).toEqual(['a'.repeat(50), 'b'.repeat(100)])
  })

  it('tells of the end, and closes', async () => {
    const { socket, client, read } = await connected()
    const ended = once(socket, 'end')
    const closed = once(socket, 'close')
    client.end('last words')
    await ended
    expect(read()).toBe('last words')
    await closed
  })

  it('brings nothing while it is paused, and nothing is lost', async () => {
    const { socket, client, read } = await connected()
    socket.pause()
    client.write('x'.repeat(300_000))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(read()).toBe('')
    socket.resume()
    await until(() => read().length === 300_000)
  })

  it('brings nothing more once its reader said no, until it is resumed', async () => {
    const { socket, client, read } = await connected()
    client.write('enough!')
    await until(() => read() === 'enough!')
    client.write('more')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(read()).toBe('enough!')
    socket.resume()
    await until(() => read() === 'enough!more')
  })

  it('writes at once, in order with what the stream writes', async () => {
    const { socket, plain, client } = await connected()
    let text = ''
    client.on('data', (chunk) => {
      text += chunk.toString()
    })
    socket.write('1')
    plain.write(Buffer.from('2'))
    expect(socket.writableLength).toBe(0)
    socket.write('3')
    await until(() => text.length === 3)
    expect(text).toBe('123')
  })

  it('keeps what the kernel does not take for later, in order', async () => {
    const { socket, plain, client } = await connected()
    client.pause()
    const piece = Buffer.alloc(256 * 1024)
    let pieces = 0
    while (pieces < 200 && socket.writableLength === 0) plain.write(piece.fill(pieces++))
    plain.write(piece.fill(pieces++))
    expect(socket.writableLength).toBeGreaterThan(piece.length)
    let bytes = 0
    let isInOrder = true
    client.on('data', (chunk: Buffer) => {
      for (const byte of chunk) isInOrder &&= byte === Math.floor(bytes++ / piece.length)
    })
    client.resume()
    await until(() => bytes === pieces * piece.length)
    expect(isInOrder).toBe(true)
  })

  it('writes nothing to a socket that is closed, whose number may be another file by then', async () => {
    const { socket, plain, client } = await connected()
    let bytes = 0
    client.on('data', (chunk) => {
      bytes += chunk.length
    })
    const closed = once(client, 'close')
    socket.on('error', () => {})
    socket.destroy()
    plain.write(Buffer.from('late'))
    await closed
    expect(bytes).toBe(0)
  })

  it('is counted by its server until it closes', async () => {
    const { server, socket, client } = await connected()
    const count = (): Promise<number> => new Promise((resolve) => server.getConnections((_error, connections) => resolve(connections)))
    expect(await count()).toBe(1)
    client.destroy()
    await once(socket, 'close')
    expect(await count()).toBe(0)
  })

  it('is not made of any other stream', () => {
    expect(plainSocketOf(new PassThrough())).toBeUndefined()
  })
})
