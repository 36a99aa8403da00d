/** The webhook endpoints of a tenant: adding, reading, changing, rotating their secrets and removing them. A secret is shown once. */
import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { fieldRefused } from '#kernel/field-errors.ts'
import type { TargetGuard } from './dispatch/webhook-target.ts'
import type { EndpointRow, HubTables } from './hub-tables.ts'
import type { Page } from './lists.ts'
import { markHeads } from './outbox-heads.ts'

/** An endpoint as the API gives it, without its secrets. */
export interface Endpoint {
  readonly endpoint_id: string
  readonly tenant: string
  readonly url: string
  /** Exact types, or prefixes that end in `*`; empty = all. */
  readonly types: readonly string[]
  readonly description: string
  readonly enabled: boolean
  readonly disabled_reason: string | null
  readonly created_at_ms: number
}

export interface NewEndpoint {
  readonly url: string
  readonly types?: readonly string[] | undefined
  readonly description?: string | undefined
  /** `whsec_` + base64 of 24 to 64 bytes; made when absent. */
  readonly secret?: string | undefined
}

export interface EndpointChange {
  readonly url?: string | undefined
  readonly types?: readonly string[] | undefined
  readonly description?: string | undefined
  readonly enabled?: boolean | undefined
}

/** Which of two secrets that both sign makes room for a new one. */
export type SecretEnd = 'older' | 'newer'

export interface OutboxEndpoints {
  /** @throws MendlineError MDL_HUBS_WEBHOOK_TARGET_REFUSED, MDL_API_INVALID */
  create(tenant: string, given: NewEndpoint): Promise<Endpoint & { readonly secret: string }>
  /** In order of their ids, those behind the id `after`. */
  list(query: { readonly tenant: string; readonly after?: string | undefined; readonly limit?: number | undefined }): Promise<Page<Endpoint>>
  get(tenant: string, id: string): Promise<Endpoint | undefined>
  /** Undefined when there is none; enabling makes what is owed due at once. @throws MendlineError MDL_HUBS_WEBHOOK_TARGET_REFUSED, MDL_API_INVALID */
  update(tenant: string, id: string, change: EndpointChange): Promise<Endpoint | undefined>
  /**
   * Gives a new secret; the old one signs beside it for 24 hours. While an older one still does, `ends` says which of the two that sign ends
   * now: the `older`, or the `newer`, which nobody has taken up; without it nothing is changed.
   * @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT (two sign already; `previous_until_ms` in the details)
   */
  rotateSecret(tenant: string, id: string, ends?: SecretEnd): Promise<{ readonly secret: string; readonly previous_until_ms: number }>
  /** Removes the endpoint with its deliveries; tells whether there was one. */
  remove(tenant: string, id: string): Promise<boolean>
}

/** Endpoints of one tenant; a further one is refused. */
const ENDPOINTS_MAX = 20
const EVENT_TYPES_MAX = 50
const DESCRIPTION_LENGTH_MAX = 200
const ROTATION_MS = 24 * 3_600_000

/** Creates the book of endpoints; `onChange` is told when deliveries may have become due. */
export function createOutboxEndpoints(options: {
  readonly database: Kysely<HubTables>
  readonly clock: Clock
  readonly guard: TargetGuard
  readonly onChange: () => void
  /** Begin of the ids of new endpoints. */
  readonly prefix: string
}): OutboxEndpoints {
  const { database, clock, guard, onChange, prefix } = options
  const find = (tenant: string, id: string): Promise<EndpointRow | undefined> =>
    database.selectFrom('outbox_endpoints').selectAll().where('tenant', '=', tenant).where('endpoint_id', '=', id).executeTakeFirst()
  const save = async (row: EndpointRow): Promise<void> => {
    const { endpoint_id, ...values } = row
    await database.updateTable('outbox_endpoints').set(values).where('endpoint_id', '=', endpoint_id).execute()
  }
  return {
    async create(tenant, given) {
      const row: EndpointRow = {
        endpoint_id: `${prefix}${randomBytes(10).toString('hex')}`,
        tenant,
        url: guard.checkUrl(given.url).href,
        secret: given.secret === undefined ? newSecret() : checkSecret(given.secret),
        previous_secret: null,
        previous_until_ms: null,
        event_types: JSON.stringify(checkTypes(given.types ?? [])),
        description: checkDescription(given.description ?? ''),
        enabled: 1,
        disabled_reason: null,
        created_at_ms: clock.now(),
      }
      const known = await database.selectFrom('outbox_endpoints').select('endpoint_id').where('tenant', '=', tenant).execute()
      // Mirrors of the other lane do not count.
      if (known.filter(({ endpoint_id }) => endpoint_id.startsWith(prefix)).length >= ENDPOINTS_MAX)
        throw new MendlineError('MDL_API_INVALID', `a tenant has at most ${ENDPOINTS_MAX} webhook endpoints`)
      await database.insertInto('outbox_endpoints').values(row).execute()
      return { ...toEndpoint(row), secret: row.secret }
    },
    async list({ tenant, after, limit = ENDPOINTS_MAX }) {
      const rows = await database
        .selectFrom('outbox_endpoints')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('endpoint_id', '>', after ?? '')
        .orderBy('endpoint_id')
        .limit(limit + 1)
        .execute()
      const items = rows.slice(0, limit).map(toEndpoint)
      return { items, next: rows.length > limit ? (items.at(-1)?.endpoint_id ?? null) : null }
    },
    async get(tenant, id) {
      const row = await find(tenant, id)
      return row === undefined ? undefined : toEndpoint(row)
    },
    async update(tenant, id, change) {
      const row = await find(tenant, id)
      if (row === undefined) return undefined
      const changed: EndpointRow = {
        ...row,
        url: change.url === undefined ? row.url : guard.checkUrl(change.url).href,
        event_types: change.types === undefined ? row.event_types : JSON.stringify(checkTypes(change.types)),
        description: change.description === undefined ? row.description : checkDescription(change.description),
        enabled: change.enabled === undefined ? row.enabled : change.enabled ? 1 : 0,
        disabled_reason: change.enabled === undefined ? row.disabled_reason : change.enabled ? null : 'disabled by its owner',
      }
      await save(changed)
      if (change.enabled === true) {
        const due = { next_at_ms: clock.now(), attempt_count: 0 }
        await database.updateTable('outbox_deliveries').set(due).where('endpoint_id', '=', id).where('state', '=', 'pending').execute()
        // What waited longer than attempts are kept is gone, and with it the first of some queues.
        await markHeads(database, id)
      }
      onChange()
      return toEndpoint(changed)
    },
    async rotateSecret(tenant, id, ends) {
      const row = await find(tenant, id)
      if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such webhook endpoint')
      return saveRotated(database, row, rotated(row, clock.now(), ends))
    },
    async remove(tenant, id) {
      if ((await find(tenant, id)) === undefined) return false
      await database.transaction().execute(async (transaction) => {
        for (const table of ['outbox_attempts', 'outbox_deliveries', 'outbox_endpoints'] as const) {
          await transaction.deleteFrom(table).where('endpoint_id', '=', id).execute()
        }
      })
      return true
    },
  }
}

/** The secrets behind a rotation: the one in force signs on for its day, and none that is owed a day ends unless that is asked for. */
function rotated(row: EndpointRow, nowMs: number, ends: SecretEnd | undefined) {
  const { previous_secret, previous_until_ms: until } = row
  const isRotating = previous_secret !== null && until !== null && nowMs < until
  if (isRotating && ends === undefined) {
    const reason = 'two secrets sign already: wait until the older has ended, or say by `end` which of them ends now'
    throw new MendlineError('MDL_API_CONFLICT', reason, { details: { previous_until_ms: until } })
  }
  if (isRotating && ends === 'newer') return { secret: newSecret(), previous_secret, previous_until_ms: until }
  return { secret: newSecret(), previous_secret: row.secret, previous_until_ms: nowMs + ROTATION_MS }
}

async function saveRotated(database: Kysely<HubTables>, { endpoint_id, secret }: EndpointRow, change: ReturnType<typeof rotated>) {
  const update = database.updateTable('outbox_endpoints').set(change).where('endpoint_id', '=', endpoint_id).where('secret', '=', secret)
  const { numUpdatedRows } = await update.executeTakeFirst()
  if (numUpdatedRows === 0n) throw new MendlineError('MDL_API_CONFLICT', 'the secret was rotated by somebody else just now')
  return { secret: change.secret, previous_until_ms: change.previous_until_ms }
}

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

function checkSecret(secret: string): string {
  const key = /^whsec_[A-Za-z0-9+/]+=*$/.test(secret) ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.alloc(0)
  if (key.length < 24 || key.length > 64) throw fieldRefused('body.secret', 'the secret is not whsec_ and base64 of 24 to 64 bytes')
  return secret
}

function checkTypes(types: readonly string[]): readonly string[] {
  const isValid = types.length <= EVENT_TYPES_MAX && types.every((type) => /^(mendline(\.[a-z0-9_]+)*\.?)?\*?$/.test(type) && type !== '')
  if (!isValid) throw fieldRefused('body.types', 'types holds types such as mendline.work_order.opened.v1, or prefixes that end in *')
  return types
}

function checkDescription(text: string): string {
  if (text.length > DESCRIPTION_LENGTH_MAX) throw fieldRefused('body.description', `the description is longer than ${DESCRIPTION_LENGTH_MAX}`)
  return text
}

function toEndpoint(row: EndpointRow): Endpoint {
  const { endpoint_id, tenant, url, description, disabled_reason, created_at_ms } = row
  return {
    endpoint_id,
    tenant,
    url,
    types: JSON.parse(row.event_types) as string[],
    description,
    enabled: row.enabled === 1,
    disabled_reason,
    created_at_ms,
  }
}
