/**
 * Gaps: sequence numbers of a boot that are missing between numbers that came. Kept as stretches of what came, with the device time at
 * their ends, so a device that counts without gaps costs a few numbers. What is missing follows from the set of readings, not from
 * their order; numbers before the first one of a boot are not counted as missing, since nobody knows where it began. Of a boot with very
 * many gaps the lowest stretches leave the memory: their gaps stand in the derived store only, and numbers that come for them fill them there.
 */
import { DeviceMap } from '#kernel/device-map.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedChange, Hole } from './derived-store.ts'

export interface GapTracker {
  /** Takes a reading; devices without sequence numbers have no gaps. */
  admit(reading: Pick<Reading, 'tenant' | 'device' | 'boot' | 'seq' | 'observed_at_ms' | 'received_at_ms'>): void
  /** Changes since the last call. */
  drain(): DerivedChange[]
  snapshot(): unknown
  restore(state: unknown): void
}

/** Stretches of sequence numbers [from, to] of one boot, ascending, never touching. */
interface Boot {
  readonly from: number[]
  readonly to: number[]
  readonly fromMs: number[]
  readonly toMs: number[]
  /** Lowest number that came, with its device time; below `from[0]` when stretches left the memory. */
  first: number
  firstMs: number
}

/** States of before have no first number. */
type SavedBoot = Omit<Boot, 'first' | 'firstMs'> & Partial<Boot>

interface Device {
  readonly tenant: string
  readonly device: string
  /** In order of their first reading. */
  readonly boots: Map<number, Boot>
}

export interface GapLimits {
  /** Gaps remembered of a boot; above it those with the lowest numbers stand in the derived store only, and are filled there. */
  readonly gapsPerBoot_MAX: number
  /** Boots remembered of a device; above it the one that began first is forgotten (its rows stay as they are). */
  readonly gapBoots_MAX: number
}

/** Creates an empty tracker. */
export function createGapTracker(limits: GapLimits): GapTracker {
  const devices = new DeviceMap<Device>()
  /** Changes below what the memory holds, in their order. */
  const below: DerivedChange[] = []
  const dirty = new Map<Boot, { readonly source: Device; readonly boot: number; at_ms: number }>()

  const deviceOf = (tenant: string, name: string): Device => {
    const known = devices.get(tenant, name)
    if (known !== undefined) return known
    const device: Device = { tenant, device: name, boots: new Map() }
    devices.set(tenant, name, device)
    return device
  }

  return {
    admit({ tenant, device: name, boot: number, seq, observed_at_ms: atMs, received_at_ms: receivedMs }) {
      if (number < 0) return
      const device = deviceOf(tenant, name)
      let boot = device.boots.get(number)
      if (boot === undefined) {
        boot = { from: [seq], to: [seq], fromMs: [atMs], toMs: [atMs], first: seq, firstMs: atMs }
        device.boots.set(number, boot)
        if (device.boots.size > limits.gapBoots_MAX) forgetFirst(device)
        return
      }
      const last = boot.to.length - 1
      // The usual case: one more than the newest.
      if (seq === (boot.to[last] ?? 0) + 1) {
        boot.to[last] = seq
        boot.toMs[last] = atMs
        return
      }
      const lowest = boot.from[0] ?? 0
      if (seq < lowest && boot.first < lowest) {
        below.push(...belowMemory(boot, seq, { tenant, device: name, boot: number, atMs, receivedMs }))
        return
      }
      if (!insert(boot, seq, atMs)) return
      if (seq < boot.first) Object.assign(boot, { first: seq, firstMs: atMs })
      const known = dirty.get(boot)
      if (known === undefined) dirty.set(boot, { source: device, boot: number, at_ms: receivedMs })
      else known.at_ms = Math.max(known.at_ms, receivedMs)
    },
    drain() {
      const changes = below.splice(0)
      for (const [stretches, { source, boot, at_ms }] of dirty) {
        changes.push({
          op: 'holes',
          tenant: source.tenant,
          device: source.device,
          boot,
          from_seq: stretches.from[0] ?? 0,
          holes: holesOf(stretches),
          at_ms,
        })
        // Only now, since what leaves the memory must stand in the store.
        const excess = stretches.from.length - (limits.gapsPerBoot_MAX + 1)
        if (excess > 0) for (const ends of [stretches.from, stretches.to, stretches.fromMs, stretches.toMs]) ends.splice(0, excess)
      }
      dirty.clear()
      return changes
    },
    snapshot: () => devices.values().map(({ tenant, device, boots }) => [tenant, device, [...boots]]),
    restore(state) {
      devices.clear()
      dirty.clear()
      below.length = 0
      for (const [tenant, device, boots] of state as ReadonlyArray<readonly [string, string, ReadonlyArray<readonly [number, SavedBoot]>]>) {
        for (const [number, boot] of boots)
          deviceOf(tenant, device).boots.set(number, { first: boot.from[0] ?? 0, firstMs: boot.fromMs[0] ?? 0, ...structuredClone(boot) })
      }
    },
  }
}

/** A number below the stretches in memory: fills a gap of the store, or lies before all that came and opens one behind it. */
function belowMemory(
  boot: Boot,
  seq: number,
  given: { readonly tenant: string; readonly device: string; readonly boot: number; readonly atMs: number; readonly receivedMs: number },
): DerivedChange[] {
  const { atMs, receivedMs, ...common } = given
  if (seq >= boot.first) return [{ op: 'fill', ...common, seq, observed_at_ms: atMs, at_ms: receivedMs }]
  const hole: Hole = { from_seq: seq + 1, to_seq: boot.first - 1, from_ms: atMs, to_ms: boot.firstMs }
  Object.assign(boot, { first: seq, firstMs: atMs })
  if (hole.to_seq < hole.from_seq) return []
  return [{ op: 'holes', ...common, from_seq: seq, to_seq: hole.to_seq, holes: [hole], at_ms: receivedMs }]
}

function forgetFirst({ boots }: Device): void {
  const first = boots.keys().next().value
  if (first !== undefined) boots.delete(first)
}

function holesOf({ from, to, fromMs, toMs }: Boot): Hole[] {
  return from.slice(1).map((next, index) => ({
    from_seq: (to[index] ?? 0) + 1,
    to_seq: next - 1,
    from_ms: toMs[index] ?? 0,
    to_ms: fromMs[index + 1] ?? 0,
  }))
}

/** Puts a number that is not one behind the newest; false when it is there already or lies before all. */
function insert(boot: Boot, seq: number, atMs: number): boolean {
  const { from, to, fromMs, toMs } = boot
  let low = 0
  let high = from.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((from[middle] ?? 0) <= seq) low = middle + 1
    else high = middle
  }
  const index = low - 1
  if (index >= 0 && seq <= (to[index] ?? 0)) return false
  const joinsLeft = index >= 0 && to[index] === seq - 1
  const joinsRight = from[index + 1] === seq + 1
  if (joinsLeft && joinsRight) {
    to[index] = to[index + 1] ?? seq
    toMs[index] = toMs[index + 1] ?? atMs
    for (const ends of [from, to, fromMs, toMs]) ends.splice(index + 1, 1)
  } else if (joinsLeft) {
    to[index] = seq
    toMs[index] = atMs
  } else if (joinsRight) {
    from[index + 1] = seq
    fromMs[index + 1] = atMs
  } else {
    from.splice(index + 1, 0, seq)
    to.splice(index + 1, 0, seq)
    fromMs.splice(index + 1, 0, atMs)
    toMs.splice(index + 1, 0, atMs)
  }
  return true
}
