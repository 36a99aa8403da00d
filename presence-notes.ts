/**
 * Turns comings and goings of connections into notes for the hubs: a device is silent when it has been away for a grace time, and returned when it
 * comes after that. A short reconnect says nothing, and a town whose power comes back is a few transactions, not one a device.
 */
import type { Clock, EpochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Log } from '#kernel/log.ts'

export interface PresenceNotes {
  note(tenant: string, device: string, isOnline: boolean): void
  /** Hands over what is owed and stops; who is away for less than the grace time is not noted. */
  stop(): Promise<void>
}

/** A device that was away for less has not been silent (chosen: longer than a router's restart). */
const GRACE_MS = 120_000
/** Silent devices are looked for this often. */
const LOOK_MS = 5_000
/** Events of one transaction. */
const BATCH = 500

export function createPresenceNotes(parts: {
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}): PresenceNotes {
  const { apply, clock, log } = parts
  /** Since when a device is away, by `{tenant}/{device}`; bounded by the devices of the registry. */
  const away = new Map<string, { readonly tenant: string; readonly device: string; readonly sinceMs: EpochMs; isSaid: boolean }>()
  let owed: HubEvent[] = []
  let cancel = (): void => {}
  let running: Promise<void> = Promise.resolve()

  const owe = (kind: 'device_silent' | 'device_returned', tenant: string, device: string, at_ms: EpochMs): void => {
    owed.push({ kind, key: `${kind}/${tenant}/${device}/${at_ms}`, tenant, device, at_ms })
  }
  const look = async (): Promise<void> => {
    const nowMs = clock.now()
    for (const entry of away.values()) {
      if (entry.isSaid || nowMs - entry.sinceMs < GRACE_MS) continue
      entry.isSaid = true
      owe('device_silent', entry.tenant, entry.device, entry.sinceMs)
    }
    while (owed.length > 0) {
      const batch = owed.slice(0, BATCH)
      try {
        await apply(batch)
      } catch (cause) {
        log.error('presence was not noted, it is tried again', { waiting: owed.length, cause: String(cause) })
        return
      }
      owed = owed.slice(batch.length)
    }
  }
  const schedule = (): void => {
    cancel = clock.after(LOOK_MS, () => {
      running = look().finally(schedule)
    })
  }
  schedule()
  return {
    note(tenant, device, isOnline) {
      const key = `${tenant}/${device}`
      const entry = away.get(key)
      if (!isOnline) {
        if (entry === undefined) away.set(key, { tenant, device, sinceMs: clock.now(), isSaid: false })
        return
      }
      if (entry?.isSaid === true) owe('device_returned', tenant, device, clock.now())
      away.delete(key)
    },
    async stop() {
      cancel()
      await running
      cancel()
      await look()
    },
  }
}
