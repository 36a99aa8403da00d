/**
 * Bounds for the session store inside Aedes, which has none: it keeps a subscription even when SUBACK refused it, queues for an offline
 * session without end, and looks through every retained message at each SUBSCRIBE. Here refused filters are not kept, an offline queue
 * has a limit, and a filter without wildcard finds its retained message at once. Commands and settings are in no queue and not among the
 * retained: they go to live sessions only (`downlinks.ts`), and whoever owes them sends them again.
 */
import { Readable } from 'node:stream'
import type { Aedes, AedesPublishPacket, Client } from 'aedes'
import { assert } from '#kernel/errors.ts'

interface Subscription {
  readonly topic: string
  readonly clientId?: string
  readonly qos?: number
}

/** The part of Aedes's in-memory persistence that is bounded here; the package declares no types for it. */
interface Persistence {
  addSubscriptions(client: { readonly id: string }, subscriptions: readonly Subscription[]): Promise<void>
  outgoingEnqueueCombi(subscriptions: readonly Subscription[], packet: AedesPublishPacket): Promise<void>
  outgoingClearMessageId(client: Client, packet: { readonly cmd: string; readonly messageId?: number }): Promise<unknown>
  storeRetained(packet: AedesPublishPacket): Promise<void>
  outgoingStream(client: { readonly id: string }): Readable
  createRetainedStreamCombi(filters: readonly string[]): Readable
}

export interface SessionBounds {
  readonly offlineMessages_MAX: number
  /** Tells whether the session of `clientId` may keep a subscription to `filter`. */
  readonly mayKeep: (clientId: string, filter: string) => boolean
  /** Told of each message that an offline queue had no room for. */
  readonly onDropped: (clientId: string) => void
  /** Told of each PUBACK. */
  readonly onAcknowledged: (client: Client, messageId: number) => void
}

/** Puts the bounds on `aedes`, which must be listening; retained messages are kept here from then on. */
export function boundSessions(aedes: Aedes, { offlineMessages_MAX, mayKeep, onDropped, onAcknowledged }: SessionBounds): void {
  const store = (aedes as unknown as { persistence?: Persistence }).persistence
  assert(store !== undefined && typeof store.outgoingEnqueueCombi === 'function', 'Aedes has the persistence of version 1.2')
  const addSubscriptions = store.addSubscriptions.bind(store)
  const enqueue = store.outgoingEnqueueCombi.bind(store)
  const clear = store.outgoingClearMessageId.bind(store)
  const retained = new Map<string, AedesPublishPacket>()
  const queued = new Map<string, number>()

  const takeRoom = (clientId: string): boolean => {
    const count = queued.get(clientId) ?? 0
    if (count < offlineMessages_MAX) queued.set(clientId, count + 1)
    else onDropped(clientId)
    return count < offlineMessages_MAX
  }

  store.addSubscriptions = (client, subscriptions) =>
    addSubscriptions(
      client,
      subscriptions.filter(({ topic }) => mayKeep(client.id, topic)),
    )
  store.outgoingEnqueueCombi = (subscriptions, packet) => {
    if (subscriptions.length === 0) return Promise.resolve()
    return Promise.all(
      [...highestOf(subscriptions, packet.topic)]
        .filter(([clientId]) => takeRoom(clientId))
        .map(([, subscription]) => enqueue([subscription], atMost(packet, subscription.qos ?? 0))),
    ).then(() => undefined)
  }
  store.outgoingClearMessageId = async (client, packet) => {
    // Commands and settings are not in the queue; they wait for nothing but this.
    if (packet.cmd === 'puback' && packet.messageId !== undefined) onAcknowledged(client, packet.messageId)
    const cleared = await clear(client, packet)
    const count = queued.get(client.id) ?? 0
    if (cleared !== undefined && count > 1) queued.set(client.id, count - 1)
    else if (cleared !== undefined) queued.delete(client.id)
    return cleared
  }
  const outgoing = store.outgoingStream.bind(store)
  // A storm of connects finds most queues empty; a mapped stream for each would be a fifth of the cost of a login.
  store.outgoingStream = (client) => (queued.has(client.id) ? outgoing(client).map(markSentBefore) : nothing())
  store.storeRetained = async (packet) => {
    if (packet.payload.length === 0) retained.delete(packet.topic)
    else retained.set(packet.topic, { ...packet })
  }
  store.createRetainedStreamCombi = (filters) => Readable.from(filters.flatMap((filter) => findRetained(retained, filter)))
}

const nothing = (): Readable =>
  new Readable({
    objectMode: true,
    read() {
      this.push(null)
    },
  })

/** A packet that has an id went out before and was not acknowledged: it goes again as a duplicate (MQTT-3.3.1-1), which Aedes leaves out. */
function markSentBefore(packet: AedesPublishPacket & { readonly messageId?: number }): AedesPublishPacket {
  return packet.messageId === undefined || packet.cmd !== 'publish' ? packet : { ...packet, dup: true }
}

/** Of the filters of one session that match, that with the highest level counts: its message is kept once, and not above that level. */
function highestOf(subscriptions: readonly Subscription[], topic: string): Map<string, Subscription> {
  const highest = new Map<string, Subscription>()
  for (const subscription of subscriptions) {
    const { clientId } = subscription
    // What begins with $ is not for wildcards at the first level (section 4.7.2).
    if (clientId === undefined || (topic.startsWith('$') && !subscription.topic.startsWith('$'))) continue
    if ((subscription.qos ?? 0) > (highest.get(clientId)?.qos ?? -1)) highest.set(clientId, subscription)
  }
  return highest
}

const atMost = (packet: AedesPublishPacket, granted: number): AedesPublishPacket =>
  granted >= packet.qos ? packet : { ...packet, qos: granted as AedesPublishPacket['qos'] }

function findRetained(retained: ReadonlyMap<string, AedesPublishPacket>, filter: string): AedesPublishPacket[] {
  if (!/[+#]/.test(filter)) {
    const packet = retained.get(filter)
    return packet === undefined ? [] : [packet]
  }
  // Commands are never retained, so the usual wildcard of a device finds nothing without a search.
  if (/^mend\/v1\/[^/+#]+\/[^/+#]+\/cmd\//.test(filter)) return []
  return [...retained.values()].filter(({ topic }) => filterMatches(filter, topic))
}

/** Tells whether `filter` covers `topic` (MQTT 3.1.1 section 4.7); wildcards at the first level do not cover `$` topics. */
export function filterMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false
  }
  return wanted.length === levels.length
}
