/**
 * What every form of payload is turned into: readings as the contract's JSON has them (`ts`, `seq`, `boot`, `hist`, `fw`, `v`), not yet
 * checked, each with its place in the payload, so that a complaint names what the sender wrote. Checks of times, channels, types and
 * ranges come afterwards and are the same for all forms.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Complain } from '../decode-complaints.ts'

export interface FormItem {
  /** A reading of the contract, or whatever stood where one belongs. */
  readonly item: unknown
  /** Where it stands in the payload; empty for the whole. */
  readonly path: string
  /** Where the value of a channel stands; absent = below `v` of the path. */
  readonly fieldOf?: (channel: string) => string
  /** What its key is made of when it has no `seq`; absent = the item itself. */
  readonly key?: KeyContent
  /** Where its time stands, and what is said when that cannot be read; absent = `ts` below the path. */
  readonly time?: { readonly field: string; readonly reason: string }
}

/** Content that makes a key; readings of one device and instant that are of different sides never have the same one. */
export interface KeyContent {
  readonly content: unknown
  readonly side: 0 | 1
}

export interface FormOptions {
  readonly type: ApplianceType
  readonly complain: Complain
  readonly limits: Pick<Limits, 'readingsPerPayload_MAX' | 'jsonDepth_MAX'>
  readonly mappingOf: MappingOf
  /** For the safety rules: where two values claim one channel at one time, both are given, the one that is not stored in an item of its own. */
  readonly isForSafety?: boolean
}

/** A mapping of a user, ready to be applied: made once from its YAML, then a pure function of a payload. */
export interface CompiledMapping {
  /** Reads a parsed payload; undefined when it cannot be read at all, which is complained about. */
  read(value: unknown, message: AcceptedMessage, options: FormOptions): readonly FormItem[] | undefined
}

/** The mapping of a tenant by `id@version`; undefined when it never existed. A version never changes. */
export type MappingOf = (tenant: string, reference: string) => CompiledMapping | undefined

/** Complaint with the path within one item put where the sender finds it. */
export function complainAt({ path, fieldOf, time }: FormItem, complain: Complain): Complain {
  if (fieldOf === undefined) return complain
  const values = at(path, 'v.')
  return (code, field, reason, observedAtMs) => {
    if (time !== undefined && field === at(path, 'ts'))
      return complain(code, time.field, code === 'MDL_INGEST_FIELD_INVALID' ? time.reason : reason, observedAtMs)
    if (!field.startsWith(values)) return complain(code, field, reason, observedAtMs)
    const channel = field.slice(values.length)
    const dot = channel.indexOf('.')
    const place = dot < 0 ? fieldOf(channel) : `${fieldOf(channel.slice(0, dot))}${channel.slice(dot)}`
    complain(code, place, reason, observedAtMs)
  }
}

/** Path of an entry of a list, and of a field in a record. */
export const at = (path: string, field: string | number): string =>
  typeof field === 'number' ? `${path}[${field}]` : path === '' ? field : `${path}.${field}`
