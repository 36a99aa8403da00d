/**
 * Presence of devices behind gateways: a child is there from the first word that its gateway says for it (a reading, an event, a birth)
 * until the gateway says otherwise, loses the child from its list, or loses its own connection. A child that is also connected itself,
 * or through a second gateway, stays.
 */
import type { Presence } from './presence.ts'
import { loginName } from './principal.ts'
import type { Session, Sessions } from './sessions.ts'
import type { UplinkTopic } from './topics.ts'

export interface Children {
  /** A gateway spoke for a device. Costs a look into a set after the first word of a connection. */
  heard(session: Session, tenant: string, device: string): void
  /** A state message was accepted; reads presence from it. */
  read(session: Session, uplink: UplinkTopic, payload: Uint8Array): void
  /** A connection is gone: its device and its children with it, unless somebody else still speaks for them. */
  gone(session: Session, isLast: boolean): void
  /** The gateway speaks for these no more. */
  released(tenant: string, gateway: string, devices: readonly string[]): void
}

export function createChildren({ presence, sessions }: { readonly presence: Presence; readonly sessions: Sessions }): Children {
  /** Connections of gateways that speak for a child now, by login name; bounded by the devices of the registry. */
  const voices = new Map<string, number>()

  const join = (session: Session, name: string, device: string): void => {
    session.children.add(device)
    voices.set(name, (voices.get(name) ?? 0) + 1)
  }
  const leave = (session: Session, tenant: string, device: string): void => {
    if (!session.children.delete(device)) return
    const name = loginName(tenant, device)
    const left = (voices.get(name) ?? 1) - 1
    if (left > 0) voices.set(name, left)
    else voices.delete(name)
    if (left === 0 && sessions.byName(name) === undefined) presence.set(tenant, device, false)
  }
  const heard: Children['heard'] = (session, tenant, device) => {
    if (session.principal.kind !== 'gateway' || session.children.has(device)) return
    join(session, loginName(tenant, device), device)
    presence.set(tenant, device, true)
  }

  return {
    heard,
    read(session, { tenant, device }, payload) {
      const isOnline = presence.read(tenant, device, payload)
      if (session.principal.kind !== 'gateway') return
      if (isOnline === true) heard(session, tenant, device)
      if (isOnline === false) leave(session, tenant, device)
    },
    gone(session, isLast) {
      if (session.principal.kind === 'anonymous') return
      const { kind, tenant, id } = session.principal
      if (kind === 'device' && isLast && !voices.has(session.name)) presence.set(tenant, id, false)
      // A newer connection of the same gateway takes its children over.
      const newer = sessions.byName(session.name)
      for (const device of [...session.children]) {
        if (newer !== undefined && !newer.children.has(device)) join(newer, loginName(tenant, device), device)
        leave(session, tenant, device)
      }
    },
    released(tenant, gateway, devices) {
      const session = sessions.byName(loginName(tenant, gateway))
      if (session !== undefined) for (const device of devices) leave(session, tenant, device)
    },
  }
}
