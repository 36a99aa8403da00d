import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { kettle } from './builders.ts'
import { createMemoryStore } from './stores/memory-store.ts'
import { createTypeRegistry, type NewChannel, type OwnTypeTables, type TypeRegistry, typeMigrations } from './type-registry.ts'

let operations: Operations
let registry: TypeRegistry

const make = async (channelsPerReading_MAX = 4): Promise<TypeRegistry> => {
  const database = operations.database as Kysely<OwnTypeTables>
  const made = createTypeRegistry({
    database,
    catalogue: [kettle],
    clock: new ManualClock(0),
    limits: { channelsPerReading_MAX, normalChannels_MAX: 2 },
  })
  await made.start()
  return made
}

beforeEach(async () => {
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(typeMigrations)
  registry = await make()
})
afterEach(() => operations.close())

const { prepareType } = createMemoryStore()
const register = (...channels: NewChannel[]): Promise<ApplianceType> => registry.register('home', { type: 'plug', channels }, prepareType)
const namesOf = (type: ApplianceType | undefined): string[] | undefined => type?.channels.map(({ name }) => name)
const refusal = (...channels: NewChannel[]): Promise<unknown> =>
  register(...channels).then(
    () => 'accepted',
    (error: { code: string; details: { errors: Array<{ field: string }> } }) => [error.code, ...error.details.errors.map(({ field }) => field)],
  )

describe('type registry', () => {
  it('keeps a type of a tenant, over a restart, and gives it to that tenant only', async () => {
    await register({ name: 'power_w', aggregated: true }, { name: 'mode', kind: 'text' })
    registry = await make()
    expect(registry.find('home', 'plug')).toMatchObject({
      id: 'home.plug',
      channels: [{ name: 'power_w', unit: 'w', isAggregated: true }, { kind: 'text' }],
    })
    expect([registry.find('other', 'plug'), [...registry.names('home')]]).toEqual([undefined, ['kettle', 'plug']])
  })

  it.each<readonly [string, NewChannel[], string]>([
    ['boot', [{ name: 'power_w' }, { name: 'boot' }], 'channels[1].name'],
    ['seq as a text', [{ name: 'seq', kind: 'text' }], 'channels[0].name'],
    ['observed_at_ms', [{ name: 'observed_at_ms' }], 'channels[0].name'],
    ['x_min behind aggregated x', [{ name: 'x', aggregated: true }, { name: 'x_min' }], 'channels[1].name'],
    ['x_max before aggregated x', [{ name: 'x_max' }, { name: 'x', aggregated: true }], 'channels[1].name'],
    ['a name twice', [{ name: 'x' }, { name: 'x' }], 'channels[1].name'],
    ['a unit that is none', [{ name: 'x', unit: 'toString' }], 'channels[0].unit'],
    ['too many channels', ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name })), 'channels'],
  ])('refuses %s by its field', async (_name, channels, field) => {
    expect(await refusal(...channels)).toEqual(['MDL_API_INVALID', field])
    expect(registry.find('home', 'plug')).toBeUndefined()
  })

  it('refuses a learned normal of more channels than it is learned of, and takes the type without one', async () => {
    const channels = ['a_c', 'b_c', 'c_c'].map((name) => ({ name }))
    const register = (enabled: boolean) => registry.register('home', { type: 'wide', channels, learn_normal: { enabled } }, async () => {})
    await expect(register(true)).rejects.toMatchObject({ code: 'MDL_API_INVALID', details: { errors: [{ field: 'learn_normal' }] } })
    await expect(register(false)).resolves.toBeDefined()
  })

  it('takes x_min beside x that is not aggregated, and refuses what meets a channel of before', async () => {
    expect(namesOf(await register({ name: 'x' }, { name: 'x_min' }, { name: 'y', aggregated: true }))).toEqual(['x', 'x_min', 'y'])
    expect(await refusal({ name: 'y_max' })).toEqual(['MDL_API_INVALID', 'channels[0].name'])
    expect(await refusal({ name: 'a' }, { name: 'b' })).toEqual(['MDL_API_INVALID', 'channels'])
    expect(namesOf(await register({ name: 'x' }, { name: 'a' }))).toEqual(['x_min', 'y', 'x', 'a'])
  })

  it('loses no channel when two register at once, and goes on behind one that fails', async () => {
    const failing = registry.register('home', { type: 'plug', channels: [{ name: 'lost' }] }, () => Promise.reject(new Error('store is away')))
    const [failed] = await Promise.allSettled([failing, register({ name: 'a' }), register({ name: 'b' }), register({ name: 'c' })])
    expect(failed.status).toBe('rejected')
    expect(namesOf(registry.find('home', 'plug'))).toEqual(['a', 'b', 'c'])
    expect(namesOf((await make()).find('home', 'plug'))).toEqual(['a', 'b', 'c'])
  })
})

describe('quality sections of an own type', () => {
  const equal = ['a_c', 'b_c', 'd_c'].map((channel) => ({ channel, tolerance: 1 }))
  const given = {
    type: 'pump',
    channels: [
      {
        name: 'a_c',
        quality: { stuck_after_s: 3_600, stuck_tolerance: 0.2, stuck_drivers: [{ channel: 'speed_hz', moves: 5 }], rate_per_min_max: 10 },
      },
      { name: 'b_c' },
      { name: 'd_c' },
      { name: 'speed_hz', quality: { compared_after_update: false } },
    ],
    identities: [{ id: 'rest', equal, when: { channel: 'speed_hz', op: '<=' as const, value: 0, settle_s: 600 }, spread: 0.2 }],
  }

  it('are kept over a restart, and when the type is registered again without them', async () => {
    registry = await make(9)
    const type = await registry.register('home', given, async () => {})
    expect(type.channels[0]?.quality).toEqual({
      stuck: { afterMs: 3_600_000, tolerance: 0.2, drivers: [{ channel: 'speed_hz', moves: 5 }] },
      ratePerMin_MAX: 10,
    })
    await registry.register('home', { type: 'pump', channels: [{ name: 'e_c' }] }, async () => {})
    const again = (await make(9)).find('home', 'pump')
    expect(again?.identities).toEqual(type.identities)
    expect(again?.channels.find(({ name }) => name === 'a_c')?.quality).toEqual(type.channels[0]?.quality)
  })

  it('are refused with the reason where they name what is not there', async () => {
    registry = await make(9)
    const wrong = { ...given, identities: given.identities.map((identity) => ({ ...identity, when: { ...identity.when, channel: 'nobody_hz' } })) }
    await expect(registry.register('home', wrong, async () => {})).rejects.toMatchObject({
      code: 'MDL_API_INVALID',
      details: { errors: [{ reason: 'identity rest: nobody_hz is no channel with numbers' }] },
    })
  })
})
