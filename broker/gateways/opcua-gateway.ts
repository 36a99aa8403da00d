/**
 * A gateway to one OPC UA server: opens a session, subscribes to the variables of the mapping and hands their values to the journal, each
 * as the server gave it. After a cut node-opcua brings session and subscription back; then, and after a start, the history is read from
 * the last value that came. Where the server has none, the hole is told. A session that is lost for good is opened anew, with growing pauses.
 */
import { join } from 'node:path'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { ForeignUplinkPorts } from './foreign-uplink.ts'
import { openConnection, routeLibraryLog } from './opcua-client.ts'
import { createOpcuaIntake } from './opcua-intake.ts'
import { resolveNodes } from './opcua-nodes.ts'
import { createOpcuaOutbox } from './opcua-outbox.ts'
import type { OpcuaPki } from './opcua-pki.ts'
import { createOpcuaProgress } from './opcua-progress.ts'
import { createOpcuaSession, type OpcuaSession } from './opcua-session.ts'
import type { OpcuaServerSettings } from './opcua-settings.ts'

export interface OpcuaGatewayPorts {
  readonly find: ForeignUplinkPorts['find']
  readonly accept: (message: AcceptedMessage) => Promise<void>
  readonly pki: OpcuaPki
  /** Folder for what the gateway remembers. */
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

export interface OpcuaGateway {
  start(): void
  /** Ends the session; what is not durable is fetched at the next start. Idempotent. */
  stop(): Promise<void>
  statistics(): Readonly<Record<string, number>>
}

/** Longest pause between two attempts. */
const RETRY_MS_MAX = 60_000
/** A server that does not answer does not hold up the end of the process. */
const STOP_MS = 3_000

export function createOpcuaGateway(settings: OpcuaServerSettings, ports: OpcuaGatewayPorts): OpcuaGateway {
  const { clock, log, limits, folder } = ports
  const server = settings.name
  const progress = createOpcuaProgress(join(folder, `progress-${server}.json`), ports)
  const counts = { connected: 0, sessions: 0, failures: 0, untrusted: 0, variables: 0, refused_variables: 0 }
  const stopping = Promise.withResolvers<void>()
  let isStopping = false
  let current: OpcuaSession | undefined
  let running: Promise<void> = Promise.resolve()
  const outbox = createOpcuaOutbox({
    ...ports,
    tenant: settings.tenant,
    progress,
    onPressure: (isFull) => current?.press(isFull),
  })
  const intake = createOpcuaIntake({ progress, push: outbox.push, onOverflow: () => current?.fill('its queue ran over', false), clock })
  const pause = (ms: number): Promise<void> => Promise.race([stopping.promise, new Promise<void>((resolve) => void clock.after(ms, resolve))])

  const serve = async (): Promise<void> => {
    const connection = await openConnection(settings, { pki: ports.pki, timeoutMs: limits.opcuaTimeoutMs })
    try {
      if (isStopping) return
      const { nodes, faults } = await resolveNodes(connection.session, settings, limits.opcuaNodes_MAX)
      for (const fault of faults) log.error('a variable of the mapping cannot be read', { server, code: 'MDL_OPCUA_NODE', ...fault })
      Object.assign(counts, { variables: nodes.length, refused_variables: faults.length })
      current = createOpcuaSession({ settings, connection, nodes, intake, whenWritable: outbox.whenWritable, isFull: outbox.isFull, ...ports })
      await current.subscribe()
      counts.connected = 1
      counts.sessions++
      log.info('OPC UA server is read', { server, url: settings.url, variables: nodes.length })
      await Promise.race([stopping.promise, current.ended])
    } finally {
      current = undefined
      counts.connected = 0
      await connection.close()
    }
  }
  const run = async (): Promise<void> => {
    for (let pauseMs = limits.opcuaRetryMs; !isStopping; ) {
      const before = counts.sessions
      try {
        await serve()
      } catch (error) {
        counts.failures++
        const code = error instanceof MendlineError ? error.code : 'MDL_OPCUA_UNAVAILABLE'
        if (code === 'MDL_OPCUA_UNTRUSTED') counts.untrusted++
        const details = error instanceof MendlineError ? error.details : {}
        log.warn('OPC UA server is not read', { server, code, cause: error instanceof Error ? error.message : String(error), ...details })
      }
      pauseMs = counts.sessions > before ? limits.opcuaRetryMs : Math.min(pauseMs * 2, RETRY_MS_MAX)
      if (!isStopping) await pause(pauseMs)
    }
  }

  return {
    start() {
      routeLibraryLog(log)
      running = run()
    },
    async stop() {
      if (isStopping) return
      isStopping = true
      stopping.resolve()
      await Promise.race([running, new Promise<void>((resolve) => void clock.after(STOP_MS, resolve))])
      outbox.stop()
      progress.save()
    },
    statistics: () => ({ ...counts, ...intake.statistics(), ...outbox.statistics() }),
  }
}
