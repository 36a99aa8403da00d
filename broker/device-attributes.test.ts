import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { type DeviceTables, deviceMigrations } from './device-tables.ts'
import { createIdentity } from './identity.ts'

async function create() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(deviceMigrations)
  const ports = { database: operations.database as Kysely<DeviceTables>, clock: new ManualClock(epochMs(1_000)), types: () => new Set(['kettle']) }
  const identity = createIdentity(ports)
  await identity.start()
  await identity.devices.create([{ device: 'k-1', type: 'kettle', building: 'Turm', batch: 'B1' }])
  return { identity, ports, close: () => operations.close() }
}

describe('attributes of a device', () => {
  it('changes what is named, keeps the rest, and is there after a restart', async () => {
    const { identity, ports, close } = await create()
    const changed = await identity.setAttributes('home', 'k-1', { building: null, outage_area: 'North' }, 'key:a')
    expect(changed).toMatchObject({ building: null, outage_area: 'North', batch: 'B1' })
    const again = createIdentity(ports)
    await again.start()
    expect(again.get('home', 'k-1')).toEqual(changed)
    await close()
  })

  it('notes who changed which fields, without the values, and nothing where nothing changes', async () => {
    const { identity, close } = await create()
    await identity.setAttributes('home', 'k-1', { building: 'Lerchenweg 9', batch: 'B1' }, 'key:a')
    await identity.setAttributes('home', 'k-1', { building: 'Lerchenweg 9' }, 'key:b')
    const { items } = await identity.claims.audit({ tenant: 'home', subject: 'k-1', limit: 10 })
    expect(items).toMatchObject([{ actor: 'key:a', action: 'device.attributes', subject: 'k-1', details: { changed: ['building'] } }])
    expect(JSON.stringify(items)).not.toContain('Lerchenweg')
    await close()
  })

  it('leaves the household of a claimed device to its claim', async () => {
    const { identity, close } = await create()
    const code = await identity.claims.newCode('home', 'k-1', 'key:a')
    const consent = { who: 'Anna', text_version: '1', purposes: ['service'] }
    await identity.claims.claim('home', { code, household: 'H1', consent }, 'key:a')
    await expect(identity.setAttributes('home', 'k-1', { household: 'H2' }, 'key:a')).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect(identity.get('home', 'k-1')).toMatchObject({ household: 'H1' })
    await expect(identity.setAttributes('home', 'k-9', { household: 'H2' }, 'key:a')).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    await close()
  })
})
