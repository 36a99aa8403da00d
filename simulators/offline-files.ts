/**
 * Files of an offline fleet: readings as rows of fixed length or as CSV, and the truth as one JSON document beside them.
 * The form is described in docs/simulators.md.
 */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { FleetReading } from './fleet-reading.ts'
import type { SliceTruth } from './offline-run.ts'

export const FORMATS = ['none', 'binary', 'csv'] as const
export type Format = (typeof FORMATS)[number]

export interface ReadingWriter {
  write(reading: FleetReading): void
  close(): void
}

/** Bytes gathered before they are written. */
const BUFFER_BYTES = 4 * 1024 * 1024
/** Time as float64, then unit, boot and sequence number as uint32. */
const HEAD_BYTES = 20

/** Opens `<folder>/<name>.bin` or `.csv`; `none` writes nothing. */
export function createReadingWriter(format: Format, type: ApplianceType, folder: string, name: string): ReadingWriter {
  if (format === 'none') return { write: () => undefined, close: () => undefined }
  return format === 'csv' ? csvWriter(type, join(folder, `${name}.csv`)) : binaryWriter(type, join(folder, name))
}

function binaryWriter(type: ApplianceType, path: string): ReadingWriter {
  const file = openSync(`${path}.bin`, 'w')
  const columns = type.channels.filter(({ kind }) => kind !== 'text').map(({ name }) => name)
  const places = type.channels.flatMap(({ kind }, index) => (kind === 'text' ? [] : [index]))
  const rowBytes = HEAD_BYTES + 4 * places.length
  const buffer = Buffer.alloc(Math.floor(BUFFER_BYTES / rowBytes) * rowBytes)
  const devices = new Map<string, number>()
  let used = 0
  const flush = (): void => {
    writeSync(file, buffer, 0, used)
    used = 0
  }
  return {
    write({ device, boot, seq, observed_at_ms, values }) {
      const unit = devices.get(device) ?? devices.size
      devices.set(device, unit)
      let at = buffer.writeDoubleLE(observed_at_ms, used)
      at = buffer.writeUInt32LE(unit, at)
      at = buffer.writeUInt32LE(boot, at)
      at = buffer.writeUInt32LE(seq, at)
      for (const place of places) at = buffer.writeFloatLE(values[place] ?? Number.NaN, at)
      used = at
      if (used === buffer.length) flush()
    },
    close() {
      flush()
      closeSync(file)
      const head = {
        type: type.id,
        row_bytes: rowBytes,
        head: ['observed_at_ms:f64', 'unit:u32', 'boot:u32', 'seq:u32'],
        columns,
        devices: [...devices.keys()],
      }
      writeFileSync(`${path}.json`, `${JSON.stringify(head, undefined, 2)}\n`)
    },
  }
}

function csvWriter(type: ApplianceType, path: string): ReadingWriter {
  const file = openSync(path, 'w')
  let text = `device,observed_at_ms,boot,seq,fw,${type.channels.map(({ name }) => name).join(',')}\n`
  const flush = (): void => {
    writeSync(file, text)
    text = ''
  }
  return {
    write({ device, boot, seq, observed_at_ms, fw, values, texts }) {
      const cells = type.channels.map(({ kind, name }, index) => {
        if (kind === 'text') return texts.get(name) ?? ''
        const value = values[index] ?? Number.NaN
        return Number.isNaN(value) ? '' : String(value)
      })
      text += `${device},${observed_at_ms},${boot},${seq},${fw},${cells.join(',')}\n`
      if (text.length > BUFFER_BYTES) flush()
    },
    close() {
      flush()
      closeSync(file)
    },
  }
}

/** What the truth of a run says of itself. */
export interface TruthHead {
  readonly seed: string
  readonly start_ms: number
  readonly end_ms: number
  readonly sample_period_ms: number
}

/** Text of the truth document; units, faults and confusers in a fixed order, so that equal runs give equal bytes. */
export function truthText(head: TruthHead, slices: readonly SliceTruth[]): string {
  const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  const units = slices.flatMap((slice) => slice.units).sort((a, b) => byText(a.device, b.device))
  const faults = slices
    .flatMap((slice) => slice.faults)
    .sort((a, b) => byText(a.device, b.device) || a.onset_ms - b.onset_ms || byText(a.fault, b.fault))
  const unique = new Map(slices.flatMap((slice) => slice.confusers).map((span) => [JSON.stringify(span), span]))
  const confusers = [...unique.entries()].sort(([a, { from_ms }], [b, other]) => from_ms - other.from_ms || byText(a, b)).map(([, span]) => span)
  return `${JSON.stringify({ format: 1, ...head, units, faults, confusers }, undefined, 1)}\n`
}
