/** From an OPC UA DataValue to the record that the journal keeps, and the identity of a value, by which repeats are known. */
import { DataType, type DataValue, VariantArrayType } from 'node-opcua-client'
import type { OpcuaValue } from '#kernel/opcua-record.ts'
import type { ResolvedNode } from './opcua-nodes.ts'

/** A value on its way, with the instant that it counts from. */
export interface Observed {
  readonly node: ResolvedNode
  readonly ms: number
  /** The same for the same value of a variable at the same instant. */
  readonly print: string
  readonly record: OpcuaValue
  readonly hasOverflow: boolean
}

export interface ObservedOptions {
  readonly nowMs: number
  readonly isHistory: boolean
}

/** Info bits of a status code (OPC UA part 4, 7.39): the type says that a data value is meant, the flag that the server's queue ran over. */
const INFO_OF_DATA_VALUE = 0x400
const INFO_BITS = 0xc00
const OVERFLOW = 0x80

export function observe(node: ResolvedNode, given: DataValue, { nowMs, isHistory }: ObservedOptions): Observed {
  const { statusCode, value: variant } = given
  const status = statusCode.value >>> 0
  const sourceMs = given.sourceTimestamp?.getTime()
  const serverMs = given.serverTimestamp?.getTime()
  const isArray = variant !== undefined && variant.arrayType !== VariantArrayType.Scalar
  const type = `${DataType[variant?.dataType ?? DataType.Null]}${isArray ? '[]' : ''}`
  const value = isArray || variant === undefined ? undefined : plain(variant.dataType, variant.value)
  const record: OpcuaValue = {
    node: node.id,
    channel: node.channel,
    ...(node.declared === undefined ? {} : { declared: node.declared }),
    type,
    status,
    status_name: statusCode.name,
    ...(sourceMs === undefined ? {} : { source_ms: sourceMs }),
    ...(serverMs === undefined ? {} : { server_ms: serverMs }),
    ...(isHistory ? { hist: true } : {}),
    ...(node.hasHistory ? {} : { forgotten: true }),
    ...(value === undefined ? {} : { value }),
    ...(node.unit === undefined ? {} : { unit: node.unit }),
    ...(node.unitWanted === undefined ? {} : { unit_wanted: node.unitWanted }),
    ...(node.quality === undefined ? {} : { quality: node.quality }),
  }
  const hasOverflow = (status & INFO_BITS) === INFO_OF_DATA_VALUE && (status & OVERFLOW) !== 0
  const ms = sourceMs ?? serverMs ?? nowMs
  // The lower half of a status says how a value came, not what it is.
  return { node, ms, print: `${ms}/${status >>> 16}/${type}/${String(value)}`, record, hasOverflow }
}

/** Far above what a text channel takes, so a longer text is refused for its length, and a record stays small. */
const TEXT_MAX = 1_024

/** What JSON carries exactly; undefined for what is no single value. */
function plain(dataType: DataType, value: unknown): number | boolean | string | undefined {
  if (dataType === DataType.Int64 || dataType === DataType.UInt64) return wideNumber(value, dataType === DataType.Int64)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (dataType === DataType.String && typeof value === 'string') return value.slice(0, TEXT_MAX)
  return typeof value === 'boolean' ? value : undefined
}

/** Whole numbers of 64 bits come as two halves of 32. */
function wideNumber(value: unknown, isSigned: boolean): string | undefined {
  if (!Array.isArray(value)) return undefined
  const whole = (BigInt(value[0] >>> 0) << 32n) + BigInt(value[1] >>> 0)
  return String(isSigned ? BigInt.asIntN(64, whole) : whole)
}
