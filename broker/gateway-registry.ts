/**
 * The registry of gateways: principals with a list of the devices they speak for. Records lie in the operational store and in memory; the
 * map of devices of a principal is changed in place, so that a right ends or begins with the next message of a session that is open. A
 * gateway and a device of a tenant never have the same id. A gateway that runs inside the process asks `speaksFor`.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { DEFAULT_TENANT, isId } from '#kernel/ids.ts'
import { limits } from '#kernel/limits.ts'
import { hashSecret, isSecretOf, makeSecret, NO_SECRETS, rotateSecret, type SecretEnd } from './credentials.ts'
import type { DeviceTables, GatewayRow } from './device-tables.ts'
import { type DeviceFacts, type Login, loginName, type Principal } from './principal.ts'

/** A gateway as `POST /api/v1/gateways` takes it. */
export interface NewGateway {
  readonly tenant?: string | undefined
  readonly gateway: string
  readonly devices: readonly string[]
}

/** A gateway without its secrets. */
export interface GatewayRecord {
  readonly tenant: string
  readonly gateway: string
  /** Devices it speaks for, in order of their ids. */
  readonly devices: readonly string[]
  readonly created_at_ms: number
  readonly revoked_at_ms: number | null
}

/** Told after a change of a list. */
export type ListListener = (change: {
  readonly tenant: string
  readonly gateway: string
  readonly principal: Principal
  readonly removed: readonly string[]
}) => void

export interface GatewayRegistry {
  /** Reads all gateways into memory; the devices must be there. */
  start(): Promise<void>
  /** @throws MendlineError MDL_API_INVALID for a bad id or a device that is not there, MDL_API_CONFLICT when the id is taken */
  create(gateway: NewGateway): Promise<GatewayRecord & { readonly secret: string }>
  get(tenant: string, gateway: string): GatewayRecord | undefined
  /** Gateways of a tenant in order of id, those behind `after`. */
  list(query: { readonly tenant: string; readonly after?: string | undefined; readonly limit: number }): GatewayRecord[]
  /** Replaces the list; open sessions have the new rights with their next message. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID */
  setDevices(tenant: string, gateway: string, devices: readonly string[]): Promise<GatewayRecord>
  /** New secret; the old one stays valid for `secretOverlapMs`. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT when revoked */
  rotate(tenant: string, gateway: string, ends?: SecretEnd): Promise<string>
  /** Ends its secrets, its list and its sessions; its id stays taken. @throws MendlineError MDL_API_NOT_FOUND */
  revoke(tenant: string, gateway: string): Promise<void>
  /** What the broker must know of a device that the gateway may speak for now; undefined when it may not. */
  speaksFor(tenant: string, gateway: string, device: string): DeviceFacts | undefined
  has(name: string): boolean
  authenticate(login: Login): Principal | undefined
  principalOf(name: string): Principal | undefined
  /** A device was revoked: nobody speaks for it any more. */
  deviceRevoked(tenant: string, device: string): void
  onRevoked(listener: (tenant: string, gateway: string) => void): void
  onListChanged(listener: ListListener): void
}

export interface GatewayRegistryPorts {
  readonly database: Kysely<DeviceTables>
  readonly clock: Clock
  /** Facts of a device that is there and not revoked. */
  readonly factsOf: (tenant: string, device: string) => DeviceFacts | undefined
  /** Tells whether a device has this login name already. */
  readonly isTaken: (name: string) => boolean
}

interface Entry {
  row: GatewayRow
  readonly devices: Map<string, DeviceFacts>
  readonly principal: Principal
}

/** Rows in one INSERT; 3 columns each. */
const INSERT_ROWS = 2_000

export function createGatewayRegistry(ports: GatewayRegistryPorts): GatewayRegistry {
  const { database, clock, factsOf } = ports
  const entries = new Map<string, Entry>()
  const revokedListeners: Array<(tenant: string, gateway: string) => void> = []
  const listListeners: ListListener[] = []

  const findValid = (tenant: string, gateway: string): Entry => {
    const entry = find(entries, tenant, gateway)
    if (entry.row.revoked_at_ms !== null) throw new MendlineError('MDL_API_CONFLICT', `gateway ${gateway} is revoked`)
    return entry
  }
  const update = async (entry: Entry, change: Partial<GatewayRow>): Promise<void> => {
    const { tenant, gateway } = entry.row
    await database.updateTable('gateways').set(change).where('tenant', '=', tenant).where('gateway', '=', gateway).execute()
    entry.row = { ...entry.row, ...change }
  }
  /** Changes the live map and tells who must know. */
  const replace = (entry: Entry, next: ReadonlyMap<string, DeviceFacts>): void => {
    const removed = [...entry.devices.keys()].filter((device) => !next.has(device))
    for (const device of removed) entry.devices.delete(device)
    for (const [device, facts] of next) entry.devices.set(device, facts)
    const { tenant, gateway } = entry.row
    for (const listener of listListeners) listener({ tenant, gateway, principal: entry.principal, removed })
  }

  return {
    async start() {
      for (const row of await database.selectFrom('gateways').selectAll().execute()) entries.set(loginName(row.tenant, row.gateway), toEntry(row))
      for (const { tenant, gateway, device } of await database.selectFrom('gateway_devices').selectAll().execute()) {
        const facts = factsOf(tenant, device)
        if (facts !== undefined) entries.get(loginName(tenant, gateway))?.devices.set(device, facts)
      }
    },
    create: (gateway) => createGateway(ports, entries, gateway),
    get(tenant, gateway) {
      const entry = entries.get(loginName(tenant, gateway))
      return entry === undefined ? undefined : toRecord(entry)
    },
    list({ tenant, after = '', limit }) {
      return [...entries.values()]
        .filter(({ row }) => row.tenant === tenant && row.gateway > after)
        .sort((a, b) => (a.row.gateway < b.row.gateway ? -1 : 1))
        .slice(0, limit)
        .map(toRecord)
    },
    async setDevices(tenant, gateway, devices) {
      const entry = findValid(tenant, gateway)
      const wanted = wantedDevices(tenant, devices, factsOf)
      await writeList(database, { tenant, gateway, devices: [...wanted.keys()] })
      replace(entry, wanted)
      return toRecord(entry)
    },
    async rotate(tenant, gateway, ends) {
      const entry = findValid(tenant, gateway)
      const { secret, change } = rotateSecret(entry.row, { nowMs: clock.now(), overlapMs: limits.secretOverlapMs, ends })
      await update(entry, change)
      return secret
    },
    async revoke(tenant, gateway) {
      const entry = find(entries, tenant, gateway)
      if (entry.row.revoked_at_ms !== null) return
      await update(entry, { revoked_at_ms: clock.now(), previous_secret_hash: null, previous_secret_until_ms: null })
      replace(entry, new Map())
      for (const listener of revokedListeners) listener(tenant, gateway)
      await writeList(database, { tenant, gateway, devices: [] })
    },
    speaksFor: (tenant, gateway, device) => entries.get(loginName(tenant, gateway))?.devices.get(device),
    has: (name) => entries.has(name),
    authenticate({ username, clientId, password }) {
      if (username === undefined || password === undefined) return undefined
      const found = username === clientId ? entries.get(username) : undefined
      const entry = found?.row.revoked_at_ms === null ? found : undefined
      return isSecretOf(entry?.row ?? NO_SECRETS, password, clock.now()) ? entry?.principal : undefined
    },
    principalOf(name) {
      const entry = entries.get(name)
      return entry === undefined || entry.row.revoked_at_ms !== null ? undefined : entry.principal
    },
    deviceRevoked(tenant, device) {
      const speakers = [...entries.values()].filter(({ row, devices }) => row.tenant === tenant && devices.has(device))
      for (const entry of speakers) replace(entry, new Map([...entry.devices].filter(([listed]) => listed !== device)))
    },
    onRevoked: (listener) => void revokedListeners.push(listener),
    onListChanged: (listener) => void listListeners.push(listener),
  }
}

async function createGateway(
  { database, clock, factsOf, isTaken }: GatewayRegistryPorts,
  entries: Map<string, Entry>,
  { tenant = DEFAULT_TENANT, gateway, devices }: NewGateway,
): Promise<GatewayRecord & { readonly secret: string }> {
  if (!isId(tenant) || !isId(gateway)) throw new MendlineError('MDL_API_INVALID', 'tenant and gateway are 1 to 64 letters, digits, _ or -')
  const name = loginName(tenant, gateway)
  if (entries.has(name) || isTaken(name)) throw new MendlineError('MDL_API_CONFLICT', `the id ${gateway} is taken by a gateway or a device`)
  const wanted = wantedDevices(tenant, devices, factsOf)
  const secret = makeSecret()
  const unset = { revoked_at_ms: null, previous_secret_hash: null, previous_secret_until_ms: null }
  const entry = toEntry({ tenant, gateway, created_at_ms: clock.now(), secret_hash: hashSecret(secret), ...unset })
  // Taken at once, so that a second request with the same id meets it while the first is being written.
  entries.set(name, entry)
  try {
    await writeList(database, { tenant, gateway, devices: [...wanted.keys()], row: entry.row })
  } catch (cause) {
    entries.delete(name)
    throw cause
  }
  for (const [device, facts] of wanted) entry.devices.set(device, facts)
  return { ...toRecord(entry), secret }
}

function find(entries: ReadonlyMap<string, Entry>, tenant: string, gateway: string): Entry {
  const entry = entries.get(loginName(tenant, gateway))
  if (entry === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no gateway ${gateway}`)
  return entry
}

function toEntry(row: GatewayRow): Entry {
  const devices = new Map<string, DeviceFacts>()
  return { row, devices, principal: { kind: 'gateway', tenant: row.tenant, id: row.gateway, devices } }
}

const toRecord = ({ row: { tenant, gateway, created_at_ms, revoked_at_ms }, devices }: Entry): GatewayRecord => ({
  tenant,
  gateway,
  devices: [...devices.keys()].sort(),
  created_at_ms,
  revoked_at_ms,
})

function wantedDevices(tenant: string, devices: readonly string[], factsOf: GatewayRegistryPorts['factsOf']): Map<string, DeviceFacts> {
  if (devices.length > limits.gatewayDevices_MAX) {
    throw new MendlineError('MDL_API_INVALID', `a gateway speaks for ${limits.gatewayDevices_MAX} devices at most`)
  }
  const wanted = new Map<string, DeviceFacts>()
  const missing: string[] = []
  for (const device of devices) {
    const facts = factsOf(tenant, device)
    if (facts === undefined) missing.push(device)
    else wanted.set(device, facts)
  }
  if (missing.length === 0) return wanted
  const named = missing.slice(0, 20)
  throw new MendlineError('MDL_API_INVALID', `there is no device ${named.join(', ')}`, {
    details: { errors: named.map((device) => ({ field: 'body.devices', reason: `there is no device ${device}` })) },
  })
}

/** Writes the list, and the gateway itself when it is new, in one transaction. */
async function writeList(
  database: Kysely<DeviceTables>,
  { tenant, gateway, devices, row }: { tenant: string; gateway: string; devices: readonly string[]; row?: GatewayRow },
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    if (row !== undefined) await transaction.insertInto('gateways').values(row).execute()
    else await transaction.deleteFrom('gateway_devices').where('tenant', '=', tenant).where('gateway', '=', gateway).execute()
    for (let from = 0; from < devices.length; from += INSERT_ROWS) {
      const values = devices.slice(from, from + INSERT_ROWS).map((device) => ({ tenant, gateway, device }))
      await transaction.insertInto('gateway_devices').values(values).execute()
    }
  })
}
