/**
 * The sessions of the broker: which principal stands behind which Aedes client, by client and by login name, with the guard that reads
 * its socket and the bucket that paces it. A bucket outlives its connection, so that reconnecting does not refill it.
 */
import type { Client } from 'aedes'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { ByteGuard } from './byte-guard.ts'
import { deliverAsGranted } from './deliveries.ts'
import type { ClientCertificate } from './listeners.ts'
import { loginName, type Principal, type Proof } from './principal.ts'
import { type BucketSize, createTokenBucket, type TokenBucket } from './token-bucket.ts'

export interface Session {
  /** Client id; of a registered principal its login name. */
  readonly name: string
  readonly principal: Principal
  readonly client: Client
  readonly guard: ByteGuard
  readonly bucket: TokenBucket
  /** Filters that were granted, with their quality of service. */
  readonly filters: Map<string, number>
  /** Devices that a gateway spoke for on this connection and that are not offline since. */
  readonly children: Set<string>
  /** CONNACK was sent. */
  isReady: boolean
}

/** What the transport knows of a client. */
export interface Peer {
  readonly address: string
  readonly certificate?: ClientCertificate | undefined
}

export interface Sessions {
  /** A connection arrived; nobody knows yet whose. */
  arrived(client: Client, guard: ByteGuard, peer: Peer): void
  /** Who is at the other end of the connection, as far as the transport knows. */
  peerOf(client: Client): Peer | undefined
  /** The login of `client` succeeded; undefined when its connection is gone already. */
  open(client: Client, name: string, proof: Proof): Session | undefined
  of(client: Client): Session | undefined
  byName(name: string): Session | undefined
  /** The connection is gone; `isLast` is false when a newer one took the session over. */
  closed(client: Client): (Session & { readonly isLast: boolean }) | undefined
  /** The principal speaks for more or fewer devices from now on. */
  resized(name: string, principal: Principal): void
  /** Closes all connections of a principal. */
  close(tenant: string, principal: string): void
  /** Closes the connections that came with a certificate of which `isRevoked` says so. */
  closeRevoked(isRevoked: (serial: string) => boolean): void
  /** Closes the connections that have not logged in. */
  closeSilent(): void
  readyCount(): number
}

export function createSessions({ clock, limits }: { clock: Clock; limits: Limits }): Sessions {
  const connections = new Map<Client, { guard: ByteGuard; peer: Peer; session?: Session }>()
  const names = new Map<string, Set<Session>>()
  const buckets = new Map<string, TokenBucket>()

  const bucketOf = (name: string, principal: Principal): TokenBucket => {
    const known = buckets.get(name)
    if (known !== undefined) return known
    const bucket = createTokenBucket({ clock, ...sizeOf(principal, limits) })
    const oldest = buckets.size >= limits.connections_MAX ? buckets.keys().next().value : undefined
    if (oldest !== undefined) buckets.delete(oldest)
    buckets.set(name, bucket)
    return bucket
  }

  const newest = (name: string): Session | undefined => [...(names.get(name) ?? [])].at(-1)

  return {
    arrived(client, guard, peer) {
      connections.set(client, { guard, peer })
    },
    peerOf: (client) => connections.get(client)?.peer,
    open(client, name, { principal, untilMs }) {
      const connection = connections.get(client)
      if (connection === undefined) return undefined
      const session: Session = {
        name,
        principal,
        client,
        guard: connection.guard,
        bucket: bucketOf(name, principal),
        filters: new Map(),
        children: new Set(),
        isReady: false,
      }
      connection.session = session
      deliverAsGranted(client, session.filters)
      if (untilMs !== undefined) endAt(clock, untilMs, session)
      const same = names.get(name) ?? new Set()
      names.set(name, same.add(session))
      return session
    },
    of: (client) => connections.get(client)?.session,
    byName: newest,
    closed(client) {
      const session = connections.get(client)?.session
      connections.delete(client)
      if (session === undefined) return undefined
      const same = names.get(session.name)
      same?.delete(session)
      if (same?.size === 0) names.delete(session.name)
      return { ...session, isLast: newest(session.name) === undefined }
    },
    resized(name, principal) {
      buckets.get(name)?.resize(sizeOf(principal, limits))
    },
    close(tenant, principal) {
      for (const session of [...(names.get(loginName(tenant, principal)) ?? [])]) cut(session)
    },
    closeRevoked(isRevoked) {
      for (const { peer, guard, session } of [...connections.values()]) {
        if (peer.certificate === undefined || !isRevoked(peer.certificate.serial)) continue
        if (session === undefined) guard.destroy()
        else cut(session)
      }
    },
    closeSilent() {
      for (const { guard, session } of [...connections.values()]) if (session === undefined) guard.destroy()
    },
    readyCount() {
      let count = 0
      for (const { session } of connections.values()) if (session?.isReady === true) count++
      return count
    },
  }
}

const cut = (session: Session): void => session.client.close(() => session.guard.destroy())

/** Longest wait of one timer. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** Ends the session with its proof; a connection that ended before is asked nothing more than whether it did. */
function endAt(clock: Clock, untilMs: number, session: Session): void {
  const leftMs = untilMs - clock.now()
  const cancel = clock.after(Math.min(Math.max(leftMs, 0), TIMER_MS_MAX), () => {
    if (leftMs > TIMER_MS_MAX) endAt(clock, untilMs, session)
    else cut(session)
  })
  session.guard.once('close', cancel)
}

/** A gateway may send for each of its devices as that device might itself. */
function sizeOf(principal: Principal, limits: Limits): BucketSize {
  const devices = principal.kind === 'anonymous' ? 1 : Math.max(1, principal.devices.size)
  return { perSecond: limits.devicePublishesPerS_MAX * devices, burst: limits.devicePublishBurst_MAX * devices }
}
