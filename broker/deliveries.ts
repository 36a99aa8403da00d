/**
 * At which quality of service a message reaches a client. Aedes asks each matching subscription for itself: the first one decides, and
 * only a filter without wildcards lowers the level of the message. Here the highest level that the matching filters were granted counts
 * (MQTT-3.3.5-1), the message is never above it (MQTT-3.8.4-6), and it goes out once. Sessions that are away: `session-store.ts`.
 */
import type { AedesPublishPacket, Client } from 'aedes'
import { assert } from '#kernel/errors.ts'
import { filterMatches } from './session-store.ts'

type Deliver = (packet: AedesPublishPacket, done: () => void) => void

/** The part of Aedes's client that is changed here; the package declares no types for it. */
interface DeliveringClient {
  deliver0: Deliver
  deliverQoS: Deliver
  /** What Aedes keeps of each filter. */
  readonly subscriptions: { readonly [filter: string]: { qos: number } | undefined }
  /** Newest message that went to the client, by broker. */
  readonly duplicates: { readonly [brokerId: string]: number | undefined }
}

/** Makes `client` deliver as its `filters`, with the level that each was granted, say; to be called before the first one is added. */
export function deliverAsGranted(client: Client, filters: ReadonlyMap<string, number>): void {
  const delivering = client as unknown as DeliveringClient
  const { deliver0, deliverQoS, subscriptions, duplicates } = delivering
  assert(typeof deliver0 === 'function' && typeof deliverQoS === 'function', 'Aedes has the clients of version 1.2')
  const deliver: Deliver = (packet, done) => {
    // Another filter of the client had it. Aedes would take one message of the session's queue for it.
    if (packet.brokerId && (duplicates[packet.brokerId] ?? 0) >= packet.brokerCounter) return void setImmediate(done)
    packet.qos = Math.min(packet.qos, grantedFor(filters, packet.topic)) as AedesPublishPacket['qos']
    if (packet.qos === 0) return deliver0(packet, done)
    // Aedes lowers the level once more to that of the filter that is equal to the topic, also where another filter has a higher one.
    const exact = subscriptions[packet.topic]
    if (exact !== undefined && exact.qos < packet.qos) exact.qos = packet.qos
    deliverQoS(packet, done)
  }
  delivering.deliver0 = deliver
  delivering.deliverQoS = deliver
}

function grantedFor(filters: ReadonlyMap<string, number>, topic: string): number {
  let highest = 0
  for (const [filter, granted] of filters) if (granted > highest && filterMatches(filter, topic)) highest = granted
  return highest
}
