/**
 * This platform as Sparkplug's host application: it tells its state, retained, on `spBv1.0/STATE/{host}` as the specification's birth and
 * death, and sends requests for rebirth. The broker is in the same process, so a death by crash shows to the nodes as a lost
 * connection; a stop is told before connections close, with the time of the birth it ends.
 */
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import { hostStateTopic, nodeCommandTopic } from '../topics.ts'
import { createSparkplugBirths } from './sparkplug-births.ts'
import { createSparkplugDoor, rebirthCommand, type SparkplugDoor } from './sparkplug-door.ts'

export interface SparkplugHostParts {
  readonly hostId: string
  readonly publish: (message: { readonly topic: string; readonly payload: object | Buffer; readonly retain: boolean }) => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

export interface SparkplugHost {
  readonly door: SparkplugDoor
  start(): Promise<void>
  stop(): Promise<void>
}

export function createSparkplugHost({ hostId, publish, clock, log, limits }: SparkplugHostParts): SparkplugHost {
  const births = createSparkplugBirths({ clock, limits })
  let timestamp: number | undefined
  const tell = async (online: boolean): Promise<void> => {
    if (timestamp !== undefined) await publish({ topic: hostStateTopic(hostId), payload: { online, timestamp }, retain: true })
  }
  return {
    door: createSparkplugDoor({
      births,
      askForRebirth(tenant, edge) {
        log.info('edge node asked for a rebirth', { tenant, edge })
        publish({ topic: nodeCommandTopic(tenant, edge), payload: rebirthCommand(clock.now()), retain: false }).catch((cause: unknown) =>
          log.error('edge node cannot be asked for a rebirth', { tenant, edge, cause: String(cause) }),
        )
      },
    }),
    async start() {
      timestamp = clock.now()
      await tell(true)
    },
    stop() {
      births.stop()
      return tell(false)
    },
  }
}
