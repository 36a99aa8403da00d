/**
 * Logins by token: a JWT in place of the password, signed by a public key that was registered for the principal, or by an issuer of its
 * tenant whose keys the configuration pins. Nothing is ever fetched. Each key is bound to one asymmetric algorithm, so neither `none` nor a
 * key used as another kind passes; `sub` is the login name, `aud` ours, `exp` required and bounded, and the session ends with it.
 */
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK, importJWK, importSPKI, type JWK, jwtVerify } from 'jose'
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import type { DeviceTables, PrincipalKeyRow } from './device-tables.ts'
import { type Login, loginName, type Principal, type Proof, parseLoginName } from './principal.ts'

export const TOKEN_ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number]

/** An issuer of a tenant's tokens, as the configuration has it. */
export interface TokenIssuer {
  readonly issuer: string
  /** Public keys; each names its `alg`. */
  readonly keys: readonly object[]
}

export interface TokenSettings {
  /** What `aud` must hold. */
  readonly audience: string
  readonly issuers: Readonly<Record<string, TokenIssuer>>
}

/** A registered key, without the key. */
export interface KeyRecord {
  readonly key_id: string
  readonly alg: TokenAlgorithm
  readonly created_at_ms: number
}

export interface TokenKeys {
  /** Reads the registered keys and checks those of the issuers. @throws MendlineError MDL_CONFIG_INVALID */
  start(): Promise<void>
  /** Registers a public key (JWK or PEM). @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT, MDL_API_NOT_FOUND */
  add(tenant: string, principal: string, key: { readonly alg: TokenAlgorithm; readonly jwk?: object; readonly pem?: string }): Promise<KeyRecord>
  list(tenant: string, principal: string): readonly KeyRecord[]
  /** Ends the key and the sessions of its principal. @throws MendlineError MDL_API_NOT_FOUND */
  remove(tenant: string, principal: string, keyId: string): Promise<void>
  authenticate(login: Login): Promise<Proof | undefined>
}

export interface TokenKeyPorts {
  readonly database: Kysely<DeviceTables>
  readonly clock: Clock
  readonly settings: TokenSettings
  /** Principal of a login name that is not revoked. */
  readonly principalOf: (name: string) => Principal | undefined
  /** Told when a key ended. */
  readonly onEnded: (tenant: string, principal: string) => void
}

/** One key that may have signed a token. */
interface Candidate {
  readonly keyId: string
  readonly alg: string
  readonly jwk: JWK
  readonly issuer?: string
}

/** Tells a token from a secret: our secrets have no dots. */
export const isToken = (password: Uint8Array): boolean => /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/.test(Buffer.from(password).toString('latin1'))

const isAlgorithm = (alg: unknown): alg is TokenAlgorithm => TOKEN_ALGORITHMS.some((known) => known === alg)

export function createTokenKeys(ports: TokenKeyPorts): TokenKeys {
  const { database, clock, settings, principalOf } = ports
  const rows = new Map<string, PrincipalKeyRow[]>()
  const issued = new Map<string, Candidate[]>()
  const toRecord = ({ key_id, alg, created_at_ms }: PrincipalKeyRow): KeyRecord => ({ key_id, alg: alg as TokenAlgorithm, created_at_ms })

  return {
    async start() {
      rows.clear()
      for (const row of await database.selectFrom('principal_keys').selectAll().execute()) {
        const name = loginName(row.tenant, row.principal)
        rows.set(name, [...(rows.get(name) ?? []), row])
      }
      for (const [tenant, issuer] of Object.entries(settings.issuers)) issued.set(tenant, await readIssuer(tenant, issuer))
    },
    async add(tenant, principal, { alg, jwk, pem }) {
      const name = loginName(tenant, principal)
      if (principalOf(name) === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${principal}`)
      const known = rows.get(name) ?? []
      if (known.length >= limits.keysPerPrincipal_MAX)
        throw new MendlineError('MDL_API_CONFLICT', `it has ${known.length} keys already; remove one first`)
      const read = await readPublic(alg, jwk, pem)
      const keyId = await calculateJwkThumbprint(read)
      if (known.some(({ key_id }) => key_id === keyId)) throw new MendlineError('MDL_API_CONFLICT', 'the key is registered already')
      const row = { tenant, principal, key_id: keyId, alg, public_jwk: JSON.stringify(read), created_at_ms: clock.now() }
      await database.insertInto('principal_keys').values(row).execute()
      rows.set(name, [...(rows.get(name) ?? []), row])
      return toRecord(row)
    },
    list: (tenant, principal) => (rows.get(loginName(tenant, principal)) ?? []).map(toRecord),
    async remove(tenant, principal, keyId) {
      const name = loginName(tenant, principal)
      const known = rows.get(name) ?? []
      if (!known.some(({ key_id }) => key_id === keyId)) throw new MendlineError('MDL_API_NOT_FOUND', `there is no key ${keyId}`)
      const where = database.deleteFrom('principal_keys').where('tenant', '=', tenant).where('principal', '=', principal)
      await where.where('key_id', '=', keyId).execute()
      rows.set(
        name,
        (rows.get(name) ?? []).filter(({ key_id }) => key_id !== keyId),
      )
      ports.onEnded(tenant, principal)
    },
    async authenticate({ username, clientId, password }) {
      const name = username === clientId ? parseLoginName(clientId) : undefined
      if (name === undefined || password === undefined) return undefined
      const principal = principalOf(clientId)
      const own = (rows.get(clientId) ?? []).map((row): Candidate => ({ keyId: row.key_id, alg: row.alg, jwk: JSON.parse(row.public_jwk) as JWK }))
      const untilMs = await verify(Buffer.from(password).toString('latin1'), [...own, ...(issued.get(name.tenant) ?? [])], {
        subject: clientId,
        audience: settings.audience,
        nowMs: clock.now(),
      })
      return principal === undefined || untilMs === undefined ? undefined : { principal, untilMs }
    },
  }
}

/** How far the clock of who signed may be from ours. */
const CLOCK_TOLERANCE_S = 30

/** Gives the end of the token, epoch ms, when one of the keys signed it and its claims hold. */
async function verify(
  token: string,
  candidates: readonly Candidate[],
  { subject, audience, nowMs }: { readonly subject: string; readonly audience: string; readonly nowMs: number },
): Promise<number | undefined> {
  for (const { keyId, alg, jwk, issuer } of candidates) {
    try {
      const header = decodeProtectedHeader(token)
      if (header.alg !== alg || (header.kid !== undefined && header.kid !== keyId)) continue
      const { payload } = await jwtVerify(token, await importJWK(jwk, alg), {
        algorithms: [alg],
        subject,
        audience,
        ...(issuer === undefined ? {} : { issuer }),
        requiredClaims: ['exp', 'sub', 'aud'],
        currentDate: new Date(nowMs),
        clockTolerance: CLOCK_TOLERANCE_S,
      })
      const untilMs = (payload.exp ?? 0) * 1_000
      if (untilMs > nowMs && untilMs - nowMs <= limits.tokenLifetimeMs_MAX) return untilMs
    } catch {
      // Another key may have signed it; what is wrong with the token is nobody's business.
    }
  }
  return undefined
}

async function readPublic(alg: TokenAlgorithm, jwk: object | undefined, pem: string | undefined): Promise<JWK> {
  const fields =
    jwk === undefined && pem !== undefined ? ['body.pem'] : pem === undefined && jwk !== undefined ? ['body.jwk'] : ['body.jwk', 'body.pem']
  const invalid = (reason: string, cause?: unknown): MendlineError =>
    new MendlineError('MDL_API_INVALID', reason, { cause, details: { errors: fields.map((field) => ({ field, reason })) } })
  if (fields.length > 1) throw invalid('give either jwk or pem')
  try {
    const key = pem === undefined ? await importJWK({ ...(jwk as JWK), alg }, alg) : await importSPKI(pem, alg, { extractable: true })
    if (key instanceof Uint8Array || key.type !== 'public') throw new Error('it is no public key')
    const read = pem === undefined ? pickPublic(jwk as JWK) : await exportJWK(key)
    if (alg === 'RS256' && Buffer.from(read.n ?? '', 'base64url').length < RSA_BYTES_MIN) throw new Error('RSA needs 2048 bits at least')
    return read
  } catch (cause) {
    throw invalid(`the key cannot be used for ${alg}: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
}

const RSA_BYTES_MIN = 256

/** Only what belongs to a public key of its kind is kept. */
function pickPublic({ kty, crv, x, y, n, e }: JWK): JWK {
  const fields = { kty, crv, x, y, n, e }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JWK
}

async function readIssuer(tenant: string, { issuer, keys }: TokenIssuer): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for (const [index, jwk] of (keys as readonly JWK[]).entries()) {
    if (!isAlgorithm(jwk.alg)) throw faultyIssuer(tenant, index, `alg must be one of ${TOKEN_ALGORITHMS.join(', ')}`)
    const read = await readPublic(jwk.alg, jwk, undefined).catch((cause: unknown) => {
      throw faultyIssuer(tenant, index, cause instanceof Error ? cause.message : String(cause))
    })
    candidates.push({ keyId: jwk.kid ?? (await calculateJwkThumbprint(read)), alg: jwk.alg, jwk: read, issuer })
  }
  return candidates
}

const faultyIssuer = (tenant: string, index: number, reason: string): MendlineError =>
  new MendlineError('MDL_CONFIG_INVALID', `jwt.issuers_file: key ${index} of tenant ${tenant}: ${reason}`)
