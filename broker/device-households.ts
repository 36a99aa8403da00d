/**
 * Which household a device was of, and when: a row a stretch, written in the transaction that changes the device, whatever changed it (creation,
 * PATCH, claim, release). Readings know only their device; whose they are follows from these stretches.
 */
import type { Kysely } from 'kysely'
import type { DeviceRow, DeviceTables } from './device-tables.ts'

interface Move {
  /** The device before the change. */
  readonly before: DeviceRow
  /** Undefined: the change does not speak of it. */
  readonly household: string | null | undefined
  readonly atMs: number
}

/** Ends the stretch that lasts and begins that of the new household, where there is another one. */
export async function moveHousehold(database: Kysely<DeviceTables>, { before, household, atMs }: Move): Promise<void> {
  if (household === undefined || household === before.household) return
  const { tenant, device } = before
  const own = database.updateTable('device_households').set({ to_ms: atMs }).where('tenant', '=', tenant).where('device', '=', device)
  await own.where('to_ms', 'is', null).execute()
  if (household !== null) await database.insertInto('device_households').values({ tenant, device, household, from_ms: atMs, to_ms: null }).execute()
}

/** First stretches of new devices that come with a household. */
export async function beginHouseholds(database: Kysely<DeviceTables>, devices: readonly DeviceRow[]): Promise<void> {
  const values = devices.flatMap(({ tenant, device, household, created_at_ms }) =>
    household === null ? [] : [{ tenant, device, household, from_ms: created_at_ms, to_ms: null }],
  )
  if (values.length > 0) await database.insertInto('device_households').values(values).execute()
}
