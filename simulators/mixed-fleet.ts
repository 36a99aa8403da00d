/**
 * Fleets of several appliance types as one. They have one seed and one start, so they share their homes: the first fridge stands in the
 * household of the first air conditioner. A share may ask for faults of its own, so that a demonstration surely has them.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { assert } from '#kernel/errors.ts'
import { createFleet, type Fleet } from './fleet.ts'
import type { FleetOptions } from './fleet-options.ts'
import { typePrefix } from './fleet-units.ts'

/** Units of one type. Shares of the same type follow one another through the homes. */
export interface FleetShare extends Pick<FleetOptions, 'units' | 'samplePeriodMs' | 'faults'> {
  readonly type: ApplianceType
  /** That of all when not given. */
  readonly faultShare?: number
}

/** What is the same for all types. */
export type MixedFleetOptions = Omit<FleetOptions, 'type' | 'units' | 'samplePeriodMs' | 'firstHome' | 'faults'>

/** `step` gives the types one after the other, each unit's messages in order of time. */
export type MixedFleet = Omit<Fleet, 'readings'>

/** Builds the fleets. A device prefix gets the type after it, since the ids must differ. */
export function createMixedFleet(shares: readonly FleetShare[], common: MixedFleetOptions): MixedFleet {
  assert(shares.length > 0, 'a mixed fleet has a share')
  const homes = new Map<string, number>()
  const fleets = shares.map((share) => {
    const firstHome = homes.get(share.type.id) ?? 0
    homes.set(share.type.id, firstHome + share.units)
    const { devicePrefix } = common
    return createFleet({ ...common, ...share, firstHome, ...(devicePrefix !== undefined && { devicePrefix: prefixed(devicePrefix, share.type) }) })
  })
  const units = fleets.flatMap((fleet) => fleet.units).sort((a, b) => (a.device < b.device ? -1 : 1))
  const fleetOf = new Map(fleets.flatMap((fleet) => fleet.devices.map((device) => [device, fleet] as const)))
  assert(fleetOf.size === units.length, 'the devices of a mixed fleet have names of their own')
  return {
    devices: units.map(({ device }) => device),
    units,
    nowMs: () => Math.min(...fleets.map((fleet) => fleet.nowMs())),
    setSamplePeriod(periodMs) {
      for (const fleet of fleets) fleet.setSamplePeriod(periodMs)
    },
    *step(untilMs) {
      for (const fleet of fleets) yield* fleet.step(untilMs)
    },
    truth: () => fleets.flatMap((fleet) => fleet.truth()),
    confusions: (untilMs) => fleets.flatMap((fleet) => fleet.confusions(untilMs)).sort((a, b) => a.from_ms - b.from_ms),
    repair: (device, fault, atMs) => fleetOf.get(device)?.repair(device, fault, atMs) ?? false,
  }
}

const prefixed = (prefix: string, { id }: ApplianceType): string => `${prefix}-${typePrefix(id)}`

/** Splits a number of units over types as a street has them; the first types get what is left over. */
export function shareOut(units: number, types: readonly ApplianceType[]): Array<{ readonly type: ApplianceType; readonly units: number }> {
  const each = Math.floor(units / types.length)
  return types.map((type, place) => ({ type, units: each + (place < units % types.length ? 1 : 0) })).filter((share) => share.units > 0)
}
