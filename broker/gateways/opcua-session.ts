/**
 * One session with an OPC UA server and the subscription in it. Live values wait while the connection is cut and until the history since the
 * last values was read, so that they come behind it. A cut that the subscription survived loses nothing; where it was made anew, variables
 * without history have a hole.
 */
import { AttributeIds, ClientSubscription, TimestampsToReturn } from 'node-opcua-client'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { OpcuaConnection } from './opcua-client.ts'
import { readHistory } from './opcua-history.ts'
import type { OpcuaIntake } from './opcua-intake.ts'
import type { ResolvedNode } from './opcua-nodes.ts'
import type { OpcuaServerSettings } from './opcua-settings.ts'
import { observe } from './opcua-values.ts'

export interface OpcuaSession {
  subscribe(): Promise<void>
  /** The journal cannot follow, or can again: publishes are not asked for, or are. */
  press(isFull: boolean): void
  /** Reads the history since the last values; `isCut`: values may be lost where there is none. */
  fill(why: string, isCut: boolean): void
  /** Resolves with the reason when the session is of no use any more. */
  readonly ended: Promise<string>
}

export interface OpcuaSessionParts {
  readonly settings: OpcuaServerSettings
  readonly connection: OpcuaConnection
  readonly nodes: readonly ResolvedNode[]
  readonly intake: OpcuaIntake
  readonly whenWritable: () => Promise<void>
  readonly isFull: () => boolean
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

/** Variables in one request to monitor. */
const MONITOR_AT_ONCE = 500
/** Publishes without values after which the server tells that it lives. */
const KEEPALIVES = 10
/** Without a publish asked for in this time the server drops the subscription. */
const SUBSCRIPTION_LIFE_MS = 600_000

export function createOpcuaSession(parts: OpcuaSessionParts): OpcuaSession {
  const { settings, connection, nodes, intake } = parts
  const { client, session } = connection
  const ended = Promise.withResolvers<string>()
  const suspend = (isSuspended: boolean): void => publishEngineOf(session)?.suspend(isSuspended)
  const fill = createFill(parts, { suspend, onFailed: ended.resolve })
  let isMadeAnew = false

  const listen = (subscription: ClientSubscription): void => {
    const back = (): void => {
      fill.ask('the connection was cut', isMadeAnew)
      isMadeAnew = false
    }
    client.on('connection_lost', intake.hold)
    client.on('connection_reestablished', back)
    session.on('session_restored', back)
    subscription.on('subscriptionId_changed', () => {
      isMadeAnew = true
    })
    subscription.on('terminated', () => ended.resolve('the subscription ended'))
    session.on('session_closed', () => ended.resolve('the session was closed'))
    client.on('close', () => ended.resolve('the connection was closed'))
  }

  return {
    async subscribe() {
      intake.hold()
      const subscription = ClientSubscription.create(session, {
        requestedPublishingInterval: settings.publishingMs,
        requestedMaxKeepAliveCount: KEEPALIVES,
        requestedLifetimeCount: Math.max(3 * KEEPALIVES, Math.ceil(SUBSCRIPTION_LIFE_MS / settings.publishingMs)),
        maxNotificationsPerPublish: 10_000,
        publishingEnabled: true,
      })
      for (let from = 0; from < nodes.length; from += MONITOR_AT_ONCE) await monitor(subscription, nodes.slice(from, from + MONITOR_AT_ONCE), parts)
      listen(subscription)
      fill.ask('the gateway was not connected', true)
    },
    press: (isFull) => {
      if (isFull || !fill.isFilling()) suspend(isFull)
    },
    fill: fill.ask,
    ended: ended.promise,
  }
}

async function monitor(subscription: ClientSubscription, nodes: readonly ResolvedNode[], parts: OpcuaSessionParts): Promise<void> {
  const { settings, intake, clock, log } = parts
  const group = await subscription.monitorItems(
    nodes.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })),
    { samplingInterval: settings.samplingMs, queueSize: settings.queueSize, discardOldest: true },
    TimestampsToReturn.Both,
  )
  group.on('changed', (_item, value, index) => {
    const node = nodes[index]
    if (node !== undefined) intake.live(observe(node, value, { nowMs: clock.now(), isHistory: false }))
  })
  for (const [index, { statusCode }] of group.monitoredItems.entries()) {
    if (statusCode?.isGood() !== false) continue
    log.error('a variable of the mapping cannot be monitored', { server: settings.name, where: nodes[index]?.id, reason: statusCode.name })
  }
}

interface FillPorts {
  readonly suspend: (isSuspended: boolean) => void
  readonly onFailed: (reason: string) => void
}

/** The server's clock may be a little ahead of ours. */
const AHEAD_MS = 60_000

/** Fills one after the other; what is asked for during one is done behind it. */
function createFill(
  parts: OpcuaSessionParts,
  { suspend, onFailed }: FillPorts,
): { readonly ask: OpcuaSession['fill']; readonly isFilling: () => boolean } {
  const { settings, intake, log, isFull } = parts
  const asked: Array<readonly [why: string, isCut: boolean]> = []
  let isFilling = false

  const work = async (): Promise<void> => {
    for (let next = asked.shift(); next !== undefined; next = asked.shift()) await fillOnce(parts, ...next)
  }
  const ask: OpcuaSession['fill'] = (why, isCut) => {
    intake.hold()
    asked.push([why, isCut])
    if (isFilling) return
    isFilling = true
    // Meanwhile values stay in the queues of the server, not in ours.
    suspend(true)
    work().then(
      () => {
        isFilling = false
        intake.release()
        suspend(isFull())
      },
      (error: unknown) => {
        // What waits is fetched by the next session, which begins where progress ends.
        log.warn('history of an OPC UA server could not be read', { server: settings.name, cause: String(error) })
        onFailed('the history could not be read')
      },
    )
  }
  return { ask, isFilling: () => isFilling }
}

async function fillOnce({ settings, connection, nodes, intake, clock, log, limits, whenWritable }: OpcuaSessionParts, why: string, isCut: boolean) {
  const untilMs = clock.now() + AHEAD_MS
  let values = 0
  for (const ofDevice of Map.groupBy(nodes, ({ device }) => device).values()) {
    const wanted = ofDevice.flatMap((node) => {
      const fromMs = node.hasHistory ? intake.since(node) : undefined
      if (!node.hasHistory && isCut) intake.expectGap(node, `${why}, and the server keeps no history`)
      return fromMs === undefined ? [] : [{ node, fromMs }]
    })
    const onRefused = (node: ResolvedNode, reason: string): void => intake.expectGap(node, `${why}, and ${reason}`)
    for await (const run of readHistory(connection.session, wanted, { untilMs, limits, onRefused })) {
      values += run.length
      intake.historic(run.map(({ node, value }) => observe(node, value, { nowMs: clock.now(), isHistory: true })))
      await whenWritable()
    }
  }
  if (values > 0) log.info('history of an OPC UA server was read', { server: settings.name, why, values })
}

/** The library has no public door to it; what it does is in OPC UA part 4, 5.13.1: without publish requests the server keeps what it has. */
function publishEngineOf(session: unknown): { suspend(isSuspended: boolean): void } | undefined {
  return (session as { getPublishEngine?: () => { suspend(isSuspended: boolean): void } }).getPublishEngine?.()
}
