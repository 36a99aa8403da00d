/** What the platform is told of a simulated unit when it is registered: its place and its make, and nothing of its faults. */
import type { UnitFacts } from './fleet-units.ts'

/** Body of `POST /api/v1/devices` without tenant. */
export const registrationOf = (unit: UnitFacts) => ({
  device: unit.device,
  type: unit.type,
  firmware: unit.fw,
  serial: `${unit.batch}-${unit.device}`,
  installed_at_ms: unit.installed_at_ms,
  site: unit.city,
  building: unit.building,
  outage_area: unit.area,
  batch: unit.batch,
  household: unit.household,
})
