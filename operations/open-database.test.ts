import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompiledQuery, type Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import type { Migration } from '#kernel/migration.ts'
import { type Operations, openOperations } from './open-database.ts'

interface Tables {
  things: { id: string; n: number; flag: number }
}

const things: Migration = { id: '0001-things', statements: ['CREATE TABLE things (id TEXT PRIMARY KEY, n INTEGER NOT NULL, flag INTEGER NOT NULL)'] }
const parts: Migration = { id: '0002-parts', statements: ['CREATE TABLE parts (id TEXT PRIMARY KEY, thing TEXT NOT NULL REFERENCES things (id))'] }

let folder: string
const opened: Operations[] = []

const open = async (file = join(folder, 'operations.db')): Promise<{ operations: Operations; database: Kysely<Tables> }> => {
  const operations = await openOperations({ file, log: silentLog })
  opened.push(operations)
  return { operations, database: operations.database as unknown as Kysely<Tables> }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-operations-'))
})
afterEach(async () => {
  for (const operations of opened.splice(0)) await operations.close()
  rmSync(folder, { recursive: true })
})

describe('openOperations', () => {
  it('opens for durable use', async () => {
    const { operations } = await open()
    const pragma = async (name: string) =>
      Object.values((await operations.database.executeQuery(CompiledQuery.raw(`PRAGMA ${name}`))).rows[0] ?? {})[0]
    expect(await pragma('journal_mode')).toBe('wal')
    expect(await pragma('synchronous')).toBe(2)
    expect(await pragma('foreign_keys')).toBe(1)
    expect(await pragma('busy_timeout')).toBe(5_000)
  })

  it('keeps what was committed when the file is opened again', async () => {
    const first = await open()
    await first.operations.migrate([things])
    await first.database.insertInto('things').values({ id: 'a', n: 1, flag: 0 }).execute()
    await first.operations.close()
    const second = await open()
    await second.operations.migrate([things])
    expect(await second.database.selectFrom('things').selectAll().execute()).toEqual([{ id: 'a', n: 1, flag: 0 }])
  })

  it('stores booleans as 0 and 1', async () => {
    const { operations, database } = await open(':memory:')
    await operations.migrate([things])
    await operations.database.executeQuery(CompiledQuery.raw('INSERT INTO things VALUES (?, ?, ?)', ['a', 1, true]))
    expect(await database.selectFrom('things').select('flag').execute()).toEqual([{ flag: 1 }])
  })

  it('rolls a failed transaction back and keeps concurrent ones apart', async () => {
    const { operations, database } = await open()
    await operations.migrate([things])
    const failing = database.transaction().execute(async (transaction) => {
      await transaction.insertInto('things').values({ id: 'a', n: 1, flag: 0 }).execute()
      await Promise.resolve()
      throw new Error('no')
    })
    const passing = database.transaction().execute(async (transaction) => {
      await transaction.insertInto('things').values({ id: 'b', n: 2, flag: 0 }).execute()
    })
    await expect(failing).rejects.toThrow('no')
    await passing
    expect(await database.selectFrom('things').select('id').execute()).toEqual([{ id: 'b' }])
  })

  it('tells a full disk as one, also where SQLite ends the transaction itself, and goes on when there is room', async () => {
    const { operations, database } = await open()
    await operations.migrate([things])
    const pragma = (text: string) => operations.database.executeQuery(CompiledQuery.raw(`PRAGMA ${text}`))
    await pragma('max_page_count = 1')
    const long = database.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('things')
        .values({ id: 'a'.repeat(100_000), n: 1, flag: 0 })
        .execute()
    })
    await expect(long).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE', retryable: true, message: expect.stringContaining('no room') })
    await pragma('max_page_count = 1000000')
    await database.transaction().execute((transaction) => transaction.insertInto('things').values({ id: 'b', n: 2, flag: 0 }).execute())
    expect(await database.selectFrom('things').select('id').execute()).toEqual([{ id: 'b' }])
  })

  it('reports the rows that an update touched', async () => {
    const { operations, database } = await open()
    await operations.migrate([things])
    await database.insertInto('things').values({ id: 'a', n: 1, flag: 0 }).execute()
    const result = await database.updateTable('things').set({ n: 2 }).where('id', '=', 'a').where('n', '=', 1).executeTakeFirst()
    expect(result.numUpdatedRows).toBe(1n)
  })

  it('refuses a file that is no database', async () => {
    const file = join(folder, 'not.db')
    writeFileSync(file, 'x'.repeat(5_000))
    await expect(openOperations({ file, log: silentLog })).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE', retryable: false })
  })

  it('refuses a folder that is not there', async () => {
    await expect(openOperations({ file: join(folder, 'none', 'x.db'), log: silentLog })).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
  })
})

describe('migrate', () => {
  it('applies each migration once, also when the list grows', async () => {
    const { operations, database } = await open()
    await operations.migrate([things])
    await database.insertInto('things').values({ id: 'a', n: 1, flag: 0 }).execute()
    await operations.migrate([things, parts])
    await operations.migrate([things, parts])
    expect(await database.selectFrom('things').select('id').execute()).toEqual([{ id: 'a' }])
  })

  it('refuses a database written by a newer version', async () => {
    const { operations } = await open()
    await operations.migrate([things, parts])
    await expect(operations.migrate([things])).rejects.toMatchObject({ code: 'MDL_STORE_SCHEMA', details: { migration: '0002-parts' } })
  })

  it('refuses a migration that was changed after it was applied', async () => {
    const { operations } = await open()
    await operations.migrate([things])
    await expect(operations.migrate([{ ...things, statements: ['CREATE TABLE things (id TEXT)'] }])).rejects.toMatchObject({
      code: 'MDL_STORE_SCHEMA',
    })
  })

  it('leaves nothing of a migration that fails half way', async () => {
    const { operations } = await open()
    const broken: Migration = { id: '0003-broken', statements: ['CREATE TABLE half (id TEXT)', 'CREATE TABEL other (id TEXT)'] }
    await expect(operations.migrate([things, broken])).rejects.toThrow()
    await operations.migrate([things, { ...broken, statements: ['CREATE TABLE half (id TEXT)'] }])
  })
})
