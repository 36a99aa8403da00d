/** Port of the webhook deliverer: makes one attempt and says what came of it. Adapters stand in `notifiers/`. */
export interface WebhookRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** From the start to the end of the answer. */
  readonly timeoutMs: number
  /** Bytes of the answer that are read; the rest is not awaited. */
  readonly responseBytes_MAX: number
  readonly signal: AbortSignal
}

export interface WebhookResponse {
  readonly status: number
  /** Beginning of the answer's body. */
  readonly text: string
}

export interface WebhookNotifier {
  /**
   * Posts once, following no redirect.
   * @throws MendlineError MDL_HUBS_WEBHOOK_FAILED (no answer in time), MDL_HUBS_WEBHOOK_TARGET_REFUSED
   */
  post(request: WebhookRequest): Promise<WebhookResponse>
  stop(): Promise<void>
}
