/**
 * Dedup: remembers which (tenant, device, boot, seq) came, as stretches of sequence numbers, so that a device that counts without gaps
 * costs a few bytes however long it lives. What was forgotten (too many stretches or boots) is answered `unsure`, never `fresh`: the
 * caller asks the store. The answer is a function of the log alone; the state is saved with the journal's position.
 */
import { DeviceMap } from '#kernel/device-map.ts'
import { assert } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import { limits as defaultLimits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'

/** `fresh`: never came. `seen`: came before. `unsure`: may have come; from now on it is seen. */
export type Admission = 'fresh' | 'seen' | 'unsure'

export interface Deduplicator {
  admit(reading: Pick<Reading, 'tenant' | 'device' | 'boot' | 'seq'>): Admission
  /** The same answer without a trace. */
  peek(reading: Pick<Reading, 'tenant' | 'device' | 'boot' | 'seq'>): Admission
  /** Plain data for a structured clone or JSON. */
  snapshot(): unknown
  restore(state: unknown): void
  /** Any reading of this boot up to this sequence number may have come. */
  doubt(upTo: Pick<Reading, 'tenant' | 'device' | 'boot' | 'seq'>): void
}

interface DeviceMemory {
  /** In order of use, so that the first is the one unused for longest. */
  readonly boots: Map<number, Stretches>
  /** Highest boot that was forgotten; one up to it that is not among `boots` may have come. */
  forgottenBoot_MAX: number
}

const STATE_VERSION = 1
const NEVER = -2

type DeviceState = readonly [
  key: string,
  forgottenBoot_MAX: number,
  boots: ReadonlyArray<readonly [boot: number, unsureBelow: number, from: readonly number[], to: readonly number[]]>,
]

interface DedupState {
  readonly version: number
  readonly devices: readonly DeviceState[]
}

/** Creates an empty memory. */
export function createDeduplicator(limits: Pick<Limits, 'dedupStretches_MAX' | 'dedupBoots_MAX'> = defaultLimits): Deduplicator {
  const memories = new DeviceMap<DeviceMemory>()

  const memoryOf = (tenant: string, device: string): DeviceMemory => {
    const known = memories.get(tenant, device)
    if (known !== undefined) return known
    const memory: DeviceMemory = { boots: new Map(), forgottenBoot_MAX: NEVER }
    memories.set(tenant, device, memory)
    return memory
  }

  return {
    admit({ tenant, device, boot, seq }) {
      const memory = memoryOf(tenant, device)
      const known = memory.boots.get(boot)
      if (known !== undefined) {
        // Moved to the end: used last.
        if (memory.boots.size > 1) {
          memory.boots.delete(boot)
          memory.boots.set(boot, known)
        }
        return known.admit(seq, limits.dedupStretches_MAX)
      }
      const stretches = new Stretches(boot <= memory.forgottenBoot_MAX ? Number.MAX_SAFE_INTEGER : 0)
      memory.boots.set(boot, stretches)
      if (memory.boots.size > limits.dedupBoots_MAX) forgetOldest(memory)
      return stretches.admit(seq, limits.dedupStretches_MAX)
    },
    peek({ tenant, device, boot, seq }) {
      const memory = memories.get(tenant, device)
      if (memory === undefined) return 'fresh'
      return memory.boots.get(boot)?.peek(seq) ?? (boot <= memory.forgottenBoot_MAX ? 'unsure' : 'fresh')
    },
    doubt({ tenant, device, boot, seq }) {
      const memory = memoryOf(tenant, device)
      const stretches = getOrMake(memory.boots, boot, () => new Stretches(0))
      stretches.unsureBelow = Math.max(stretches.unsureBelow, seq + 1)
      if (memory.boots.size > limits.dedupBoots_MAX) forgetOldest(memory)
    },
    snapshot() {
      const devices = memories.entries().map(([tenant, device, memory]): DeviceState => {
        const boots = [...memory.boots].map(
          ([boot, stretches]) => [boot, stretches.unsureBelow, stretches.from.slice(), stretches.to.slice()] as const,
        )
        return [`${tenant}/${device}`, memory.forgottenBoot_MAX, boots]
      })
      return { version: STATE_VERSION, devices } satisfies DedupState
    },
    restore(state) {
      const { version, devices } = state as DedupState
      assert(version === STATE_VERSION, 'the state of dedup is of this version')
      memories.clear()
      for (const [key, forgotten, boots] of devices) {
        const slash = key.indexOf('/')
        const memory = memoryOf(key.slice(0, slash), key.slice(slash + 1))
        memory.forgottenBoot_MAX = forgotten
        for (const [boot, unsureBelow, from, to] of boots) memory.boots.set(boot, new Stretches(unsureBelow, [...from], [...to]))
      }
    },
  }
}

function forgetOldest(memory: DeviceMemory): void {
  const oldest = memory.boots.keys().next().value
  if (oldest === undefined) return
  memory.boots.delete(oldest)
  memory.forgottenBoot_MAX = Math.max(memory.forgottenBoot_MAX, oldest)
}

/** Sequence numbers of one boot as stretches [from, to], ascending, never touching. */
class Stretches {
  /** Numbers below that lie in no stretch are uncertain. */
  unsureBelow: number
  readonly from: number[]
  readonly to: number[]

  constructor(unsureBelow: number, from: number[] = [], to: number[] = []) {
    this.unsureBelow = unsureBelow
    this.from = from
    this.to = to
  }

  admit(seq: number, stretches_MAX: number): Admission {
    const last = this.to.length - 1
    // The usual case: one more than the newest.
    if (last >= 0 && seq === (this.to[last] ?? 0) + 1 && seq >= this.unsureBelow) {
      this.to[last] = seq
      return 'fresh'
    }
    const index = this.#lastNotAbove(seq)
    if (index >= 0 && seq <= (this.to[index] ?? 0)) return 'seen'
    const isUnsure = seq < this.unsureBelow
    this.#insert(seq, index)
    if (this.from.length > stretches_MAX) this.#forgetLowest()
    return isUnsure ? 'unsure' : 'fresh'
  }

  peek(seq: number): Admission {
    const index = this.#lastNotAbove(seq)
    if (index >= 0 && seq <= (this.to[index] ?? 0)) return 'seen'
    return seq < this.unsureBelow ? 'unsure' : 'fresh'
  }

  /** Index of the last stretch that begins at or below `seq`, -1 when there is none. */
  #lastNotAbove(seq: number): number {
    let low = 0
    let high = this.from.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.from[middle] ?? 0) <= seq) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  #insert(seq: number, index: number): void {
    const joinsLeft = index >= 0 && this.to[index] === seq - 1
    const joinsRight = this.from[index + 1] === seq + 1
    if (joinsLeft && joinsRight) {
      this.to[index] = this.to[index + 1] ?? seq
      this.from.splice(index + 1, 1)
      this.to.splice(index + 1, 1)
    } else if (joinsLeft) this.to[index] = seq
    else if (joinsRight) this.from[index + 1] = seq
    else {
      this.from.splice(index + 1, 0, seq)
      this.to.splice(index + 1, 0, seq)
    }
  }

  #forgetLowest(): void {
    const to = this.to.shift() ?? 0
    this.from.shift()
    this.unsureBelow = Math.max(this.unsureBelow, to + 1)
  }
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
