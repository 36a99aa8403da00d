/**
 * The latest value of each channel of each device by device time, whatever the order in which readings came: what a person asks for who
 * asks how the appliance is. Held in memory; a reading that is the newest of its device costs one pass over its channels.
 */
import { type ApplianceType, readingLayout } from '#catalogue/appliance-type.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import { numberColumnsBefore, type Reading } from '#kernel/reading.ts'

export interface LatestValue {
  readonly channel: string
  readonly value: number | boolean | string
  readonly observed_at_ms: number
  readonly received_at_ms: number
}

export interface Heard {
  readonly received_ms: number
  readonly firmware: string | undefined
}

export interface LatestValues {
  /** Takes a reading, in any order. */
  observe(reading: Reading): void
  /** Channels of a device with their values, in the order of the type, texts last; empty when nothing came. */
  of(tenant: string, device: string): readonly LatestValue[]
  /** Devices by type: how many were heard at all, and how many not since `sinceMs` (time of receipt). */
  heard(sinceMs: (type: string) => number): ReadonlyMap<string, { readonly devices: number; readonly silent: number }>
  /** Time of the last receipt of each device of a tenant, and the firmware that it named last. */
  heardAt(tenant: string): ReadonlyMap<string, Heard>
  snapshot(): unknown
  restore(state: unknown): void
}

/** Numbers kept of a column beside its value, next to each other: device time, receipt, and rank among readings of one device time. */
const CELLS = 4
const OBSERVED = 1
const RECEIVED = 2
const RANK = 3
/** Boot and sequence number as one number; exact for the first two million boots. */
const rankOf = (boot: number, seq: number): number => boot * 2 ** 32 + seq

interface Device {
  readonly tenant: string
  readonly device: string
  readonly type: string
  /** How many columns are kept: those of the channels, without min and max. */
  readonly columns: number
  /** `CELLS * columns` numbers; NaN = no value yet. */
  readonly cells: Float64Array
  readonly texts: Map<string, LatestValue & { readonly boot: number; readonly seq: number }>
  /** Place of the newest reading, and the last receipt. */
  atMs: number
  boot: number
  seq: number
  receivedMs: number
  firmware?: string
}

const widths = new WeakMap<ApplianceType, number>()

/** Worked out once for a type; one that gains a channel is another record. */
function baseWidthOf(type: ApplianceType): number {
  const width = widths.get(type) ?? readingLayout(type).baseWidth
  widths.set(type, width)
  return width
}

/** Creates it empty. */
export function createLatestValues({ types }: { readonly types: (type: string) => ApplianceType | undefined }): LatestValues {
  const devices = new DeviceMap<Device>()

  /** Columns of the channels; of a type that is not known, all that the reading has. */
  const widthOf = ({ type: id, numbers }: Reading): number => {
    const type = types(id)
    return type === undefined ? numbers.length : baseWidthOf(type)
  }

  const deviceOf = (reading: Reading): Device => {
    const { tenant, device, type } = reading
    const found = devices.get(tenant, device)
    const isSame = found !== undefined && found.type === type && (found.columns === reading.numbers.length || found.columns === widthOf(reading))
    if (isSame) return found
    const columns = widthOf(reading)
    const cells = new Float64Array(CELLS * columns).fill(Number.NaN)
    const made: Device = { tenant, device, type, columns, cells, texts: new Map(), atMs: -1, boot: -1, seq: -1, receivedMs: -1 }
    devices.set(tenant, device, made)
    return made
  }

  return {
    observe(reading) {
      const device = deviceOf(reading)
      const { observed_at_ms: atMs, received_at_ms: receivedMs, boot, seq } = reading
      const isNewest = (atMs - device.atMs || boot - device.boot || seq - device.seq) > 0
      if (isNewest) {
        device.atMs = atMs
        device.boot = boot
        device.seq = seq
        if (reading.fw !== undefined) device.firmware = reading.fw
      }
      if (receivedMs > device.receivedMs) device.receivedMs = receivedMs
      takeNumbers(device, reading, isNewest)
      for (const [channel, value] of reading.texts) {
        const held = device.texts.get(channel)
        if (held !== undefined && (atMs - held.observed_at_ms || boot - held.boot || seq - held.seq) < 0) continue
        device.texts.set(channel, { channel, value, observed_at_ms: atMs, received_at_ms: receivedMs, boot, seq })
      }
    },
    of(tenant, name) {
      const device = devices.get(tenant, name)
      const type = device === undefined ? undefined : types(device.type)
      if (device === undefined || type === undefined) return []
      const { indexOf } = readingLayout(type)
      const numbers = type.channels.flatMap((channel): LatestValue[] => {
        const column = indexOf.get(channel.name)
        if (column === undefined || column >= device.columns) return []
        const at = (cell: number): number => device.cells[column * CELLS + cell] ?? Number.NaN
        const number = at(0)
        if (Number.isNaN(number)) return []
        const value = channel.kind === 'boolean' ? number === 1 : number
        return [{ channel: channel.name, value, observed_at_ms: at(OBSERVED), received_at_ms: at(RECEIVED) }]
      })
      const texts = [...device.texts.values()].map(({ boot: _boot, seq: _seq, ...text }) => text)
      return [...numbers, ...texts.sort((a, b) => (a.channel < b.channel ? -1 : 1))]
    },
    heard(sinceMs) {
      const counts = new Map<string, { devices: number; silent: number }>()
      for (const { type, receivedMs } of devices.values()) {
        const count = counts.get(type) ?? { devices: 0, silent: 0 }
        counts.set(type, count)
        count.devices++
        if (receivedMs < sinceMs(type)) count.silent++
      }
      return counts
    },
    heardAt: (tenant) => new Map(devices.ofTenant(tenant).map(([name, { receivedMs, firmware }]) => [name, { received_ms: receivedMs, firmware }])),
    snapshot: () => devices.values(),
    restore(state) {
      devices.clear()
      for (const device of state as readonly Device[]) {
        const { columns, cells } = inOrder(device, types(device.type))
        devices.set(device.tenant, device.device, { ...device, columns, cells, texts: new Map(device.texts) })
      }
    },
  }
}

function takeNumbers({ cells, columns }: Device, reading: Reading, isNewest: boolean): void {
  const { numbers, observed_at_ms: atMs, received_at_ms: receivedMs } = reading
  const rank = rankOf(reading.boot, reading.seq)
  for (let column = 0; column < columns; column++) {
    const value = numbers[column] ?? Number.NaN
    if (Number.isNaN(value)) continue
    const cell = column * CELLS
    if (!isNewest) {
      const heldMs = cells[cell + OBSERVED] ?? Number.NaN
      if (heldMs > atMs || (heldMs === atMs && (cells[cell + RANK] ?? 0) > rank)) continue
    }
    cells[cell] = value
    cells[cell + OBSERVED] = atMs
    cells[cell + RECEIVED] = receivedMs
    cells[cell + RANK] = rank
  }
}

/** The columns of a saved device as they are now: versions before kept min and max, too, behind their channel. */
function inOrder({ columns, cells }: Device, type: ApplianceType | undefined): Pick<Device, 'columns' | 'cells'> {
  const before = type === undefined ? [] : numberColumnsBefore(type.channels)
  if (type === undefined || columns !== before.length || columns === readingLayout(type).baseWidth) return { columns, cells: cells.slice() }
  const { columns: names, baseWidth } = readingLayout(type)
  const ordered = names.slice(0, baseWidth).flatMap((name) => {
    const from = before.indexOf(name) * CELLS
    return [...cells.slice(from, from + CELLS)]
  })
  return { columns: baseWidth, cells: Float64Array.from(ordered) }
}
