/**
 * Brings desired settings to devices: at each subscription to the topic, as a retained message would come, and when they change. The
 * settings lie in the operational store and nowhere else; expired ones are not sent.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import { findDesired } from './settings-book.ts'
import type { TwinTables } from './twin-tables.ts'

export interface SettingsChannel {
  /** Writes to each live session with a subscription that covers the device's settings; gives how many. `retain` = it answers a SUBSCRIBE. */
  sendDesired(message: { readonly tenant: string; readonly device: string; readonly payload: Uint8Array; readonly retain: boolean }): number
}

export interface SettingsSender {
  start(): Promise<void>
  stop(): Promise<void>
  /** A session of the device subscribed to its settings. */
  serve(tenant: string, device: string): void
  /** The settings of the device changed. */
  changed(tenant: string, device: string): void
}

/** Subscriptions that come together are served together. */
const SERVE_AFTER_MS = 20
/** Wait before settings that could not be read are tried again. */
const RETRY_MS = 1_000
/** Devices served before the event loop gets its turn. */
const BATCH = 100

export function createSettingsSender(parts: {
  readonly database: Kysely<TwinTables>
  readonly channel: () => SettingsChannel | undefined
  readonly clock: Clock
  readonly log: Log
}): SettingsSender {
  const { database, channel, clock, log } = parts
  /** Devices that have settings; bounded by the devices of the registry. */
  const known = new Set<string>()
  /** Devices to serve, with whether a subscription asked for it. */
  const toServe = new Map<string, boolean>()
  let cancel: (() => void) | undefined
  let running: Promise<void> = Promise.resolve()
  let isStopping = false

  const serveSome = async (): Promise<void> => {
    for (const [key, retain] of [...toServe].slice(0, BATCH)) {
      const slash = key.indexOf('/')
      const device = { tenant: key.slice(0, slash), device: key.slice(slash + 1) }
      const found = await findDesired(database, device, clock.now())
      toServe.delete(key)
      if (found === undefined || found.is_expired) continue
      const { version, expires_at_ms, desired } = found
      const payload = Buffer.from(JSON.stringify({ version, ...(expires_at_ms === null ? {} : { expires_at_ms }), desired }))
      channel()?.sendDesired({ ...device, payload, retain })
    }
  }
  const schedule = (afterMs: number): void => {
    if (isStopping || cancel !== undefined) return
    cancel = clock.after(afterMs, () => {
      cancel = undefined
      running = serveSome().then(
        () => {
          if (toServe.size > 0) schedule(0)
        },
        (cause: unknown) => {
          log.error('settings wait', { devices: toServe.size, cause: String(cause) })
          schedule(RETRY_MS)
        },
      )
    })
  }
  const serve = (tenant: string, device: string, retain: boolean): void => {
    const key = `${tenant}/${device}`
    if (!known.has(key)) return
    toServe.set(key, retain)
    schedule(SERVE_AFTER_MS)
  }
  return {
    async start() {
      for (const { tenant, device } of await database.selectFrom('twin_desired').select(['tenant', 'device']).execute())
        known.add(`${tenant}/${device}`)
    },
    async stop() {
      isStopping = true
      cancel?.()
      await running
    },
    serve: (tenant, device) => serve(tenant, device, true),
    changed(tenant, device) {
      known.add(`${tenant}/${device}`)
      serve(tenant, device, false)
    },
  }
}
