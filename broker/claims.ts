/**
 * Claims: a household takes a device as its own by the code on the appliance. The claim binds both with the consent that was given (by whom,
 * when, to which text, for which purposes) and ends when the household moves out; ended claims stay as records. One claim a device at a time,
 * the same again is the same claim. Codes are kept as hashes; guessing them is slowed per caller.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { insertAudit, listAudit } from './audit.ts'
import type { DeviceRegistry } from './device-registry.ts'
import type { ClaimRow, DeviceTables } from './device-tables.ts'
import { createGuesses } from './guesses.ts'

export interface Consent {
  /** Who gave it, as the caller knows the person. */
  readonly who: string
  /** Version of the text that was shown. */
  readonly text_version: string
  readonly purposes: readonly string[]
}

export interface Claim {
  readonly claim_id: string
  readonly tenant: string
  readonly device: string
  readonly household: string
  readonly consent: Consent & { readonly given_at_ms: number }
  readonly released_at_ms: number | null
  readonly release_reason: string | null
}

export interface Claims {
  /** New code for the appliance's label; the one before ends. Shown once. @throws MendlineError MDL_API_NOT_FOUND */
  newCode(tenant: string, device: string, actor: string): Promise<string>
  /** @throws MendlineError MDL_CLAIM_REFUSED, MDL_CLAIM_LOCKED, MDL_API_CONFLICT when another household has the device */
  claim(tenant: string, request: { readonly code: string; readonly household: string; readonly consent: Consent }, actor: string): Promise<Claim>
  /** Ends the claim; again on an ended one does nothing. @throws MendlineError MDL_API_NOT_FOUND */
  release(tenant: string, claimId: string, options: { readonly reason: string; readonly actor: string }): Promise<Claim>
  get(tenant: string, claimId: string): Promise<Claim | undefined>
  /** Oldest first, ended ones included, those behind `after`. */
  list(query: ClaimQuery): Promise<{ readonly items: readonly Claim[]; readonly next: string | null }>
  audit(query: Parameters<typeof listAudit>[1]): ReturnType<typeof listAudit>
}

export interface ClaimQuery {
  readonly tenant: string
  readonly device?: string | undefined
  readonly household?: string | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/** Crockford's letters without those that are mistaken for others. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** 60 bits; with the lock-out nobody finds one by trying. */
const CODE_LETTERS = 12

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

export function createClaims(ports: { readonly database: Kysely<DeviceTables>; readonly clock: Clock; readonly devices: DeviceRegistry }): Claims {
  const { database, clock, devices } = ports
  const guesses = createGuesses({ clock, limits })

  const find = async (tenant: string, claimId: string): Promise<ClaimRow | undefined> =>
    database.selectFrom('claims').selectAll().where('tenant', '=', tenant).where('claim_id', '=', claimId).executeTakeFirst()

  return {
    async newCode(tenant, device, actor) {
      if (devices.facts(tenant, device) === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${device}`)
      const code = [...randomBytes(CODE_LETTERS)].map((byte) => LETTERS[byte % LETTERS.length]).join('')
      await database.transaction().execute(async (inside) => {
        await inside.deleteFrom('claim_codes').where('tenant', '=', tenant).where('device', '=', device).execute()
        await inside
          .insertInto('claim_codes')
          .values({ tenant, code_hash: sha256(code), device })
          .execute()
        await insertAudit(inside, { tenant, at_ms: clock.now(), actor, action: 'claim_code.created', subject: device })
      })
      return code.replace(/(.{4})(?=.)/g, '$1-')
    },
    async claim(tenant, { code, household, consent }, actor) {
      const name = `${tenant} claim`
      if (guesses.isLocked(name, actor)) throw new MendlineError('MDL_CLAIM_LOCKED', 'too many wrong codes; wait a little', { retryable: true })
      const hash = sha256(plainCode(code))
      const row = await database.selectFrom('claim_codes').selectAll().where('tenant', '=', tenant).where('code_hash', '=', hash).executeTakeFirst()
      if (row === undefined || devices.facts(tenant, row.device) === undefined) {
        guesses.failed(name, actor)
        throw new MendlineError('MDL_CLAIM_REFUSED', 'the code belongs to no device')
      }
      guesses.succeeded(name, actor)
      const { device } = row
      const active = database.selectFrom('claims').selectAll().where('tenant', '=', tenant).where('device', '=', device)
      const held = await active.where('released_at_ms', 'is', null).executeTakeFirst()
      if (held !== undefined && held.household === household && held.text_version === consent.text_version) return toClaim(held)
      if (held !== undefined) throw new MendlineError('MDL_API_CONFLICT', `device ${device} is claimed; the claim must be released first`)
      const made = newRow({ tenant, device, household, consent, claimed_by: actor, nowMs: clock.now() })
      await devices.change(tenant, device, { household }, async (inside) => {
        // Two may ask together; inside the transaction one of them is first.
        const doubled = await inside
          .selectFrom('claims')
          .select('claim_id')
          .where('tenant', '=', tenant)
          .where('device', '=', device)
          .where('released_at_ms', 'is', null)
          .executeTakeFirst()
        if (doubled !== undefined) throw new MendlineError('MDL_API_CONFLICT', `device ${device} was claimed meanwhile`, { retryable: true })
        await inside.insertInto('claims').values(made).execute()
        const details = { claim_id: made.claim_id, household, text_version: consent.text_version, purposes: consent.purposes }
        await insertAudit(inside, { tenant, at_ms: clock.now(), actor, action: 'device.claimed', subject: device, details })
      })
      return toClaim(made)
    },
    async release(tenant, claimId, { reason, actor }) {
      const row = await find(tenant, claimId)
      if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no claim ${claimId}`)
      if (row.released_at_ms !== null) return toClaim(row)
      const change = { released_at_ms: clock.now(), released_by: actor, release_reason: reason }
      await devices.change(tenant, row.device, { household: null }, async (inside) => {
        await inside.updateTable('claims').set(change).where('tenant', '=', tenant).where('claim_id', '=', claimId).execute()
        const details = { claim_id: claimId, household: row.household, reason }
        await insertAudit(inside, { tenant, at_ms: clock.now(), actor, action: 'device.released', subject: row.device, details })
      })
      return toClaim({ ...row, ...change })
    },
    async get(tenant, claimId) {
      const row = await find(tenant, claimId)
      return row === undefined ? undefined : toClaim(row)
    },
    async list({ tenant, device, household, after = '', limit }) {
      let query = database.selectFrom('claims').selectAll().where('tenant', '=', tenant).where('claim_id', '>', after)
      if (device !== undefined) query = query.where('device', '=', device)
      if (household !== undefined) query = query.where('household', '=', household)
      const rows = await query
        .orderBy('claim_id')
        .limit(limit + 1)
        .execute()
      const items = rows.slice(0, limit).map(toClaim)
      return { items, next: rows.length > limit ? (items.at(-1)?.claim_id ?? null) : null }
    },
    audit: (query) => listAudit(database, query),
  }
}

/** A person types it: small letters, spaces and dashes do not matter, nor O for 0 and I or L for 1. */
const plainCode = (code: string): string => code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1')

interface NewRow {
  readonly tenant: string
  readonly device: string
  readonly household: string
  readonly consent: Consent
  readonly claimed_by: string
  readonly nowMs: number
}

function newRow({ tenant, device, household, consent, claimed_by, nowMs }: NewRow): ClaimRow {
  const claim_id = `claim_${String(nowMs).padStart(14, '0')}_${randomBytes(5).toString('hex')}`
  const { who, text_version, purposes } = consent
  const unset = { released_at_ms: null, released_by: null, release_reason: null }
  return { claim_id, tenant, device, household, who, text_version, purposes: JSON.stringify(purposes), given_at_ms: nowMs, claimed_by, ...unset }
}

const toClaim = ({
  claim_id,
  tenant,
  device,
  household,
  who,
  text_version,
  purposes,
  given_at_ms,
  released_at_ms,
  release_reason,
}: ClaimRow): Claim => ({
  claim_id,
  tenant,
  device,
  household,
  consent: { who, text_version, purposes: JSON.parse(purposes) as string[], given_at_ms },
  released_at_ms,
  release_reason,
})
