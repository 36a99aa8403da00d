/**
 * How an appliance gets its own secret: the factory asks for one-time claim tokens, the appliance gives its token once and has a secret of
 * its own from then on. Over HTTPS the server makes the secret; over MQTT the appliance brings one of 256 bits. Whose answer was lost asks
 * again with the same nonce (or the same secret) for a while and gets the same. Tokens and nonces are kept as hashes; each step leaves an
 * audit row in the transaction of its effect.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { fieldRefused, renamedFields } from '#kernel/field-errors.ts'
import { limits } from '#kernel/limits.ts'
import { insertAudit } from './audit.ts'
import { hashSecret, makeSecret } from './credentials.ts'
import type { DeviceRegistry } from './device-registry.ts'
import type { ClaimTokenRow, DeviceTables } from './device-tables.ts'
import { createGuesses } from './guesses.ts'
import { type Login, type Proof, parseLoginName } from './principal.ts'

export interface NewClaimToken {
  readonly device: string
  /** Needed for a device that is not registered yet. */
  readonly type?: string | undefined
  readonly model?: string | undefined
  readonly serial?: string | undefined
}

export interface ClaimToken {
  readonly device: string
  /** For the appliance; shown once. */
  readonly token: string
  readonly expires_at_ms: number
}

export interface Provisioning {
  /** Makes one token a device and registers the devices that are new; all or none of the tokens. @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  createTokens(tenant: string, wanted: readonly NewClaimToken[], options: { readonly validMs: number; readonly actor: string }): Promise<ClaimToken[]>
  /** Gives the device's own secret for its token. @throws MendlineError MDL_CLAIM_REFUSED, MDL_CLAIM_LOCKED */
  provision(
    request: { readonly tenant: string; readonly device: string; readonly token: string; readonly nonce: string },
    address: string,
  ): Promise<string>
  /** First login over MQTT, its password `claim.<token>.<secret>`; from then on the secret is the password. */
  authenticate(login: Login): Promise<Proof | undefined>
}

/** Tells a first login from others. */
export const isClaim = (password: Uint8Array): boolean => Buffer.from(password.subarray(0, 6)).toString('latin1') === 'claim.'

/** 32 bytes as base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export function createProvisioning(ports: {
  readonly database: Kysely<DeviceTables>
  readonly clock: Clock
  readonly devices: DeviceRegistry
}): Provisioning {
  const { database, clock, devices } = ports
  const guesses = createGuesses({ clock, limits })

  /** Uses the token; `proof` marks who asked, so that only the same one may ask again. */
  const use = async (row: ClaimTokenRow, proof: string, secret: string): Promise<void> => {
    if (row.used_at_ms !== null) {
      if (row.proof_hash === sha256(proof) && clock.now() - row.used_at_ms < limits.claimRetryMs) return
      throw refused()
    }
    if (clock.now() >= row.expires_at_ms) throw refused()
    await devices.change(
      row.tenant,
      row.device,
      { secret_hash: hashSecret(secret), previous_secret_hash: null, previous_secret_until_ms: null },
      async (inside) => {
        const change = { used_at_ms: clock.now(), proof_hash: sha256(proof) }
        const used = inside.updateTable('claim_tokens').set(change).where('token_hash', '=', row.token_hash).where('used_at_ms', 'is', null)
        if ((await used.executeTakeFirst()).numUpdatedRows === 0n) throw refused()
        await insertAudit(inside, {
          tenant: row.tenant,
          at_ms: clock.now(),
          actor: `device:${row.device}`,
          action: 'device.provisioned',
          subject: row.device,
        })
      },
    )
  }
  const find = async (tenant: string, device: string, token: string): Promise<ClaimTokenRow | undefined> => {
    const row = await database.selectFrom('claim_tokens').selectAll().where('token_hash', '=', sha256(token)).executeTakeFirst()
    const isOwn = row !== undefined && row.tenant === tenant && row.device === device && devices.facts(tenant, device) !== undefined
    return isOwn ? row : undefined
  }

  return {
    async createTokens(tenant, wanted, { validMs, actor }) {
      const fresh = wanted.filter(({ device }) => devices.get(tenant, device) === undefined)
      refuseOtherTypes(devices, tenant, wanted)
      const gone = wanted.find(({ device }) => devices.get(tenant, device)?.revoked_at_ms != null)
      if (gone !== undefined) throw new MendlineError('MDL_API_CONFLICT', `device ${gone.device} is revoked`)
      // Their first secrets are shown to nobody; the claim replaces them.
      if (fresh.length > 0) {
        await devices
          .create(fresh.map((device) => ({ ...device, tenant, type: device.type ?? '' })))
          .catch((error: unknown) => Promise.reject(renamedFields(error, (field) => placeAmong(wanted, fresh, field))))
      }
      const expires_at_ms = clock.now() + validMs
      const made = wanted.map(({ device }) => ({ device, token: makeSecret(), expires_at_ms }))
      await database.transaction().execute(async (inside) => {
        for (const { device, token } of made) {
          const unused = { used_at_ms: null, proof_hash: null, salt: randomBytes(32).toString('hex') }
          await inside
            .insertInto('claim_tokens')
            .values({ token_hash: sha256(token), tenant, device, created_at_ms: clock.now(), expires_at_ms, ...unused })
            .execute()
          await insertAudit(inside, { tenant, at_ms: clock.now(), actor, action: 'claim_token.created', subject: device })
        }
      })
      return made
    },
    async provision({ tenant, device, token, nonce }, address) {
      const name = `${tenant}:${device}`
      if (guesses.isLocked(name, address)) throw new MendlineError('MDL_CLAIM_LOCKED', 'too many failed claims; wait a little', { retryable: true })
      try {
        const row = await find(tenant, device, token)
        if (row === undefined) throw refused()
        const secret = createHmac('sha256', Buffer.from(row.salt, 'hex')).update(`${token}.${nonce}`).digest('base64url')
        await use(row, nonce, secret)
        guesses.succeeded(name, address)
        return secret
      } catch (cause) {
        if (cause instanceof MendlineError && cause.code === 'MDL_CLAIM_REFUSED') guesses.failed(name, address)
        throw cause
      }
    },
    async authenticate({ username, clientId, password }) {
      const name = username === clientId ? parseLoginName(clientId) : undefined
      const [, token = '', secret = '', ...rest] = Buffer.from(password ?? '')
        .toString('latin1')
        .split('.')
      if (name === undefined || rest.length > 0 || !SECRET.test(secret)) return undefined
      const row = await find(name.tenant, name.id, token)
      if (row === undefined) return undefined
      await use(row, secret, secret)
      const principal = devices.principalOf(clientId)
      return principal === undefined ? undefined : { principal }
    },
  }
}

/** A token changes no type: it is given for a new device, and is that of a registered one. */
function refuseOtherTypes(devices: Pick<DeviceRegistry, 'get'>, tenant: string, wanted: readonly NewClaimToken[]): void {
  for (const [index, { device, type }] of wanted.entries()) {
    const known = devices.get(tenant, device)
    const field = `body.devices[${index}].type`
    if (known === undefined && type === undefined) throw fieldRefused(field, `device ${device} is not registered; give its type`)
    if (known === undefined || type === undefined || known.type === type) continue
    throw fieldRefused(field, `device ${device} is registered as ${known.type}`, 'MDL_API_CONFLICT')
  }
}

/** A field of one of the new devices, named by its place among all. */
const placeAmong = (wanted: readonly NewClaimToken[], fresh: readonly NewClaimToken[], field: string): string =>
  field.replace(/^body\[(\d+)\]/, (_, index: string) => {
    const own = fresh[Number(index)]
    return `body.devices[${own === undefined ? index : wanted.indexOf(own)}]`
  })

/** One refusal for an unknown, used, expired and foreign token. */
const refused = (): MendlineError =>
  new MendlineError('MDL_CLAIM_REFUSED', 'tenant, device and token do not belong together, or the token is used or expired')
