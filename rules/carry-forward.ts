/**
 * Completes readings for the safety rules. A device sends a safety channel at once, by itself, so the witnesses of one danger come in several
 * messages; a channel that a reading lacks counts with its last value for a while. Only the channels that the chosen rules ask for are
 * kept, a few numbers a device. Device time alone decides; a late reading takes nothing from its future.
 */
import { type ApplianceType, type Condition, type Rule, readingLayout } from '#catalogue/appliance-type.ts'
import type { Reading } from '#kernel/reading.ts'

export interface CarryForward {
  /** The reading with what it lacks filled in; the same object when nothing is to be filled. */
  fill(reading: Reading): Reading
  /** Plain data; `restore` of it goes on exactly here. */
  snapshot(): unknown
  restore(state: unknown): void
}

/** A value counts for this long (chosen: as long as a gap between readings does not break a hold). */
const VALID_MS = 15 * 60_000

/** Last values of one device, in the order of the type's columns that are kept. */
interface Memory {
  readonly values: number[]
  readonly atMs: number[]
}

export function createCarryForward(parts: {
  readonly types: (type: string) => ApplianceType | undefined
  readonly filter: (rule: Rule) => boolean
}): CarryForward {
  const columnsByType = new Map<string, readonly number[]>()
  /** By type, tenant and device: three looks into maps cost less than one key made of three texts. */
  const memories = new Map<string, Map<string, Map<string, Memory>>>()
  const devicesOf = (type: string, tenant: string): Map<string, Memory> => {
    const tenants = memories.get(type) ?? new Map<string, Map<string, Memory>>()
    const devices = tenants.get(tenant) ?? new Map<string, Memory>()
    memories.set(type, tenants.set(tenant, devices))
    return devices
  }

  const columnsOf = (id: string): readonly number[] => {
    const known = columnsByType.get(id)
    if (known !== undefined) return known
    const type = parts.types(id)
    const columns = type === undefined ? [] : askedColumns(type, parts.filter)
    columnsByType.set(id, columns)
    return columns
  }

  return {
    fill(reading) {
      const columns = columnsOf(reading.type)
      if (columns.length === 0) return reading
      const { type, tenant, device } = reading
      let memory = memories.get(type)?.get(tenant)?.get(device)
      if (memory === undefined) {
        memory = { values: columns.map(() => 0), atMs: columns.map(() => Number.NEGATIVE_INFINITY) }
        devicesOf(type, tenant).set(device, memory)
      }
      return complete(reading, columns, memory)
    },
    snapshot: () =>
      [...memories].flatMap(([type, tenants]) =>
        [...tenants].flatMap(([tenant, devices]) =>
          [...devices].map(([device, { values, atMs }]) => [
            `${tenant}/${device}/${type}`,
            [...values],
            atMs.map((ms) => (Number.isFinite(ms) ? ms : null)),
          ]),
        ),
      ),
    restore(state) {
      memories.clear()
      for (const [key, values, atMs] of state as ReadonlyArray<readonly [string, readonly number[], ReadonlyArray<number | null>]>) {
        const [tenant = '', device = '', type = ''] = key.split('/')
        if (values.length !== columnsOf(type).length) continue
        devicesOf(type, tenant).set(device, { values: [...values], atMs: atMs.map((ms) => ms ?? Number.NEGATIVE_INFINITY) })
      }
    },
  }
}

function complete(reading: Reading, columns: readonly number[], { values, atMs }: Memory): Reading {
  const nowMs = reading.observed_at_ms
  let numbers: Float64Array | undefined
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] ?? -1
    const given = reading.numbers[column] ?? Number.NaN
    const lastMs = atMs[index] ?? Number.NEGATIVE_INFINITY
    if (!Number.isNaN(given)) {
      if (nowMs < lastMs) continue
      values[index] = given
      atMs[index] = nowMs
    } else if (nowMs >= lastMs && nowMs - lastMs <= VALID_MS) {
      numbers ??= reading.numbers.slice()
      numbers[column] = values[index] ?? Number.NaN
    }
  }
  return numbers === undefined ? reading : { ...reading, numbers }
}

/** Columns of the channels that the chosen rules of a type ask for, with the bounds of aggregated ones. */
function askedColumns(type: ApplianceType, filter: (rule: Rule) => boolean): readonly number[] {
  const names = new Set(type.rules.filter(filter).flatMap((rule) => channelsOf(rule.when)))
  const { indexOf } = readingLayout(type)
  return [...names].flatMap((name) => [name, `${name}_min`, `${name}_max`]).flatMap((column) => indexOf.get(column) ?? [])
}

function channelsOf(condition: Condition): readonly string[] {
  if ('all' in condition) return condition.all.flatMap(channelsOf)
  if ('any' in condition) return condition.any.flatMap(channelsOf)
  if ('not' in condition) return channelsOf(condition.not)
  return condition.minus === undefined ? [condition.channel] : [condition.channel, condition.minus]
}
