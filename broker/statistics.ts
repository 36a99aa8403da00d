/** Counters of the broker, read by the metrics page; refusals by error code. */
import type { ErrorCode } from '#kernel/errors.ts'

export interface BrokerStatistics {
  /** Sockets open, with and without login. */
  readonly connections_open_count: number
  /** Sockets without login. */
  readonly connections_half_open_count: number
  /** Clients logged in. */
  readonly sessions_count: number
  /** Logins since the start. */
  readonly connects_count: number
  /** Publishes of the device contract that passed rights. */
  readonly publishes_count: number
  /** Those of them that are durable and acknowledged. */
  readonly accepted_count: number
  /** Payload bytes on their way into the journal. */
  readonly in_flight_bytes: number
  readonly refusals: Readonly<Partial<Record<ErrorCode, number>>>
}

export interface BrokerCounters {
  connected(): void
  published(count: number): void
  accepted(count: number): void
  refused(code: ErrorCode): void
  read(gauges: { open: number; halfOpen: number; sessions: number; inFlightBytes: number }): BrokerStatistics
}

export function createBrokerCounters(): BrokerCounters {
  let connects = 0
  let publishes = 0
  let accepts = 0
  const refusals = new Map<ErrorCode, number>()
  return {
    connected: () => connects++,
    published: (count) => {
      publishes += count
    },
    accepted: (count) => {
      accepts += count
    },
    refused: (code) => refusals.set(code, (refusals.get(code) ?? 0) + 1),
    read: ({ open, halfOpen, sessions, inFlightBytes }) => ({
      connections_open_count: open,
      connections_half_open_count: halfOpen,
      sessions_count: sessions,
      connects_count: connects,
      publishes_count: publishes,
      accepted_count: accepts,
      in_flight_bytes: inFlightBytes,
      refusals: Object.fromEntries(refusals),
    }),
  }
}
