/** Webhook notifier that keeps what it was given and answers as told; for tests. */
import type { WebhookNotifier, WebhookRequest, WebhookResponse } from '../notifier.ts'

export interface MemoryWebhook extends WebhookNotifier {
  /** Every attempt, in order. */
  readonly requests: WebhookRequest[]
  /** Decides each answer; throws for no answer. */
  answer: (request: WebhookRequest) => WebhookResponse | Promise<WebhookResponse>
}

/** Creates a notifier that answers 204 until told otherwise. */
export function createMemoryWebhook(): MemoryWebhook {
  const memory: MemoryWebhook = {
    requests: [],
    answer: () => ({ status: 204, text: '' }),
    async post(request) {
      memory.requests.push(request)
      return memory.answer(request)
    },
    stop: async () => {},
  }
  return memory
}
