/** Which devices are there: from connections, birth messages and last wills. It tells of changes only; one flag a device in memory. */
import { loginName } from './principal.ts'

export interface Presence {
  set(tenant: string, device: string, isOnline: boolean): void
  /** Takes `{"online": boolean}` from a state message and returns it; anything else says nothing. */
  read(tenant: string, device: string, payload: Uint8Array): boolean | undefined
}

/** A state message is a few fields; a longer one is journalled but not looked into here. */
const STATE_BYTES_MAX = 4 * 1024

export function createPresence(onState: (tenant: string, device: string, isOnline: boolean) => void): Presence {
  const online = new Map<string, boolean>()
  const set = (tenant: string, device: string, isOnline: boolean): void => {
    const name = loginName(tenant, device)
    if ((online.get(name) ?? false) === isOnline) return
    online.set(name, isOnline)
    onState(tenant, device, isOnline)
  }
  return {
    set,
    read(tenant, device, payload) {
      const isOnline = payload.length <= STATE_BYTES_MAX ? readOnline(payload) : undefined
      if (isOnline !== undefined) set(tenant, device, isOnline)
      return isOnline
    },
  }
}

function readOnline(payload: Uint8Array): boolean | undefined {
  try {
    const state: unknown = JSON.parse(Buffer.from(payload).toString('utf8'))
    if (typeof state !== 'object' || state === null || !Object.hasOwn(state, 'online')) return undefined
    const { online } = state as { online: unknown }
    return typeof online === 'boolean' ? online : undefined
  } catch {
    // Bad JSON is a matter of the quarantine, not of presence.
    return undefined
  }
}
