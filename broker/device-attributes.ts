/**
 * What is said of a device that is there already: where it stands, whose it is, of which batch. Readings and past groups of alarms keep what was
 * said before. Who changed which fields is in the audit; the values are not, so that an erased address is nowhere.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { insertAudit } from './audit.ts'
import type { DeviceRecord, DeviceRegistry } from './device-registry.ts'
import type { DeviceAttributes, DeviceTables } from './device-tables.ts'

const ATTRIBUTES = ['model', 'serial', 'site', 'household', 'building', 'outage_area', 'batch', 'installed_at_ms'] as const satisfies ReadonlyArray<
  keyof DeviceAttributes
>

interface AttributePorts {
  readonly clock: Clock
  readonly devices: Pick<DeviceRegistry, 'get' | 'change'>
}

/** @throws MendlineError MDL_API_NOT_FOUND; MDL_API_CONFLICT for the household of a device that a household claimed */
export type SetAttributes = (tenant: string, device: string, wanted: DeviceAttributes, actor: string) => Promise<DeviceRecord>

export function createSetAttributes({ clock, devices }: AttributePorts): SetAttributes {
  return async (tenant, device, wanted, actor) => {
    const before = devices.get(tenant, device)
    if (before === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${device}`, { details: { tenant, device } })
    const changed = ATTRIBUTES.filter((name) => wanted[name] !== undefined && wanted[name] !== before[name])
    if (changed.length === 0) return before
    const change: DeviceAttributes = Object.fromEntries(changed.map((name) => [name, wanted[name]]))
    await devices.change(tenant, device, change, async (inside) => {
      if (changed.includes('household')) await refuseClaimed(inside, tenant, device)
      const details = { changed }
      await insertAudit(inside, { tenant, at_ms: clock.now(), actor, action: 'device.attributes', subject: device, details })
    })
    return devices.get(tenant, device) ?? before
  }
}

async function refuseClaimed(database: Kysely<DeviceTables>, tenant: string, device: string): Promise<void> {
  const query = database.selectFrom('claims').select('claim_id').where('tenant', '=', tenant).where('device', '=', device)
  const claim = await query.where('released_at_ms', 'is', null).executeTakeFirst()
  if (claim === undefined) return
  throw new MendlineError('MDL_API_CONFLICT', `device ${device} is claimed by its household: release the claim first`, {
    details: { tenant, device },
  })
}
