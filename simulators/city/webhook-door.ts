/**
 * The door of the city's dispatch system: receives webhooks over HTTP on loopback, checks each signature by Standard Webhooks against the
 * city's clock, takes each id once, and hands events on in the order in which they came.
 */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { Webhook } from 'standardwebhooks'
import type { Clock } from '#kernel/clock.ts'

export interface DoorEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface WebhookDoor {
  readonly url: string
  readonly counts: { received: number; duplicates: number; refused: number }
  /** The secret of the endpoint, which is known after it was registered. */
  connect(secret: string): void
  stop(): Promise<void>
}

/** Seconds that a timestamp may be away from the clock. */
const TOLERANCE_S = 300
const BODY_BYTES_MAX = 1024 * 1024

export async function openWebhookDoor(clock: Clock, take: (event: DoorEvent) => Promise<void> | void): Promise<WebhookDoor> {
  const counts = { received: 0, duplicates: 0, refused: 0 }
  const seen = new Set<string>()
  let secret: string | undefined
  const server = createServer((request, response) => {
    void readBody(request).then(async (body) => {
      if (body === undefined || !isSigned(secret, body, { request, nowMs: clock.now() })) {
        counts.refused++
        return void response.writeHead(401).end()
      }
      const event = JSON.parse(body) as DoorEvent
      if (seen.has(event.id)) counts.duplicates++
      else {
        seen.add(event.id)
        counts.received++
        await take(event)
      }
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the door has no port')
  return {
    url: `http://127.0.0.1:${address.port}/webhooks`,
    counts,
    connect(given) {
      secret = given
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function isSigned(secret: string | undefined, body: string, { request, nowMs }: { request: IncomingMessage; nowMs: number }): boolean {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => String(request.headers[name] ?? ''))
  if (secret === undefined || id === undefined || timestamp === undefined || signatures === undefined) return false
  if (Math.abs(Number(timestamp) - nowMs / 1000) > TOLERANCE_S) return false
  const expected = Buffer.from(new Webhook(secret).sign(id, new Date(Number(timestamp) * 1000), body))
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature)
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    const part = Buffer.from(chunk as Uint8Array)
    bytes += part.length
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(part)
  }
  return Buffer.concat(chunks).toString()
}
