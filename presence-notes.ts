/**
 * Gathers comings and goings of devices for the hubs, so that a town whose power comes back is a few transactions and not one a device.
 * Order of each device is kept; what the hubs could not take is tried again with the next batch.
 */
import type { Clock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Log } from '#kernel/log.ts'

export interface PresenceNotes {
  note(tenant: string, device: string, isOnline: boolean): void
  /** Hands over what is gathered and stops. */
  stop(): Promise<void>
}

/** Time that a batch is gathered. */
const GATHER_MS = 500
/** Notes that wait at most; above it the oldest is dropped and counted in the log. */
const NOTES_MAX = 100_000
/** Notes of one transaction. */
const BATCH = 500

export function createPresenceNotes(parts: {
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}): PresenceNotes {
  const { apply, clock, log } = parts
  let waiting: HubEvent[] = []
  let cancel: (() => void) | undefined
  let running: Promise<void> = Promise.resolve()

  const flush = async (): Promise<void> => {
    cancel = undefined
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH)
      try {
        await apply(batch)
      } catch (cause) {
        log.error('presence was not noted', { count: batch.length, cause: String(cause) })
        return
      }
      waiting = waiting.slice(batch.length)
    }
  }
  return {
    note(tenant, device, isOnline) {
      const at_ms = clock.now()
      const kind = isOnline ? 'device_returned' : 'device_silent'
      waiting.push({ kind, key: `${kind}/${tenant}/${device}/${at_ms}`, tenant, device, at_ms })
      if (waiting.length > NOTES_MAX) {
        waiting.shift()
        log.warn('a note of presence was dropped', { waiting: waiting.length })
      }
      cancel ??= clock.after(GATHER_MS, () => {
        running = running.then(flush)
      })
    },
    async stop() {
      cancel?.()
      await running
      await flush()
    },
  }
}
