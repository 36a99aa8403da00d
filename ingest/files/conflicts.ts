/**
 * Rows whose key stands for something else: a reading with the same key (boot and seq, or time and content) and other content came before in
 * the store, or one with the same boot and seq in an earlier row of the file. They are told in the report and stay out, so that a file fills no quarantine. Which
 * keys may have come, dedup knows without the store; the store is asked for those only. Rows of the file are remembered by their keys, the
 * newest `importKeys_MAX` of them; of older ones the store knows by then, except in a dry run.
 */
import { crc32 } from 'node:zlib'
import type { Limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import { KEYLESS_BOOT } from '../decode-envelope.ts'
import type { KeptContent } from '../kept-content.ts'
import { hasSameContent, readingKey } from '../same-reading.ts'
import type { RowReading } from './row-readings.ts'

/** A reading that decoding takes, with the row it is of. */
export interface KeptReading {
  readonly row: RowReading
  readonly reading: Reading
}

export type ReadingKey = Pick<Reading, 'tenant' | 'device' | 'type' | 'boot' | 'seq' | 'observed_at_ms'>

/** Keys of one device in columns, since those of a whole chunk go from thread to thread. */
export interface DeviceKeys {
  readonly tenant: string
  readonly device: string
  readonly boots: Float64Array
  readonly seqs: Float64Array
}

export interface KnownReadings {
  /** Indexes of keys that came before, or may have; counted over all the devices in their order. */
  readonly suspects: (keys: readonly DeviceKeys[]) => Promise<readonly number[]>
  /** What is stored under keys, as `ReadingStore.lookup` gives it. */
  readonly stored: (keys: readonly ReadingKey[]) => Promise<ReadonlyMap<string, Reading>>
}

/** Why each reading in conflict stays out. */
export type ConflictLook = (kept: readonly KeptReading[]) => Promise<ReadonlyMap<KeptReading, string>>

/** Makes the look of one import; readings of one device come in the order of the file. */
export function createConflictLook(
  known: KnownReadings,
  { importKeys_MAX, isSame = hasSameContent }: Pick<Limits, 'importKeys_MAX'> & { readonly isSame?: KeptContent['isSame'] },
): ConflictLook {
  const memory = createMemory(importKeys_MAX)
  return async (kept) => {
    const conflicts = new Map<KeptReading, string>()
    const suspects = kept.length === 0 ? [] : await known.suspects(inColumns(kept))
    const keys = suspects.flatMap((index) => (kept[index] === undefined ? [] : [keyOf(kept[index].reading)]))
    const stored = keys.length === 0 ? new Map<string, Reading>() : await known.stored(keys)
    for (const own of kept) {
      const { reading } = own
      const first = stored.size === 0 ? undefined : stored.get(readingKey(reading))
      const isKeyed = reading.boot !== KEYLESS_BOOT
      const name = isKeyed ? `boot ${reading.boot}, seq ${reading.seq}` : 'the key made of its time and content'
      if (first !== undefined && !isSame(first, reading)) {
        conflicts.set(own, `${name} is stored with other content, observed at ${first.observed_at_ms}, received at ${first.received_at_ms}`)
      } else if (isKeyed && !memory.takes(reading)) conflicts.set(own, `${name} stands in an earlier row with other content`)
    }
    return conflicts
  }
}

const keyOf = ({ tenant, device, type, boot, seq, observed_at_ms }: Reading): ReadingKey => ({ tenant, device, type, boot, seq, observed_at_ms })

/** Readings of one device stand together. */
function inColumns(kept: readonly KeptReading[]): DeviceKeys[] {
  const columns: DeviceKeys[] = []
  for (let from = 0, to = 0; from < kept.length; from = to) {
    const { tenant = '', device = '' } = kept[from]?.reading ?? {}
    while (kept[to]?.reading.device === device) to++
    const own = kept.slice(from, to)
    columns.push({
      ...{ tenant, device },
      boots: Float64Array.from(own, ({ reading }) => reading.boot),
      seqs: Float64Array.from(own, ({ reading }) => reading.seq),
    })
  }
  return columns
}

interface Memory {
  /** False when the key came with other content; the first content of a key is kept. */
  takes(reading: Reading): boolean
}

/** Contents by (device, boot) and seq in two generations: the older one is dropped when the newer one has half of all keys. */
function createMemory(keys_MAX: number): Memory {
  let newer = new Map<string, Map<number, number>>()
  let older = new Map<string, Map<number, number>>()
  let count = 0
  // Readings come in runs of one device and boot.
  let last = { device: '', boot: -1, line: '' }
  return {
    takes(reading) {
      const { device, boot } = reading
      if (last.boot !== boot || last.device !== device) last = { device, boot, line: `${device}/${boot}` }
      const { line } = last
      const content = contentHash(reading)
      const known = newer.get(line)?.get(reading.seq) ?? older.get(line)?.get(reading.seq)
      if (known !== undefined) return known === content
      if (count >= keys_MAX / 2) {
        older = newer
        newer = new Map()
        count = 0
      }
      let own = newer.get(line)
      if (own === undefined) {
        own = new Map()
        newer.set(line, own)
      }
      own.set(reading.seq, content)
      count++
      return true
    },
  }
}

const value = new Float64Array(1)
const halves = new Uint32Array(value.buffer)

/** Equal where `hasSameContent` says so: what is absent does not count, and 0 is -0. Rows are wide and mostly empty; nothing is made for one. */
function contentHash({ observed_at_ms, fw, numbers, texts }: Reading): number {
  let hash = texts.length === 0 && fw === undefined ? 0 : crc32(JSON.stringify([fw ?? null, texts]))
  const mix = (own: number): void => {
    value[0] = own + 0
    hash = mixed(mixed(hash, halves[0] ?? 0), halves[1] ?? 0)
  }
  mix(observed_at_ms)
  for (let column = 0; column < numbers.length; column++) {
    const own = numbers[column] ?? Number.NaN
    if (Number.isNaN(own)) continue
    hash = mixed(hash, column)
    mix(own)
  }
  return hash
}

/** A round of a hash of 32 bits (the multiplier and shifts are those that spread each bit over all, as in MurmurHash3). */
function mixed(hash: number, word: number): number {
  const spread = Math.imul(hash ^ word, 0x85eb_ca6b)
  const again = Math.imul(spread ^ (spread >>> 13), 0xc2b2_ae35)
  return again ^ (again >>> 16)
}
