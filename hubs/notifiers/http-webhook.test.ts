import { createServer, type Server, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createTargetGuard } from '../dispatch/webhook-target.ts'
import { createHttpWebhook } from './http-webhook.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function receiver(answer: (response: ServerResponse) => void, { allowLoopback = true, name = '127.0.0.1' } = {}) {
  const hits: string[] = []
  const server: Server = createServer((request, response) => {
    hits.push(request.url ?? '')
    request.resume()
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const guard = createTargetGuard({ allowLoopback, allowRanges: [] }, (_name, done) => done(null, [{ address: '127.0.0.1', family: 4 }]))
  const notifier = createHttpWebhook({ guard })
  cleanups.push(notifier.stop, async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const url = `http${allowLoopback ? '' : 's'}://${name}:${(server.address() as { port: number }).port}/`
  const post = (timeoutMs = 2_000) =>
    notifier.post({ url, headers: { 'webhook-id': 'e1' }, body: '{}', timeoutMs, responseBytes_MAX: 1_024, signal: new AbortController().signal })
  return { hits, post }
}

describe('http webhook', () => {
  it('posts and gives status and text', async () => {
    const { post } = await receiver((response) => response.writeHead(202).end('thanks'))
    expect(await post()).toEqual({ status: 202, text: 'thanks' })
  })

  it('follows no redirect', async () => {
    const { post, hits } = await receiver((response) => response.writeHead(307, { location: '/elsewhere' }).end())
    expect((await post()).status).toBe(307)
    expect(hits).toEqual(['/'])
  })

  it('reads no more of an endless answer than its bound', async () => {
    const { post } = await receiver((response) => {
      response.writeHead(200)
      const more = (): void => {
        while (response.write('x'.repeat(4_096)));
        response.once('drain', more)
      }
      more()
    })
    const { status, text } = await post()
    expect(status).toBe(200)
    expect(text).toHaveLength(1_024)
  })

  it.each([
    ['answers nothing', () => {}],
    ['drips its answer', (response: ServerResponse) => void response.writeHead(200).write('x')],
    ['cuts the connection', (response: ServerResponse) => void response.destroy()],
  ])('fails retryably when the receiver %s', async (_name, answer) => {
    const { post } = await receiver(answer)
    await expect(post(200)).rejects.toMatchObject({ code: 'MDL_HUBS_WEBHOOK_FAILED', retryable: true })
  })

  it('connects to the address that was checked, however the name answers next', async () => {
    const hits: string[] = []
    const listen = async (address: string, port: number): Promise<Server> => {
      const server = createServer((_request, response) => {
        hits.push(address)
        response.writeHead(204).end()
      })
      await new Promise<void>((resolve) => server.listen(port, address, resolve))
      return server
    }
    const inside = await listen('127.0.0.1', 0)
    const { port } = inside.address() as { port: number }
    const servers = [inside, await listen('127.0.0.2', port)]
    let asked = 0
    // The first answer is allowed; every later one is what an attacker would like to be called.
    const guard = createTargetGuard({ allowLoopback: false, allowRanges: ['127.0.0.1/32'] }, (_name, done) =>
      done(null, [{ address: asked++ === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 }]),
    )
    const notifier = createHttpWebhook({ guard })
    const closed = (server: Server) => (): Promise<unknown> => new Promise((resolve) => server.close(resolve))
    cleanups.push(notifier.stop, ...servers.map(closed))
    const post = () =>
      notifier.post({
        ...{ url: `http://desk.example.com:${port}/`, headers: {}, body: '{}', timeoutMs: 2_000, responseBytes_MAX: 1_024 },
        signal: new AbortController().signal,
      })
    expect((await post()).status).toBe(204)
    expect([asked, hits]).toEqual([1, ['127.0.0.1']])
    for (const server of servers) server.closeAllConnections()
    await expect.poll(async () => post().then(String, ({ code }) => code as string)).toBe('MDL_HUBS_WEBHOOK_TARGET_REFUSED')
    expect(hits).not.toContain('127.0.0.2')
  })

  it('connects to no private address behind a public name', async () => {
    const { post, hits } = await receiver((response) => response.end(), { allowLoopback: false, name: 'desk.example.com' })
    await expect(post()).rejects.toMatchObject({ code: 'MDL_HUBS_WEBHOOK_TARGET_REFUSED' })
    expect(hits).toEqual([])
  })
})
