/** Calls a person by a chat webhook: one POST of `{text}`, as most chat systems take it, through the guard of webhooks. */
import { MendlineError } from '#kernel/errors.ts'
import type { WebhookNotifier } from '../notifier.ts'

export interface ChatCall {
  readonly target: string
  readonly subject: string
  readonly body: string
  readonly signal: AbortSignal
}

const TIMEOUT_MS = 8_000
const RESPONSE_BYTES_MAX = 64 * 1024

/** Posts the text; anything but a 2xx is a failure. @throws MendlineError MDL_HUBS_WEBHOOK_FAILED, MDL_HUBS_WEBHOOK_TARGET_REFUSED */
export function createChatWebhook({ notifier }: { readonly notifier: WebhookNotifier }): (call: ChatCall) => Promise<void> {
  return async ({ target, subject, body, signal }) => {
    const { status } = await notifier.post({
      url: target,
      headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'mendline-emergencies/1' },
      body: JSON.stringify({ text: `${subject}\n${body}` }),
      timeoutMs: TIMEOUT_MS,
      responseBytes_MAX: RESPONSE_BYTES_MAX,
      signal,
    })
    if (status < 200 || status > 299) throw new MendlineError('MDL_HUBS_WEBHOOK_FAILED', `the chat answered with ${status}`, { retryable: true })
  }
}
