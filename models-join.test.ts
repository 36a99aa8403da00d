import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { type Log, silentLog } from '#kernel/log.ts'
import { folderOf, writeModelFiles } from './models/registry/model-files.ts'
import { type ModelTables, modelMigrations } from './models/registry/model-tables.ts'
import { card, types } from './models/test-builders.ts'
import { modelPort, openModels } from './models-join.ts'
import { type Operations, openOperations } from './operations/open-database.ts'

let operations: Operations
let dataDir: string
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'models-join-'))
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(modelMigrations)
})
afterEach(async () => {
  await operations.close()
  rmSync(dataDir, { recursive: true, force: true })
})

/** What a version of the program before kept of a model whose parity file holds this row. */
async function takenIn(version: string, row: readonly number[], state = 'live'): Promise<void> {
  const database = operations.database as unknown as Kysely<ModelTables>
  const own = JSON.stringify({ ...card, version })
  const parity = Buffer.from(JSON.stringify({ tolerance: 1e-4, rows: [[0, 0]], probabilities: [row] }))
  const [model, reference] = [Buffer.from('model'), Buffer.from('{}')]
  await writeModelFiles(folderOf(dataDir, 'home', version), { card: Buffer.from(own), model, reference, parity })
  const who = { created_by: 'anna', created_at_ms: 1, shadow_from_ms: null }
  await database
    .insertInto('models')
    .values({ tenant: 'home', version, type: card.type, state, source: 'uploaded', card: own, ...who })
    .execute()
  await database.insertInto('model_reigns').values({ tenant: 'home', type: card.type, from_ms: 10, version, is_rollback: 0 }).execute()
}

async function open() {
  const said: unknown[] = []
  const log: Log = { ...silentLog, error: (_, fields) => void said.push(fields) }
  const database = operations.database as unknown as Parameters<typeof openModels>[0]['database']
  const clock = new ManualClock(100)
  const models = await openModels({ dataDir, database, types: { byId: types }, clock, log, limits })
  const pipeline = { call: async () => undefined as never, isRunning: () => true }
  return { models, port: modelPort(models, { pipeline, findType: (_, name) => types(name), clock, limits }), said }
}

describe('a model in force that an earlier version took in', () => {
  it('is told with its reason when its answers are refused now, in the log, the list and the count of the silent', async () => {
    await takenIn('mine-1', [0.9, 0.8, 0.1])
    const { models, port, said } = await open()
    const objection = expect.stringContaining('sum to 1.800')
    expect(said).toEqual([{ model: 'home/mine-1', objection }])
    expect(port.list('home').find((record) => 'version' in record && record.version === 'mine-1')).toMatchObject({ state: 'live', objection })
    expect(await port.get('home', 'mine-1')).toMatchObject({ objection })
    expect(models.silent()).toBe(1)
    // Gone back to the model before, nothing in force is silent.
    await models.registry.rollBack('home', card.type, { actor: 'anna', reason: '' }).catch(() => {})
    expect(models.silent()).toBe(0)
  })

  it('is told when its files are gone', async () => {
    await takenIn('mine-1', [0.9, 0.05, 0.05])
    rmSync(folderOf(dataDir, 'home', 'mine-1'), { recursive: true })
    expect((await open()).said).toEqual([{ model: 'home/mine-1', objection: 'its parity file cannot be read' }])
  })

  it('has no objection when its answers are probabilities', async () => {
    await takenIn('mine-1', [0.9, 0.05, 0.05])
    const { models, port, said } = await open()
    expect([said, models.silent()]).toEqual([[], 0])
    expect(port.list('home')).toMatchObject([{ version: 'mine-1', objection: null }])
  })
})
