/**
 * Joins the time zones of devices with the reading store: the pipeline's worker learns each zone that is not the default, and a question
 * for local days carries the zone of its device.
 */
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

interface ZonedDevice {
  readonly tenant: string
  readonly device: string
  readonly time_zone: string | null
}

export interface DeviceZones<NewDevice, Created> {
  /** Creates the devices and tells the worker their zones. */
  create(devices: readonly NewDevice[]): Promise<Created[]>
  zoneOf(tenant: string, device: string): string
}

/** Devices read from the registry in one page. */
const PAGE = 5_000

export function createDeviceZones<NewDevice, Created extends ZonedDevice>(parts: {
  readonly registry: {
    create(devices: readonly NewDevice[]): Promise<Created[]>
    get(tenant: string, device: string): ZonedDevice | undefined
  }
  readonly pipeline: { call(name: typeof PIPELINE_CALLS.timeZone, argument: readonly [string, string]): Promise<unknown> }
  readonly defaultZone: string
}): DeviceZones<NewDevice, Created> {
  const { registry, pipeline, defaultZone } = parts
  return {
    async create(devices) {
      const created = await registry.create(devices)
      for (const { tenant, device, time_zone } of created) {
        // A worker that is not there gets the whole list when it starts.
        if (time_zone !== null) await pipeline.call(PIPELINE_CALLS.timeZone, [`${tenant}/${device}`, time_zone]).catch(() => {})
      }
      return created
    },
    zoneOf: (tenant, device) => registry.get(tenant, device)?.time_zone ?? defaultZone,
  }
}

/** Zones of the registry's devices that name one. */
export function listZones(registry: {
  list(query: { readonly after?: string | undefined; readonly limit: number }): readonly ZonedDevice[]
}): ReadonlyArray<readonly [device: string, zone: string]> {
  const zones: Array<readonly [string, string]> = []
  let after: string | undefined
  for (;;) {
    const page = registry.list({ after, limit: PAGE })
    for (const { tenant, device, time_zone } of page) if (time_zone !== null) zones.push([`${tenant}/${device}`, time_zone])
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return zones
    after = `${last.tenant}:${last.device}`
  }
}
