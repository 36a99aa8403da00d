/**
 * The login: user name, client id and secret must belong together, and a will may stand only on the principal's own state topic. A
 * refusal is CONNACK 5 whatever was wrong, so that nobody can ask which devices exist. With `--dev` a client without a password is
 * let in as nobody in particular, but never under the name of a registered device or gateway.
 */
import type { AuthenticateError, Client, ConnectPacket } from 'aedes'
import type { ErrorCode, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Identity } from './identity.ts'
import type { Principal } from './principal.ts'
import type { Sessions } from './sessions.ts'
import { mayHaveWill } from './topics.ts'

export interface LoginPorts {
  readonly registry: Pick<Identity, 'authenticate' | 'principalOf' | 'isKnown'>
  readonly sessions: Sessions
  readonly isDev: boolean
  readonly limits: Limits
  /** Counts a refusal and makes its error. */
  readonly refuse: (code: ErrorCode, reason: string, who: string) => MendlineError
}

export interface LoginCheck {
  /** Aedes's `preConnect`: the only place that sees CONNECT; it also bounds the keepalive. */
  remember(client: Client, packet: ConnectPacket, done: (error: Error | null, success: boolean) => void): void
  /** Aedes's `authenticate`. */
  check(
    client: Client,
    username: string | undefined,
    password: Buffer | undefined,
    done: (error: AuthenticateError | null, success: boolean | null) => void,
  ): void
}

/** CONNACK return code 5, not authorised. */
const NOT_AUTHORIZED = 5

export function createLogin({ registry, sessions, isDev, limits, refuse }: LoginPorts): LoginCheck {
  const connects = new WeakMap<Client, ConnectPacket>()

  const anonymous = (username: string | undefined, clientId: string): Principal | undefined => {
    return [username ?? '', clientId].some(registry.isKnown) ? undefined : { kind: 'anonymous' }
  }

  const identify = (client: Client, username: string | undefined, password: Buffer | undefined): Principal | undefined => {
    const clientId = connects.get(client)?.clientId ?? ''
    const hasPassword = password !== undefined && password.length > 0
    if (hasPassword) return registry.authenticate({ username, clientId, password })
    const certificateName = sessions.certificateOf(client)
    if (certificateName !== undefined) {
      return certificateName === clientId && (username === undefined || username === clientId) ? registry.principalOf(certificateName) : undefined
    }
    return isDev ? anonymous(username, clientId) : undefined
  }

  return {
    remember(client, packet, done) {
      if (packet.keepalive === undefined || packet.keepalive === 0 || packet.keepalive > limits.keepaliveS_MAX)
        packet.keepalive = limits.keepaliveS_MAX
      connects.set(client, packet)
      done(null, true)
    },
    check(client, username, password, done) {
      const principal = identify(client, username, password)
      const will = connects.get(client)?.will
      connects.delete(client)
      const fail = (code: ErrorCode, reason: string): void =>
        done(Object.assign(refuse(code, reason, client.id), { returnCode: NOT_AUTHORIZED }), false)
      if (principal === undefined) return fail('MDL_BROKER_BAD_CREDENTIALS', 'login refused')
      if (will !== undefined && !mayHaveWill(principal, { topic: will.topic, qos: will.qos ?? 0, isDev })) {
        return fail('MDL_BROKER_TOPIC_REFUSED', `will on ${will.topic}`)
      }
      done(null, sessions.open(client, client.id, principal) !== undefined)
    },
  }
}
