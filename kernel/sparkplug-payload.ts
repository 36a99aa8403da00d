/**
 * Sparkplug B payloads from their bytes (Protocol Buffers, schema of the Sparkplug 3.0 specification, chapter 6). It gives each value with
 * the field that carried it, so that nobody mistakes an absent value for 0: a decoder made from the schema fills in defaults. Templates,
 * data sets and arrays are named and not unpacked. Shared by the door, which needs births, and by decoding.
 */

/** Indexes of the specification's data types that carry one value. */
export const SPARKPLUG_TYPES: Readonly<Record<number, string>> = {
  1: 'Int8',
  2: 'Int16',
  3: 'Int32',
  4: 'Int64',
  5: 'UInt8',
  6: 'UInt16',
  7: 'UInt32',
  8: 'UInt64',
  9: 'Float',
  10: 'Double',
  11: 'Boolean',
  12: 'String',
  13: 'DateTime',
  14: 'Text',
  15: 'UUID',
}

/** Tells whether a metric says something of the node and its session, not of an appliance. */
export const isOfTheNode = (name: string): boolean => /^(bdSeq$|Node Control\/|Device Control\/|Node Info\/|Properties\/)/.test(name)

/** A value as it came: whole numbers unsigned, as the wire has them. */
export type SparkplugValue =
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float' | 'double'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'other' }

export interface SparkplugMetric {
  readonly name: string | undefined
  readonly alias: number | undefined
  readonly timestamp: number | undefined
  readonly datatype: number | undefined
  readonly isHistorical: boolean
  readonly isNull: boolean
  /** Property `Quality`: 192 good, 0 bad, 500 stale. */
  readonly quality: number | undefined
  readonly value: SparkplugValue | undefined
}

export interface SparkplugPayload {
  readonly timestamp: number | undefined
  readonly seq: number | undefined
  readonly metrics: readonly SparkplugMetric[]
}

/** Reads a payload; undefined when the bytes are none. */
export function readSparkplug(bytes: Uint8Array): SparkplugPayload | undefined {
  try {
    let timestamp: number | undefined
    let seq: number | undefined
    const metrics: SparkplugMetric[] = []
    for (const { field, wire, value } of fieldsOf(bytes)) {
      if (field === 1) timestamp = Number(asVarint(wire, value))
      else if (field === 2) metrics.push(readMetric(asBytes(wire, value)))
      else if (field === 3) seq = Number(asVarint(wire, value))
    }
    return { timestamp, seq, metrics }
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

class Malformed extends Error {}

interface Draft {
  name: string | undefined
  alias: number | undefined
  timestamp: number | undefined
  datatype: number | undefined
  isHistorical: boolean
  isNull: boolean
  quality: number | undefined
  value: SparkplugValue | undefined
}

function readMetric(bytes: Uint8Array): SparkplugMetric {
  const metric: Draft = {
    name: undefined,
    alias: undefined,
    timestamp: undefined,
    datatype: undefined,
    isHistorical: false,
    isNull: false,
    quality: undefined,
    value: undefined,
  }
  for (const { field, wire, value } of fieldsOf(bytes)) {
    if (field === 1) metric.name = asText(wire, value)
    else if (field === 2) metric.alias = Number(asVarint(wire, value))
    else if (field === 3) metric.timestamp = Number(asVarint(wire, value))
    else if (field === 4) metric.datatype = Number(asVarint(wire, value))
    else if (field === 5) metric.isHistorical = asVarint(wire, value) !== 0n
    else if (field === 7) metric.isNull = asVarint(wire, value) !== 0n
    else if (field === 9) metric.quality = readQuality(asBytes(wire, value))
    else if (field >= 10 && field <= 19) metric.value = readValue(field, wire, value)
  }
  return metric
}

function readValue(field: number, wire: number, value: bigint | Uint8Array): SparkplugValue {
  if (field === 10 || field === 11) return { kind: 'int', value: asVarint(wire, value) }
  if (field === 12) return { kind: 'float', value: view(asFixed(wire, value, 5)).getFloat32(0, true) }
  if (field === 13) return { kind: 'double', value: view(asFixed(wire, value, 1)).getFloat64(0, true) }
  if (field === 14) return { kind: 'boolean', value: asVarint(wire, value) !== 0n }
  return field === 15 ? { kind: 'string', value: asText(wire, value) } : { kind: 'other' }
}

/** The whole number of the property `Quality`; keys and values of a property set are two lists of one order. */
function readQuality(bytes: Uint8Array): number | undefined {
  const keys: string[] = []
  const values: Array<number | undefined> = []
  for (const { field, wire, value } of fieldsOf(bytes)) {
    if (field === 1) keys.push(asText(wire, value))
    if (field === 2) {
      const whole = [...fieldsOf(asBytes(wire, value))].find((inner) => inner.field === 3 || inner.field === 4)
      values.push(whole === undefined ? undefined : Number(asVarint(whole.wire, whole.value)))
    }
  }
  const index = keys.findIndex((key) => key.toLowerCase() === 'quality')
  return index < 0 ? undefined : values[index]
}

interface WireField {
  readonly field: number
  readonly wire: number
  readonly value: bigint | Uint8Array
}

const decoder = new TextDecoder('utf-8', { fatal: true })
const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function asVarint(wire: number, value: bigint | Uint8Array): bigint {
  if (wire !== 0 || typeof value !== 'bigint') throw new Malformed()
  return value
}

function asFixed(wire: number, value: bigint | Uint8Array, wanted: number): Uint8Array {
  if (wire !== wanted || typeof value === 'bigint') throw new Malformed()
  return value
}

const asBytes = (wire: number, value: bigint | Uint8Array): Uint8Array => asFixed(wire, value, 2)

function asText(wire: number, value: bigint | Uint8Array): string {
  try {
    return decoder.decode(asBytes(wire, value))
  } catch {
    throw new Malformed()
  }
}

/** Fields of a message in order: varint (0), 8 bytes (1), length-delimited (2), 4 bytes (5). */
function* fieldsOf(bytes: Uint8Array): Generator<WireField> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Malformed()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new Malformed()
  }
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Malformed()
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const [field, wire] = [Math.floor(tag / 8), tag % 8]
    if (field === 0) throw new Malformed()
    if (wire === 0) yield { field, wire, value: varint() }
    else if (wire === 1) yield { field, wire, value: take(8) }
    else if (wire === 2) yield { field, wire, value: take(Number(varint())) }
    else if (wire === 5) yield { field, wire, value: take(4) }
    else throw new Malformed()
  }
}
