/**
 * A loop over work that stands in a table with the instant at which it is due. It looks when it is woken and when the next piece is due,
 * one look at a time; a look that fails is logged and made again soon, so that nothing due is dropped. At the latest it looks each minute,
 * should a timer have been lost to a sleeping machine.
 */
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'

export interface DueLoop {
  start(): void
  /** Waits for the look in hand. */
  stop(): Promise<void>
  wake(): void
  /** Resolves when nothing is being looked at. */
  settled(): Promise<void>
  failures(): number
}

/** Longest sleep between two looks. */
const SLEEP_MS_MAX = 60_000
const RETRY_MS = 1_000

/** `look` does what is due and gives the instant of what is due next; undefined = nothing is. */
export function createDueLoop(parts: {
  readonly name: string
  readonly look: () => Promise<number | undefined>
  readonly clock: Clock
  readonly log: Log
  /** Longest sleep between two looks, where the clock is no machine's that may sleep; a minute when not given. */
  readonly napMs?: number | undefined
}): DueLoop {
  const { name, look, clock, log, napMs = SLEEP_MS_MAX } = parts
  let isRunning = false
  let isWanted = false
  let looking: Promise<void> | undefined
  let cancel = (): void => {}
  let failed = 0

  const run = async (): Promise<void> => {
    while (isRunning && isWanted) {
      isWanted = false
      cancel()
      let sleepMs = RETRY_MS
      try {
        const nextMs = await look()
        sleepMs = Math.min(napMs, Math.max(0, (nextMs ?? Number.POSITIVE_INFINITY) - clock.now()))
      } catch (cause) {
        failed++
        log.error('work that is due cannot be looked at, it will be again', {
          loop: name,
          cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
        })
      }
      cancel = clock.after(sleepMs, wake)
    }
    looking = undefined
  }
  const wake = (): void => {
    isWanted = true
    if (isRunning) looking ??= run()
  }
  return {
    start() {
      isRunning = true
      wake()
    },
    async stop() {
      isRunning = false
      cancel()
      await looking
    },
    wake,
    async settled() {
      while (looking !== undefined) await looking
    },
    failures: () => failed,
  }
}
