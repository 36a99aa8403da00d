/**
 * A sample dispatch system: receives Mendline's webhooks over plain HTTP, checks their signatures, and answers over REST as a service
 * organisation would (accepted, en route, on site, done with the coded cause). It keeps what it received, takes each webhook-id once,
 * and misbehaves on demand. The demo and the system tests use it; it is also an example of how to connect a dispatch system.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'
import type { Clock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Outcome, WorkOrder, WorkOrderState } from '#kernel/work-order.ts'
import { misbehave, type ReceiverMood } from './receiver-moods.ts'

export interface DeskEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly time: string
  readonly data: Readonly<Record<string, unknown>> & { readonly sequence: number }
}

/** How the desk tells of its steps: each once and in order, each twice, or the step behind it first. */
export const DESK_ANSWERS = ['in_order', 'twice', 'disorder'] as const
export type DeskAnswers = (typeof DESK_ANSWERS)[number]

export interface ServiceDeskOptions {
  readonly clock: Clock
  readonly log: Log
  /** Address of Mendline's REST, e.g. `http://127.0.0.1:8080`; may be set later by `connect`. */
  readonly mendline?: { readonly url: string; readonly apiKey: string }
  /** Secret of the endpoint; may be set later by `connect`. */
  readonly secret?: string
  /** What is really wrong with a unit: a fault code, `no_fault_found` or `other`. */
  readonly truth: (device: string) => string
  /** Waits between the steps of a visit. */
  readonly delaysMs?: { readonly accept: number; readonly travel: number; readonly arrive: number; readonly repair: number }
  /** Answers orders; false = only records. */
  readonly isAnswering?: boolean
  readonly answers?: DeskAnswers
  /** Told of each step that Mendline took. */
  readonly onStep?: (step: { readonly order: WorkOrder; readonly state: WorkOrderState; readonly outcome: Outcome | undefined }) => void
}

export interface ServiceDesk {
  /** Listens on loopback; answers the URL for the endpoint. */
  start(port?: number): Promise<{ readonly url: string }>
  stop(): Promise<void>
  connect(to: { readonly url: string; readonly apiKey: string; readonly secret: string }): void
  /** Changes how webhooks are answered from now on. */
  behave(mood: ReceiverMood): void
  /** Events received, in order of arrival, each id once. */
  readonly events: readonly DeskEvent[]
  readonly counts: { received: number; duplicates: number; refused: number; answered: number; failedAnswers: number }
  /** Resolves when every visit under way whose waits are over has been answered. */
  idle(): Promise<void>
}

const DEFAULT_DELAYS = { accept: 2_000, travel: 5_000, arrive: 5_000, repair: 10_000 }

/** Events kept for reading; the oldest go first. */
const EVENTS_MAX = 10_000
const BODY_BYTES_MAX = 1024 * 1024

/** Creates the desk; nothing listens before `start`. */
export function createServiceDesk(options: ServiceDeskOptions): ServiceDesk {
  const state = {
    mood: 'well' as ReceiverMood,
    mendline: options.mendline,
    secret: options.secret,
    isStopped: false,
    events: [] as DeskEvent[],
    seen: new Set<string>(),
    told: new Map<string, object>(),
    pending: new Set<Promise<void>>(),
    cancels: new Set<() => void>(),
    counts: { received: 0, duplicates: 0, refused: 0, answered: 0, failedAnswers: 0 },
  }
  const take = (event: DeskEvent): void => {
    if (state.seen.has(event.id)) {
      state.counts.duplicates++
      return
    }
    state.seen.add(event.id)
    state.events.push(event)
    if (state.events.length > EVENTS_MAX) state.events.shift()
    state.counts.received++
    const isOrder = event.type === 'mendline.work_order.opened.v1' || event.type === 'mendline.work_order.reopened.v1'
    if (isOrder && options.isAnswering !== false) plan(event.data.work_order as WorkOrder, 0)
  }
  const plan = (order: WorkOrder, index: number): void => {
    const steps = visit(options.delaysMs ?? DEFAULT_DELAYS)
    const step = steps[index]
    if (step === undefined || state.isStopped) return
    const cancel = options.clock.after(step.waitMs, () => {
      state.cancels.delete(cancel)
      const done = tell(order, [step.state, steps[index + 1]?.state]).then((isTaken) => {
        state.pending.delete(done)
        if (isTaken || options.answers === 'disorder') plan(order, index + 1)
      })
      state.pending.add(done)
    })
    state.cancels.add(cancel)
  }
  const tell = async (order: WorkOrder, [step, next]: readonly [WorkOrderState, WorkOrderState | undefined]): Promise<boolean> => {
    if (options.answers === 'disorder' && next !== undefined) await answer(order, next)
    const isTaken = await answer(order, step)
    return options.answers === 'twice' ? (await answer(order, step)) && isTaken : isTaken
  }
  const answer = async (order: WorkOrder, to: WorkOrderState): Promise<boolean> => {
    const key = `${order.work_order_id}-${order.revision}-${to}`
    const outcome = to === 'done' ? outcomeFor(order, options.truth(order.device)) : undefined
    const first = { type: to, at_ms: options.clock.now(), actor: 'engineer-7', data: outcome === undefined ? {} : { outcome } }
    // What is told again under a key is the same to the letter.
    const body = state.told.get(key) ?? first
    state.told.set(key, body)
    const isTaken = await postWithRetries(state, `/api/v1/work-orders/${order.work_order_id}/events`, { body, key })
    if (isTaken) {
      state.counts.answered++
      if (body === first) options.onStep?.({ order, state: to, outcome })
    } else {
      state.counts.failedAnswers++
      options.log.warn('an answer was not taken', { work_order_id: order.work_order_id, to })
    }
    return isTaken
  }
  const server = createServer((request, response) => {
    serve(request, response, state, take).catch((cause: unknown) => {
      options.log.error('the service desk failed', { cause })
      if (!response.headersSent) response.writeHead(500)
      response.end()
    })
  })
  return {
    events: state.events,
    counts: state.counts,
    start: (port = 0) => listen(server, port),
    async stop() {
      state.isStopped = true
      for (const cancel of state.cancels) cancel()
      server.closeAllConnections()
      await Promise.all([new Promise((resolve) => server.close(resolve)), ...state.pending])
    },
    connect({ url, apiKey, secret }) {
      state.mendline = { url, apiKey }
      state.secret = secret
    },
    behave(mood) {
      state.mood = mood
    },
    async idle() {
      while (state.pending.size > 0) await Promise.all(state.pending)
    },
  }
}

const visit = (delays: typeof DEFAULT_DELAYS): ReadonlyArray<{ readonly state: WorkOrderState; readonly waitMs: number }> => [
  { state: 'accepted', waitMs: delays.accept },
  { state: 'en_route', waitMs: delays.travel },
  { state: 'on_site', waitMs: delays.arrive },
  { state: 'done', waitMs: delays.repair },
]

/** The engineer finds what is true; parts are used only when it is what the packet named. */
function outcomeFor(order: WorkOrder, cause: string): Outcome {
  const isNamed = order.fault === cause
  const likely = order.packet.parts.filter((part) => part.probability >= 0.5)
  return {
    cause,
    parts_used: isNamed ? likely.map(({ part, quantity }) => ({ part, qty: quantity })) : [],
    parts_returned: isNamed ? [] : likely.map(({ part, quantity }) => ({ part, qty: quantity })),
    minutes: Math.max(15, order.packet.minutes),
  }
}

interface DeskState {
  readonly mood: ReceiverMood
  readonly mendline: { readonly url: string; readonly apiKey: string } | undefined
  readonly secret: string | undefined
  readonly counts: ServiceDesk['counts']
  readonly isStopped: boolean
}

async function serve(request: IncomingMessage, response: ServerResponse, state: DeskState, take: (event: DeskEvent) => void): Promise<void> {
  const body = await readBody(request)
  if (body === undefined) return void response.writeHead(413).end()
  if (misbehave(state.mood, response)) return
  const event = verify(state.secret, body, request)
  if (event === undefined) {
    state.counts.refused++
    return void response.writeHead(401).end('bad signature')
  }
  take(event)
  response.writeHead(204).end()
}

function verify(secret: string | undefined, body: string, request: IncomingMessage): DeskEvent | undefined {
  if (secret === undefined) return undefined
  const header = (name: string): string => String(request.headers[name] ?? '')
  const headers = {
    'webhook-id': header('webhook-id'),
    'webhook-timestamp': header('webhook-timestamp'),
    'webhook-signature': header('webhook-signature'),
  }
  try {
    return new Webhook(secret).verify(body, headers) as DeskEvent
  } catch {
    return undefined
  }
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

/** Attempts of one answer; a refusal (4xx) is final. */
const ANSWER_ATTEMPTS_MAX = 5

async function postWithRetries(state: DeskState, path: string, given: { readonly body: object; readonly key: string }): Promise<boolean> {
  for (let attempt = 1; attempt <= ANSWER_ATTEMPTS_MAX && !state.isStopped; attempt++) {
    const status = await postOnce(state.mendline, path, given)
    if (status >= 200 && status < 300) return true
    if (status >= 400 && status < 500 && status !== 429) return false
    await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt).unref())
  }
  return false
}

async function postOnce(mendline: DeskState['mendline'], path: string, given: { readonly body: object; readonly key: string }): Promise<number> {
  if (mendline === undefined) return 0
  try {
    const answer = await fetch(`${mendline.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${mendline.apiKey}`, 'content-type': 'application/json', 'idempotency-key': given.key },
      body: JSON.stringify(given.body),
      signal: AbortSignal.timeout(limits.deliveryTimeoutMs),
    })
    await answer.arrayBuffer()
    return answer.status
  } catch {
    return 0
  }
}

function listen(server: Server, port: number): Promise<{ readonly url: string }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('no TCP address'))
      else resolve({ url: `http://127.0.0.1:${address.port}/webhooks/mendline` })
    })
  })
}
