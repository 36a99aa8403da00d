/**
 * Holds readings of a file against decoding itself, the same that runs behind the journal: what it would set aside is taken out and told
 * with its place in the file; the rest is given as payloads within the limits of the contract.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { EpochMs } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { QuarantineEntry } from '#kernel/reading.ts'
import { decodeMessage } from '../decode.ts'
import type { ColumnPlan } from './column-plan.ts'
import type { KeptReading } from './conflicts.ts'
import { type ReportEntry, shown } from './import-report.ts'
import type { RowReading } from './row-readings.ts'

interface CheckOptions {
  readonly tenant: string
  readonly device: string
  readonly typeName: string
  readonly type: ApplianceType
  readonly limits: CheckLimits
  readonly plan: ColumnPlan
  readonly receivedAtMs: EpochMs
}

/** Readings that go out in one payload. */
interface CheckedBatch {
  readonly kept: readonly KeptReading[]
  readonly payload: Uint8Array
}

interface Checked {
  readonly batches: readonly CheckedBatch[]
  readonly report: readonly ReportEntry[]
  readonly badRows: number
  readonly badValues: number
}

/** Complaints of one payload that are told; each value of it may be wrong. */
const COMPLAINTS_MAX = 1_000_000

/** Limits of decoding in a check; made once an import, since scanners are kept by them. */
export const checkLimits = (limits: Limits) => ({ ...limits, quarantinePerPayload_MAX: COMPLAINTS_MAX, keyless: 'of bytes' as const })
export type CheckLimits = ReturnType<typeof checkLimits>

/** Checks readings of one device in order. */
export function checkReadings(readings: readonly RowReading[], options: CheckOptions): Checked {
  const checked: CheckedBatch[] = []
  const report: ReportEntry[] = []
  const counts = { badRows: 0, badValues: 0 }
  const decode = (batch: readonly RowReading[]) => {
    const payload = encode(batch)
    const { quarantine, readings: decoded } = decodeMessage(messageOf(payload, options), options.type, options.limits)
    const kept: KeptReading[] = []
    for (const [index, row] of batch.entries()) if (decoded[index] !== undefined) kept.push({ row, reading: decoded[index] })
    return { payload, quarantine, kept }
  }
  for (const batch of batches(readings, options.limits)) {
    const { payload, quarantine, kept: whole } = decode(batch)
    if (quarantine.length === 0) {
      checked.push({ kept: whole, payload })
      continue
    }
    const removed = new Set<number>()
    const faults = new Map<number, number>()
    for (const entry of quarantine) {
      report.push(takeOut(batch, removed, { entry, ...options }))
      const index = indexOf(entry)
      faults.set(index, (faults.get(index) ?? 0) + 1)
    }
    // Without a key a reading is its values; where none is left there is none.
    for (const [index] of faults) if (isNothing(batch[index]?.item)) removed.add(index)
    for (const [index, own] of faults) if (!removed.has(index)) counts.badValues += own
    const kept = batch.filter((_, index) => !removed.has(index))
    for (const index of removed) counts.badRows += batch[index]?.rows ?? 0
    // Without what was wrong the rest decodes; a key of content may be another one now.
    if (kept.length > 0) checked.push(decode(kept))
  }
  return { batches: checked, report, ...counts }
}

/** Payload of the readings that are left when those in conflict stay out; undefined when none is. */
export function payloadWithout({ kept, payload }: CheckedBatch, conflicts: ReadonlyMap<KeptReading, string>): Uint8Array | undefined {
  if (conflicts.size === 0) return payload
  const left = kept.filter((own) => !conflicts.has(own))
  if (left.length === 0) return undefined
  return left.length === kept.length ? payload : encode(left.map(({ row }) => row))
}

/** Line of the report of a reading that stays out because its key stands for something else. */
export function conflictLine({ row, reading }: KeptReading, reason: string): ReportEntry {
  const isKeyed = row.item.seq !== undefined
  return {
    ...{ line: row.line, column: isKeyed ? 'seq' : null, value: isKeyed ? String(row.item.seq) : null },
    ...{ code: 'MDL_INGEST_CONFLICT', reason, device: reading.device },
  }
}

/** Bytes of which keys may be made. */
const encode = (batch: readonly RowReading[]): Uint8Array => Buffer.from(JSON.stringify(batch.map(({ item }) => item)))

function messageOf(payload: Uint8Array, { tenant, device, typeName, limits, receivedAtMs }: CheckOptions): AcceptedMessage {
  return { tenant, device, type: typeName, kind: 'tele', payload, received_at_ms: receivedAtMs, maxAgeDays: limits.deviceAgeDays_MAX }
}

/** Bytes that a reading takes at most beside its values: envelope, quotes and separators. */
const ENVELOPE_BYTES = 220
const NUMBER_BYTES = 26

/** Cuts readings into payloads within the limits of count and bytes. */
function* batches(readings: readonly RowReading[], { importReadingsPerMessage, packetBytes_MAX }: Limits): Generator<readonly RowReading[]> {
  let batch: RowReading[] = []
  let bytes = 2
  for (const reading of readings) {
    const own = bytesOf(reading)
    if (batch.length >= importReadingsPerMessage || (batch.length > 0 && bytes + own > packetBytes_MAX)) {
      yield batch
      batch = []
      bytes = 2
    }
    batch.push(reading)
    bytes += own
  }
  if (batch.length > 0) yield batch
}

/** An upper bound; texts are counted as if each character were escaped or of three bytes. */
function bytesOf({ item }: RowReading): number {
  let bytes = ENVELOPE_BYTES + 6 * (item.fw?.length ?? 0)
  // Own names only: what reads a row makes the record.
  for (const name in item.v) {
    const value = item.v[name]
    bytes += name.length + 4 + (typeof value === 'string' ? 6 * value.length : typeof value === 'object' ? 3 * NUMBER_BYTES + 30 : NUMBER_BYTES)
  }
  return bytes
}

const indexOf = ({ field }: QuarantineEntry): number => Number(/^\[(\d+)\]/.exec(field)?.[1] ?? 0)
const isNothing = (item: RowReading['item'] | undefined): boolean => item?.seq === undefined && Object.keys(item?.v ?? {}).length === 0

/** Removes what the complaint is about and gives its line of the report. */
function takeOut(
  batch: readonly RowReading[],
  removed: Set<number>,
  { entry, plan, device }: { readonly entry: QuarantineEntry; readonly plan: ColumnPlan; readonly device: string },
): ReportEntry {
  const { code, reason } = entry
  const path = entry.field.replace(/^\[\d+\]\.?/, '')
  const reading = batch[indexOf(entry)]
  if (reading === undefined) return { line: 0, column: null, value: null, code, reason, device }
  const [, channel] = /^v\.([^.]+)/.exec(path) ?? []
  const { item } = reading
  if (channel !== undefined) {
    const value = shown(item.v[channel])
    delete item.v[channel]
    const column = plan.form === 'long' ? 'value' : (plan.channels.find((own) => own.channel === channel)?.column ?? channel)
    return { line: reading.lines?.get(channel) ?? reading.line, column, value, code, reason, device }
  }
  if (path === 'fw') {
    const value = shown(item.fw)
    delete item.fw
    return { line: reading.line, column: 'fw', value, code, reason, device }
  }
  removed.add(indexOf(entry))
  return {
    line: reading.line,
    column: path === 'ts' ? plan.time.column : path === '' ? null : path,
    value: path === 'ts' ? String(item.ts) : null,
    code,
    reason,
    device,
  }
}
