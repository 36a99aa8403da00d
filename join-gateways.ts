/** Joins the gateways that the settings name: brokers of others, read by shared subscription. Their packages load only where there is one. */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { ForeignUplinkPorts } from './broker/gateways/foreign-uplink.ts'
import type { Config } from './config.ts'

export interface GatewayParts {
  readonly find: ForeignUplinkPorts['find']
  readonly accept: (message: AcceptedMessage) => Promise<void>
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

export function joinGateways({ foreignBrokers }: Pick<Config, 'foreignBrokers'>, parts: GatewayParts): Gateways {
  const running: Array<{ stop(): Promise<void>; statistics(): Readonly<Record<string, number>> }> = []
  return {
    async start() {
      if (foreignBrokers.length === 0) return
      const { createSharedSubscription } = await import('./broker/gateways/shared-subscription.ts')
      const { createForeignUplink } = await import('./broker/gateways/foreign-uplink.ts')
      for (const { password, ...settings } of foreignBrokers) {
        const uplink = createForeignUplink(parts)
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
