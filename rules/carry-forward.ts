/**
 * Completes readings for the safety rules. A device sends a safety channel at once, by itself, so the witnesses of one danger come in several
 * messages; a channel that a reading lacks counts with its last value for a while. Only the channels that the chosen rules ask for are
 * kept, a few numbers a device. Device time decides, and the receipt where a clock was set back; a late reading takes nothing from its future. What a device stored is completed with
 * what it stored before, and with what it had said when it fell silent: fresh messages come between. Mean, min and max of a channel
 * are one: they are kept and filled in together, never an old extreme beside a new mean.
 */
import { type ApplianceType, type Condition, type Rule, readingLayout } from '#catalogue/appliance-type.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import type { Reading } from '#kernel/reading.ts'

export interface CarryForward {
  /** The reading with what it lacks filled in; the same object when nothing is to be filled. */
  fill(reading: Reading): Reading
  /** The rules have changed: what they ask for is looked up again. Values of channels that were asked for before stay. */
  forget(): void
  /** Plain data; `restore` of it goes on exactly here. */
  snapshot(): unknown
  restore(state: unknown): void
}

/** A value counts for this long (chosen: as long as a gap between readings does not break a hold). */
const VALID_MS = 15 * 60_000
/** A silence behind which what the device stored may come (chosen). */
const SILENT_MS = 60_000

/** Columns that are kept of a type; `heads[i]` is the place of the mean (or only value) in the channel of column i. */
interface Asked {
  /** Names of the columns, by which values are found again when others are asked for. */
  readonly names: readonly string[]
  readonly columns: readonly number[]
  readonly heads: readonly number[]
  /** Columns of a row that has them all. */
  readonly width: number
}

/** Last values, in the order of what was asked for; NaN for an extreme that did not come with its mean. */
interface Values {
  readonly values: number[]
  /** Device time, and receipt. */
  readonly atMs: number[]
  readonly receivedMs: number[]
}

interface Memory extends Values {
  readonly asked: Asked
  /** What the device stored and sends later; what it had said when it fell silent, before that comes. */
  stored: Values | undefined
  /** Device time of the last reading in order. */
  lastMs: number
  /** Receipt of the last stored reading. */
  storedMs: number
  /** Of the last fresh reading. */
  boot: number
  seq: number
}

/** The receipts are absent in what versions before it saved. */
type SavedValues = readonly [values: ReadonlyArray<number | null>, atMs: ReadonlyArray<number | null>, receivedMs?: readonly number[] | undefined]
type SavedMore = Pick<Memory, 'lastMs' | 'storedMs' | 'boot' | 'seq'> & {
  readonly receivedMs: readonly number[]
  readonly stored: SavedValues | null
}
/** What follows on the times is absent in what versions before it saved. */
type SavedMemory = readonly [key: string, values: ReadonlyArray<number | null>, atMs: ReadonlyArray<number | null>, more?: SavedMore]

interface Saved {
  /** Names of the columns, by type. */
  readonly asked: Readonly<Record<string, readonly string[]>>
  readonly devices: readonly SavedMemory[]
}

const NOTHING: Asked = { names: [], columns: [], heads: [], width: 0 }

export function createCarryForward(parts: {
  readonly types: (type: string) => ApplianceType | undefined
  readonly filter: (rule: Rule) => boolean
}): CarryForward {
  const askedByType = new Map<string, Asked>()
  const memories = new Map<string, DeviceMap<Memory>>()
  const devicesOf = (type: string): DeviceMap<Memory> => {
    const known = memories.get(type)
    if (known !== undefined) return known
    const devices = new DeviceMap<Memory>()
    memories.set(type, devices)
    return devices
  }

  const askedOf = (id: string): Asked => {
    const known = askedByType.get(id)
    if (known !== undefined) return known
    const type = parts.types(id)
    const asked = type === undefined ? NOTHING : askedColumns(type, parts.filter)
    askedByType.set(id, asked)
    return asked
  }

  return {
    fill(reading) {
      const asked = askedOf(reading.type)
      if (asked.columns.length === 0) return reading
      const { type, tenant, device } = reading
      const devices = devicesOf(type)
      let memory = devices.get(tenant, device)
      if (memory?.asked !== asked) {
        memory = memoryFor(asked, memory)
        devices.set(tenant, device, memory)
      }
      return reading.hist ? completeStored(reading, memory) : completeFresh(reading, memory)
    },
    forget() {
      askedByType.clear()
    },
    snapshot(): Saved {
      const asked: Record<string, readonly string[]> = {}
      const devices: SavedMemory[] = []
      for (const [type, own] of memories) {
        const now = askedOf(type)
        asked[type] = now.names
        for (const [tenant, device, memory] of own.entries()) {
          const { stored, lastMs, storedMs, boot, seq, ...last } = memory.asked === now ? memory : memoryFor(now, memory)
          const [values, atMs, receivedMs = []] = savedOf(last)
          const more = { stored: stored === undefined ? null : savedOf(stored), lastMs, storedMs, boot, seq, receivedMs }
          devices.push([`${tenant}/${device}/${type}`, values, atMs, more])
        }
      }
      return { asked, devices }
    },
    restore(state) {
      memories.clear()
      // Versions before saved the devices alone, without the names.
      const saved = Array.isArray(state) ? { asked: {}, devices: state as readonly SavedMemory[] } : (state as Saved)
      for (const [key, values, atMs, more] of saved.devices) {
        const [tenant = '', device = '', type = ''] = key.split('/')
        const now = askedOf(type)
        const names = saved.asked[type] ?? now.names
        if (values.length !== names.length) continue
        const before = {
          asked: { ...NOTHING, names },
          ...NOT_PLACED,
          ...more,
          ...valuesOf([values, atMs, more?.receivedMs]),
          stored: more?.stored == null ? undefined : valuesOf(more.stored),
        }
        devicesOf(type).set(tenant, device, memoryFor(now, before))
      }
    },
  }
}

const savedOf = ({ values, atMs, receivedMs }: Values): SavedValues => [
  values.map((value) => (Number.isNaN(value) ? null : value)),
  atMs.map((ms) => (Number.isFinite(ms) ? ms : null)),
  [...receivedMs],
]

const valuesOf = ([values, atMs, receivedMs]: SavedValues): Values => ({
  values: values.map((value) => value ?? Number.NaN),
  atMs: atMs.map((ms) => ms ?? Number.NEGATIVE_INFINITY),
  receivedMs: values.map((_, index) => receivedMs?.[index] ?? 0),
})

const copyOf = ({ values, atMs, receivedMs }: Values): Values => ({ values: [...values], atMs: [...atMs], receivedMs: [...receivedMs] })

const NOT_PLACED = { lastMs: 0, storedMs: 0, boot: -1, seq: -1 } as const

/** What was kept before of the columns that are asked for now. */
function memoryFor(asked: Asked, before: Memory | undefined): Memory {
  const places = asked.names.map((name) => before?.asked.names.indexOf(name) ?? -1)
  const kept = (of: Values | undefined): Values => ({
    values: places.map((place) => of?.values[place] ?? 0),
    atMs: places.map((place) => of?.atMs[place] ?? Number.NEGATIVE_INFINITY),
    receivedMs: places.map((place) => of?.receivedMs[place] ?? 0),
  })
  return { ...NOT_PLACED, ...before, asked, ...kept(before), stored: before?.stored && kept(before.stored) }
}

function completeFresh(reading: Reading, memory: Memory): Reading {
  const { observed_at_ms: atMs, received_at_ms, boot, seq } = reading
  if (atMs - memory.lastMs > SILENT_MS && received_at_ms - memory.storedMs > VALID_MS) memory.stored = copyOf(memory)
  // A newer number with an older time is no late delivery: the clock was set back.
  const isNewer = boot >= 0 && memory.boot >= 0 && (boot > memory.boot || (boot === memory.boot && seq > memory.seq))
  memory.lastMs = isNewer ? atMs : Math.max(memory.lastMs, atMs)
  if (isNewer || memory.boot < 0) Object.assign(memory, { boot, seq })
  return complete(reading, memory, { ...memory.asked, isNewer })
}

/** Of a device's backlog each reading is completed with those before it; one that lies behind begins anew there. */
function completeStored(reading: Reading, memory: Memory): Reading {
  const { observed_at_ms: atMs, received_at_ms } = reading
  const isInOrder = atMs >= memory.lastMs
  if (isInOrder && received_at_ms - memory.storedMs > VALID_MS) memory.stored = copyOf(memory)
  memory.stored ??= copyOf(memory)
  memory.storedMs = received_at_ms
  const { stored, asked } = memory
  stored.atMs.forEach((ms, index) => {
    if (ms > atMs) stored.atMs[index] = Number.NEGATIVE_INFINITY
  })
  memory.lastMs = Math.max(memory.lastMs, atMs)
  complete(reading, memory, { ...asked, isNewer: false })
  return complete(reading, stored, { ...asked, isNewer: false })
}

/** `isNewer`: by its number it comes behind all that is kept, whatever its time says. */
function complete(
  reading: Reading,
  { values, atMs, receivedMs }: Values,
  { columns, heads, width, isNewer }: Asked & { readonly isNewer: boolean },
): Reading {
  const { observed_at_ms: nowMs, received_at_ms } = reading
  let numbers: Float64Array | undefined
  for (let index = 0; index < columns.length; index++) {
    const column = columns[index] ?? -1
    const head = heads[index] ?? index
    const lastMs = atMs[index] ?? Number.NEGATIVE_INFINITY
    if (!Number.isNaN(reading.numbers[columns[head] ?? -1] ?? Number.NaN)) {
      if (nowMs < lastMs && !isNewer) continue
      values[index] = reading.numbers[column] ?? Number.NaN
      // One reading with a wrong clock takes nothing from those behind it.
      atMs[index] = Math.max(nowMs, lastMs)
      receivedMs[index] = received_at_ms
      continue
    }
    const isValid = nowMs >= lastMs ? nowMs - lastMs <= VALID_MS : isNewer && received_at_ms - (receivedMs[index] ?? 0) <= VALID_MS
    if (!isValid || lastMs !== atMs[head]) continue
    const value = values[index] ?? Number.NaN
    // A row may end before the columns of min and max.
    if (column >= reading.numbers.length && Number.isNaN(value)) continue
    numbers ??= reading.numbers.slice()
    if (column >= numbers.length) numbers = widenedTo(width, numbers)
    numbers[column] = value
  }
  return numbers === undefined ? reading : { ...reading, numbers }
}

/** Columns of the channels that the chosen rules of a type ask for, with the bounds of aggregated ones. */
function askedColumns(type: ApplianceType, filter: (rule: Rule) => boolean): Asked {
  const conditions = type.rules.filter(filter).flatMap((rule) => [rule.when, ...(rule.levels ?? []).flatMap(({ when }) => when ?? [])])
  const { columns: all, indexOf } = readingLayout(type)
  const names: string[] = []
  const columns: number[] = []
  const heads: number[] = []
  for (const channel of new Set(conditions.flatMap(channelsOf))) {
    const head = columns.length
    for (const name of [channel, `${channel}_min`, `${channel}_max`]) {
      const column = indexOf.get(name)
      if (column === undefined) continue
      names.push(name)
      columns.push(column)
      heads.push(head)
    }
  }
  return { names, columns, heads, width: all.length }
}

function widenedTo(width: number, numbers: Float64Array): Float64Array {
  const wide = new Float64Array(width).fill(Number.NaN)
  wide.set(numbers)
  return wide
}

function channelsOf(condition: Condition): readonly string[] {
  if ('all' in condition) return condition.all.flatMap(channelsOf)
  if ('any' in condition) return condition.any.flatMap(channelsOf)
  if ('not' in condition) return channelsOf(condition.not)
  if ('held' in condition) return channelsOf(condition.held)
  return condition.minus === undefined ? [condition.channel] : [condition.channel, condition.minus]
}
