import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { channels, kettle, NOW_MS, quarantineOf, readingOf } from '../builders.ts'
import { describeReadingStore } from '../reading-store.contract.ts'
import type { RawReading, ReadingStore } from '../reading-store.ts'
import { createDuckdbStore } from './duckdb-store.ts'
import { KEY_COLUMNS } from './stored-type.ts'

const root = mkdtempSync(join(tmpdir(), 'mendline-store-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const on = (file: string): ReadingStore => createDuckdbStore({ file: join(root, file), log: silentLog, limits })
const all = { tenant: 'home', from_ms: epochMs(0), to_ms: epochMs(NOW_MS * 2) }
const rawOf = async (store: ReadingStore): Promise<RawReading[]> => {
  const rows: RawReading[] = []
  for await (const row of store.raw(all)) rows.push(row)
  return rows
}
const count = async (store: ReadingStore): Promise<number> => (await rawOf(store)).length

let files = 0
describeReadingStore('DuckDB store', () => on(`contract-${files++}.duckdb`))

describe('DuckDB store on a file', () => {
  it('opens again with readings, quarantine ids, types and position', async () => {
    const first = on('again.duckdb')
    await first.start()
    await first.prepareType(kettle)
    await first.write({ readings: [readingOf({ inlet_temperature_c: 1 }, { fw: '1' })], quarantine: [quarantineOf()], position: 77 })
    await first.stop()
    const second = on('again.duckdb')
    expect(await second.start()).toEqual({ position: 77 })
    expect(await rawOf(second)).toMatchObject([{ fw: '1', v: { inlet_temperature_c: 1 } }])
    await second.write({ readings: [readingOf({}, { seq: 2, fw: '2' })], quarantine: [quarantineOf()], position: 80 })
    expect((await second.quarantined({ tenant: 'home', after: 0, limit: 9 })).map(({ id }) => id)).toEqual([1, 2])
    expect(await second.statistics()).toMatchObject({ readings: 2, values: 1, quarantined: 2 })
    await second.stop()
  })

  it('stores a batch whole or not at all', async () => {
    const store = on('whole.duckdb')
    await store.start()
    await store.prepareType(kettle)
    const wrong = readingOf({}, { seq: -5, device: 'new' })
    await expect(store.write({ readings: [readingOf({}), wrong], quarantine: [quarantineOf()], position: 9 })).rejects.toMatchObject({
      code: 'MDL_STORE_UNAVAILABLE',
      retryable: true,
    })
    expect(await store.statistics()).toMatchObject({ readings: 0, quarantined: 0 })
    await store.write({ readings: [readingOf({}), readingOf({}, { device: 'new' })], quarantine: [], position: 9 })
    expect(await count(store)).toBe(2)
    await store.stop()
  })

  it('makes the column of a channel with its first value, also while a stream reads', async () => {
    const file = 'columns.duckdb'
    const store = on(file)
    await store.start()
    await store.prepareType(kettle)
    const early = Array.from({ length: 5_000 }, (_, seq) => readingOf({ inlet_temperature_c: seq % 100 }, { seq }))
    await store.write({ readings: early, quarantine: [], position: 1 })
    const stream = store.raw(all)[Symbol.asyncIterator]()
    expect((await stream.next()).value).toMatchObject({ seq: 0, v: { inlet_temperature_c: 0 } })
    await store.write({ readings: [readingOf({ float_is_closed: 1 }, { seq: 6_000 })], quarantine: [], position: 2 })
    let streamed = 1
    while ((await stream.next()).done !== true) streamed++
    expect(streamed).toBe(5_000)
    expect((await rawOf(store)).at(-1)?.v).toEqual({ float_is_closed: true })
    await store.stop()
    const instance = await DuckDBInstance.create(join(root, file))
    const connection = await instance.connect()
    const names = (await connection.runAndReadAll("SELECT column_name FROM duckdb_columns() WHERE table_name = 'readings_kettle'")).getRowsJS()
    expect(names.map(([name]) => name).slice(KEY_COLUMNS.length)).toEqual(['inlet_temperature_c', 'float_is_closed'])
    connection.closeSync()
    instance.closeSync()
  })

  it('takes a batch of many new devices and firmware versions at once', async () => {
    const store = on('sources.duckdb')
    await store.start()
    await store.prepareType(kettle)
    const readings = Array.from({ length: 5_000 }, (_, seq) => readingOf({ inlet_temperature_c: seq }, { seq, device: `d${seq}`, fw: `v${seq}` }))
    const begunMs = performance.now()
    await store.write({ readings, quarantine: [], position: 1 })
    // An insertion each took 12 s on the machine where this takes 0.1 s.
    expect(performance.now() - begunMs).toBeLessThan(4_000)
    await store.stop()
    const again = on('sources.duckdb')
    await again.start()
    expect((await rawOf(again)).every(({ device, fw, seq }) => device === `d${seq}` && fw === `v${seq}`)).toBe(true)
    await again.stop()
  })

  it('streams the readings and texts of one moment while batches are written', async () => {
    const store = on('moment.duckdb')
    await store.start()
    await store.prepareType(kettle)
    const of = (from: number) =>
      Array.from({ length: 6_000 }, (_, index) =>
        readingOf({ inlet_temperature_c: 1 }, { seq: from + 2 * index, texts: [['mode', `m${from + 2 * index}`]] }),
      )
    await store.write({ readings: of(0), quarantine: [], position: 1 })
    for (const id of ['pan', 'pot', 'lid']) await store.prepareType({ ...kettle, id })
    const rows: RawReading[] = []
    const connect = vi.spyOn(DuckDBInstance.prototype, 'connect')
    for await (const row of store.raw(all)) {
      if (rows.length === 0) await store.write({ readings: of(1), quarantine: [], position: 2 })
      rows.push(row)
    }
    expect([rows.length, rows.every(({ seq, v }) => seq % 2 === 0 && v.mode === `m${seq}`)]).toEqual([6_000, true])
    // One connection is one moment, however many types there are.
    expect(connect).toHaveBeenCalledTimes(1)
    connect.mockRestore()
    expect(await count(store)).toBe(12_000)
    await store.stop()
  })

  it('keeps old values in place when a type gains a channel before them', async () => {
    const store = on('grown.duckdb')
    await store.start()
    await store.prepareType(kettle)
    await store.write({ readings: [readingOf({ inlet_temperature_c: 5 })], quarantine: [], position: 1 })
    await store.prepareType({ ...kettle, channels: [{ ...channels.inlet, name: 'pressure_kpa' }, ...kettle.channels] })
    expect(await rawOf(store)).toMatchObject([{ v: { inlet_temperature_c: 5 } }])
    await store.prepareType({ ...kettle, channels: [channels.mode] })
    expect(await rawOf(store)).toMatchObject([{ v: { inlet_temperature_c: 5 } }])
    await store.stop()
  })

  it('moves a log that cannot be read aside and goes on at its last checkpoint', async () => {
    const first = on('wal.duckdb')
    await first.start()
    await first.prepareType(kettle)
    for (const seq of [1, 2, 3]) await first.write({ readings: [readingOf({}, { seq })], quarantine: [], position: seq })
    copyFileSync(join(root, 'wal.duckdb'), join(root, 'broken.duckdb'))
    const log = readFileSync(join(root, 'wal.duckdb.wal'))
    log[200] = (log[200] ?? 0) ^ 1
    writeFileSync(join(root, 'broken.duckdb.wal'), log)
    await first.stop()
    const second = on('broken.duckdb')
    expect(await second.start()).toEqual({ position: 0 })
    expect(readFileSync(join(root, 'broken.duckdb.wal.unreadable-1'))).toEqual(log)
    expect(await count(second)).toBe(0)
    await second.write({ readings: [readingOf({})], quarantine: [], position: 1 })
    expect(await count(second)).toBe(1)
    await second.stop()
  })

  it('loses nothing that was written before a checkpoint when its log is lost', async () => {
    const first = on('checkpoint.duckdb')
    await first.start()
    await first.prepareType(kettle)
    await first.write({ readings: [readingOf({}, { seq: 1 })], quarantine: [], position: 1 })
    await first.checkpoint()
    await first.write({ readings: [readingOf({}, { seq: 2 })], quarantine: [], position: 2 })
    copyFileSync(join(root, 'checkpoint.duckdb'), join(root, 'no-log.duckdb'))
    await first.stop()
    const second = on('no-log.duckdb')
    expect(await second.start()).toEqual({ position: 1 })
    expect((await rawOf(second)).map(({ seq }) => seq)).toEqual([1])
    await second.stop()
    await expect(second.checkpoint()).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
  })

  it('refuses a schema of another version and names that cannot be columns', async () => {
    const first = on('version.duckdb')
    await first.start()
    const id = { ...kettle, id: 'x"; DROP TABLE meta; --' }
    await expect(first.prepareType(id)).rejects.toMatchObject({ code: 'MDL_STORE_SCHEMA' })
    const channel = { ...kettle, channels: [{ ...channels.inlet, name: 'boot' }] }
    await expect(first.prepareType(channel)).rejects.toMatchObject({ code: 'MDL_STORE_SCHEMA' })
    await first.stop()
    const instance = await DuckDBInstance.create(join(root, 'version.duckdb'))
    const connection = await instance.connect()
    await connection.run("UPDATE meta SET value = 99 WHERE name = 'schema_version'")
    connection.closeSync()
    instance.closeSync()
    await expect(on('version.duckdb').start()).rejects.toMatchObject({ code: 'MDL_STORE_SCHEMA' })
  })
})
