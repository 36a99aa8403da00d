import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createDeviceRegistry, type DeviceRegistry } from './device-registry.ts'
import { type DeviceTables, deviceMigrations } from './device-tables.ts'

let operations: Operations
let clock: ManualClock
let registry: DeviceRegistry

const open = (): DeviceRegistry =>
  createDeviceRegistry({
    database: operations.database as unknown as Kysely<DeviceTables>,
    clock,
    types: () => new Set(['air_conditioner', 'fridge']),
  })

beforeEach(async () => {
  clock = new ManualClock(1_000_000)
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(deviceMigrations)
  registry = open()
  await registry.start()
})
afterEach(() => operations.close())

const create = async (device: string, tenant = 'home') => {
  const [created] = await registry.create([{ tenant, device, type: 'air_conditioner' }])
  if (created === undefined) throw new Error('nothing created')
  return created
}
const login = (name: string, secret: string, clientId = name) => registry.authenticate({ username: name, clientId, password: Buffer.from(secret) })

describe('create', () => {
  it('answers each device with its record and a secret of 256 bits, and keeps only the hash', async () => {
    const created = await registry.create([
      { device: 'ac-1', type: 'air_conditioner', model: 'M', site: 's', max_age_days: 400, time_zone: 'Asia/Kathmandu' },
      { tenant: 'acme', device: 'ac-1', type: 'air_conditioner' },
    ])
    expect(created).toMatchObject([
      {
        tenant: 'home',
        device: 'ac-1',
        model: 'M',
        site: 's',
        max_age_days: 400,
        time_zone: 'Asia/Kathmandu',
        created_at_ms: 1_000_000,
        revoked_at_ms: null,
      },
      { tenant: 'acme', device: 'ac-1', model: null, max_age_days: 30, time_zone: null },
    ])
    for (const { secret } of created) expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    const rows = JSON.stringify(await (operations.database as unknown as Kysely<DeviceTables>).selectFrom('devices').selectAll().execute())
    for (const { secret } of created) expect(rows).not.toContain(secret)
    expect(Object.keys(registry.get('home', 'ac-1') ?? {})).not.toContain('secret_hash')
  })

  it('takes a list of 10,000 and finds each', async () => {
    const devices = Array.from({ length: 10_000 }, (_, index) => ({ device: `d${index}`, type: 'air_conditioner' }))
    const created = await registry.create(devices)
    expect(created).toHaveLength(10_000)
    expect(login('home:d9999', created[9_999]?.secret ?? '')).toMatchObject({ kind: 'device', id: 'd9999' })
  })

  it.each([
    ['a taken id', [{ device: 'ac-1', type: 'air_conditioner' }], 'MDL_API_CONFLICT'],
    [
      'an id named twice',
      [
        { device: 'b', type: 'air_conditioner' },
        { device: 'b', type: 'air_conditioner' },
      ],
      'MDL_API_CONFLICT',
    ],
    ['an unknown type', [{ device: 'b', type: 'toaster' }], 'MDL_API_INVALID'],
    ['a bad id', [{ device: 'a/b', type: 'air_conditioner' }], 'MDL_API_INVALID'],
    ['a bad tenant', [{ tenant: '', device: 'b', type: 'air_conditioner' }], 'MDL_API_INVALID'],
    ['a time zone that is none', [{ device: 'b', type: 'air_conditioner', time_zone: 'Mars/Olympus' }], 'MDL_API_INVALID'],
    ['a bad age', [{ device: 'b', type: 'air_conditioner', max_age_days: 0 }], 'MDL_API_INVALID'],
  ])('refuses %s and creates nothing of the list', async (_name, devices, code) => {
    await create('ac-1')
    await expect(registry.create([{ device: 'innocent', type: 'air_conditioner' }, ...devices])).rejects.toMatchObject({ code })
    expect(registry.get('home', 'innocent')).toBeUndefined()
    await create('innocent')
  })

  it('lets one of two requests win that name the same id at the same time', async () => {
    const results = await Promise.allSettled([create('ac-1'), create('ac-1')])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'MDL_API_CONFLICT' } })
    const winner = results.find((result) => result.status === 'fulfilled')
    expect(login('home:ac-1', winner?.value.secret ?? '')).toBeDefined()
  })
})

describe('authenticate', () => {
  it('lets in who has all three, and nobody else', async () => {
    const one = await create('ac-1')
    const two = await create('ac-2')
    await create('ac-1', 'acme')
    const password = Buffer.from(one.secret)
    expect(login('home:ac-1', one.secret)).toMatchObject({ kind: 'device', tenant: 'home', id: 'ac-1' })
    expect(login('home:ac-1', two.secret)).toBeUndefined()
    expect(login('acme:ac-1', one.secret)).toBeUndefined()
    expect(login('home:ac-1', '')).toBeUndefined()
    expect(login('home:ac-1', `${one.secret}x`)).toBeUndefined()
    expect(login('home:ac-1', one.secret, 'home:ac-2')).toBeUndefined()
    expect(login('home:ac-1', one.secret, '')).toBeUndefined()
    expect(login('home:ac-9', one.secret)).toBeUndefined()
    expect(login('__proto__', one.secret)).toBeUndefined()
    expect(registry.authenticate({ username: undefined, clientId: 'home:ac-1', password })).toBeUndefined()
    expect(registry.authenticate({ username: 'home:ac-1', clientId: 'home:ac-1', password: undefined })).toBeUndefined()
  })

  it('knows the devices again after a restart', async () => {
    const { secret } = await create('ac-1')
    registry = open()
    await registry.start()
    expect(login('home:ac-1', secret)).toMatchObject({ id: 'ac-1' })
  })
})

describe('rotate', () => {
  it('keeps the old secret valid beside the new one for a day, also over a restart', async () => {
    const { secret } = await create('ac-1')
    const next = await registry.rotate('home', 'ac-1')
    clock.advance(limits.secretOverlapMs - 1)
    registry = open()
    await registry.start()
    expect(login('home:ac-1', secret)).toBeDefined()
    expect(login('home:ac-1', next)).toBeDefined()
    clock.advance(1)
    expect(login('home:ac-1', secret)).toBeUndefined()
    expect(login('home:ac-1', next)).toBeDefined()
  })

  it('leaves two valid, not three, and ends none that a device may go by unless it is said which', async () => {
    const { secret: first } = await create('ac-1')
    const valid = (...secrets: string[]) => secrets.map((each) => login('home:ac-1', each) !== undefined)
    const second = await registry.rotate('home', 'ac-1', 'older')
    const details = { previous_until_ms: 1_000_000 + limits.secretOverlapMs }
    await expect(registry.rotate('home', 'ac-1')).rejects.toMatchObject({ code: 'MDL_API_CONFLICT', details })
    expect(valid(first, second)).toEqual([true, true])
    clock.advance(1_000)
    const third = await registry.rotate('home', 'ac-1', 'newer')
    expect(valid(first, second, third)).toEqual([true, false, true])
    const fourth = await registry.rotate('home', 'ac-1', 'older')
    expect(valid(first, third, fourth)).toEqual([false, true, true])
    clock.advance(limits.secretOverlapMs)
    const fifth = await registry.rotate('home', 'ac-1')
    expect(valid(third, fourth, fifth)).toEqual([false, true, true])
  })

  it('refuses a device that is not there or revoked', async () => {
    await expect(registry.rotate('home', 'none')).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    await create('ac-1')
    await registry.revoke('home', 'ac-1')
    await expect(registry.rotate('home', 'ac-1')).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
  })
})

describe('ofHousehold', () => {
  it('finds the units of a household that are in use, of its tenant alone', async () => {
    await registry.create(
      ['ac-1', 'ac-2', 'ac-3'].map((device) => ({ tenant: 'home', device, type: 'fridge', household: device === 'ac-3' ? 'flat 4' : 'flat 3' })),
    )
    await registry.create([{ tenant: 'other', device: 'ac-1', type: 'fridge', household: 'flat 3' }])
    await registry.revoke('home', 'ac-2')
    expect(registry.ofHousehold('home', 'flat 3').map(({ tenant, device }) => `${tenant}/${device}`)).toEqual(['home/ac-1'])
    expect(registry.ofHousehold('home', 'flat 9')).toEqual([])
  })
})

describe('revoke', () => {
  it('ends both secrets at once, tells once, and keeps the id taken', async () => {
    const { secret } = await create('ac-1')
    const next = await registry.rotate('home', 'ac-1')
    const told: string[] = []
    registry.onRevoked((tenant, device) => told.push(`${tenant}:${device}`))
    await registry.revoke('home', 'ac-1')
    await registry.revoke('home', 'ac-1')
    expect([login('home:ac-1', secret), login('home:ac-1', next), registry.principalOf('home:ac-1')]).toEqual([undefined, undefined, undefined])
    expect(told).toEqual(['home:ac-1'])
    expect(registry.get('home', 'ac-1')).toMatchObject({ revoked_at_ms: 1_000_000 })
    await expect(create('ac-1')).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    await expect(registry.revoke('home', 'none')).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })
})

describe('list', () => {
  it('gives the devices of one type, in pages as all of them', async () => {
    for (const device of ['a', 'b', 'c', 'd']) await registry.create([{ device, type: device === 'b' ? 'fridge' : 'air_conditioner' }])
    const idsOf = (query: Parameters<typeof registry.list>[0]) => registry.list(query).map(({ device }) => device)
    expect(idsOf({ tenant: 'home', type: 'air_conditioner', limit: 2 })).toEqual(['a', 'c'])
    expect(idsOf({ tenant: 'home', type: 'air_conditioner', after: 'home:c', limit: 2 })).toEqual(['d'])
    expect(idsOf({ tenant: 'home', type: 'kettle', limit: 2 })).toEqual([])
  })

  it('pages in order of name, by tenant or over all', async () => {
    for (const device of ['c', 'a', 'b']) await create(device)
    await create('z', 'acme')
    const names = (query: Parameters<DeviceRegistry['list']>[0]) => registry.list(query).map(({ tenant, device }) => `${tenant}:${device}`)
    expect(names({ limit: 10 })).toEqual(['acme:z', 'home:a', 'home:b', 'home:c'])
    expect(names({ tenant: 'home', limit: 2 })).toEqual(['home:a', 'home:b'])
    expect(names({ tenant: 'home', after: 'home:b', limit: 2 })).toEqual(['home:c'])
    expect(names({ after: 'home:c', limit: 2 })).toEqual([])
  })
})
