import { describe, expect, it } from 'vitest'
import { committedModels, ownModels } from './model-backtest-join.ts'
import type { ModelRecord } from './models/registry/model-registry.ts'

const record = (version: string, change: Partial<ModelRecord> = {}): ModelRecord => ({
  ...{ version, type: 'fridge', state: 'candidate', source: 'uploaded', algorithm: 'x', created_at_ms: 1, created_by: 'me' },
  ...{ shadow_from_ms: null, live_from_ms: null },
  ...change,
})

describe('models that a backtest may try', async () => {
  const program = await committedModels('home', 'fridge', undefined)
  const builtIn = record(program?.version ?? '', { source: 'program', state: 'retired' })
  const records = [builtIn, record('good', { state: 'live' }), record('next', { source: 'trained' }), record('cold', { type: 'air_conditioner' })]
  const source = ownModels({ list: (tenant) => (tenant === 'home' ? records : [builtIn]) }, '/data')

  it('are by `live` the one that is in force, which a tenant brought', async () => {
    expect(await source('home', 'fridge', undefined)).toMatchObject({
      version: 'good',
      isOwn: true,
      isLive: true,
      directory: '/data/models/home/good',
    })
  })

  it('are by name a candidate, and the program’s own that is retired', async () => {
    expect(await source('home', 'fridge', 'next')).toMatchObject({ version: 'next', isOwn: true, isLive: false })
    expect(await source('home', 'fridge', builtIn.version)).toMatchObject({ isOwn: false, isLive: false, directory: program?.directory })
  })

  it('are none of another tenant or another type', async () => {
    expect(await source('other', 'fridge', 'good')).toBeUndefined()
    expect(await source('home', 'fridge', 'cold')).toBeUndefined()
    expect(await source('other', 'fridge', undefined)).toBeUndefined()
  })
})
