/** Joins the gateways that the settings name: brokers of others, read by shared subscription, and OPC UA servers. Their packages load only where there is one. */
import { join } from 'node:path'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { ForeignUplinkPorts } from './broker/gateways/foreign-uplink.ts'
import type { Config } from './config.ts'

export interface GatewayParts {
  readonly find: ForeignUplinkPorts['find']
  readonly accept: (message: AcceptedMessage) => Promise<void>
  readonly mappings: ForeignUplinkPorts['mappings']
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

export interface Gateways {
  start(): Promise<void>
  stop(): Promise<void>
  /** Counts over all gateways. */
  statistics(): Readonly<Record<string, number>>
}

export function joinGateways(config: Pick<Config, 'foreignBrokers' | 'opcua' | 'dataDir'>, parts: GatewayParts): Gateways {
  const running: Array<{ stop(): Promise<void>; statistics(): Readonly<Record<string, number>> }> = []
  return {
    async start() {
      if (config.opcua.length > 0) running.push(...(await startOpcua(config, parts)))
      if (config.foreignBrokers.length === 0) return
      const { createSharedSubscription } = await import('./broker/gateways/shared-subscription.ts')
      const { createForeignUplink } = await import('./broker/gateways/foreign-uplink.ts')
      for (const { password, tenant, ...settings } of config.foreignBrokers) {
        if (settings.member > 0)
          parts.log.warn('rules and orders of this process rest on its share of the messages only', { member: settings.member })
        const uplink = createForeignUplink({ ...parts, tenant })
        const subscription = createSharedSubscription({ ...settings, password: password?.reveal() }, { ...parts, take: uplink.take })
        subscription.start()
        running.push({ stop: subscription.stop, statistics: () => ({ ...subscription.statistics(), ...uplink.statistics() }) })
      }
    },
    async stop() {
      await Promise.all(running.splice(0).map((gateway) => gateway.stop()))
    },
    statistics() {
      const sums: Record<string, number> = {}
      for (const gateway of running) for (const [name, count] of Object.entries(gateway.statistics())) sums[name] = (sums[name] ?? 0) + count
      return sums
    },
  }
}

/** One PKI for all servers: the gateway is one application to each of them. */
async function startOpcua({ opcua, dataDir }: Pick<Config, 'opcua' | 'dataDir'>, parts: GatewayParts) {
  const { createOpcuaGateway } = await import('./broker/gateways/opcua-gateway.ts')
  const { createOpcuaPki } = await import('./broker/gateways/opcua-pki.ts')
  const folder = opcuaFolder(dataDir)
  const pki = createOpcuaPki({ folder: join(folder, 'pki'), clock: parts.clock })
  await pki.prepare()
  return opcua.map(({ user, ...settings }) => {
    const open = user.kind === 'password' ? { ...user, password: user.password.reveal() } : user
    const gateway = createOpcuaGateway({ ...settings, user: open }, { ...parts, pki, folder })
    gateway.start()
    return gateway
  })
}

/** Where gateways keep certificates and progress. */
export const opcuaFolder = (dataDir: string): string => join(dataDir, 'opcua')
