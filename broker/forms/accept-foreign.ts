/**
 * The hop to ingest of a publish in a form of its own: it may become several records, of several devices, and all of them are durable
 * before the PUBACK. When one is not, there is no PUBACK and the connection is closed, as for the contract's own topics.
 */
import type { PublishPacket } from 'aedes'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { ErrorCode, MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import type { Children } from '../children.ts'
import type { DeviceFacts } from '../principal.ts'
import type { Session } from '../sessions.ts'
import type { BrokerCounters } from '../statistics.ts'
import type { ForeignDecision, ForeignUplink } from './foreign-decision.ts'

interface ForeignPorts {
  readonly accept: (message: AcceptedMessage) => Promise<void>
  readonly clock: Clock
  readonly counters: BrokerCounters
  readonly children: Children
  readonly log: Log
  readonly refuse: (code: ErrorCode, reason: string, who: string) => MendlineError
  readonly factsOf: (uplink: ForeignUplink) => DeviceFacts
}

interface ForeignArrival {
  readonly session: Session
  readonly decision: Extract<ForeignDecision, { kind: 'accept' }>
  readonly packet: PublishPacket
  readonly done: (error?: Error | null) => void
}

export function acceptForeign(ports: ForeignPorts, { session, decision, packet, done }: ForeignArrival): void {
  const { accept, clock, counters, children, log, refuse, factsOf } = ports
  const arrived = session.guard.flow.begin(packet.payload.length)
  counters.published(1)
  const received_at_ms = clock.now()
  const records = decision.uplinks.map((uplink) => {
    const { type, maxAgeDays } = factsOf(uplink)
    return accept(recordOf(uplink, { type, maxAgeDays, received_at_ms }))
  })
  Promise.all(records).then(
    () => {
      counters.accepted(1)
      for (const uplink of decision.uplinks) {
        if (uplink.kind === 'state') children.read(session, uplink, uplink.presence ?? uplink.payload)
        else if (uplink.form !== 'stray') children.heard(session, uplink.tenant, uplink.device)
      }
      done(null)
      arrived()
    },
    (cause: unknown) => {
      log.error('message not accepted', { topic: packet.topic, error: String(cause) })
      done(refuse('MDL_JOURNAL_UNAVAILABLE', 'the journal cannot write', session.name))
      arrived()
    },
  )
}

const recordOf = (
  { presence: _, ...uplink }: ForeignUplink,
  facts: Pick<AcceptedMessage, 'type' | 'maxAgeDays' | 'received_at_ms'>,
): AcceptedMessage => ({
  ...uplink,
  ...facts,
})
