/**
 * Tables of the DuckDB store and the few lists that the store holds in memory: devices, firmwares and types by number. One wide table of
 * readings and one of texts per appliance type; a new channel is a new column. Names of types and channels come from the catalogue or
 * from users, so they are checked and always quoted.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import { readView, VIEW_TABLES, type View } from './duckdb-view.ts'
import { namePart, quoted } from './sql-names.ts'
import { columnsOf, KEY_COLUMNS, type StoredChannel, type StoredType, storedType } from './stored-type.ts'

/** Version of the layout on disk: 1 = all readings in `readings.duckdb`, 2 = hot tables and files. */
export const LAYOUT_VERSION = 2
const CHANNEL_PATTERN = /^[a-z][a-z0-9_]{0,62}$/
/** Ids of the catalogue, and `{tenant}.{name}` of types that users described. */
const TYPE_PATTERN = /^[A-Za-z0-9_-]{1,64}([.][A-Za-z0-9_-]{1,64})?$/

const KEY_TYPES = ['UINTEGER', 'BIGINT', 'BIGINT', 'BIGINT', 'UBIGINT', 'UTINYINT', 'UINTEGER'] as const

const TABLES = `
  CREATE TABLE IF NOT EXISTS meta(name VARCHAR PRIMARY KEY, value DOUBLE NOT NULL);
  CREATE TABLE IF NOT EXISTS progress(position DOUBLE, readings DOUBLE, "values" DOUBLE);
  CREATE TABLE IF NOT EXISTS device_keys(device_key UINTEGER, tenant VARCHAR, device VARCHAR);
  CREATE TABLE IF NOT EXISTS device_types(device_key UINTEGER, type VARCHAR);
  CREATE TABLE IF NOT EXISTS firmwares(firmware_key UINTEGER, fw VARCHAR);
  CREATE TABLE IF NOT EXISTS channels(type VARCHAR, ordinal INTEGER, name VARCHAR, kind VARCHAR, is_aggregated BOOLEAN);
  CREATE TABLE IF NOT EXISTS quarantine(id BIGINT, raw_id BIGINT, tenant VARCHAR, device VARCHAR, received_at_ms BIGINT,
    observed_at_ms BIGINT, code VARCHAR, field VARCHAR, reason VARCHAR, kind VARCHAR);
  CREATE TABLE IF NOT EXISTS quarantine_raw(raw_id BIGINT, raw BLOB);
`

/** The table of a type that is written now. */
export const readingsTable = (type: string): string => `readings_${namePart(type)}`
export const textsTable = (type: string): string => `texts_${namePart(type)}`

/** How far the store is; a row more with each batch, since a row that is changed keeps the database from a checkpoint beside queries. */
export interface Progress {
  readonly position: number
  readonly readings: number
  readonly values: number
}

export async function readProgress(connection: DuckDBConnection): Promise<Progress> {
  const sql = 'SELECT position, readings, "values" FROM progress ORDER BY position DESC, readings DESC LIMIT 1'
  const [row = []] = (await connection.runAndReadAll(sql)).getRowsJS()
  return { position: Number(row[0] ?? 0), readings: Number(row[1] ?? 0), values: Number(row[2] ?? 0) }
}

/** What the tables hold by number; changed only together with them. */
export interface Registers {
  /** `${tenant}/${device}` -> number. */
  readonly deviceKeys: Map<string, number>
  readonly devices: Map<number, { readonly tenant: string; readonly device: string }>
  /** Types of which a device has readings. */
  readonly deviceTypes: Map<number, Set<string>>
  readonly firmwareKeys: Map<string, number>
  readonly firmwares: Map<number, string>
  readonly types: Map<string, StoredType>
  /** Number columns of a type's table as they stand there: new ones come last, wherever the type has them. */
  readonly tableColumns: Map<string, readonly string[]>
  readonly progress: Progress
  /** Where readings stand; a new one with each change. */
  readonly view: View
  /** Folder of the archive's files. */
  readonly coldDirectory: string
}

/** Makes the tables where they lack and reads the lists. @throws MendlineError MDL_STORE_SCHEMA */
export async function openSchema(connection: DuckDBConnection, coldDirectory: string): Promise<Registers> {
  await connection.run(`${TABLES}${VIEW_TABLES}`)
  const rows = async (sql: string): Promise<readonly unknown[][]> => (await connection.runAndReadAll(sql)).getRowsJS()
  const [version] = (await rows("SELECT value FROM meta WHERE name = 'schema_version'")).map(([value]) => Number(value))
  if (version === undefined) {
    await connection.run(`INSERT INTO meta VALUES ('schema_version', ${LAYOUT_VERSION}), ('view', 1), ('next_part', 1)`)
    await connection.run('INSERT INTO progress VALUES (0, 0, 0)')
  } else if (version !== LAYOUT_VERSION) {
    const details = { found: version, known: LAYOUT_VERSION }
    throw new MendlineError('MDL_STORE_SCHEMA', 'the reading store has another schema version', { details })
  }
  const registers: Registers = {
    deviceKeys: new Map(),
    devices: new Map(),
    deviceTypes: new Map(),
    firmwareKeys: new Map(),
    firmwares: new Map(),
    types: new Map(),
    tableColumns: new Map(),
    progress: await readProgress(connection),
    view: await readView(connection),
    coldDirectory,
  }
  for (const [key, tenant, device] of await rows('SELECT * FROM device_keys')) addDevice(registers, Number(key), String(tenant), String(device))
  for (const [key, type] of await rows('SELECT * FROM device_types')) registers.deviceTypes.get(Number(key))?.add(String(type))
  for (const [key, fw] of await rows('SELECT * FROM firmwares')) addFirmware(registers, Number(key), String(fw))
  for (const [type, channels] of await readChannels(rows)) registers.types.set(type, storedType({ id: type, channels }, undefined))
  for (const type of registers.types.keys()) registers.tableColumns.set(type, await columnsOfTable(connection, type))
  return registers
}

/** Tables and files as the connection's transaction sees them. */
export async function whereReadingsStand(connection: DuckDBConnection, registers: Registers): Promise<Pick<Registers, 'view' | 'tableColumns'>> {
  const tableColumns = new Map<string, readonly string[]>()
  for (const type of registers.types.keys()) tableColumns.set(type, await columnsOfTable(connection, type))
  return { view: await readView(connection), tableColumns }
}

export function addDevice(registers: Registers, key: number, tenant: string, device: string): void {
  registers.deviceKeys.set(`${tenant}/${device}`, key)
  registers.devices.set(key, { tenant, device })
  registers.deviceTypes.set(key, new Set())
}

export function addFirmware(registers: Registers, key: number, fw: string): void {
  registers.firmwareKeys.set(fw, key)
  registers.firmwares.set(key, fw)
}

/** Makes a type's tables where they lack, without number columns (see duckdb-columns.ts), and keeps its channels; answers whether anything changed. */
export async function prepareTables(connection: DuckDBConnection, registers: Registers, type: ApplianceType): Promise<boolean> {
  checkNames(type)
  const before = registers.types.get(type.id)
  const after = storedType(type, before)
  if (before !== undefined && JSON.stringify(before) === JSON.stringify(after)) return false
  await createTables(connection, type.id)
  await connection.run('DELETE FROM channels WHERE type = $1', [type.id])
  for (const [ordinal, channel] of after.channels.entries()) {
    await connection.run('INSERT INTO channels VALUES ($1, $2, $3, $4, $5)', [type.id, ordinal, channel.name, channel.kind, channel.isAggregated])
  }
  registers.types.set(type.id, after)
  registers.tableColumns.set(type.id, await columnsOfTable(connection, type.id))
  return true
}

/** Makes the tables of a type that are written, with keys alone; a column comes with its first value. */
export async function createTables(connection: DuckDBConnection, type: string): Promise<void> {
  const keys = KEY_COLUMNS.map((column, index) => `${column} ${KEY_TYPES[index]}`).join(', ')
  const table = quoted(readingsTable(type))
  await connection.run(`CREATE TABLE IF NOT EXISTS ${table}(${keys})`)
  const texts = 'device_key UINTEGER, observed_at_ms BIGINT, boot BIGINT, seq UBIGINT, channel VARCHAR, text VARCHAR'
  await connection.run(`CREATE TABLE IF NOT EXISTS ${quoted(textsTable(type))}(${texts})`)
}

async function columnsOfTable(connection: DuckDBConnection, type: string): Promise<readonly string[]> {
  const sql = 'SELECT column_name FROM duckdb_columns() WHERE table_name = $1 ORDER BY column_index'
  return (await connection.runAndReadAll(sql, [readingsTable(type)]))
    .getRowsJS()
    .map(([name]) => String(name))
    .slice(KEY_COLUMNS.length)
}

async function readChannels(rows: (sql: string) => Promise<readonly unknown[][]>): Promise<ReadonlyMap<string, StoredChannel[]>> {
  const byType = new Map<string, StoredChannel[]>()
  for (const [type, name, kind, isAggregated] of await rows('SELECT type, name, kind, is_aggregated FROM channels ORDER BY type, ordinal')) {
    const channel = { name: String(name), kind: String(kind) as StoredChannel['kind'], isAggregated: isAggregated === true }
    byType.set(String(type), [...(byType.get(String(type)) ?? []), channel])
  }
  return byType
}

function checkNames(type: ApplianceType): void {
  const columns = type.channels.flatMap(columnsOf)
  const reserved = new Set<string>(KEY_COLUMNS)
  const wrong = type.channels.map((channel) => channel.name).filter((name) => !CHANNEL_PATTERN.test(name) || reserved.has(name))
  if (!TYPE_PATTERN.test(type.id)) wrong.push(type.id)
  const twice = columns.filter((column, index) => columns.indexOf(column) !== index)
  if (wrong.length === 0 && twice.length === 0) return
  throw new MendlineError('MDL_STORE_SCHEMA', 'names that cannot be columns', { details: { type: type.id, wrong, twice } })
}
