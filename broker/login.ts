/**
 * The login: user name, client id and proof (secret, token or client certificate) must belong together, and a will may stand only on the
 * state of a device that the principal speaks for. A refusal is CONNACK 5 whatever was wrong, so that nobody can ask which devices exist;
 * who fails often waits (`guesses.ts`). With `--dev` a client without a password is let in as nobody in particular, but never under the
 * name of a registered device or gateway.
 */
import type { AuthenticateError, Client, ConnectPacket } from 'aedes'
import type { Clock } from '#kernel/clock.ts'
import type { ErrorCode, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import { createGuesses } from './guesses.ts'
import type { Identity, Verdict } from './identity.ts'
import type { Proof } from './principal.ts'
import type { Sessions } from './sessions.ts'
import { mayHaveWill } from './topics.ts'

export interface LoginPorts {
  readonly registry: Pick<Identity, 'authenticate' | 'principalOf' | 'isKnown'>
  readonly sessions: Sessions
  /** Tells whether a certificate with this serial number was revoked. */
  readonly isRevoked: (serial: string) => boolean
  readonly isDev: boolean
  readonly limits: Limits
  readonly clock: Clock
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

export function createLogin({ registry, sessions, isRevoked, isDev, limits, clock, refuse }: LoginPorts): LoginCheck {
  const guesses = createGuesses({ clock, limits })
  const connects = new WeakMap<Client, ConnectPacket>()

  const anonymous = (username: string | undefined, clientId: string): Proof | undefined => {
    return [username ?? '', clientId].some(registry.isKnown) ? undefined : { principal: { kind: 'anonymous' } }
  }

  const identify = (client: Client, username: string | undefined, password: Buffer | undefined): Verdict => {
    const clientId = connects.get(client)?.clientId ?? ''
    if (password !== undefined && password.length > 0) return registry.authenticate({ username, clientId, password })
    const certificate = sessions.peerOf(client)?.certificate
    if (certificate === undefined) return isDev ? anonymous(username, clientId) : undefined
    const isOwn = certificate.name === clientId && (username === undefined || username === clientId)
    const isValid = isOwn && !isRevoked(certificate.serial)
    const principal = isValid ? registry.principalOf(certificate.name) : undefined
    return principal === undefined ? undefined : { principal, untilMs: certificate.untilMs }
  }

  return {
    remember(client, packet, done) {
      if (packet.keepalive === undefined || packet.keepalive === 0 || packet.keepalive > limits.keepaliveS_MAX)
        packet.keepalive = limits.keepaliveS_MAX
      connects.set(client, packet)
      done(null, true)
    },
    check(client, username, password, done) {
      const will = connects.get(client)?.will
      const address = sessions.peerOf(client)?.address ?? ''
      const name = username ?? client.id
      const fail = (code: ErrorCode, reason: string): void =>
        done(Object.assign(refuse(code, reason, client.id), { returnCode: NOT_AUTHORIZED }), false)
      const conclude = (proof: Proof | undefined): void => {
        if (proof === undefined) {
          guesses.failed(name, address)
          fail('MDL_BROKER_BAD_CREDENTIALS', 'login refused')
          return
        }
        if (proof.principal.kind !== 'anonymous') guesses.succeeded(name, address)
        if (will !== undefined && !mayHaveWill(proof.principal, { topic: will.topic, qos: will.qos ?? 0, isDev })) {
          fail('MDL_BROKER_TOPIC_REFUSED', `will on ${will.topic}`)
        } else done(null, sessions.open(client, client.id, proof) !== undefined)
      }
      const verdict = guesses.isLocked(name, address) ? 'locked' : identify(client, username, password)
      connects.delete(client)
      if (verdict === 'locked') fail('MDL_BROKER_LOCKED_OUT', 'too many failed logins')
      else if (verdict instanceof Promise) verdict.then(conclude, () => conclude(undefined))
      else conclude(verdict)
    },
  }
}
