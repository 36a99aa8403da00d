/**
 * The receivers of the deliveries section: one for each mood, over HTTP on loopback, that misbehave at random by a seed and otherwise take
 * the event; and a trap that no sender should ever ask. An event counts as taken only when the receiver said so in a whole answer.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { createRandom } from '#kernel/random.ts'
import { misbehave, type ReceiverMood } from '../../simulators/receiver-moods.ts'

export interface TestReceiver {
  readonly name: ReceiverMood
  readonly url: string
  readonly secret: string
  /** Ids of events that it took, with how often they came after that. */
  readonly taken: ReadonlyMap<string, number>
  /** Sequences of each subject in the order in which they were taken. */
  readonly order: ReadonlyMap<string, readonly number[]>
  /** Bodies of what it took. */
  readonly events: ReadonlyMap<string, ReceivedEvent>
  readonly counts: { requests: number; unsigned: number; refused: number }
}

export interface ReceivedEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly data: Readonly<Record<string, unknown>> & { readonly sequence: number }
}

export interface TestReceivers {
  readonly all: readonly TestReceiver[]
  /** Requests that came to where redirects point. */
  readonly trapped: () => number
  stop(): Promise<void>
}

/** Share of requests at which a receiver misbehaves. */
const MISBEHAVES_RATIO = 1 / 3

export async function openReceivers(seed: string, moods: readonly ReceiverMood[]): Promise<TestReceivers> {
  let trapped = 0
  const trap = await listen((_request, response) => {
    trapped++
    response.writeHead(204).end()
  })
  const opened = await Promise.all(moods.map((mood) => openReceiver(mood, { seed, elsewhere: trap.url })))
  return {
    all: opened.map(({ receiver }) => receiver),
    trapped: () => trapped,
    stop: async () => void (await Promise.all([trap, ...opened].map(({ stop }) => stop()))),
  }
}

async function openReceiver(name: ReceiverMood, { seed, elsewhere }: { readonly seed: string; readonly elsewhere: string }) {
  const random = createRandom(`${seed}/receiver/${name}`)
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const taken = new Map<string, number>()
  const order = new Map<string, number[]>()
  const events = new Map<string, ReceivedEvent>()
  const counts = { requests: 0, unsigned: 0, refused: 0 }
  const take = (body: string): void => {
    const event = JSON.parse(body) as ReceivedEvent
    const again = taken.get(event.id)
    taken.set(event.id, again === undefined ? 0 : again + 1)
    if (again !== undefined) return
    events.set(event.id, event)
    order.set(event.subject, [...(order.get(event.subject) ?? []), event.data.sequence])
  }
  const { url, stop } = await listen((request, response) => {
    // A request that breaks off was written by a sender that was killed.
    text(request).then((body) => {
      counts.requests++
      if (!isSigned(secret, body, request)) {
        counts.unsigned++
        return void response.writeHead(401).end()
      }
      if (random.chance(MISBEHAVES_RATIO) && misbehave(name, response, elsewhere)) return void counts.refused++
      // Taken when the whole answer is on its way; a sender that is killed meanwhile sends it again.
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"taken":true}', () => take(body))
    }, ignore)
  })
  return { receiver: { name, url: `${url}/${name}`, secret, taken, order, events, counts } satisfies TestReceiver, stop }
}

const ignore = (): void => {}

/** The clock of the sender runs fast, so the age of the timestamp is not judged here. */
function isSigned(secret: string, body: string, { headers }: IncomingMessage): boolean {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => String(headers[name] ?? ''))
  if (id === undefined || timestamp === undefined || signatures === undefined || !/^\d+$/.test(timestamp)) return false
  const expected = Buffer.from(new Webhook(secret).sign(id, new Date(Number(timestamp) * 1_000), body))
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature)
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}

async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ url: string; stop: () => Promise<void> }> {
  const server: Server = createServer(handle)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
