import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import type { ChannelState } from '#kernel/channel-state.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { createTestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'
import type { ApiPorts } from './ports.ts'

const state = (change: Partial<ChannelState>): ChannelState => ({
  tenant: 'home',
  device: 'ac-1',
  type: 'air_conditioner',
  channel: 'power_w',
  state: 'stuck',
  begin_ms: 1_000,
  found_ms: 2_000,
  end_ms: null,
  firmware: '1',
  detail: { value: 3 },
  ...change,
})

const closing: Array<() => PromiseLike<unknown>> = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function open(states: readonly ChannelState[]) {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate([...apiMigrations])
  const queries: unknown[] = []
  const channelStates: ApiPorts['channelStates'] = {
    async list(query) {
      queries.push(query)
      return states.slice(0, query.limit)
    },
  }
  const test = await createTestApi(operations.database as Kysely<ApiTables>, { channelStates })
  closing.push(() => test[Symbol.asyncDispose](), operations.close)
  return { ...test, queries }
}

describe('GET /channel-states', () => {
  it('gives the states of a device, by channel and state, with those that stand', async () => {
    const test = await open([state({}), state({ state: 'drift', begin_ms: 1_500, end_ms: 9_000 }), state({ channel: 'room_temperature_c' })])
    const all = await test.request('GET', '/api/v1/channel-states?device=ac-1&from_ms=5&to_ms=9000')
    expect(all.json).toMatchObject({ items: [{ end_ms: null }, { end_ms: 9_000 }, { channel: 'room_temperature_c' }], next: null })
    expect(test.queries).toMatchObject([{ tenant: 'home', device: 'ac-1', from_ms: 5, to_ms: 9_000 }])
    const some = await test.request('GET', '/api/v1/channel-states?device=ac-1&channel=power_w&state=drift')
    expect(some.json.items).toEqual([state({ state: 'drift', begin_ms: 1_500, end_ms: 9_000 })])
  })

  it('goes on behind the last entry of a page, and refuses a cursor of others', async () => {
    const test = await open([state({}), state({ begin_ms: 3_000 })])
    const first = await test.request('GET', '/api/v1/channel-states?device=ac-1&limit=1')
    await test.request('GET', `/api/v1/channel-states?device=ac-1&limit=1&cursor=${first.json.next}`)
    expect(test.queries[1]).toMatchObject({ after: { from_ms: 1_000, key: 'power_w/stuck' } })
    const foreign = await test.request('GET', `/api/v1/channel-states?device=ac-1&cursor=${Buffer.from('7').toString('base64url')}`)
    expect(foreign.status).toBe(400)
  })

  it('refuses a state that there is not, a query without device, and a caller without key', async () => {
    const test = await open([])
    expect((await test.request('GET', '/api/v1/channel-states?device=ac-1&state=sleepy')).status).toBe(400)
    expect((await test.request('GET', '/api/v1/channel-states')).status).toBe(400)
    expect((await test.request('GET', '/api/v1/channel-states?device=ac-1', { token: '' })).status).toBe(401)
  })
})
