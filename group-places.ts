/** What the hubs know of units by the registry of devices: where they stand and with how many others, since when, and that one was revoked. */
import type { GroupScope, UnitPlace } from '#kernel/alarm-group.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import type { GroupingPlaces } from './hubs/grouping/group-alarms.ts'

interface Registered {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly household: string | null
  readonly building: string | null
  readonly outage_area: string | null
  readonly site: string | null
  readonly batch: string | null
  readonly firmware: string | null
  readonly revoked_at_ms: number | null
  readonly installed_at_ms: number | null
}

export interface PlaceRegistry {
  get(tenant: string, device: string): Registered | undefined
  list(query: { readonly tenant: string; readonly limit: number }): readonly Registered[]
}

/** Units of a scope are counted again after this. */
const COUNTED_FOR_MS = 60_000

/** Devices of a tenant that are counted. */
const DEVICES_MAX = 1_000_000

/** What the hubs ask about units: where they stand, and since when. */
export function createUnitBook(registry: PlaceRegistry, clock: Pick<Clock, 'monotonicMs'>) {
  return {
    places: createGroupPlaces(registry, clock),
    unitOf: registry.get,
    installedAt: (tenant: string, device: string): number | undefined => registry.get(tenant, device)?.installed_at_ms ?? undefined,
  }
}

/** Cancels what is open for a unit that is revoked; where that fails the next start does it. */
export const endingWork =
  (hubs: { endUnit(of: { readonly tenant: string; readonly device: string }): Promise<void> }, log: Log) =>
  (tenant: string, device: string): void => {
    hubs
      .endUnit({ tenant, device })
      .catch((cause: unknown) => log.error('the work of a revoked unit was not cancelled', { tenant, device, cause: String(cause) }))
  }

function createGroupPlaces(registry: PlaceRegistry, clock: Pick<Clock, 'monotonicMs'>): GroupingPlaces {
  const counted = new Map<string, { readonly atMs: number; readonly counts: ReadonlyMap<string, number> }>()
  const count = (tenant: string): ReadonlyMap<string, number> => {
    const known = counted.get(tenant)
    const nowMs = clock.monotonicMs()
    if (known !== undefined && nowMs - known.atMs < COUNTED_FOR_MS) return known.counts
    const counts = new Map<string, number>()
    for (const unit of registry.list({ tenant, limit: DEVICES_MAX })) {
      if (unit.revoked_at_ms !== null) continue
      for (const [scope, value] of Object.entries(placeOf(unit))) {
        for (const key of [`${scope}/${value}`, typeKey(scope, value, unit.type)]) counts.set(key, (counts.get(key) ?? 0) + 1)
      }
    }
    counted.set(tenant, { atMs: nowMs, counts })
    return counts
  }
  return {
    placeOf(tenant, device) {
      const unit = registry.get(tenant, device)
      return unit === undefined ? {} : placeOf(unit)
    },
    populationOf(tenant, scope: GroupScope, value, types) {
      const counts = count(tenant)
      if (types === undefined) return counts.get(`${scope}/${value}`) ?? 0
      return types.reduce((sum, type) => sum + (counts.get(typeKey(scope, value, nameOf(tenant, type))) ?? 0), 0)
    },
  }
}

/** The registry knows a type of one's own by its name, readings and alarms by an id with the tenant before it. */
const nameOf = (tenant: string, type: string): string => (type.startsWith(`${tenant}.`) ? type.slice(tenant.length + 1) : type)

const typeKey = (scope: string, value: string, type: string): string => `${type}|${scope}/${value}`

/** A firmware and a batch are those of a type. */
function placeOf({ device, type, household, building, outage_area, site, batch, firmware }: Registered): UnitPlace {
  return {
    unit: device,
    ...(household === null ? {} : { household }),
    ...(building === null ? {} : { building }),
    ...(outage_area === null ? {} : { outage_area }),
    ...(site === null ? {} : { site }),
    ...(batch === null ? {} : { batch: `${type}/${batch}` }),
    ...(firmware === null ? {} : { firmware: `${type}/${firmware}` }),
  }
}
