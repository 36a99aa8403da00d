/** Posts webhooks over HTTP with undici: through the target guard, no redirects, one deadline for the whole exchange, a bounded answer. */
import { Agent, request } from 'undici'
import { MendlineError } from '#kernel/errors.ts'
import type { TargetGuard } from '../dispatch/webhook-target.ts'
import type { WebhookNotifier, WebhookRequest, WebhookResponse } from '../notifier.ts'

/** Connections kept to one receiver, where nobody says how many. */
const CONNECTIONS = 8

/** Creates the notifier; `stop` closes its connections. `connections` = how many posts one receiver is given at a time. */
export function createHttpWebhook({
  guard,
  connections = CONNECTIONS,
}: {
  readonly guard: TargetGuard
  readonly connections?: number
}): WebhookNotifier {
  const createAgent = (lookup: TargetGuard['lookup']): Agent =>
    new Agent({ connect: { lookup, timeout: 5_000 }, connections, pipelining: 1, maxHeaderSize: 16 * 1024 })
  const secure = createAgent(guard.lookup)
  const plain = createAgent(guard.plainLookup)
  return {
    async post(given) {
      const agent = guard.checkUrl(given.url).protocol === 'https:' ? secure : plain
      const signal = AbortSignal.any([given.signal, AbortSignal.timeout(given.timeoutMs)])
      try {
        return await exchange(agent, given, signal)
      } catch (cause) {
        throw failure(cause)
      }
    },
    async stop() {
      await Promise.all([secure.destroy(), plain.destroy()])
    },
  }
}

async function exchange(agent: Agent, given: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse> {
  const answer = await request(given.url, { method: 'POST', headers: { ...given.headers }, body: given.body, dispatcher: agent, signal })
  const chunks: Buffer[] = []
  let bytes = 0
  // Leaving the loop early destroys the body, and with it the connection that would have to carry the rest.
  for await (const chunk of answer.body) {
    const part = Buffer.from(chunk as Uint8Array)
    chunks.push(part)
    bytes += part.length
    if (bytes >= given.responseBytes_MAX) break
  }
  return { status: answer.statusCode, text: Buffer.concat(chunks).subarray(0, given.responseBytes_MAX).toString() }
}

function failure(cause: unknown): MendlineError {
  const inner = cause instanceof Error && cause.cause instanceof MendlineError ? cause.cause : cause
  if (inner instanceof MendlineError) return inner
  const message = cause instanceof Error ? cause.message : String(cause)
  return new MendlineError('MDL_HUBS_WEBHOOK_FAILED', `the receiver did not answer: ${message}`, { retryable: true, cause })
}
