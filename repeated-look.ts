/**
 * A look that is made over and over at a pause: one at a time, whoever asks for it; one that fails is logged and made again at the next turn. A
 * stop begins no other and waits for the one in hand, which is told by `isStopped`.
 */
import type { Clock, DurationMs } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'

export interface RepeatedLook<Found> {
  /** Makes the first look after a pause. */
  start(): void
  stop(): Promise<void>
  /** Looks now, or joins the look in hand. */
  look(): Promise<Found>
}

/** @param parts.failure what the log says of a look that failed */
export function repeatLook<Found>(parts: {
  readonly look: (isStopped: () => boolean) => Promise<Found>
  readonly everyMs: DurationMs
  readonly failure: string
  readonly clock: Pick<Clock, 'after'>
  readonly log: Pick<Log, 'error'>
}): RepeatedLook<Found> {
  const { everyMs, failure, clock, log } = parts
  let hasStopped = false
  let cancel = (): void => {}
  let looking: Promise<Found> | undefined
  const look = (): Promise<Found> => {
    looking ??= parts
      .look(() => hasStopped)
      .finally(() => {
        looking = undefined
      })
    return looking
  }
  const again = (): void => {
    if (hasStopped) return
    cancel = clock.after(everyMs, () => {
      look()
        .catch((cause: unknown) => log.error(failure, { cause: String(cause) }))
        .finally(again)
    })
  }
  return {
    start: again,
    async stop() {
      hasStopped = true
      cancel()
      await looking?.catch(() => {})
    },
    look,
  }
}
