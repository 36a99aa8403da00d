/**
 * The registry of devices: records in the operational store, all of them in memory as well, so that a login and a topic check never
 * wait for a database. It makes and rotates secrets, shows each once and keeps hashes. A device that was revoked stays listed and its
 * id stays taken, since its readings are still there.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { fieldRefused } from '#kernel/field-errors.ts'
import { DEFAULT_TENANT, isId } from '#kernel/ids.ts'
import { limits } from '#kernel/limits.ts'
import { isTimeZone } from '#kernel/local-day.ts'
import { hashSecret, isSecretOf, makeSecret, NO_SECRETS, rotateSecret, type SecretEnd } from './credentials.ts'
import { beginHouseholds, moveHousehold } from './device-households.ts'
import type { DeviceAttributes, DeviceRow, DeviceTables } from './device-tables.ts'
import { type DeviceFacts, type Login, loginName, type Principal, parseLoginName } from './principal.ts'

/** A device as `POST /api/v1/devices` takes it. */
export interface NewDevice {
  readonly tenant?: string | undefined
  readonly device: string
  readonly type: string
  readonly model?: string | undefined
  readonly serial?: string | undefined
  readonly firmware?: string | undefined
  readonly installed_at_ms?: number | undefined
  readonly site?: string | undefined
  readonly household?: string | undefined
  readonly building?: string | undefined
  readonly outage_area?: string | undefined
  readonly batch?: string | undefined
  readonly max_age_days?: number | undefined
  /** IANA name. */
  readonly time_zone?: string | undefined
}

/** A device without its secrets. */
export type DeviceRecord = Readonly<Omit<DeviceRow, 'secret_hash' | 'previous_secret_hash' | 'previous_secret_until_ms'>>

/** A device with the secret that is shown this once. */
export type CreatedDevice = DeviceRecord & { readonly secret: string }

/** What claiming, and saying something else of a device, changes. */
export type DeviceChange = DeviceAttributes & Partial<Pick<DeviceRow, 'secret_hash' | 'previous_secret_hash' | 'previous_secret_until_ms'>>

export interface DeviceList {
  /** Only this tenant's; all without it. */
  readonly tenant?: string | undefined
  /** Only devices of this type. */
  readonly type?: string | undefined
  /** Only devices behind this `{tenant}:{device}` in the order of the list. */
  readonly after?: string | undefined
  readonly limit: number
}

export interface DeviceRegistry {
  /** Reads all devices into memory; the tables must be there. */
  start(): Promise<void>
  /**
   * Creates all of the list or none, in one transaction. Cost: about 0.1 ms a device.
   * @throws MendlineError MDL_API_INVALID for a bad id, type or age; MDL_API_CONFLICT when an id is taken or named twice
   */
  create(devices: readonly NewDevice[]): Promise<CreatedDevice[]>
  get(tenant: string, device: string): DeviceRecord | undefined
  /** What stamps the messages of a device; undefined for one that is not there or revoked. Always the same object for a device. */
  facts(tenant: string, device: string): DeviceFacts | undefined
  /** Devices in order of `{tenant}:{device}`. */
  list(query: DeviceList): DeviceRecord[]
  /** Devices of a household that are not revoked. Looks at every device, some 50 ns each: for what is rare. */
  ofHousehold(tenant: string, household: string): DeviceRecord[]
  /** Devices of a tenant, revoked ones included. */
  count(tenant: string): number
  /** Tenants that have a device. */
  tenants(): number
  /**
   * Makes a new secret; the old one stays valid for `secretOverlapMs`. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT when revoked,
   * or when two are valid and `ends` does not say which of them ends
   */
  rotate(tenant: string, device: string, ends?: SecretEnd): Promise<string>
  /** Changes columns of a device, in one transaction with what `also` does. @throws MendlineError MDL_API_NOT_FOUND, what `also` throws */
  change(tenant: string, device: string, change: DeviceChange, also: (inside: Kysely<DeviceTables>) => Promise<void>): Promise<void>
  /** Ends all secrets of the device at once; again on a revoked device it does nothing. @throws MendlineError MDL_API_NOT_FOUND */
  revoke(tenant: string, device: string): Promise<void>
  /** Tells who logs in, or undefined when user name, client id and secret do not belong together. Costs a hash, never waits. */
  authenticate(login: Login): Principal | undefined
  /** Principal of a login name whose owner was proven in another way (a verified client certificate). */
  principalOf(name: string): Principal | undefined
  onRevoked(listener: (tenant: string, device: string) => void): void
}

export interface DeviceRegistryPorts {
  readonly database: Kysely<DeviceTables>
  readonly clock: Clock
  /** Names of the appliance types that a device of the tenant may be of. */
  readonly types: (tenant: string) => ReadonlySet<string>
  /** Tells whether another kind of principal has this login name already. */
  readonly isTaken?: (name: string) => boolean
}

interface Entry {
  row: DeviceRow
  readonly principal: Principal
}

const toRecord = ({ secret_hash: _s, previous_secret_hash: _p, previous_secret_until_ms: _u, ...record }: DeviceRow): DeviceRecord => record

const toEntry = (row: DeviceRow): Entry => ({
  row,
  principal: {
    kind: 'device',
    tenant: row.tenant,
    id: row.device,
    devices: new Map([[row.device, { type: row.type, maxAgeDays: row.max_age_days }]]),
  },
})

const factsOf = (principal: Principal, device: string): DeviceFacts | undefined =>
  principal.kind === 'anonymous' ? undefined : principal.devices.get(device)

/** Rows in one INSERT; 20 columns each, below the parameters that SQLite and PostgreSQL accept. */
const INSERT_ROWS = 500

export function createDeviceRegistry({ database, clock, types, isTaken = () => false }: DeviceRegistryPorts): DeviceRegistry {
  const entries = new Map<string, Entry>()
  const listeners: Array<(tenant: string, device: string) => void> = []
  /** Names in order, made again after a creation. */
  let order: string[] | undefined

  const find = (tenant: string, device: string): Entry => {
    const entry = entries.get(loginName(tenant, device))
    if (entry === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${device}`, { details: { tenant, device } })
    return entry
  }

  const update = async (entry: Entry, change: Partial<DeviceRow>): Promise<void> => {
    await database.updateTable('devices').set(change).where('tenant', '=', entry.row.tenant).where('device', '=', entry.row.device).execute()
    entry.row = { ...entry.row, ...change }
  }

  return {
    async start() {
      for (const row of await database.selectFrom('devices').selectAll().execute()) entries.set(loginName(row.tenant, row.device), toEntry(row))
      order = undefined
    },
    async create(devices) {
      const created = await createAll({ database, clock, types, isTaken: (name) => entries.has(name) || isTaken(name) }, devices)
      for (const { row } of created) entries.set(loginName(row.tenant, row.device), toEntry(row))
      order = undefined
      return created.map(({ row, secret }) => ({ ...toRecord(row), secret }))
    },
    get(tenant, device) {
      const entry = entries.get(loginName(tenant, device))
      return entry === undefined ? undefined : toRecord(entry.row)
    },
    facts(tenant, device) {
      const entry = entries.get(loginName(tenant, device))
      return entry === undefined || entry.row.revoked_at_ms !== null ? undefined : factsOf(entry.principal, device)
    },
    ofHousehold: (tenant, household) => ofHousehold(entries.values(), tenant, household),
    count(tenant) {
      let count = 0
      for (const { row } of entries.values()) if (row.tenant === tenant) count++
      return count
    },
    tenants: () => new Set([...entries.values()].map(({ row }) => row.tenant)).size,
    list({ tenant, type, after, limit }) {
      order ??= [...entries.keys()].sort()
      const records: DeviceRecord[] = []
      for (let at = after === undefined ? 0 : indexBehind(order, after); at < order.length && records.length < limit; at++) {
        const entry = entries.get(order[at] ?? '')
        if (entry === undefined || (tenant !== undefined && entry.row.tenant !== tenant) || (type !== undefined && entry.row.type !== type)) continue
        records.push(toRecord(entry.row))
      }
      return records
    },
    async rotate(tenant, device, ends) {
      const entry = find(tenant, device)
      if (entry.row.revoked_at_ms !== null)
        throw new MendlineError('MDL_API_CONFLICT', `device ${device} is revoked`, { details: { tenant, device } })
      const { secret, change } = rotateSecret(entry.row, { nowMs: clock.now(), overlapMs: limits.secretOverlapMs, ends })
      await update(entry, change)
      return secret
    },
    async change(tenant, device, change, also) {
      const entry = find(tenant, device)
      await database.transaction().execute(async (inside) => {
        const where = inside.updateTable('devices').set(change).where('tenant', '=', tenant).where('device', '=', device)
        await where.execute()
        await moveHousehold(inside, { before: entry.row, household: change.household, atMs: clock.now() })
        await also(inside)
      })
      entry.row = { ...entry.row, ...change }
    },
    async revoke(tenant, device) {
      const entry = find(tenant, device)
      if (entry.row.revoked_at_ms !== null) return
      await update(entry, { revoked_at_ms: clock.now(), previous_secret_hash: null, previous_secret_until_ms: null })
      for (const listener of listeners) listener(tenant, device)
    },
    authenticate({ username, clientId, password }) {
      if (username === undefined || password === undefined) return undefined
      const found = username === clientId ? entries.get(username) : undefined
      const entry = found?.row.revoked_at_ms === null ? found : undefined
      return isSecretOf(entry?.row ?? NO_SECRETS, password, clock.now()) ? entry?.principal : undefined
    },
    principalOf(name) {
      const entry = parseLoginName(name) === undefined ? undefined : entries.get(name)
      return entry === undefined || entry.row.revoked_at_ms !== null ? undefined : entry.principal
    },
    onRevoked(listener) {
      listeners.push(listener)
    },
  }
}

function ofHousehold(entries: Iterable<Entry>, tenant: string, household: string): DeviceRecord[] {
  const found: DeviceRecord[] = []
  for (const { row } of entries) if (row.household === household && row.tenant === tenant && row.revoked_at_ms === null) found.push(toRecord(row))
  return found
}

async function createAll(
  { database, clock, types, isTaken }: Required<DeviceRegistryPorts>,
  devices: readonly NewDevice[],
): Promise<ReadonlyArray<{ readonly row: DeviceRow; readonly secret: string }>> {
  const created = devices.map((device, index) => {
    const at = { now: clock.now(), types: types(device.tenant ?? DEFAULT_TENANT), field: `body[${index}]` }
    return { row: toRow(device, at), secret: makeSecret() }
  })
  for (const { row, secret } of created) row.secret_hash = hashSecret(secret)
  const rows = created.map(({ row }) => row)
  refuseTaken(rows, isTaken)
  await insertAll(database, rows)
  return created
}

const ID_REASON = 'is 1 to 64 letters, digits, _ or -'

interface RowContext {
  readonly now: number
  readonly types: ReadonlySet<string>
  /** Name of the device's place in what was asked for, e.g. `body[3]`. */
  readonly field: string
}

function toRow(device: NewDevice, { now, types, field }: RowContext): DeviceRow {
  const tenant = device.tenant ?? DEFAULT_TENANT
  const maxAgeDays = device.max_age_days ?? limits.behindDays_MAX
  if (!isId(tenant)) throw fieldRefused(`${field}.tenant`, ID_REASON)
  if (!isId(device.device)) throw fieldRefused(`${field}.device`, ID_REASON)
  if (!types.has(device.type)) throw fieldRefused(`${field}.type`, `there is no appliance type ${device.type}`)
  if (!Number.isInteger(maxAgeDays) || maxAgeDays < 1 || maxAgeDays > limits.deviceAgeDays_MAX) {
    throw fieldRefused(`${field}.max_age_days`, `is an integer from 1 to ${limits.deviceAgeDays_MAX}`)
  }
  if (device.time_zone !== undefined && !isTimeZone(device.time_zone)) {
    throw fieldRefused(`${field}.time_zone`, `is an IANA name, e.g. Europe/Berlin, not ${device.time_zone}`)
  }
  return {
    tenant,
    device: device.device,
    type: device.type,
    model: device.model ?? null,
    serial: device.serial ?? null,
    firmware: device.firmware ?? null,
    installed_at_ms: device.installed_at_ms ?? null,
    site: device.site ?? null,
    household: device.household ?? null,
    building: device.building ?? null,
    outage_area: device.outage_area ?? null,
    batch: device.batch ?? null,
    max_age_days: maxAgeDays,
    time_zone: device.time_zone ?? null,
    created_at_ms: now,
    revoked_at_ms: null,
    secret_hash: '',
    previous_secret_hash: null,
    previous_secret_until_ms: null,
  }
}

function refuseTaken(rows: readonly DeviceRow[], isTaken: (name: string) => boolean): void {
  const names = new Set<string>()
  const taken = new Set<string>()
  for (const { tenant, device } of rows) {
    const name = loginName(tenant, device)
    if (isTaken(name) || names.has(name)) taken.add(name)
    names.add(name)
  }
  if (taken.size === 0) return
  const devices = [...taken].slice(0, 20)
  throw new MendlineError('MDL_API_CONFLICT', `${taken.size} of the ids are taken already: ${devices.join(', ')}`, { details: { devices } })
}

async function insertAll(database: Kysely<DeviceTables>, rows: readonly DeviceRow[]): Promise<void> {
  try {
    await database.transaction().execute(async (transaction) => {
      for (let from = 0; from < rows.length; from += INSERT_ROWS) {
        await transaction
          .insertInto('devices')
          .values(rows.slice(from, from + INSERT_ROWS))
          .execute()
        await beginHouseholds(transaction, rows.slice(from, from + INSERT_ROWS))
      }
    })
  } catch (cause) {
    // Two requests may pass the look into memory together; the primary key then refuses the second.
    if (/unique|primary key|duplicate/i.test(String(cause))) {
      throw new MendlineError('MDL_API_CONFLICT', 'one of the devices exists already', { cause })
    }
    throw cause
  }
}

/** Index of the first name behind `after` in a sorted list. */
function indexBehind(names: readonly string[], after: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((names[middle] ?? '') <= after) low = middle + 1
    else high = middle
  }
  return low
}
