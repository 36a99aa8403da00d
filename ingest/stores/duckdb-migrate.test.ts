import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { retention } from '../builders.ts'
import type { RawReading, ReadingStore } from '../reading-store.ts'
import { createDuckdbStore } from './duckdb-store.ts'

const root = mkdtempSync(join(tmpdir(), 'mendline-migrate-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const DAY_MS = 86_400_000
const DAY_0 = Math.floor(1_780_000_000_000 / DAY_MS) * DAY_MS

const on = (folder: string): ReadingStore =>
  createDuckdbStore({
    file: join(folder, 'hot.duckdb'),
    coldDirectory: join(folder, 'cold'),
    formerFile: join(folder, 'readings.duckdb'),
    log: silentLog,
    limits,
    retention,
  })

async function former(name: string, version = 1): Promise<string> {
  const folder = join(root, name)
  mkdirSync(folder)
  await layout1(join(folder, 'readings.duckdb'), version)
  return folder
}

async function rawOf(store: ReadingStore): Promise<RawReading[]> {
  const rows: RawReading[] = []
  for await (const row of store.raw({ tenant: 'home', from_ms: epochMs(0), to_ms: epochMs(DAY_0 * 2) })) rows.push(row)
  return rows
}

describe('a store of release 0.1.0', () => {
  it('is taken over with everything it holds, and kept under another name', async () => {
    const folder = await former('taken')
    const taken = on(folder)
    expect(await taken.start()).toEqual({ position: 77 })
    expect(await taken.statistics()).toMatchObject({ readings: 2, values: 3, quarantined: 1 })
    const expected = [
      ['kettle-1', 1, '1.0', { inlet_temperature_c: 21.5, mode: 'boil' }],
      ['kettle-1', 2, null, { inlet_temperature_c: 22 }],
    ]
    const rows = async () => (await rawOf(taken)).map(({ device, seq, fw, v }) => [device, seq, fw, v])
    expect(await rows()).toEqual(expected)
    const later = epochMs(DAY_0 + 9 * DAY_MS)
    expect([await taken.maintain?.(later), await taken.maintain?.(later)]).toMatchObject([{ step: 'sealed' }, { step: 'archived', rows: 2 }])
    expect(await rows()).toEqual(expected)
    await taken.stop()
    expect(readdirSync(folder).sort()).toEqual(['cold', 'hot.duckdb', 'readings.duckdb.layout-1'])
    const again = on(folder)
    expect(await again.start()).toEqual({ position: 77 })
    await again.stop()
  })

  it('stays as it is when it is of a version that nobody knows', async () => {
    const folder = await former('unknown', 7)
    await expect(on(folder).start()).rejects.toMatchObject({ code: 'MDL_STORE_SCHEMA' })
    expect(readdirSync(folder)).toContain('readings.duckdb')
    expect(readdirSync(folder)).not.toContain('hot.duckdb')
  })
})

/** A database as release 0.1.0 wrote it. */
async function layout1(file: string, version: number): Promise<void> {
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  await connection.run(`
    CREATE TABLE meta(name VARCHAR PRIMARY KEY, value DOUBLE NOT NULL);
    CREATE TABLE device_keys(device_key UINTEGER, tenant VARCHAR, device VARCHAR);
    CREATE TABLE device_types(device_key UINTEGER, type VARCHAR);
    CREATE TABLE firmwares(firmware_key UINTEGER, fw VARCHAR);
    CREATE TABLE channels(type VARCHAR, ordinal INTEGER, name VARCHAR, kind VARCHAR, is_aggregated BOOLEAN);
    CREATE TABLE quarantine(id BIGINT, raw_id BIGINT, tenant VARCHAR, device VARCHAR, received_at_ms BIGINT, observed_at_ms BIGINT,
      code VARCHAR, field VARCHAR, reason VARCHAR, kind VARCHAR);
    CREATE TABLE quarantine_raw(raw_id BIGINT, raw BLOB);
    INSERT INTO meta VALUES ('schema_version', ${version}), ('position', 77), ('readings', 2), ('values', 3);
    INSERT INTO device_keys VALUES (1, 'home', 'kettle-1');
    INSERT INTO device_types VALUES (1, 'kettle');
    INSERT INTO firmwares VALUES (1, '1.0');
    INSERT INTO channels VALUES ('kettle', 0, 'inlet_temperature_c', 'number', false), ('kettle', 1, 'mode', 'text', false);
    INSERT INTO quarantine VALUES (1, 1, 'home', 'kettle-1', ${DAY_0}, NULL, 'MDL_INGEST_UNREADABLE', '', 'no JSON', 'tele');
    INSERT INTO quarantine_raw VALUES (1, '\\x00\\xFF'::BLOB);
    CREATE TABLE readings_kettle(device_key UINTEGER, observed_at_ms BIGINT, received_at_ms BIGINT, boot BIGINT, seq UBIGINT, flags UTINYINT,
      firmware_key UINTEGER, inlet_temperature_c DOUBLE);
    CREATE TABLE texts_kettle(device_key UINTEGER, observed_at_ms BIGINT, boot BIGINT, seq UBIGINT, channel VARCHAR, text VARCHAR);
    INSERT INTO readings_kettle VALUES (1, ${DAY_0}, ${DAY_0 + 5}, 1, 1, 0, 1, 21.5), (1, ${DAY_0 + 1_000}, ${DAY_0 + 1_005}, 1, 2, 0, 0, 22);
    INSERT INTO texts_kettle VALUES (1, ${DAY_0}, 1, 1, 'mode', 'boil');
  `)
  connection.closeSync()
  instance.closeSync()
}
