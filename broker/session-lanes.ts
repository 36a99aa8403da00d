/** Gives each session of a registered principal its fast lane, and knows whether somebody listens to telemetry, so that Aedes must see it. */
import type { Children } from './children.ts'
import { createLanes, type Lane, type LanePorts } from './lane.ts'
import type { Session } from './sessions.ts'

export interface SessionLanes {
  /** The lane of a session; nobody in particular (`--dev`) has none. */
  of(session: Session): Lane | undefined
  /** Somebody subscribed who may hear telemetry (`--dev`). Valid for good: a persistent session hears on while it is away. */
  heard(): void
}

type SessionLanePorts = Omit<LanePorts, 'isHeard' | 'openDoor'> & {
  readonly openDoor: LanePorts['openDoor'] | undefined
  readonly children: Pick<Children, 'heard'>
}

/** Without `openDoor` no session has a lane. */
export function createSessionLanes({ openDoor, children, ...ports }: SessionLanePorts): SessionLanes {
  let isHeard = false
  const open = openDoor === undefined ? undefined : createLanes({ ...ports, openDoor, isHeard: () => isHeard })
  return {
    of(session) {
      const { name, principal, guard, client } = session
      if (open === undefined || principal.kind === 'anonymous') return undefined
      // Aedes counts a client as alive by the packets that it sees; the package declares no type for its timer.
      const alive = client as { readonly _keepaliveTimer?: NodeJS.Timeout | null }
      return open({
        name,
        principal,
        flow: guard.flow,
        acknowledge: (pubacks) => guard.acknowledge(pubacks),
        onIdle: () => guard.laneIsIdle(),
        abort: () => guard.destroy(),
        keepAlive: () => alive._keepaliveTimer?.refresh(),
        onHeard: principal.kind === 'gateway' ? (device) => children.heard(session, principal.tenant, device) : undefined,
      })
    },
    heard() {
      isHeard = true
    },
  }
}
