/** The configuration as the parts that main joins take it: secrets in clear, and only what each needs. */
import type { ApiSettings } from './api/server.ts'
import type { BrokerSettings } from './broker/broker.ts'
import type { Config } from './config.ts'
import type { WorkerStore } from './workers/worker-settings.ts'

/** The store's settings as the worker takes them: with the token in clear. */
export const workerStore = ({ store }: Config): WorkerStore => (store.kind === 'duckdb' ? store : { ...store, token: store.token.reveal() })

export function tlsOf({ mqtts }: Config): BrokerSettings['tls'] {
  if (mqtts === undefined) return undefined
  return { ...mqtts, key: mqtts.key.reveal() }
}

export function apiSettings({ http, dev }: Config): ApiSettings {
  const { host, port, tls } = http
  return { host, port, isLoopbackOnly: dev, tls: tls === undefined ? undefined : { key: tls.key.reveal(), cert: tls.cert } }
}

/** What `webhooks.allow_private_ranges` lets through (RFC 1918, RFC 4193). */
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']

/** Addresses inside that webhooks may be sent to. */
export const webhookTargets = ({ dev, webhooks }: Pick<Config, 'dev' | 'webhooks'>) => ({
  allowLoopback: dev || webhooks.allow_private_ranges,
  allowRanges: [...webhooks.allowed_ranges, ...(webhooks.allow_private_ranges ? PRIVATE_RANGES : [])],
})
