/**
 * Who stands behind a connection. A principal is a device, or a gateway with a list of the devices it speaks for; with `--dev` also
 * nobody in particular. Its login name `{tenant}:{id}` is user name and client id alike, so one principal can never take over the
 * session of another.
 */
import { isId } from '#kernel/ids.ts'

/** What the broker must know of a device to stamp its messages. */
export interface DeviceFacts {
  readonly type: string
  readonly maxAgeDays: number
}

export type Principal =
  | {
      readonly kind: 'device' | 'gateway'
      readonly tenant: string
      /** Device or gateway id, unique in its tenant. */
      readonly id: string
      /** The devices it speaks for; a device speaks for itself. */
      readonly devices: ReadonlyMap<string, DeviceFacts>
    }
  | { readonly kind: 'anonymous' }

/** A login that was proven. */
export interface Proof {
  readonly principal: Principal
  /** When the proof ends (a token, a certificate), epoch ms; the session ends with it. */
  readonly untilMs?: number | undefined
}

export interface Login {
  readonly username: string | undefined
  readonly clientId: string
  readonly password: Uint8Array | undefined
}

/** Joins tenant and principal to the login name. */
export const loginName = (tenant: string, principal: string): string => `${tenant}:${principal}`

/** Splits a login name; undefined when it is not two ids joined by one colon. */
export function parseLoginName(name: string): { tenant: string; id: string } | undefined {
  const colon = name.indexOf(':')
  if (colon < 0) return undefined
  const tenant = name.slice(0, colon)
  const id = name.slice(colon + 1)
  return isId(tenant) && isId(id) ? { tenant, id } : undefined
}
